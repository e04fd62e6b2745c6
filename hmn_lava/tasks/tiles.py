"""Tile coding: a continuous state as a few active inputs out of many (Sutton & Barto 2018, section 9.5.4).

A tiling cuts some of the state's variables at edges of its own, as the boxes of Barto, Sutton & Anderson (1983) do; its
tiles are the products of these intervals, and one of them is active. Tilings over different variables add up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Edges = Mapping[int, Sequence[float]]
"""Where a tiling cuts each of its variables: number of the variable -> increasing edges."""


@dataclass(frozen=True)
class Tilings:
    """Tilings of a state; tiles are numbered through, tiling after tiling, the last variable fastest."""

    cuts: tuple[Edges, ...]

    def __len__(self) -> int:
        """Number of tilings, which is that of active tiles."""
        return len(self.cuts)

    @cached_property
    def _first(self) -> list[int]:
        """Number of each tiling's first tile, and of all tiles."""
        sizes = [math.prod(len(edges) + 1 for edges in cut.values()) for cut in self.cuts]
        return [sum(sizes[:n]) for n in range(len(sizes) + 1)]

    @property
    def size(self) -> int:
        """Number of tiles."""
        return self._first[-1]

    def active(self, state: Sequence[float]) -> Ints:
        """The active tile of each tiling, (tilings,); a value on an edge belongs to the interval below it."""
        found = []
        for first, cut in zip(self._first, self.cuts, strict=False):
            tile = 0
            for variable, edges in cut.items():
                tile = tile * (len(edges) + 1) + int(np.searchsorted(edges, state[variable]))
            found.append(first + tile)
        return np.array(found, np.int64)
