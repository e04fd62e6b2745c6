"""Lays a network out in memory, and lists the calls that make up a step of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.network import Group, IntegerNetwork, LearningSynapses, Link
from hmn_lava.simulator.compiled import columns, jit, matrix, steps
from hmn_lava.simulator.compiled import group as groups
from hmn_lava.simulator.compiled.addresses import Addresses, address
from hmn_lava.simulator.compiled.learning import tables
from hmn_lava.simulator.compiled.learning.form import form_of
from hmn_lava.simulator.compiled.learning.neurons import follow
from hmn_lava.simulator.compiled.learning.synapses import learn
from hmn_lava.simulator.compiled.storage import Arrays, across, elements, width_of
from hmn_lava.simulator.compiled.table import Slot
from hmn_lava.topology import Topology


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
        self._addresses = Addresses()
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

    def observable(self, group: str, name: str) -> NDArray[np.int32]:
        """The array of an observable."""
        if (group, name) not in self.observed:
            self.observed[group, name] = elements(self.network, self.network.groups[group], "int32")
        return self.observed[group, name]

    def _call(self, text: str, name: str, table: list[int], rows: int, shared: int) -> Call:
        return Call(jit.address(text, name), np.array(table, np.int64), rows, shared)

    # static synapses

    def _matrix(self, link: Link) -> Call:
        if link.topology is None or link.weights is None:
            raise ValueError(f"a link of kind matrix has a topology and weights: {link.source} to {link.target}")
        topology, uneven = link.topology, link.delay.size > 1
        currents = self._matrices[id(link)] = np.zeros(topology.n_post, np.int64)
        ring, at = self.rings[link.source], self._addresses
        entries = {
            "depth": self.depth,
            "starts": at.as_type(topology.starts, "int64"),
            "weights": at.as_type(link.weights, "int32"),
            "message": at.of(ring),
            "message width": ring.shape[1],
            "delay": at.as_type(link.delay, "int32"),
            "current": at.of(currents),
        }
        if topology.columns is not None:
            entries["col"] = at.as_type(topology.columns, "int32")
        shared = groups.PART if self._large(topology.size) else 0
        text, slots = _matrix_text(topology.dense, uneven, self.lanes)
        return self._call(text, "matrix", [entries[slot.role] for slot in slots], topology.n_post, shared)

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
            **({} if group.topology is None else {"neuron_bits": columns.neuron_bits(group.topology)}),
            across=across(self.network, group),
        )
        text, slots = _group_text(form, self.lanes)
        synapses = {} if group.topology is None else self._topology(group.topology)
        table = [self._entry(group, incoming, synapses, slot) for slot in slots]
        rows = group.size if group.topology is None else group.topology.n_post
        aligned = group.topology is None or form.across
        shared = 0 if not self._large(group.size) else groups.PART if aligned else 1
        return self._call(text, "group", table, rows, shared)

    def _topology(self, topology: Topology) -> dict[str, int]:
        entries = self._addresses.topology(topology, self.lanes)
        if not topology.dense:
            entries["flags"] = int(columns.first_blocks(topology, self.lanes)[-1])
        return entries

    def _entry(self, group: Group, incoming: Mapping[str, list[Link]], synapses: Mapping[str, int], slot: Slot) -> int:
        """An entry of the table of a group's function; ``synapses``: those of its topology."""
        at, name = self._addresses, slot.name
        match slot.role:
            case "depth":
                return self.depth
            case "state":
                return at.of(_kept(self.states[group.name][name]))
            case "constant":
                return at.of(self.constant(group, name))
            case "observed":
                return at.of(_kept(self.observable(group.name, name)))
            case "output":
                return at.of(self.rings[group.name, name])
            case "output width":
                return self.rings[group.name, name].shape[1]
            case "flags":
                return at.zeros(synapses["flags"], np.uint8)
            case "filled":
                filled = np.ones(-(-synapses["n_post"] // groups.PART) * synapses["n_pre"], np.uint8)
                self._filled.append(filled)
                return at.of(filled)
            case role if role in synapses:
                return synapses[role]
        return self._brought(incoming[name][slot.number], slot.role)

    def _brought(self, link: Link, role: str) -> int:
        """An entry that concerns a link."""
        at = self._addresses
        match role:
            case "shift":
                return link.shift
            case "current" if link.kind == "plastic":
                return at.of(self.states[link.source[0]]["a_buff"])
            case "current":
                return at.of(self._matrices[id(link)])
            case "delay":
                return at.as_type(link.delay if link.delay.size else np.zeros(1, np.int64), "int32")
            case "message":
                return at.of(self.rings[link.source])
            case "message width":
                return self.rings[link.source].shape[1]
        raise ValueError(f"nothing is known as {role}")

    # the learning engine

    def _synapses(self, synapses: LearningSynapses) -> tuple[Call, Call]:
        form = form_of(self.network, synapses)
        entries, filled = tables.entries(
            self.network, synapses, form, self._addresses, self.rings, self.states, self.lanes
        )
        entries[Slot("depth")] = self.depth
        self._filled.append(filled)
        shared = 1 if self._large(synapses.size) else 0
        calls = []
        for write, rows, parts in ((_follow_text, 0, 0), (_learn_text, synapses.topology.n_post, shared)):
            text, slots = write(form, self.lanes)
            calls.append(self._call(text, write.__name__, [entries[slot] for slot in slots], rows, parts))
        return calls[0], calls[1]

    # in and out

    def feed(self, name: str, driven: NDArray[np.int64], first: int) -> Call:
        """The host's input of the frames of a run from ``first`` on, (frames, size)."""
        ring = self.rings[name, "x"]
        values = {
            "depth": self.depth,
            "ring": address(ring),
            "size": ring.shape[1],
            "driven": address(driven),
            "first": first,
        }
        text, slots = _feed_text(self.lanes)
        return self._call(text, "feed", [values[slot.role] for slot in slots], ring.shape[1], 0)

    def watch(
        self, source: NDArray[Any], ring: bool, record: NDArray[np.int64], window: tuple[int, int, int], phase: int
    ) -> Call:
        """Copy an array (a ring's slot of this step) to ``record`` in the steps of ``window``: start, stop, stride."""
        bits, signed = width_of(source.dtype.name)
        turned = not ring and source.ndim == 2
        values = {
            "depth": self.depth,
            "source": address(_kept(source)),
            "size": source.size if turned else source.shape[-1],
            "n_pre": source.shape[-1],
            "record": address(record),
            "start": window[0],
            "stop": window[1],
            "stride": window[2],
            "phase": phase,
        }
        text, slots = _watch_text(bits, signed, ring, turned, self.lanes)
        return self._call(text, "watch", [values[slot.role] for slot in slots], 0, 0)


def _kept(array: NDArray[Any]) -> NDArray[Any]:
    """The array behind a view of what is kept by presynaptic neuron."""
    return array if array.flags.c_contiguous else array.T


_group_text = lru_cache(maxsize=4096)(groups.generate)
_matrix_text = lru_cache(maxsize=8)(matrix.generate)
_follow_text: Callable[..., tuple[str, list[Slot]]] = lru_cache(maxsize=1024)(follow)
_learn_text: Callable[..., tuple[str, list[Slot]]] = lru_cache(maxsize=1024)(learn)
_feed_text = lru_cache(maxsize=8)(steps.feed)
_watch_text = lru_cache(maxsize=64)(steps.watch)
