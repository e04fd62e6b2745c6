"""A million neurons on Hala Point: within a minute or so, and in memory of a few bytes for each synapse."""

from __future__ import annotations

import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from small_networks import group, matrix, network, sparse

from hmn_lava.compiler.placement import place
from hmn_lava.hardware_profiles import load_profile
from hmn_lava.network import IntegerNetwork
from hmn_lava.topology import Topology

SYNAPSES = 10


def random(populations: int, size: int) -> IntegerNetwork:
    """Populations in a ring, each neuron with random synapses from the population before."""
    rng = np.random.default_rng(0)
    names = [f"p{n}" for n in range(populations)]
    links = [matrix(a, b, sparse(rng, size, size, SYNAPSES)) for a, b in zip(names[-1:] + names, names, strict=False)]
    return network(*(group(name, size) for name in names), *links)


def near(size: int) -> IntegerNetwork:
    """Each neuron with synapses from some of the thousand nearest."""
    rng = np.random.default_rng(0)
    row = np.repeat(np.arange(size), SYNAPSES)
    col = np.clip(row + rng.integers(-500, 500, row.size), 0, size - 1)
    row, col = np.divmod(np.unique(row * size + col), size)
    return network(group("p", size), matrix("p", "p", Topology.of(size, size, row, col)))


def check(net: IntegerNetwork, cores: tuple[int, int]) -> None:
    placement = place(net, load_profile("hala_point"))
    assert cores[0] <= placement.cores <= cores[1]
    assert all(int(used.max()) <= placement.limits[name] for name, used in placement.used.items())
    assert placement.compartments == sum(g.size for g in net.groups.values())


def test_a_tenth_of_it_in_seconds_and_little_memory():
    net = near(100_000)
    tracemalloc.start()
    begin = time.perf_counter()
    try:
        check(net, (31, 34))  # 12,000 words of memory, one for each source; 1,000 of them overlap with the neighbours'
        assert tracemalloc.get_traced_memory()[1] < 60 * SYNAPSES * 100_000
    finally:
        tracemalloc.stop()
    assert time.perf_counter() - begin < 60


@pytest.mark.heavy
@pytest.mark.parametrize(("populations", "most"), [(1, 2500), (5, 2500), (1000, 340)])
def test_random_synapses(populations, most):
    begin = time.perf_counter()
    check(random(populations, 1_000_000 // populations), (most - 60, most))
    assert time.perf_counter() - begin < 240  # about 30 s on a machine with nothing else to do


@pytest.mark.heavy
def test_synapses_of_neighbours():
    begin = time.perf_counter()
    check(near(1_000_000), (310, 335))
    assert time.perf_counter() - begin < 120
