"""The coefficients of a hardware profile: what an operation costs, from low to high, and who says so."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import InputError
from hmn_lava.hardware_profiles import Profile
from hmn_lava.hardware_profiles.costs import Estimate

Span = tuple[float, float, float]
"""(low, typical, high)."""

POWERS = ("static_power_per_chip", "embedded_power_per_chip")
"""What flows whatever happens, mW: its count is a time in ns."""

BARRIER_TILES = 32
"""Tiles of the larger of the two barriers that a profile gives (its name says so)."""


class Coefficients:
    """Energy in pJ and time in ns of each operation, as (low, typical, high), on ``tiles`` of ``chips``.

    A chip with microcode is charged for the instructions that a compartment executes, one without for neuron updates.
    Raises InputError for a profile that has no section energy or none of time.
    """

    def __init__(self, profile: Profile, tiles: int = 1, chips: int = 1) -> None:
        self.profile, self.tiles, self.chips = profile, max(1, tiles), max(1, chips)
        for section, what in (("energy", "energies"), ("time", "times")):
            if getattr(profile, section) is None:
                remedy = f"give a profile with the section {section}"
                raise InputError(f"has no {what}", where=profile.name, field=section, remedy=remedy)
        updates = ("neuron_update_active", "neuron_update_inactive")
        self.unused = ("microcode_instruction",) if profile.microcode is None else updates

    def entry(self, operation: str) -> Estimate:
        """The profile's energy or power of an operation that the chip is charged for."""
        found: Estimate = getattr(self.profile.energy, operation)
        return found

    def energy(self, operation: str) -> Span:
        """pJ."""
        return self.entry(operation).span

    def time(self, operation: str) -> Span:
        """ns."""
        found: Estimate = getattr(self.profile.time, operation)
        return found.span

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
        return np.array(self.time(name))
