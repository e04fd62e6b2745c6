"""A network in slices, and what each core takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hmn_lava.compiler.placement.demands import ADDED, SHARED, Demand, together
from hmn_lava.fixed import Integers
from hmn_lava.placement import Slice


@dataclass(frozen=True, eq=False)
class Packed:
    """Slices on cores that are numbered from 0, and the demands with the output axons that these slices need."""

    demands: Mapping[str, Demand]
    slices: Sequence[Slice]

    @property
    def cores(self) -> int:
        return 1 + max((piece.core for piece in self.slices), default=-1)

    def used(self) -> dict[str, Integers]:
        """What each core takes of each resource."""
        sums = np.zeros((self.cores, len(ADDED)), np.int64)
        held: list[list[str]] = [[] for _ in range(self.cores)]
        for piece in self.slices:
            sums[piece.core] += self.demands[piece.group].of(piece.first, piece.last)
            held[piece.core].append(piece.group)
        of_groups = {groups: together(self.demands[name].settings for name in groups) for groups in map(tuple, held)}
        shared = [of_groups[tuple(groups)] for groups in held]
        used = {name: sums[:, number] for number, name in enumerate(ADDED)}
        return used | {name: np.array([taken[name] for taken in shared], np.int64) for name in SHARED}

    def outputs(self) -> Integers:
        """The output axons of each core."""
        axons = [self.demands[piece.group].sent(piece.first, piece.last) for piece in self.slices]
        return np.bincount([piece.core for piece in self.slices], weights=axons).astype(np.int64)
