"""Where a bundle's network lies: its placement, as counting needs it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hmn_lava.bundle import Bundle
from hmn_lava.fixed import Integers
from hmn_lava.hardware_profiles import Profile


@dataclass(frozen=True, eq=False)
class Located:
    """A placement in the order of its cores: chip by chip, tile by tile, row by row."""

    slices: tuple[tuple[str, int, int, int], ...]
    sizes: dict[str, int]
    cores: int
    profile: Profile

    def core_of(self, group: str) -> Integers:
        """The core of each compartment, (size,)."""
        found = np.zeros(self.sizes[group], np.int64)
        for name, first, last, core in self.slices:
            if name == group:
                found[first:last] = core
        return found

    @property
    def chips(self) -> int:
        return max(1, -(-self.cores // self.profile.chip.cores_per_chip.value))

    @property
    def tiles(self) -> int:
        most = min(self.cores, self.profile.chip.cores_per_chip.value)
        return max(1, -(-most // self.profile.chip.cores_per_tile.value))

    def hops(self, core_a: Integers, core_b: Integers) -> tuple[Integers, Integers, Integers]:
        chip, system = self.profile.chip, self.profile.system
        (a, tile_a), (b, tile_b) = (np.divmod(core, chip.cores_per_chip.value) for core in (core_a, core_b))
        columns, wide = chip.tile_columns.value, system.chip_columns.value
        (row_a, col_a), (row_b, col_b) = (np.divmod(t // chip.cores_per_tile.value, columns) for t in (tile_a, tile_b))
        (up_a, on_a), (up_b, on_b) = np.divmod(a, wide), np.divmod(b, wide)
        east = np.abs(col_a + columns * on_a - col_b - columns * on_b)
        north = np.abs(row_a + chip.tile_rows.value * up_a - row_b - chip.tile_rows.value * up_b)
        return east, north, np.abs(on_a - on_b) + np.abs(up_a - up_b)


def locate(bundle: Bundle, profile: Profile) -> Located:
    """The bundle's placement on the chips of ``profile``."""
    slices = tuple((s["group"], s["first"], s["last"], s["core"]) for s in bundle.placement["slices"])
    sizes = {group.name: group.size for group in bundle.network.groups.values()}
    return Located(slices, sizes, int(bundle.placement["cores"]), profile)
