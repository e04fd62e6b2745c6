"""Lays a network out in memory, and lists the calls that make up a step of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.fixed import Fixed
from hmn_lava.learning.connection import LearningConnection
from hmn_lava.learning.engine import Engine, Levels
from hmn_lava.learning.products import down_scaling
from hmn_lava.learning.records import TRACES, VARIABLE_NAMES, X_TRACES, Y_TRACES, Product
from hmn_lava.learning.rounding import WORDS, ElementRounding
from hmn_lava.microcode.ir import WORD
from hmn_lava.network import Group, IntegerNetwork, LearningSynapses, Link
from hmn_lava.simulator.compiled import group as groups
from hmn_lava.simulator.compiled import jit, learning, matrix, steps
from hmn_lava.simulator.compiled.table import Slot
from hmn_lava.streams import keys
from hmn_lava.topology import Topology

Arrays = dict[str, dict[str, NDArray[Any]]]

_ALIGNED = 64
"""Compartments are shared among threads in multiples of this many, so that no two write to one cache line."""


def empty(network: IntegerNetwork, depth: int) -> tuple[dict[tuple[str, str], NDArray[Any]], Arrays]:
    """Rings of messages (zero) and states (initial), in the narrowest integers that hold them."""
    rings = {(s.name, "x"): np.zeros((depth, s.size), np.int32) for s in network.inputs.values()}
    states: Arrays = {}
    for group in network.groups.values():
        for output in group.program.outputs:
            rings[group.name, output.name] = np.zeros((depth, group.width), np.int32)
        states[group.name] = {
            s.name: np.array(np.broadcast_to(group.initial[s.name], (group.size,)), groups.storage(s.format))
            for s in group.program.states
        }
    for name, synapses in network.learning.items():
        n_post, n_pre = synapses.topology.n_post, synapses.topology.n_pre
        variables: dict[str, NDArray[Any]] = {
            v: np.array(np.broadcast_to(values, (synapses.size,)), _kept(synapses, v))
            for v, values in synapses.initial.items()
        }
        traces = {t: np.zeros(n_pre, np.int32) for t in (*X_TRACES, "tx")}
        traces |= {t: np.zeros(n_post, np.int32) for t in (*Y_TRACES, "ty")}
        states[name] = {**variables, **traces, "a_buff": np.zeros(n_post, np.int64)}
    return rings, states


def _kept(synapses: LearningSynapses, variable: str) -> str:
    """The type of a synaptic variable: the narrowest that holds its levels and its initial values."""
    levels = synapses.engine.levels(variable, synapses.sign_mode)
    initial = synapses.initial[variable]
    low = min(levels.low, int(initial.min(initial=0)))
    high = max(levels.high, int(initial.max(initial=0)))
    bits = max(max(high, 0).bit_length(), (-low - 1).bit_length() if low < 0 else 0) + int(low < 0)
    return groups.storage(Fixed(bits, low < 0))


@dataclass(frozen=True, eq=False)
class Call:
    """A function with its table; ``shared`` as in ``steps``. Without a function, threads meet."""

    address: int = 0
    table: NDArray[np.int64] | None = None
    rows: int = 0
    shared: int = 0

    @property
    def row(self) -> list[int]:
        return [self.address, 0 if self.table is None else self.table.ctypes.data, self.rows, self.shared]


MEET = Call()


class Plan:
    """The calls of a step of a network whose messages and states lie in given arrays.

    What does not change lies here, in arrays that the plan owns. ``threaded_from``: synapses or compartments of a group
    from which its rows are shared among threads.
    """

    def __init__(
        self,
        network: IntegerNetwork,
        depth: int,
        rings: Mapping[tuple[str, str], NDArray[Any]],
        states: Arrays,
        threaded_from: int,
    ) -> None:
        self.network, self.depth, self.rings, self.states = network, depth, rings, states
        self.threaded_from = threaded_from
        self.lanes = jit.lanes()
        self._kept: list[NDArray[Any]] = []
        self._shared: dict[tuple[int, str], NDArray[Any]] = {}
        self._matrices: dict[int, NDArray[np.int64]] = {}
        self.constants: dict[tuple[str, str], NDArray[np.int32]] = {}
        self.observed: dict[tuple[str, str], NDArray[np.int32]] = {}
        self._before = [self._matrix(link) for link in network.links if link.kind == "matrix"]
        self._groups: dict[tuple[str, tuple[str, ...]], Call] = {}
        self._filled: list[NDArray[np.uint8]] = []
        self._learning = [self._synapses(s) for s in network.learning.values()]

    @property
    def size(self) -> int:
        """Compartments and synapses together, static ones included."""
        return sum(self._sizes)

    @property
    def parallel(self) -> bool:
        """Whether anything is large enough to be shared among threads."""
        return any(map(self._large, self._sizes))

    @property
    def _sizes(self) -> list[int]:
        """Of all groups, learning synapses and static connections."""
        network = self.network
        fixed = [link.topology.size for link in network.links if link.topology is not None]
        return [g.size for g in network.groups.values()] + [s.size for s in network.learning.values()] + fixed

    def refresh(self) -> None:
        """Take into account that states may have been changed from outside."""
        for filled in self._filled:
            filled[...] = 1

    def calls(self, observe: Mapping[str, set[str]], feeds: list[Call], watches: list[Call]) -> list[Call]:
        """A step: the host's input, static synapses, groups, learning synapses, and what is recorded.

        Threads meet where one must not run ahead of another.
        """
        middle = [self._group(g, tuple(sorted(observe.get(g.name, ())))) for g in self.network.groups.values()]
        follows = [MEET, *(follow for follow, _ in self._learning), MEET] if self._learning else []
        rows = [learn for _, learn in self._learning]
        before = [*self._before, MEET] if self._before else []
        return [*feeds, *before, *middle, *follows, *rows, MEET, *watches, *([MEET] if watches else [])]

    def _large(self, size: int) -> bool:
        return size >= self.threaded_from

    def constant(self, group: Group, name: str) -> NDArray[np.int32]:
        """The array of a constant, which a batch may change between runs."""
        if (group.name, name) not in self.constants:
            self.constants[group.name, name] = np.array(group.constants[name].values, np.int32)
        return self.constants[group.name, name]

    # addresses

    def _at(self, array: NDArray[Any]) -> int:
        """The address of an array, which the plan keeps."""
        if not array.flags.c_contiguous:
            raise ValueError("arrays of a plan are contiguous")
        self._kept.append(array)
        address: int = array.ctypes.data
        return address

    def _as(self, array: NDArray[Any], dtype: str) -> int:
        """The address of a fixed array as another type; a copy serves all who ask for it."""
        key = (id(array), dtype)
        if key not in self._shared:
            self._shared[key] = np.ascontiguousarray(array, dtype)
            self._kept.append(array)  # so that no other array gets its id
        return self._at(self._shared[key])

    def _scratch(self, size: int) -> int:
        return self._at(np.zeros(size, np.int32))

    def _call(self, text: str, name: str, table: list[int], rows: int, shared: int) -> Call:
        return Call(jit.address(text, name), np.array(table, np.int64), rows, shared)

    # static synapses

    def _matrix(self, link: Link) -> Call:
        if link.topology is None or link.weights is None:
            raise ValueError(f"a link of kind matrix has a topology and weights: {link.source} to {link.target}")
        topology, uneven = link.topology, link.delay.size > 1
        currents = self._matrices[id(link)] = np.zeros(topology.n_post, np.int64)
        ring = self.rings[link.source]
        values = {
            "depth": self.depth,
            "starts": self._as(topology.starts, "int64"),
            "col": 0 if topology.columns is None else self._as(topology.columns, "int32"),
            "weights": self._as(link.weights, "int32"),
            "message": self._at(ring),
            "message width": ring.shape[1],
            "delay": self._as(link.delay, "int32"),
            "current": self._at(currents),
        }
        shared = _ALIGNED if self._large(topology.size) else 0
        text = _matrix_text(topology.dense, uneven, self.lanes)
        return self._call(text, "matrix", [values[name] for name in matrix.SLOTS], topology.n_post, shared)

    # groups

    def _group(self, group: Group, observed: tuple[str, ...]) -> Call:
        key = (group.name, observed)
        if key not in self._groups:
            self._groups[key] = self._prepare(group, observed)
        return self._groups[key]

    def _prepare(self, group: Group, observed: tuple[str, ...]) -> Call:
        incoming = {
            v.name: [link for link in self.network.links_to(group.name) if link.target[1] == v.name]
            for v in group.program.inputs
        }
        form = groups.Form(
            program=group.program,
            dense=None if group.topology is None else group.topology.dense,
            ports=tuple(
                (port, tuple((link.kind, link.delay.size > 1 and link.kind == "pre") for link in links))
                for port, links in incoming.items()
            ),
            constants=tuple((c.name, group.constants[c.name].along) for c in group.program.constants),
            observed=observed,
        )
        for name in observed:
            self.observed.setdefault((group.name, name), np.zeros(group.size, np.int32))
        text, slots = _group_text(form, self.lanes)
        table = [self._entry(group, incoming, slot) for slot in slots]
        rows = group.size if group.topology is None else group.topology.n_post
        shared = 0 if not self._large(group.size) else _ALIGNED if group.topology is None else 1
        return self._call(text, "group", table, rows, shared)

    def _entry(self, group: Group, incoming: Mapping[str, list[Link]], slot: Slot) -> int:
        """An entry of the table of a group's function."""
        role, name = slot.role, slot.name
        if role == "depth":
            return self.depth
        if role == "state":
            return self._at(self.states[group.name][name])
        if role == "constant":
            return self._at(self.constant(group, name))
        if role == "observed":
            return self._at(self.observed[group.name, name])
        if role in ("output", "output width"):
            ring = self.rings[group.name, name]
            return self._at(ring) if role == "output" else ring.shape[1]
        if role == "starts" and group.topology is not None:
            return self._as(group.topology.starts, "int64")
        if role == "col" and group.topology is not None and group.topology.columns is not None:
            return self._as(group.topology.columns, "int32")
        link = incoming[name][slot.number]
        if role == "shift":
            return link.shift
        if role == "current":
            plastic = link.kind == "plastic"
            return self._at(self.states[link.source[0]]["a_buff"] if plastic else self._matrices[id(link)])
        if role == "delay":
            return self._as(link.delay if link.delay.size else np.zeros(1, np.int64), "int32")
        ring = self.rings[link.source]
        if role in ("message", "message width"):
            return self._at(ring) if role == "message" else ring.shape[1]
        raise ValueError(f"nothing is known as {role}")

    # the learning engine

    def _synapses(self, synapses: LearningSynapses) -> tuple[Call, Call]:
        form = learning_form(self.network, synapses)
        topology, lanes = synapses.topology, self.lanes
        moments, blocks = form.epoch + 1, -(-topology.n_pre // lanes)
        scratch = {
            "payloads": topology.n_pre,
            "listed": 1 + topology.n_pre,
            "blocks": 2 + blocks,
            "used tx": topology.n_pre,
            "used ty": topology.n_post,
            "x history": moments * len(X_TRACES) * topology.n_pre,
            "y history": moments * len(Y_TRACES) * topology.n_post,
        }
        values = {Slot(role): self._scratch(size) for role, size in scratch.items()}
        filled = np.ones((topology.n_post, blocks + 1) if topology.dense else 1, np.uint8)
        self._filled.append(filled)
        values |= {Slot("filled"): self._at(filled), Slot("spiking"): self._at(np.zeros(1 + blocks, np.uint8))}
        values |= self._parameters(synapses)
        for number in range(sum(len(rule.products) for rule in form.rules)):
            values[Slot("selected", "", number)] = self._scratch(topology.n_pre)
        for name, state in self.states[synapses.name].items():
            values[Slot("state", name)] = self._at(state)
        for n, link in enumerate(self.network.links_to(synapses.name)):
            values[Slot("axon", "", n)] = self._at(self.rings[link.source])
            values[Slot("axon delay", "", n)] = int(link.delay[0])
        if form.spikes:
            values[Slot("y0")] = self._at(self.rings[synapses.neuron, "y0"])
        for name, kind in zip(Y_TRACES, form.supplies, strict=True):
            if kind is not None:
                values[Slot("supplied", name)] = self._at(self.states[synapses.neuron][name])
        shared = 1 if self._large(synapses.size) else 0
        calls = []
        for write, rows, parts in ((_follow_text, 0, 0), (_learn_text, topology.n_post, shared)):
            text, slots = write(form, lanes)
            calls.append(self._call(text, write.__name__, [values[s] for s in slots], rows, parts))
        return calls[0], calls[1]

    def _parameters(self, synapses: LearningSynapses) -> dict[Slot, int]:
        """The numbers of the tables: sizes, seeds, and what a rule's constants are."""
        rule, topology = synapses.rule, synapses.topology
        connection = _alone(synapses)
        rounding = connection.rounding
        if not isinstance(rounding, ElementRounding):
            raise TypeError("the compiled engine rounds each element by its own draw")
        low, high = _y_bounds(synapses)
        values = {
            Slot("depth"): self.depth,
            Slot("n_pre"): topology.n_pre,
            Slot("n_post"): topology.n_post,
            Slot("starts"): self._as(topology.starts, "int64"),
            Slot("fires every"): 1 << (rule.decimation or 0),
            Slot("y low"): low,
            Slot("y high"): high,
        }
        if topology.columns is not None:
            values[Slot("col")] = self._as(topology.columns, "int32")
        for trace in TRACES:
            whole, fraction = connection.impulses[trace]
            values[Slot("impulse", trace)] = whole
            values[Slot("impulse fraction", trace)] = fraction
            values[Slot("decay", trace)] = rounding.factors[trace]
            values[Slot("trace low", trace)] = connection.lowest(trace)
            for what in ("decay", "impulse"):
                for n, key in enumerate(keys(synapses.seed, f"{synapses.name}.{trace}.{what}")):
                    values[Slot(f"{what} key", trace, n)] = key
        for n, key in enumerate(keys(synapses.seed, f"{synapses.name}.{WORDS}")):
            values[Slot("key", "", n)] = key
        number = 0
        for one in rule.rules:
            for product in one:
                values[Slot("mantissa", "", number)] = product.mantissa
                number += 1
        return values

    # in and out

    def feed(self, name: str, driven: NDArray[np.int64], first: int) -> Call:
        """The host's input of the frames of a run from ``first`` on, (frames, size)."""
        ring = self.rings[name, "x"]
        values = {
            "depth": self.depth,
            "ring": self._address(ring),
            "size": ring.shape[1],
            "driven": self._address(driven),
            "first": first,
        }
        return self._call(_feed_text(self.lanes), "feed", [values[n] for n in steps.FEED], ring.shape[1], 0)

    def watch(
        self, source: NDArray[Any], ring: bool, record: NDArray[np.int64], window: tuple[int, int, int], phase: int
    ) -> Call:
        """Copy an array (a ring's slot of this step) to ``record`` in the steps of ``window``: start, stop, stride."""
        bits, signed = groups.width_of(source.dtype.name)
        values = {
            "depth": self.depth,
            "source": self._address(source),
            "size": source.shape[-1],
            "record": self._address(record),
            "start": window[0],
            "stop": window[1],
            "stride": window[2],
            "phase": phase,
        }
        text = _watch_text(bits, signed, ring, self.lanes)
        return self._call(text, "watch", [values[n] for n in steps.WATCH], 0, 0)

    @staticmethod
    def _address(array: NDArray[Any]) -> int:
        """The address of an array that the caller keeps."""
        if not array.flags.c_contiguous:
            raise ValueError("arrays of a plan are contiguous")
        address: int = array.ctypes.data
        return address


def learning_form(network: IntegerNetwork, synapses: LearningSynapses) -> learning.LearningForm:
    """What the machine code of learning synapses depends on."""
    rule, engine, mode = synapses.rule, synapses.engine, synapses.sign_mode
    neuron = network.groups.get(synapses.neuron)
    states = {} if neuron is None else {s.name: groups.storage(s.format) for s in neuron.program.states}
    impulses = _alone(synapses).impulses
    rules = tuple(
        learning.RuleForm(
            VARIABLE_NAMES[one.target[1]],
            engine.levels(VARIABLE_NAMES[one.target[1]], mode),
            tuple((_plain(p), min(down_scaling(p, engine), 31), p.exponent + engine.alignment) for p in one),
        )
        for one in rule.rules
    )
    return learning.LearningForm(
        rules=rules,
        dense=synapses.topology.dense,
        epoch=rule.t_epoch,
        graded=synapses.graded,
        supplied=rule.supplied,
        steady=rule.supplied and engine.y_range is not None and all(impulses[y] == (0, 0) for y in Y_TRACES),
        held=not all(_stays(one.levels, engine) for one in rules),
        spikes=(synapses.neuron, "y0")
        in {(g.name, o.name) for g in network.groups.values() for o in g.program.outputs},
        supplies=tuple(states.get(y) if rule.supplied else None for y in Y_TRACES),
        axons=len(network.links_to(synapses.name)),
        storage=tuple((v, _kept(synapses, v)) for v in synapses.initial),
        widths=tuple(sorted(engine.widths.items())),
        trace_high=engine.trace_high,
        fraction_bits=engine.fraction_bits,
        alignment=engine.alignment,
        accumulator=engine.accumulator,
        y_bounds=_y_bounds(synapses) if rule.supplied else (0, engine.trace_high),
    )


def _alone(synapses: LearningSynapses) -> LearningConnection:
    """The engine of learning synapses without the synapses."""
    none = np.zeros(0, np.int64)
    alone = replace(synapses, topology=Topology.full(0, 0), initial=dict.fromkeys(synapses.initial, none))
    return alone.connection()


def _plain(product: Product) -> Product:
    """A product with a bound of its mantissa, which is in the table: rules that differ little share their code."""
    return replace(product, mantissa=1 << max(0, abs(product.mantissa) - 1).bit_length())


def _y_bounds(synapses: LearningSynapses) -> tuple[int, int]:
    """The range of supplied traces."""
    return synapses.engine.y_range or (-(1 << (WORD - 1)), (1 << (WORD - 1)) - 1)


def _stays(levels: Levels, engine: Engine) -> bool:
    """Whether a variable to which nothing is added keeps its level: the accumulator must not clip it."""
    low, high = engine.accumulator
    return low <= levels.low << engine.alignment and levels.high << engine.alignment <= high


_group_text = lru_cache(maxsize=4096)(groups.generate)
_matrix_text = lru_cache(maxsize=8)(matrix.generate)
_follow_text: Callable[..., tuple[str, list[Slot]]] = lru_cache(maxsize=1024)(learning.follow)
_learn_text: Callable[..., tuple[str, list[Slot]]] = lru_cache(maxsize=1024)(learning.learn)
_feed_text = lru_cache(maxsize=8)(steps.feed)
_watch_text = lru_cache(maxsize=64)(steps.watch)
