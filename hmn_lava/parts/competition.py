"""The competition alone: one compartment for each ordered pair of neurons, which says who is beaten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hmn_lava.network import Topology
from hmn_lava.partition import Part, partition
from hmn_lava.parts.given import of_component, size_of
from hmn_lava.parts.neuron import neuron_network
from hmn_lava.parts.ranges import Range
from hmn_lava.reference.equations import Floats
from hmn_lava.reference.parts import FloatPart


@of_component(a_range="key_range")
def competition_part(shape: Any, key_range: Range = (-8.0, 8.0), name: str = "competition") -> tuple[Part, FloatPart]:
    """The competition of ``shape`` neurons whose keys lie in ``key_range``; see ``Competition`` for the arguments."""
    size = size_of(shape)
    arguments = {"bias": 0.0, "noise": 0.0, "z_max": None, "competition": "winner_take_all", "temperature": None}
    network = neuron_network(size, "relu", key_range, arguments, {}, None, 0)
    part = partition(network).parts["neuron.competition"]
    return part, FloatPart(part, CompetitionEquations(Topology.full(size, size)))


class CompetitionEquations:
    """beaten_j = number of neurons i with key_i > key_j, or key_i = key_j and i < j: 0 for the winner alone."""

    def __init__(self, pairs: Topology) -> None:
        self.pairs = pairs
        self.states: dict[str, Floats] = {}

    def step(self, ports: Mapping[str, Floats], t: int) -> Mapping[str, Floats]:
        """Compare all pairs."""
        mine, other, pairs = ports["mine"], ports["other"], self.pairs
        beaten = (mine < other) | ((mine == other) & (pairs.col < pairs.row))
        return {"beaten": np.bincount(pairs.row, weights=beaten, minlength=pairs.n_post).astype(np.float64)}
