"""The records of a spec, made of signals: populations, relays, connections, and the bounds of what is sent."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np

from hmn_lava.interchange.imported import Row
from hmn_lava.interchange.nir_graph import Floats, Graph, Node
from hmn_lava.interchange.nir_neurons import Neurons
from hmn_lava.interchange.nir_signal import ONE, ZERO, Path, Shape, Signal, per_channel
from hmn_lava.spec.fields import MAX_DELAY, MAX_SIZE

RELAY = {"type": "sigma_delta", "sum": False, "difference": False, "activation": "unit"}
"""A neuron that sends what it gets: its input and its bias, in the same step."""


@dataclass
class Build:
    """A spec in the making. Names are the nodes' where these are names of a spec."""

    graph: Graph
    populations: dict[str, dict[str, Any]] = field(default_factory=dict)
    connections: dict[str, dict[str, Any]] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    nodes: dict[str, str] = field(default_factory=dict)  # NIR's, by population; relays have none
    links: dict[str, str] = field(default_factory=dict)  # and by connection
    resets: set[str] = field(default_factory=set)  # connections that are part of a reset

    def name(self, wanted: str) -> str:
        """A name that is free: letters, digits and _, 64 at most."""
        plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in wanted)[:50].strip("_")
        plain = plain if plain[:1].isalpha() else f"n{plain}"
        taken = {*self.populations, *self.connections, "global"}
        tries = (plain, *(f"{plain}_{i}" for i in range(2, len(taken) + 3)))
        return next(name for name in tries if name not in taken)

    def input(self, node: str, shape: Shape, fields: dict[str, Any]) -> Signal:
        name = self._population(node, shape, {"type": "input", **fields})
        self.nodes[name] = node
        self.rows.append(Row(name, "Input", shape, "input"))
        return self.sent(name)

    def sent(self, name: str) -> Signal:
        """What a population sends."""
        shape = self.shapes[name]
        return Signal((Path(name, prod(shape)),), shape)

    def declare(self, node: str, shape: Shape) -> str:
        """Reserve a population's name, so that others can read it before its fields are known."""
        return self._population(node, shape, {})

    def neurons(self, name: str, node: Node, signal: Signal, form: Neurons) -> None:
        """Fill a declared population, and connect what it reads."""
        self.nodes[name] = node.name
        size = prod(self.shapes[name])
        bias = form.offset
        if form.bias_gain is not None:
            bias = bias + signal.bias * form.bias_gain
        elif signal.bias.any():
            self._drive(name, size, signal.bias * form.scale)
        fields = {key: plain(value) for key, value in form.fields.items()}
        self.populations[name] = {**fields, "size": size} | ({"bias": plain(bias)} if bias.any() else {})
        made = self._connect(name, signal, form.scale)
        if form.late is not None:
            self._subtract_late(name, form)
        self.rows.append(Row(name, node.type, self.shapes[name], str(fields["type"]), ", ".join(made)))

    def relay(self, node: str, signal: Signal) -> Signal:
        """A population that holds a signal, so that it can go through another set of weights."""
        name = self._population(f"{node}_sum", signal.shape, dict(RELAY))
        if signal.bias.any():
            self.populations[name]["bias"] = plain(signal.bias)
        made = self._connect(name, signal, ONE)
        self.rows.append(Row(name, "relay", signal.shape, "sigma_delta", ", ".join(made)))
        return self.sent(name)

    def _population(self, node: str, shape: Shape, fields: dict[str, Any]) -> str:
        size = prod(shape)
        if not 1 <= size <= MAX_SIZE:
            raise self.graph.wrong(node, f"has {size} neurons, {MAX_SIZE} at most", shape, "use a smaller network")
        name = self.name(node)
        self.populations[name] = {**fields, "size": size}
        self.shapes[name] = shape
        return name

    def _drive(self, name: str, size: int, values: Floats) -> None:
        """A constant that reaches neurons through their current: messages of a neuron that always sends 1."""
        source = self.name(f"{name}_drive")
        self.populations[source] = {**RELAY, "size": 1, "bias": 1.0, "z_max": 1.0}
        self.shapes[source] = (1,)
        weights = np.broadcast_to(values, (size,)).reshape(size, 1)
        self._add(f"{source}_in", source, name, {"type": "static", "weights": weights.copy()})

    def _subtract_late(self, name: str, form: Neurons) -> None:
        """Synapses onto itself that take off in the next step what a subtraction before the decay leaves too much.

        v - vth, decayed, is dv vth more than v decayed less vth. The current loses that again in the step after.
        """
        rest = 1.0 - np.asarray(form.fields["du"])
        late = np.asarray(form.late)
        fields = {"type": "static", "topology": "one_to_one"}
        taps = [(f"{name}_late", -late, 1)] + ([(f"{name}_late_end", late * rest, 2)] if rest.any() else [])
        for wanted, weights, delay in taps:
            made = self._add(wanted, name, name, {**fields, "weights": plain(weights), "delay": delay})
            self.resets.add(made)

    def _connect(self, target: str, signal: Signal, scale: Floats) -> list[str]:
        made = []
        for path in signal.paths:
            path = self._expressible(target, path.scaled(scale), signal.shape)
            if not path.weighted and path.size != prod(self.shapes[target]):
                problem = f"{path.size} values arrive at {prod(self.shapes[target])} neurons"
                raise self.graph.wrong(target, problem, None, "make the shapes of both ends of the edge equal")
            link = self._add(path.node or f"{path.source}_to_{target}", path.source, target, self._fields(path))
            if path.node:
                self.links[link] = path.node
            made.append(link)
        return made

    def _expressible(self, target: str, path: Path, shape: Shape) -> Path:
        """A path that one connection can be: factors and delays of a window are by channels, else a relay has them."""
        window = path.window
        if window is None:
            return path
        source = tuple(window["input_shape"])
        pool = window["type"] == "pool"
        if path.before.size > 1 or per_channel(path.pre, source) is None or (pool and path.pre.size > 1):
            held = self.relay(
                f"{path.source}_scaled", Signal((Path(path.source, path.size, path.pre, path.before),), source)
            )
            path = replace(path, source=held.paths[0].source, pre=ONE, before=ZERO)
        output = (self._channels(path),)  # not those of ``shape``: a Flatten may lie between
        behind = per_channel(path.behind, output)
        if behind is None or per_channel(path.post, output) is None or (pool and path.post.size > 1):
            held = self.relay(f"{target}_in", Signal((replace(path, post=ONE, behind=ZERO),), shape))
            return replace(held.paths[0], pre=path.post, before=path.behind)
        return path

    def _fields(self, path: Path) -> dict[str, Any]:
        delay = path.before if path.window is not None or not path.weighted else path.before[None, :]
        if path.window is not None:
            source = tuple(path.window["input_shape"])
            pre, post = per_channel(path.pre, source), path.post.reshape(-1)
            behind = path.behind
            if behind.size > 1:
                behind = behind.reshape(self._channels(path), -1)[:, 0]
            fields = dict(path.window)
            if path.weights is None:
                fields["weight"] = float(fields["weight"] * path.pre[0] * path.post[0])
            else:
                assert pre is not None
                fields["weights"] = _scaled_kernel(path.weights, pre, post, int(fields["groups"]))
            return fields | self._delay(delay + behind, path)
        if path.weights is None:
            return {"type": "static", "topology": "one_to_one", "weights": plain(path.pre)} | self._delay(delay, path)
        weights = path.weights * path.pre[None, :] * path.post[:, None]
        late = delay + path.behind[:, None]
        if late.size > 1:
            late = np.broadcast_to(late, weights.shape).copy()
        return {"type": "static", "weights": weights} | self._delay(late, path)

    def _channels(self, path: Path) -> int:
        return int(path.weights.shape[0]) if path.weights is not None else int(path.window["input_shape"][0])  # type: ignore[index]

    def _delay(self, steps: Floats, path: Path) -> dict[str, Any]:
        if steps.max() > MAX_DELAY:
            problem = f"delays by {float(steps.max()):g} steps in all, {MAX_DELAY} at most"
            raise self.graph.wrong(path.node or path.source, problem, None, "use a longer time step")
        return {"delay": plain(steps)} if steps.any() else {}

    def _add(self, wanted: str, source: str, target: str, fields: dict[str, Any]) -> str:
        name = self.name(wanted)
        self.connections[name] = {**fields, "source": source, "target": target}
        return name


def _scaled_kernel(kernel: Floats, pre: Floats, post: Floats, groups: int) -> Floats:
    """A kernel (out, in / groups, ...) times what its input channels and its output channels are multiplied by."""
    out, each = kernel.shape[:2]
    sides = (1,) * (kernel.ndim - 2)
    if post.size > 1:
        post = post.reshape(out, -1)[:, 0]
    first = np.repeat(np.arange(groups) * each, out // groups)
    columns = pre[first[:, None] + np.arange(each)[None, :]]
    scaled: Floats = kernel * columns.reshape(out, each, *sides) * post.reshape(-1, 1, *sides)
    return scaled


def plain(value: Any) -> Any:
    """A number where all values are equal, else the array; text as it is."""
    if isinstance(value, (str, bool, float, int)):
        return value
    flat = np.asarray(value)
    return float(flat.reshape(-1)[0]) if (flat == flat.reshape(-1)[0]).all() else flat
