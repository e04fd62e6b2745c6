"""Slices of groups onto as few cores as a good heuristic finds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from hmn_lava.compiler.placement.demands import SHARED, Demand, room, together
from hmn_lava.fixed import Integers
from hmn_lava.placement import Slice

MOST_PIECES = 4
"""Pieces that a slice may be cut into to fill gaps: each has axons of its own."""

MOST_GAPS = 64
"""Gaps that are tried for a piece, the roomiest first."""


def pack(demands: Mapping[str, Demand], limit: Mapping[str, int], fill: bool = True) -> list[Slice]:
    """All compartments of all groups in slices, on cores that are numbered from 0; none takes more than ``limit``.

    1. Each group is cut into slices as long as a core takes. All but its last fill a core.
    2. The last slices, the largest first, go to the first core with room (first fit decreasing), or to a new one.
    3. With ``fill``, cores that are not full, the emptiest first, are given up where what they hold fits into gaps of
       others.

    A core has one slice of a group at most. Every single compartment must be within the limit.
    """
    cores = _Cores(demands, limit)
    rests: list[Piece] = []
    for demand in demands.values():
        first, length = 0, 1
        while first < demand.size:
            last, takes = demand.reach(first, demand.size, cores.room, length + length // 4 + 1)
            length = last - first
            piece = Piece(demand.group, first, last, takes)
            if last == demand.size:
                rests.append(piece)
            else:
                cores.put(piece, cores.open())
            first = last
    for piece in sorted(rests, key=lambda piece: -cores.share(piece.takes)):
        cores.put(piece, cores.first_fit(piece))
    if fill:
        cores.thin_out()
    return cores.slices()


class Piece(NamedTuple):
    """Compartments [first, last) of a group, and what they take of the resources that add up."""

    group: str
    first: int
    last: int
    takes: Integers


class _Cores:
    """Cores in the making: what is free on each, and what lies there."""

    def __init__(self, demands: Mapping[str, Demand], limit: Mapping[str, int]) -> None:
        self.demands, self.limit, self.room = demands, limit, room(limit)
        self.held: list[dict[str, Piece]] = []
        self._free = np.empty((64, self.room.size), np.int64)

    @property
    def free(self) -> Integers:
        """(cores, resources): what is left of each."""
        return self._free[: len(self.held)]

    def share(self, takes: Integers) -> float:
        """The largest share of a core's resources."""
        return float((takes / self.room).max())

    def open(self) -> int:
        """A new core."""
        if len(self.held) == len(self._free):
            self._free = np.concatenate([self._free, np.empty_like(self._free)])
        self.held.append({})
        self.free[-1] = self.room
        return len(self.held) - 1

    def put(self, piece: Piece, core: int) -> None:
        self.held[core][piece.group] = piece
        self.free[core] -= piece.takes

    def first_fit(self, piece: Piece) -> int:
        """The first core with room for a piece; a new one where none has."""
        for core in np.flatnonzero((self.free >= piece.takes).all(axis=1)).tolist():
            if self._agree(piece.group, self.held[core]):
                return int(core)
        return self.open()

    def thin_out(self) -> None:
        """Give up cores that hold the last piece of a group, if all that they hold fits elsewhere."""
        size = {name: demand.size for name, demand in self.demands.items()}
        some = [n for n, held in enumerate(self.held) if any(p.last == size[p.group] for p in held.values())]
        for core in sorted(some, key=lambda core: self.share(self.room - self.free[core])):
            moved = self._elsewhere(core)
            if moved is not None:
                self.held[core].clear()
                self.free[core] = 0
                for piece, target in moved:
                    self.put(piece, target)

    def slices(self) -> list[Slice]:
        """All, on cores that are numbered anew without those that were given up."""
        used = [held.values() for held in self.held if held]
        return [Slice(p.group, p.first, p.last, core) for core, pieces in enumerate(used) for p in pieces]

    def _elsewhere(self, core: int) -> list[tuple[Piece, int]] | None:
        """What a core holds, in pieces that fit into gaps of others, and on which; None where they do not."""
        free = self.free.copy()
        free[core] = 0
        moved: list[tuple[Piece, int]] = []
        for piece in self.held[core].values():
            first, pieces = piece.first, 0
            while first < piece.last:
                found = self._gap(piece, first, free, moved) if pieces < MOST_PIECES else None
                if found is None:
                    return None
                moved.append(found)
                free[found[1]] -= found[0].takes
                first, pieces = found[0].last, pieces + 1
        return moved

    def _gap(
        self, piece: Piece, first: int, free: Integers, moved: list[tuple[Piece, int]]
    ) -> tuple[Piece, int] | None:
        """As much of [first, piece.last) as one core has room for, on a roomy one."""
        demand = self.demands[piece.group]
        candidates = np.flatnonzero((free >= demand.of(first, first + 1)).all(axis=1))
        roomy = np.argsort(-(free[candidates] / np.maximum(piece.takes, 1)).min(axis=1), kind="stable")
        for core in candidates[roomy[:MOST_GAPS]].tolist():
            if self._agree(piece.group, [*self.held[core], *(p.group for p, there in moved if there == core)]):
                last, takes = demand.reach(first, piece.last, free[core], piece.last - first)
                return Piece(piece.group, first, last, takes), core
        return None

    def _agree(self, group: str, there: Iterable[str]) -> bool:
        """Whether a group's settings have room beside those of the groups that are there; one has one piece there."""
        groups = [*there]
        if group in groups:
            return False
        taken = together(self.demands[name].settings for name in (*groups, group))
        return all(taken[name] <= self.limit[name] for name in SHARED if name in self.limit)
