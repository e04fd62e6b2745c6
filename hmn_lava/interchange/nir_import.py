"""NIR graphs as specs: from files, and from the objects of the ``nir`` package.

Each neuron node becomes a population, each set of weights between two of them a connection with the graph's own
numbers. Where two sets of weights follow each other without neurons between (a pool and a convolution), a relay holds
the values between them. All layers see the same step; what closes a loop takes a step.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path as FilePath
from typing import Any

import numpy as np

from hmn_lava.errors import InputError
from hmn_lava.interchange.imported import Imported
from hmn_lava.interchange.nir_bounds import bound_messages, close_loops
from hmn_lava.interchange.nir_build import Build
from hmn_lava.interchange.nir_convention import convention_of
from hmn_lava.interchange.nir_graph import Graph, Node, read_graph
from hmn_lava.interchange.nir_neurons import NEURONS, neurons_of
from hmn_lava.interchange.nir_record import record_of
from hmn_lava.interchange.nir_shapes import WINDOWS, find_shapes
from hmn_lava.interchange.nir_signal import Path, Shape, Signal, parameter, uniform, window_of
from hmn_lava.spec import resolve, spec_from_dict
from hmn_lava.spec.nir import NirConvention

WEIGHTED = ("Affine", "Linear", *WINDOWS)


def import_nir(
    source: Any,
    *,
    dt: float | None = None,
    convention: str = "nir",
    discretisation: str | None = None,
    reset: str | None = None,
    threshold: str | None = None,
    synapse: str | None = None,
    integrator: str | None = None,
    input_range: Sequence[float] | str = (0.0, 1.0),
    voltage_max: float | None = None,
    name: str | None = None,
) -> Imported:
    """Read a NIR graph: a file's path (``h5py`` reads it), or a ``nir.NIRGraph``.

    ``dt``: the time step, in the unit of the graph's time constants; needed where it has any. ``convention``: whose
    graph it is (nir, snntorch, norse, sinabs, spikingjelly), which says how time is made discrete and what a reset
    does; ``discretisation``, ``reset``, ``threshold``, ``synapse`` and ``integrator`` change that, see
    :class:`hmn_lava.spec.nir.NirConvention`. ``input_range``: (low, high) of the input's values, or
    ``spike`` where they are 0 and 1. ``voltage_max``: at which voltages that are sent saturate, else what they can
    reach. ``name``: of the spec, else the file's.

    Raises InputError that names the node for a file or graph that is broken, or that a spec cannot hold.
    """
    how = convention_of(
        convention, discretisation=discretisation, reset=reset, threshold=threshold, synapse=synapse,
        integrator=integrator,
    )  # fmt: skip
    if dt is not None and (isinstance(dt, bool) or not isinstance(dt, (int, float)) or not 0.0 < dt < np.inf):
        raise InputError("must be a number above 0", field="dt", value=dt, remedy="give the time step, such as 1e-3")
    tree: Mapping[str, Any]
    if isinstance(source, (str, os.PathLike)):
        from hmn_lava.interchange.nir_file import read_nir

        tree, file, stem = read_nir(FilePath(source)), str(source), FilePath(source).stem
    else:
        tree, file, stem = _tree(source), "NIR graph", "network"
    graph = read_graph(tree, file)
    from hmn_lava.interchange.nir_metadata import embedded, own_dt

    whole = embedded(graph)
    if whole is not None:
        return whole
    if dt is None:
        dt = own_dt(graph)
    return Import(graph, dt, how, _input_fields(input_range)).run(name or stem, voltage_max)


def _tree(source: Any) -> Mapping[str, Any]:
    if not hasattr(source, "to_dict") or type(source).__name__ != "NIRGraph":
        problem = f"is neither a file nor a NIR graph, but {type(source).__name__}"
        raise InputError(problem, field="source", remedy="give a path, or a nir.NIRGraph")
    tree: Mapping[str, Any] = source.to_dict()
    return tree


def _input_fields(given: Sequence[float] | str) -> dict[str, Any]:
    if given == "spike":
        return {"signal": "spike"}
    try:
        low, high = (float(value) for value in given)
    except (TypeError, ValueError):
        raise InputError("is no range", field="input_range", value=given, remedy="give (low, high), or spike") from None
    return {"range": [low, high]}


@dataclass
class Import:
    """One graph on its way to a spec."""

    graph: Graph
    dt: float | None
    how: NirConvention
    input: dict[str, Any]
    before: dict[str, list[str]] = field(default_factory=dict)
    behind: dict[str, list[str]] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)
    signals: dict[str, Signal] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)  # the population that each Output node shows

    def __post_init__(self) -> None:
        self.build = Build(self.graph)
        self.before = {name: [] for name in self.graph.nodes}
        self.behind = {name: [] for name in self.graph.nodes}
        for first, second in self.graph.edges:
            self.before[second].append(first)
            self.behind[first].append(second)

    def run(self, name: str, voltage_max: float | None) -> Imported:
        nodes = self.graph.nodes.values()
        inputs = [n for n in nodes if n.type == "Input" and not self.before[n.name]]
        if not inputs:
            raise self.graph.wrong("nodes", "have no Input", None, "add an Input node with the shape of the data")
        self.shapes = find_shapes(self.graph, self.behind, inputs)
        for node in inputs:
            self.signals[node.name] = self.build.input(node.name, self.shapes[node.name], self.input)
        neurons = [n for n in nodes if n.type in NEURONS]
        names = {n.name: self.build.declare(n.name, self._shape(n)) for n in neurons}
        self.signals |= {node: self.build.sent(population) for node, population in names.items()}
        for node in self._linear_order():
            self.signals[node.name] = self._apply(node, self._arriving(node))
        for node in neurons:
            if not self.before[node.name]:
                self.graph.tell("no-input", node.name, "no edge", "an edge", "Nothing arrives at it.")
            form = neurons_of(self.graph, node, self._shape(node), self.dt, self.how)
            self.build.neurons(names[node.name], node, self._arriving(node), form)
        self._show()
        order = close_loops(self.build)
        bound_messages(self.build, order, voltage_max)
        return self._done(name, self.signals[inputs[0].name].paths[0].source, order)

    def _done(self, name: str, first: str, order: list[str]) -> Imported:
        letters = "".join(c if c.isascii() and c.isalnum() else "_" for c in name)[:60]
        data = {
            "hmn_lava": 1,
            "name": letters if letters[:1].isalpha() else f"net_{letters}",
            "description": f"NIR graph {FilePath(self.graph.file).name}"[:200],
            "populations": self.build.populations,
            "connections": self.build.connections,
            "nir": record_of(self.graph, self.dt, self.how, self.build.connections),
        }
        try:
            spec = spec_from_dict(data)
            resolve(spec)
        except InputError as error:
            raise self.graph.wrong(error.field, error.problem, error.value, error.remedy) from None
        outputs = list(dict.fromkeys(self.outputs.values()))
        if len(outputs) > 1:
            self.graph.tell("outputs", "Output", ", ".join(outputs)[:200], "one", "All are in the spec.", "info")
        rows = {row.name: row for row in self.build.rows}
        layers = tuple(rows[name] for name in order if name in rows)
        return Imported(spec, layers, tuple(self.graph.findings), first, outputs[0])

    # ---- shapes

    def _shape(self, node: Node) -> Shape:
        if node.name not in self.shapes:
            remedy = "connect it, or give its parameters the shape of its neurons"
            raise self.graph.wrong(node.name, "has no shape: no path leads to it from an Input", None, remedy)
        return self.shapes[node.name]

    # ---- signals

    def _linear_order(self) -> list[Node]:
        """All nodes without a state, each behind those that it reads."""
        linear = {n.name for n in self.graph.nodes.values() if n.type not in NEURONS and n.name not in self.signals}
        missing = {name: sum(p in linear for p in self.before[name]) for name in linear}
        ready = deque(name for name in self.graph.nodes if missing.get(name) == 0)
        order = []
        while ready:
            name = ready.popleft()
            order.append(self.graph.nodes[name])
            for after in self.behind[name]:
                if after in linear:
                    missing[after] -= 1
                    if missing[after] == 0:
                        ready.append(after)
        if len(order) < len(linear):
            name = next(n for n in self.graph.nodes if missing.get(n, 0) > 0)
            raise self.graph.wrong(name, "is in a loop, or behind one, that has no neurons", None, "remove the loop")
        return order

    def _arriving(self, node: Node) -> Signal:
        """The sum of what reaches a node."""
        found = [self.signals[name] for name in self.before[node.name]]
        shape = self.shapes[node.name] if node.type in NEURONS else found[0].shape if found else (1,)
        for name, signal in zip(self.before[node.name], found, strict=True):
            if signal.size != prod(shape):
                problem = f"{signal.size} values of {name} {signal.shape} meet {prod(shape)} {shape}"
                raise self.graph.wrong(node.name, problem, None, "make the shapes of both ends of the edge equal")
        paths = tuple(path for signal in found for path in signal.paths)
        bias = sum((signal.bias for signal in found), np.zeros(1))
        return Signal(paths, shape, bias)

    def _apply(self, node: Node, signal: Signal) -> Signal:
        """What a node without a state makes of a signal."""
        if not self.before[node.name]:
            raise self.graph.wrong(node.name, "reads nothing", None, "connect it, or remove it")
        if node.type == "Scale":
            factor = parameter(self.graph, node, "scale", signal.shape)
            return Signal(tuple(p.scaled(factor) for p in signal.paths), signal.shape, signal.bias * factor)
        if node.type == "Delay":
            return self._delayed(node, signal)
        if node.type in WEIGHTED:
            held = any(path.weighted for path in signal.paths) or (node.type in WINDOWS and signal.bias.any())
            signal = self._held(node, signal) if held else signal
            return self._window(node, signal) if node.type in WINDOWS else self._matrix(node, signal)
        return Signal(signal.paths, self._shape(node), signal.bias)  # Flatten, and the ends of nested graphs

    def _held(self, node: Node, signal: Signal) -> Signal:
        """The signal through a relay, which all nodes behind the same one share."""
        (first, *others) = self.before[node.name]
        if others:
            return self.build.relay(f"{node.name}_in", signal)
        if any(path.weighted for path in self.signals[first].paths) or self.signals[first].bias.any():
            self.signals[first] = self.build.relay(first, signal)
        return self.signals[first]

    def _delayed(self, node: Node, signal: Signal) -> Signal:
        delay = parameter(self.graph, node, "delay", signal.shape)
        if delay.any() and self.dt is None:
            remedy = "give dt, in the unit of the graph's time constants"
            raise self.graph.wrong(node.name, "delays, and the graph says no time step", None, remedy)
        steps = delay / (self.dt or 1.0)
        whole = np.rint(steps)
        error = float(np.abs(steps - whole).max())
        if whole.min() < 0 or whole.max() > 63:
            worst = float(whole.min() if whole.min() < 0 else whole.max())
            raise self.graph.wrong(f"{node.name}.delay", "is not 0 to 63 steps", worst, "use another time step")
        if error > 1e-6:
            remedy = f"Delays are whole steps of {self.dt:g}."
            self.graph.tell("rounded-delay", node.name, f"{error:.3g} steps off", "whole steps", remedy)
        if signal.bias.any():
            signal = self._held(node, signal)
        return Signal(tuple(path.later(whole) for path in signal.paths), signal.shape, signal.bias)

    def _matrix(self, node: Node, signal: Signal) -> Signal:
        weight = node["weight"]
        if weight.ndim != 2 or weight.shape[1] != signal.size:
            problem = f"has shape {weight.shape}, and {signal.size} values {signal.shape} arrive"
            raise self.graph.wrong(f"{node.name}.weight", problem, None, "match the weights to what they read")
        bias = weight @ np.broadcast_to(signal.bias, (signal.size,)) if signal.bias.any() else np.zeros(1)
        if node.type == "Affine":
            bias = bias + parameter(self.graph, node, "bias", (weight.shape[0],))
        return Signal(tuple(self._weighted(p, node, weight, None) for p in signal.paths), (weight.shape[0],), bias)

    def _window(self, node: Node, signal: Signal) -> Signal:
        window, kernel, shape = window_of(self.graph, node, signal.shape)
        bias = np.zeros(1)
        if kernel is not None:
            each = node["bias"].reshape(-1)
            if each.size not in (1, shape[0]):
                problem = f"has {each.size} values, needs {shape[0]}"
                raise self.graph.wrong(f"{node.name}.bias", problem, None, "give one for each output channel")
            bias = uniform(np.repeat(np.broadcast_to(each, (shape[0],)), prod(shape[1:])))
        return Signal(tuple(self._weighted(p, node, kernel, window) for p in signal.paths), shape, bias)

    @staticmethod
    def _weighted(path: Path, node: Node, weights: Any, window: dict[str, Any] | None) -> Path:
        return Path(path.source, path.size, path.pre, path.before, weights, window, node=node.name)

    def _show(self) -> None:
        """Find the populations that Output nodes show; a relay where what arrives is not just a population's."""
        for node in list(self.graph.nodes.values()):
            if node.type != "Output" or self.behind[node.name]:
                continue
            signal = self.signals[node.name]
            path = signal.paths[0] if len(signal.paths) == 1 else None
            bare = path is not None and not (path.weighted or signal.bias.any() or path.before.any())
            if bare and path is not None and (path.pre == 1.0).all() and path.source in self._populations():
                self.outputs[node.name] = path.source
            else:
                self.outputs[node.name] = self.build.relay(node.name, signal).paths[0].source
        if not self.outputs:
            raise self.graph.wrong("nodes", "have no Output", None, "add an Output node")

    def _populations(self) -> set[str]:
        return {name for name, record in self.build.populations.items() if record["type"] != "input"}
