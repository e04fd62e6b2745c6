"""Where things are, as counting sees it: compartments by core, and what a message passes on its way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import InputError
from hmn_lava.fixed import Integers
from hmn_lava.network import IntegerNetwork, Link
from hmn_lava.topology import Topology

Output = tuple[str, str]


class Mesh(Protocol):
    """Where cores lie."""

    def places(self, cores: Integers) -> Integers:
        """(..., 6): chip, its column and row among the chips, the tile's column and row on it, the seat in the tile."""


class Place(Protocol):
    """What counting needs of a placement."""

    @property
    def mesh(self) -> Mesh:
        """Where cores lie."""

    def core_of(self, group: str) -> Integers:
        """The number of the core of each compartment, (size,)."""

    def hops(self, sources: Integers, targets: Integers) -> tuple[Integers, Integers, Integers]:
        """Hops from cores to cores: between tiles east-west and north-south, and between chips."""


@dataclass(frozen=True, eq=False)
class Routes:
    """What one message of an output passes, for each compartment that sends it, (size,) each.

    ``delivered``: cores that it is delivered to. ``east_west``, ``north_south``, ``between_chips``: hops to all of them
    together. ``ways``: the longest way, as its hops of the three kinds, one row for each different way from a
    compartment; ``way_of`` says whose it is.
    """

    delivered: Integers
    east_west: Integers
    north_south: Integers
    between_chips: Integers
    way_of: Integers
    ways: Integers  # (n, 3)

    def longest(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """The time of the longest way of each compartment's message, for the times of the three hops; 0 if none."""
        found = np.zeros(self.delivered.size)
        np.maximum.at(found, self.way_of, self.ways @ times)
        return found


class Layout:
    """A network on its cores, which are numbered among those that are used.

    ``numbers``: the placement's numbers of these cores. ``places``: where they lie, as :meth:`Mesh.places` says.
    ``routes``: those of every output that sends messages to other compartments.
    """

    def __init__(self, network: IntegerNetwork, place: Place) -> None:
        self.network, self._place = network, place
        found = {name: place.core_of(name) for name in network.groups}
        self.numbers = np.unique(np.concatenate([*found.values(), np.zeros(0, np.int64)]).astype(np.int64))
        self.places = place.mesh.places(self.numbers)
        self._core_of = {name: np.searchsorted(self.numbers, cores) for name, cores in found.items()}
        self._parts: dict[str, tuple[Integers, Integers]] = {}
        for name, cores in self._core_of.items():
            starts = np.flatnonzero(np.diff(cores, prepend=-1)) if cores.size else np.zeros(0, np.int64)
            self._parts[name] = (starts, cores[starts])
        self.routes = self._all_routes()

    @property
    def size(self) -> int:
        """How many cores are used."""
        return int(self.numbers.size)

    @property
    def chips(self) -> int:
        """How many chips are used, at least one."""
        return max(1, int(np.unique(self.places[:, 0]).size))

    @property
    def tiles(self) -> int:
        """How many tiles are used of the chip of which most are, at least one."""
        tiles = np.unique(self.places[:, [0, 3, 4]], axis=0)
        return max(1, int(np.bincount(tiles[:, 0]).max(initial=0)))

    def cores(self, group: str) -> Integers:
        """The cores of a group, one for each run of its compartments."""
        return self._parts[group][1]

    def per_core(self, group: str, values: NDArray[Any]) -> NDArray[Any]:
        """Sums over the compartments of each of :meth:`cores`, (steps, size) or (steps, 1) -> (steps, cores)."""
        starts, cores = self._parts[group]
        kind = np.float64 if np.issubdtype(values.dtype, np.floating) else np.int64
        size = self.network.groups[group].size
        if not size:
            return np.zeros((len(values), 0), kind)
        if values.shape[1] == 1:
            return np.asarray(values.astype(kind) * np.diff(np.append(starts, size)))
        return np.asarray(np.add.reduceat(values, starts, axis=1, dtype=kind)[:, : cores.size])

    def _all_routes(self) -> dict[Output, Routes]:
        targets: Mapping[Output, list[NDArray[Any]]] = defaultdict(list)
        for link in self.network.links:
            if link.kind != "plastic":  # its payloads travel to the axons of the learning synapses
                targets[link.source].append(self._targets(link))
        return {source: self._routes(source, found) for source, found in targets.items()}

    def _targets(self, link: Link) -> NDArray[Any]:
        """Pairs (compartment that sends, core that receives), each once, as one number."""
        network, cores = self.network, max(1, self.size)
        if link.target[0] in network.learning:
            synapses = network.learning[link.target[0]]
            onto, kind = self._core_of[synapses.neuron], "matrix"
            topology: Topology | None = synapses.topology
        else:
            topology, onto = link.topology, self._core_of[link.target[0]]
            kind = str(link.kind)
            if kind in ("pre", "post"):
                topology = network.groups[link.target[0]].topology
            elif kind == "rows":
                topology = network.groups[link.source[0]].topology
        source = network.groups.get(link.source[0])
        if source is not None and source.topology is not None and kind not in ("rows", "total"):
            remedy = "send them through a group of neurons"
            raise InputError("synapses send to rows or to a total", field="links", value=link.source, remedy=remedy)
        if kind == "same":
            pairs = np.arange(onto.size) * cores + onto
        elif kind == "all":
            pairs = np.unique(onto)
        elif kind == "total":
            pairs = np.arange(self._senders(link.source[0])) * cores + onto[0]
        elif topology is None:
            raise ValueError(f"a link of kind {kind} has a topology: {link.source} to {link.target}")
        elif kind == "matrix":
            pairs = topology.col.astype(np.int64) * cores + onto[topology.row]
        elif kind == "pre":
            pairs = topology.col.astype(np.int64) * cores + onto
        elif kind == "post":
            pairs = topology.row * cores + onto
        else:  # rows
            pairs = np.arange(topology.size) * cores + onto[topology.row]
        return np.asarray(np.unique(pairs))

    def _senders(self, name: str) -> int:
        """How many compartments send through an output: of a group of synapses, each synapse."""
        return self.network.inputs[name].size if name in self.network.inputs else self.network.groups[name].size

    def _routes(self, source: Output, found: list[NDArray[Any]]) -> Routes:
        cores = max(1, self.size)
        sender, core = np.divmod(np.unique(np.concatenate(found)), cores)
        if source[0] in self.network.inputs:  # the host's messages enter the mesh where they are needed
            ways = np.zeros((sender.size, 3), np.int64)
        else:
            ends = self.numbers[self._core_of[source[0]][sender]], self.numbers[core]
            ways = np.stack(self._place.hops(*ends), axis=1)
        size = self._senders(source[0])
        hops = [np.bincount(sender, weights=ways[:, n], minlength=size).astype(np.int64) for n in range(3)]
        return Routes(np.bincount(sender, minlength=size), hops[0], hops[1], hops[2], sender, ways)
