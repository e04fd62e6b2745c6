"""A first placement: groups in order, each split over as many cores as its compartments need; one program a core."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from hmn_lava.hardware_profiles import Profile
from hmn_lava.network import IntegerNetwork


@dataclass(frozen=True)
class Slice:
    """Compartments [first, last) of a group on one core."""

    group: str
    first: int
    last: int
    core: int


@dataclass(frozen=True)
class Placement:
    """Which core holds what."""

    slices: tuple[Slice, ...]
    cores: int
    compartments: int
    compartments_per_core: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def place(network: IntegerNetwork, profile: Profile) -> Placement:
    """Fill cores group by group; a core runs one group's program."""
    limit = profile.core.compartments.value
    slices = []
    core = 0
    for group in network.groups.values():
        for first in range(0, group.size, limit):
            slices.append(Slice(group.name, first, min(first + limit, group.size), core))
            core += 1
    return Placement(tuple(slices), core, sum(g.size for g in network.groups.values()), limit)
