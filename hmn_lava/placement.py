"""Which core holds what, where that core lies, and how much of it is used: the record that a bundle carries.

The compiler makes it (``hmn_lava.compiler.placement``); energy and time are counted from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from hmn_lava.fixed import Integers
from hmn_lava.hardware_profiles import Profile

RESOURCES = (
    "compartments",
    "synaptic_memory",
    "input_axons",
    "output_axons",
    "state_memory",
    "program_memory",
    "compartment_configurations",
    "threshold_configurations",
    "synapse_configurations",
    "learning_configurations",
)
"""What a core has a limited number of: the entries of a profile's section ``core``."""


INDEX_BITS = "index_bits"
"""Of a profile's section ``synapses``: what also limits a slice, since a sparse connection names its compartments."""


def limits(profile: Profile) -> dict[str, int]:
    """How much a core has of each resource; what the profile has no limit for is left out."""
    entries = {name: getattr(profile.core, name) for name in RESOURCES}
    return {name: entry.value for name, entry in entries.items() if entry is not None}


def fullest(used: Mapping[str, Integers], limit: Mapping[str, int]) -> list[str]:
    """The resources, the one first of which cores take the largest share on average."""
    return sorted(limit, key=lambda name: -int(used[name].sum()) / limit[name])


@dataclass(frozen=True)
class Slice:
    """Compartments [first, last) of a group on one core."""

    group: str
    first: int
    last: int
    core: int


class Place(NamedTuple):
    """Where a core lies: its chip, the chip's column and row on the board, the tile's on the chip, and its seat."""

    chip: int
    chip_column: int
    chip_row: int
    tile_column: int
    tile_row: int
    seat: int


@dataclass(frozen=True)
class Mesh:
    """The cores of a system: chips in a mesh, tiles in a mesh on each chip, a few cores in a tile.

    Core c is core ``c % cores_per_chip`` of chip ``c // cores_per_chip``; chips are numbered row by row, the tiles of a
    chip and their cores likewise.
    """

    chips: int
    chip_columns: int
    cores_per_chip: int
    cores_per_tile: int
    tile_columns: int
    tile_rows: int

    @classmethod
    def of(cls, profile: Profile) -> Mesh:
        system, chip = profile.system, profile.chip
        return cls(
            system.chips.value,
            system.chip_columns.value,
            chip.cores_per_chip.value,
            chip.cores_per_tile.value,
            chip.tile_columns.value,
            chip.tile_rows.value,
        )

    @property
    def cores(self) -> int:
        """All that there are."""
        return self.chips * self.cores_per_chip

    def places(self, cores: ArrayLike) -> Integers:
        """The :class:`Place` of each core, (..., 6)."""
        chip, on_chip = np.divmod(np.asarray(cores, np.int64), self.cores_per_chip)
        tile, seat = np.divmod(on_chip, self.cores_per_tile)
        chip_row, chip_column = np.divmod(chip, self.chip_columns)
        tile_row, tile_column = np.divmod(tile, self.tile_columns)
        return np.stack([chip, chip_column, chip_row, tile_column, tile_row, seat], axis=-1)

    def place(self, core: int) -> Place:
        """Where one core lies."""
        return Place(*self.places(core).tolist())

    def hops(self, sources: ArrayLike, targets: ArrayLike) -> tuple[Integers, Integers, Integers]:
        """(east_west, north_south, between_chips): hops of a spike from core to core, elementwise.

        Spikes go along a row of tiles first, then along a column (XY routing), through the tiles of all chips on the
        way; a hop between the tiles of two chips is counted as ``between_chips`` alone. In one tile there is none.
        """
        a, b = self.places(sources), self.places(targets)
        chips_x, chips_y = np.abs(a[..., 1] - b[..., 1]), np.abs(a[..., 2] - b[..., 2])
        x = np.abs((a[..., 1] - b[..., 1]) * self.tile_columns + a[..., 3] - b[..., 3])
        y = np.abs((a[..., 2] - b[..., 2]) * self.tile_rows + a[..., 4] - b[..., 4])
        return x - chips_x, y - chips_y, chips_x + chips_y


@dataclass(frozen=True, eq=False)
class Placement:
    """A placed network.

    ``used`` has, for each resource of a core, how much of it each used core takes, in the order of ``core_numbers``;
    ``limits`` what a core has. ``binding``: the resource of a core, or ``INDEX_BITS``, without whose limit the network
    would take fewest cores; on one core, the resource of which it takes the largest share. ``spike_hops``: hops of all
    kinds if every compartment sends one message through each of its outputs.
    """

    slices: tuple[Slice, ...]
    mesh: Mesh
    limits: Mapping[str, int]
    used: Mapping[str, Integers]
    binding: str
    spike_hops: int

    @cached_property
    def core_numbers(self) -> Integers:
        """The cores that hold anything, ascending."""
        return np.unique(np.fromiter((part.core for part in self.slices), np.int64, len(self.slices)))

    @property
    def cores(self) -> int:
        """How many cores are used."""
        return int(self.core_numbers.size)

    @property
    def chips(self) -> int:
        """How many chips are used."""
        return int(np.unique(self.core_numbers // self.mesh.cores_per_chip).size)

    @property
    def compartments(self) -> int:
        """Of all groups."""
        return sum(part.last - part.first for part in self.slices)

    def core_of(self, group: str) -> Integers:
        """(size,): the core of each compartment of a group. Raises KeyError where there is no such group."""
        parts = self._parts[group]
        return np.repeat([part.core for part in parts], [part.last - part.first for part in parts])

    def slices_of(self, group: str) -> tuple[Slice, ...]:
        """The slices of a group, in order."""
        return self._parts[group]

    def hops(self, sources: ArrayLike, targets: ArrayLike) -> tuple[Integers, Integers, Integers]:
        """(east_west, north_south, between_chips): see :meth:`Mesh.hops`."""
        return self.mesh.hops(sources, targets)

    def fullest(self, core: int) -> str:
        """The resource of which the ``core``-th used core takes the largest share."""
        return max(self.limits, key=lambda name: int(self.used[name][core]) / self.limits[name])

    def as_dict(self) -> dict[str, Any]:
        """As the JSON values of placement.json."""
        return {
            "cores": self.cores,
            "chips": self.chips,
            "compartments": self.compartments,
            "binding": self.binding,
            "spike_hops": self.spike_hops,
            "slices": [asdict(part) for part in self.slices],
            "utilisation": {
                name: {"limit": limit, "used": self.used[name].tolist()} for name, limit in self.limits.items()
            },
        }

    @cached_property
    def _parts(self) -> dict[str, tuple[Slice, ...]]:
        found: dict[str, list[Slice]] = {}
        for part in self.slices:
            found.setdefault(part.group, []).append(part)
        return {name: tuple(sorted(parts, key=lambda part: part.first)) for name, parts in found.items()}
