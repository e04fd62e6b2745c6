"""A spec as the plain data of a NIR graph: nodes, edges, and what NIR cannot say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from hmn_lava.errors import Finding, InputError
from hmn_lava.interchange.nir_biases import place_biases
from hmn_lava.interchange.nir_bounds import loops
from hmn_lava.interchange.nir_graph import Floats, Graph, Node
from hmn_lava.interchange.nir_inverse import SLOWEST, Inverse, node_of
from hmn_lava.interchange.nir_kept import is_relay, kept_of
from hmn_lava.interchange.nir_lost import changed, not_in_nir
from hmn_lava.interchange.nir_neurons import NEURONS, neurons_of
from hmn_lava.interchange.nir_signal import Shape
from hmn_lava.interchange.nir_windows import window_node
from hmn_lava.spec import Model, Spec
from hmn_lava.spec.convolution import ConvConnection, PoolConnection, window_shapes
from hmn_lava.spec.materialise import Source
from hmn_lava.spec.model import Connection, Population
from hmn_lava.spec.nir import NirSpec

DEFAULT_DT = 1e-3
MOST_WEIGHTS = 1 << 26
"""Elements of a matrix that stands for sparse synapses."""


@dataclass
class Tree:
    """A graph in the making: ``nodes`` by name, each its type and fields; what is told of it."""

    spec: Spec
    model: Model
    asked_dt: float | None
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    edges: dict[tuple[str, str], None] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        known = self.spec.nir or NirSpec.model_validate({})
        self.dt: float = self.asked_dt or known.dt or DEFAULT_DT
        self.how = known.convention
        self.kept = kept_of(self.spec, self.model, self.dt, self.how)
        self.source = Source(self.spec.folder, self.model.seed)
        self.links = {name: link for name, link in self.model.connections.items() if name not in self.kept.resets}
        self.windows = window_shapes(self.spec.connections, self.source)
        self.shapes = {name: self._shape(name) for name in self.model.populations}
        self.inverse: dict[str, Inverse] = {}
        self.bias: dict[str, Floats] = {}  # what weights have to add for a population
        self.names = {name: node.name for name, node in self.kept.nodes.items()}
        self.relays = {name for name, population in self.model.populations.items() if is_relay(population)}
        # Relays that nothing reaches send their bias: constants, as which other weights have them.
        self.drives = self.relays - {link.post for link in self.links.values()}
        self.anew: set[str] = set()  # populations before which all nodes are made anew

    # ---- populations

    def build(self) -> Tree:
        """Fill in nodes and edges; returns itself. Inputs that no synapse reads (of modulators) are no nodes."""
        self.findings += not_in_nir(self.model, self.links.values(), self.how) + changed(self.kept, self.model)
        if self.kept.whole:
            self._copy(self.kept.graph.nodes, self.kept.graph.edges)
            return self
        read = {link.pre for link in self.links.values()}
        for name, population in self.model.populations.items():
            if population.type == "input" and name not in read:
                continue
            if name not in self.relays:
                self._population(name, population)
            elif name not in self.drives:
                self.bias[name] = population.bias
        for name in self.kept.nodes.keys() & self.model.populations.keys() - self.relays - self.anew:
            self._copy(*self.kept.before(self.names[name]))
        outputs = self._outputs()
        self._need_relays()
        given = {name: link for name, link in self.links.items() if link.pre not in self.drives}
        inputs = [name for name, population in self.model.populations.items() if population.type == "input"]
        order, closing = loops((*inputs, *self.model.populations), {n: (c.pre, c.post) for n, c in given.items()})
        self.placed = place_biases(self, given)
        tails: dict[str, list[str]] = {}  # of relays, which are no nodes
        for name in (name for name in order if name in self.anew):
            for connection, link in given.items():
                if link.post != name:
                    continue
                heads = tails.get(link.pre, []) if link.pre in self.relays else [self.names[link.pre]]
                ends = self._connection(connection, link, heads, connection in closing)
                if name in self.relays:
                    tails.setdefault(name, []).extend(ends)
                else:
                    self._join(ends, self.names[name])
        for name, node in outputs:
            heads = tails.get(name, []) if name in self.relays else [self.names[name]]
            self._add(node, heads, {"type": "Output", "shape": np.array(self.shapes[name])})
        return self

    def _copy(self, nodes: Iterable[str], edges: Iterable[tuple[str, str]] = ()) -> None:
        """Take nodes of the graph that the spec was imported from as they are."""
        self.nodes |= {name: self.kept.filled(name) for name in nodes}
        self.edges |= dict.fromkeys(edges)

    def _need_relays(self) -> None:
        """Relays before populations whose nodes are made anew are made anew, too."""
        before: dict[str, list[str]] = {}
        for link in self.links.values():
            before.setdefault(link.post, []).append(link.pre)
        waiting = list(self.anew)
        while waiting:
            for name in before.get(waiting.pop(), ()):
                if name in self.relays and name not in self.anew:
                    self.anew.add(name)
                    waiting.append(name)

    def _shape(self, name: str) -> Shape:
        known = self.kept.shapes.get(name)
        size = self.model.populations[name].size
        if known is not None and prod(known) == size:
            return known
        return self.windows.get(name, (size,))

    def _population(self, name: str, population: Population) -> None:
        shape = self.shapes[name]
        known = self.kept.nodes.get(name)
        node = self._free(name, self.kept.graph.nodes) if known is None else known.name
        self.names[name] = node
        if name in self.kept.same:
            self._copy([node])
            return
        self.anew.add(name)
        if population.type == "input":
            self.nodes[node] = {"type": "Input", "shape": np.array(shape)}
            return
        if population.lif is None:
            self._placeholder(name, node, population, shape)
            return
        fields = None
        if known is not None and known.type in NEURONS and prod(self.kept.shapes[name]) == population.size:
            fields = (known.type, self.kept.fields(name))
        lif = population.lif
        found = node_of(lif, shape, self.dt, self.how, fields, population.size)
        self.inverse[name] = found
        if "Cuba" in found.type and ((lif.dv == 0.0).any() or (lif.du == 0.0).any()):
            remedy = f"The node has a time constant of {SLOWEST:g} steps there."
            self.tell("slow-decay", name, "no decay", "a time constant", remedy, "info")
        values = {k: np.broadcast_to(v, (population.size,)).reshape(shape) for k, v in found.fields.items()}
        self.nodes[node] = {"type": found.type, **values}
        self.bias[name] = np.broadcast_to(population.bias - found.form.offset, (population.size,))
        if (
            known is not None
            and fields is not None
            and name in self.kept.fronts
            and self._reads_as(known, found, shape)
        ):
            self.anew.remove(name)

    def _reads_as(self, known: Node, found: Inverse, shape: Shape) -> bool:
        """Whether weights and biases are the same before a node as before the one that was there."""
        old, new = neurons_of(Graph(""), known, shape, self.dt, self.how), found.form
        return all(np.array_equal(getattr(old, key), getattr(new, key)) for key in ("scale", "offset", "bias_gain"))

    def _placeholder(self, name: str, node: str, population: Population, shape: Shape) -> None:
        form = population.sigma_delta
        if form is not None and form.sum and not form.difference and form.activation == "unit":
            gain = 1.0 if self.how.integrator == "step" else 1.0 / self.dt
            self.nodes[node] = {"type": "I", "r": np.full(shape, gain)}
            if population.bias.any():
                self.tell("bias", name, float(np.abs(population.bias).max()), "not in NIR", "Only hmn-lava reads it.")
            return
        kind = str(population.activation)
        remedy = "The graph passes values through there; only hmn-lava reads what it is."
        self.tell("not-in-nir", name, f"{kind} neurons", "neurons of NIR", remedy)
        self.nodes[node] = {"type": "Scale", "scale": np.ones(shape)}
        self.bias[name] = population.bias

    # ---- connections

    def _connection(self, name: str, link: Connection, heads: list[str], closing: bool) -> list[str]:
        """The nodes of a connection, from all of ``heads``; the last of each of its branches."""
        record = self.spec.connections[name]
        known = self.kept.links.get(name)
        wanted = name if known is None else known.name
        delays = link.delay - (1 if closing else 0)
        if delays.size and delays.min() < 0:
            remedy = "The loop is a step longer in the graph: what closes it takes a step there."
            self.tell("feedback", name, "no delay", "1 step", remedy)
            delays = np.maximum(delays, 0)
        bias = self.placed.get(name)
        tails = []
        steps = np.unique(np.asarray(delays)[:1] if delays.strides == (0,) else delays)
        for step in steps:
            ends = self._delayed(f"{wanted}_delay", heads, link.n_pre, int(step), self.shapes[link.pre])
            chosen = None if steps.size == 1 else delays == step
            tails += self._weights(wanted, record, name, link, ends, chosen, bias, known.type if known else None)
            bias = None
        return tails

    def _delayed(self, wanted: str, heads: list[str], size: int, step: int, shape: Shape) -> list[str]:
        if step == 0:
            return heads
        return [self._add(wanted, heads, {"type": "Delay", "delay": np.full(shape, step * self.dt)})]

    def _weights(
        self, wanted: str, record: Any, name: str, link: Connection, heads: list[str], chosen: Any, bias: Any, kind: Any
    ) -> list[str]:
        scale = self.scale(link.post)
        shape, target = self.shapes[link.pre], self.shapes[link.post]
        if isinstance(record, (ConvConnection, PoolConnection)):
            return [self._add(wanted, heads, window_node(self, record, link, scale, bias, chosen))]
        one = getattr(record, "topology", "dense") == "one_to_one"
        if one and bias is None:
            weights = link.weights if chosen is None else np.where(chosen, link.weights, 0.0)
            weights = weights / scale
            if (weights == 1.0).all() and shape == target:
                return heads
            scaled = self._add(wanted, heads, {"type": "Scale", "scale": weights.reshape(shape)})
            return [scaled] if shape == target or len(target) > 1 else [self._flat(wanted, [scaled], shape)]
        if link.n_post * link.n_pre > MOST_WEIGHTS:
            problem = f"makes a matrix of {link.n_post} x {link.n_pre}, {MOST_WEIGHTS} elements at most"
            raise InputError(problem, where=self.spec.file, field=f"connections.{name}", remedy="export a smaller one")
        matrix = np.zeros((link.n_post, link.n_pre))
        matrix[link.row, link.col] = link.weights if chosen is None else np.where(chosen, link.weights, 0.0)
        matrix = matrix / scale.reshape(-1, 1)
        if len(shape) > 1:
            heads = [self._flat(wanted, heads, shape)]
        fields: dict[str, Any] = {"type": "Linear", "weight": matrix}
        if bias is not None or kind == "Affine":
            values = np.zeros(1) if bias is None else bias
            fields |= {"type": "Affine", "bias": np.broadcast_to(values, (link.n_post,))}
        return [self._add(wanted, heads, fields)]

    def scale(self, post: str) -> Floats:
        """By what the import multiplies the weights onto a population: 1, but for a voltage, or a gain below 0."""
        found = self.inverse.get(post)
        scale = np.ones(1) if found is None else found.form.scale
        return np.where((scale == 0.0) | (np.abs(scale - 1.0) < 1e-12), 1.0, scale)

    # ---- nodes

    def _outputs(self) -> list[tuple[str, str]]:
        """Populations that need an Output, and its name; an Output that shows what it did is taken over."""
        sending = {link.pre for link in self.links.values()}
        neurons = [name for name, population in self.model.populations.items() if population.type != "input"]
        if not neurons:
            problem, remedy = "has no neurons", "add a population"
            raise InputError(problem, where=self.spec.file, field="populations", remedy=remedy)
        old = {node: name for node, name in self.kept.outputs.items() if name in self.model.populations}
        silent = [name for name in neurons if name not in sending and name not in old.values()]
        left = [(name, "output") for name in silent or ([] if old else neurons[-1:])]
        for node, name in old.items():
            if name in self.kept.same or name not in self.relays:
                self._copy([node])
                self._copy(*self.kept.before(node))
            else:
                left.append((name, node))
        self.anew |= {name for name, _ in left if name in self.relays}
        return left

    def _flat(self, wanted: str, heads: list[str], shape: Shape) -> str:
        fields = {"type": "Flatten", "start_dim": 0, "end_dim": -1, "input_type": np.array(shape)}
        return self._add(f"{wanted}_flatten", heads, fields)

    def _add(self, wanted: str, heads: list[str], fields: dict[str, Any]) -> str:
        name = self._free(wanted)
        self.nodes[name] = fields
        self._join(heads, name)
        return name

    def _join(self, heads: Iterable[str], name: str) -> None:
        self.edges |= dict.fromkeys((head, name) for head in heads)

    def _free(self, wanted: str, taken: Iterable[str] = ()) -> str:
        used = {*self.nodes, *taken}
        tries: Iterable[str] = (wanted, *(f"{wanted}_{i}" for i in range(2, len(used) + 3)))
        return next(name for name in tries if name not in used)

    def tell(self, rule: str, place: str, used: Any, limit: Any, remedy: str, severity: Any = "warning") -> None:
        self.findings.append(Finding(rule, place, used, limit, severity, remedy))
