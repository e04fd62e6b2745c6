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
    profile: Profile

    def core_of(self, group: str) -> Integers:
        """The core of each compartment, (size,)."""
        found = np.zeros(self.sizes[group], np.int64)
        for name, first, last, core in self.slices:
            if name == group:
                found[first:last] = core
        return found

    @property
    def mesh(self) -> Located:
        return self

    def places(self, cores: Integers) -> Integers:
        chip, system = self.profile.chip, self.profile.system
        number, on_chip = np.divmod(cores, chip.cores_per_chip.value)
        tile, seat = np.divmod(on_chip, chip.cores_per_tile.value)
        chip_row, chip_column = np.divmod(number, system.chip_columns.value)
        tile_row, tile_column = np.divmod(tile, chip.tile_columns.value)
        return np.stack([number, chip_column, chip_row, tile_column, tile_row, seat], axis=-1)

    def hops(self, sources: Integers, targets: Integers) -> tuple[Integers, Integers, Integers]:
        a, b = self.places(sources), self.places(targets)
        columns, rows = self.profile.chip.tile_columns.value, self.profile.chip.tile_rows.value
        chips_x, chips_y = np.abs(a[..., 1] - b[..., 1]), np.abs(a[..., 2] - b[..., 2])
        x = np.abs((a[..., 1] - b[..., 1]) * columns + a[..., 3] - b[..., 3])
        y = np.abs((a[..., 2] - b[..., 2]) * rows + a[..., 4] - b[..., 4])
        return x - chips_x, y - chips_y, chips_x + chips_y


def locate(bundle: Bundle, profile: Profile) -> Located:
    """The bundle's placement on the chips of ``profile``."""
    slices = tuple((s["group"], s["first"], s["last"], s["core"]) for s in bundle.placement["slices"])
    sizes = {group.name: group.size for group in bundle.network.groups.values()}
    return Located(slices, sizes, profile)
