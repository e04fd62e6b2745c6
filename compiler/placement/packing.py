"""How synapses are packed into the words of a core's synaptic memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hmn_lava.fixed import Integers
from hmn_lava.hardware_profiles import Profile


@dataclass(frozen=True)
class Format:
    """The entry of a synapse in a run: how many bits each part takes.

    A run is the list of all synapses of one axon onto one slice of a group: ``header_bits`` and then k entries, rounded
    up to whole words,

        words(k) = ceil((header_bits + k * bits) / word_bits)   for k > 0,   words(0) = 0.

    ``index`` is 0 where the entries go to the compartments in order, as those of a dense connection do. ``shift`` and
    ``signed`` take no room, but are part of what a core has to tell apart (its synapse configurations).
    """

    weight: int
    index: int
    delay: int
    tags: int
    shift: int
    signed: bool
    header_bits: int
    word_bits: int

    @property
    def bits(self) -> int:
        """Of an entry."""
        return self.weight + self.index + self.delay + self.tags

    def words(self, entries: Integers | int) -> Integers:
        """Words that runs of so many entries take."""
        whole = -(-(self.header_bits + np.asarray(entries) * self.bits) // self.word_bits)
        return np.where(np.asarray(entries) > 0, whole, 0)


def weight_bits(low: int, high: int, profile: Profile) -> int:
    """Bits of weights in [low, high]: the smallest of the profile's choices that holds them.

    If any is negative, they are two's complement.

    A weight that no choice holds is kept as several synapses of the same axon, each with the longest of them.
    """
    needed = max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0) + (low < 0)
    choices = profile.synapses.weight_bits.value
    longest = choices[-1]
    return next((bits for bits in choices if bits >= needed), -(-needed // longest) * longest)


def index_bits(targets: int, profile: Profile) -> int:
    """Bits of the index of one of so many compartments; the most there are where no choice is enough."""
    needed = (targets - 1).bit_length()
    choices = profile.synapses.index_bits.value
    return next((bits for bits in choices if bits >= needed), choices[-1])


def levels_bits(levels: tuple[int, int]) -> int:
    """Bits that tell all integers of a range apart."""
    return (levels[1] - levels[0]).bit_length()
