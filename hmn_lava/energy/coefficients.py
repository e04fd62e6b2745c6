"""The coefficients of a hardware profile: what an operation costs, from low to high, and who says so."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hmn_lava.hardware_profiles import Profile
from hmn_lava.hardware_profiles.costs import Estimate

BARRIER_TILES = 32
"""Tiles of the larger of the two barriers that a profile gives (its name says so)."""


class Coefficients:
    """Energy in pJ and time in ns of each operation, as (low, typical, high), on ``tiles`` of ``chips``.

    A chip with microcode is charged for the instructions that a compartment executes, one without for neuron updates.
    """

    def __init__(self, profile: Profile, tiles: int = 1, chips: int = 1) -> None:
        self.profile, self.tiles, self.chips = profile, max(1, tiles), max(1, chips)
        programmed = profile.energy is not None and profile.energy.microcode_instruction is not None
        self.unused = ("neuron_update_active", "neuron_update_inactive") if programmed else ("microcode_instruction",)

    def entry(self, operation: str, table: str = "energy") -> Estimate | None:
        """The profile's entry, None where it has none or where the chip is not charged by this operation."""
        section = getattr(self.profile, table)
        if section is None or operation in self.unused:
            return None
        found: Estimate | None = getattr(section, operation, None)
        return found

    def energy(self, operation: str) -> tuple[float, float, float] | None:
        """pJ."""
        found = self.entry(operation)
        return None if found is None else found.span

    def time(self, operation: str) -> tuple[float, float, float] | None:
        """ns."""
        found = self.entry(operation, "time")
        return None if found is None else found.span

    def barrier(self) -> NDArray[np.float64]:
        """ns: the barrier that ends a step, linear in the tiles between the two that the profile gives.

        More tiles than 32 go on along that line; between chips there is an addition.
        """
        one, most = self._times("barrier_one_tile"), self._times("barrier_32_tiles")
        share = (self.tiles - 1) / (BARRIER_TILES - 1)
        between = self._times("barrier_between_chips") if self.chips > 1 else 0.0
        return np.asarray(one + share * (most - one) + between)

    def management(self) -> NDArray[np.float64]:
        """ns: what a step takes longer in which an epoch ends, whatever is learned."""
        return self._times("management")

    def hops(self) -> NDArray[np.float64]:
        """ns: (3 hops, low to high) of east-west, north-south and between chips."""
        return np.array([self._times(name) for name in ("hop_east_west", "hop_north_south", "hop_between_chips")])

    def within(self) -> NDArray[np.float64]:
        """ns: a delivery within a tile."""
        return self._times("spike_within_tile")

    def _times(self, name: str) -> NDArray[np.float64]:
        return np.array(self.time(name) or (0.0, 0.0, 0.0))
