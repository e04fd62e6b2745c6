"""A first placement: groups in order, each split over as many cores as it needs; one program a core."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hmn_lava.fixed import Integers
from hmn_lava.hardware_profiles import Profile
from hmn_lava.network import IntegerNetwork
from hmn_lava.topology import largest


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
    """Fill cores group by group; a core runs one group's program.

    It holds as many compartments as it has, and as many as its memory has static synapses for, were each the heaviest.
    """
    limit = profile.core.compartments.value
    memory = profile.core.synaptic_memory.value
    slices = []
    core = 0
    for group in network.groups.values():
        heaviest = int(synaptic_bits(network, group.name, profile).max(initial=0))
        step = max(1, min(limit, memory // max(1, heaviest)))
        for first in range(0, group.size, step):
            slices.append(Slice(group.name, first, min(first + step, group.size), core))
            core += 1
    return Placement(tuple(slices), core, sum(g.size for g in network.groups.values()), limit)


def synaptic_bits(network: IntegerNetwork, group: str, profile: Profile) -> Integers:
    """Synaptic memory of each compartment of ``group``: the synapses onto it, (size,) bits.

    A static weight takes the profile's bits, or more where the spec asked for more; a synapse of the learning engine
    takes those of a weight and its tags. Other plastic synapses are compartments.
    """
    bits = np.zeros(network.groups[group].size, np.int64)
    for link in network.links_to(group):
        if link.topology is not None and link.weights is not None:
            asked = 1 + int(largest(link.weights)).bit_length()
            width = max(profile.lif.weight_bits.value, asked)
            bits += link.topology.counts * width
    learning = profile.learning
    for synapses in network.learning.values():
        if synapses.neuron == group:
            # A weight, and a tag for each variable that the rule changes.
            tags = sum(rule.target != "dw" for rule in synapses.rule.rules)
            width = profile.lif.weight_bits.value + tags * learning.variable_width.value
            bits += synapses.topology.counts * width
    return bits
