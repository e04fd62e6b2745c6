"""Hops, the curve that cores are filled along, and whether a placement beats one at random."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from random_placed import message
from small_networks import group, matrix, network, sparse, with_limits

from hmn_lava.compiler.placement import place
from hmn_lava.compiler.placement.arrange import arrange, hops
from hmn_lava.compiler.placement.curve import hilbert, seats
from hmn_lava.compiler.placement.demands import demands
from hmn_lava.compiler.placement.traffic import cuts, traffic
from hmn_lava.hardware_profiles import load_profile, profile_names
from hmn_lava.placement import Mesh, Place
from hmn_lava.topology import Topology

MESH = Mesh(chips=6, chip_columns=3, cores_per_chip=22, cores_per_tile=4, tile_columns=3, tile_rows=2)


def test_where_a_core_lies():
    assert MESH.place(0) == Place(0, 0, 0, 0, 0, 0)
    assert MESH.place(21) == Place(0, 0, 0, 2, 1, 1)
    assert MESH.place(4 * 22 + 9) == Place(4, 1, 1, 2, 0, 1)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (0, 3, (0, 0, 0)),  # one tile
        (0, 4, (1, 0, 0)),
        (0, 12, (0, 1, 0)),
        (0, 21, (2, 1, 0)),
        (8, 22, (0, 0, 1)),  # from the last column of a chip to the first of the next
        (0, 22, (2, 0, 1)),
        (0, 3 * 22, (0, 1, 1)),
        (0, 5 * 22 + 21, (6, 2, 3)),
    ],
)
def test_hops_by_hand(a, b, expected):
    assert tuple(int(n) for n in MESH.hops(a, b)) == expected
    assert tuple(int(n) for n in MESH.hops(b, a)) == expected


def test_hops_are_counted_for_whole_arrays():
    cores = np.arange(MESH.cores)
    east_west, north_south, between = MESH.hops(cores[:, None], cores)
    assert east_west.shape == (132, 132)
    for a, b in ((5, 130), (77, 3), (60, 61)):
        assert (east_west[a, b], north_south[a, b], between[a, b]) == tuple(int(n) for n in MESH.hops(a, b))


@pytest.mark.parametrize("width", range(1, 20))
def test_the_curve_visits_each_cell_once_and_goes_to_neighbours(width):
    for height in range(1, 20):
        cells = hilbert(width, height)
        assert sorted(cells) == [(x, y) for x in range(width) for y in range(height)]
        steps = np.abs(np.diff(np.array(cells), axis=0))
        assert steps.max(initial=0) <= 1
        assert np.count_nonzero(steps.sum(axis=1) > 1) <= 1  # a diagonal, where a side is odd


@pytest.mark.parametrize("name", profile_names())
def test_chips_are_filled_one_after_another(name):
    mesh = Mesh.of(load_profile(name))
    for cores in {1, 2, mesh.cores_per_chip, mesh.cores_per_chip + 1, mesh.cores // 3, mesh.cores}:
        if 1 <= cores <= mesh.cores:
            used = seats(mesh, cores)
            assert np.unique(used).size == used.size == cores
            assert used.max() < mesh.cores
            assert np.unique(used // mesh.cores_per_chip).size == -(-cores // mesh.cores_per_chip)


def _ring(count, size):
    """Populations each of which sends to the next, in an order that is not that of the network."""
    order = np.random.default_rng(3).permutation(count)
    parts = [group(f"p{n}", size) for n in range(count)]
    return network(*parts, *(message(f"p{a}", f"p{b}", "same") for a, b in zip(order, np.roll(order, 1), strict=True)))


def _layers():
    parts = [group(f"p{n}", 300) for n in range(6)]
    return network(*parts, *(matrix(f"p{n}", f"p{n + 1}", Topology.full(300, 300)) for n in range(5)))


def _local():
    row = np.repeat(np.arange(2000), 9)
    col = np.clip(row + np.tile(np.arange(-40, 41, 10), 2000), 0, 1999)
    row, col = np.divmod(np.unique(row * 2000 + col), 2000)
    return network(group("p", 2000), matrix("p", "p", Topology.of(2000, 2000, row, col)))


def _uneven():
    rng = np.random.default_rng(5)
    parts = [group(f"p{n}", 60) for n in range(20)]
    pairs = [(a, b) for a in range(20) for b in range(20) if a != b and rng.random() < 0.15]
    return network(*parts, *(matrix(f"p{a}", f"p{b}", sparse(rng, 60, 60, rng.integers(1, 6))) for a, b in pairs))


NETWORKS = {
    "ring": (_ring(100, 20), 0.35),
    "layers": (_layers(), 0.95),
    "local": (_local(), 0.35),
    "uneven": (_uneven(), 0.8),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("chips", [1, 16])
def test_fewer_hops_than_at_random(name, chips):
    """Against the best of twenty random placements on the same cores, and by how much against their mean."""
    net, share = NETWORKS[name]
    per_chip = 120 if chips == 1 else 8
    profile = with_limits(
        load_profile("loihi2").with_chips(chips), compartments=20, output_axons=40_960, chip__cores_per_chip=per_chip
    )
    if chips > 1:
        profile = with_limits(profile, chip__cores_per_tile=2, chip__tile_columns=2, chip__tile_rows=2)
    placement = place(net, profile)
    needed, routes = demands(net, profile)
    found = cuts(placement.slices, needed)
    numbered = {
        name: type(cut)(cut.bounds, np.searchsorted(placement.core_numbers, cut.cores)) for name, cut in found.items()
    }
    messages = traffic(routes, numbered, placement.cores)
    assert hops(messages, placement.mesh, placement.core_numbers) == placement.spike_hops
    rng = np.random.default_rng(0)
    at_random = [hops(messages, placement.mesh, rng.permutation(placement.core_numbers)) for _ in range(20)]
    assert 0 < placement.spike_hops < min(at_random)
    assert placement.spike_hops < share * np.mean(at_random)


def test_swaps_only_ever_save_hops(monkeypatch):
    net = _uneven()
    profile = with_limits(load_profile("loihi2").with_chips(16), compartments=20)
    counted = []
    for most in (0, 4096):
        monkeypatch.setattr("hmn_lava.compiler.placement.arrange.MOST_SWAPPED", most)
        counted.append(place(net, profile).spike_hops)
    assert counted[1] < counted[0]


def test_windows_save_hops_too(monkeypatch):
    """As in placements of more cores than are looked at together."""
    net = _ring(100, 20)
    profile = with_limits(load_profile("loihi2").with_chips(16), compartments=20)
    monkeypatch.setattr("hmn_lava.compiler.placement.arrange._by_attraction", lambda traffic: np.arange(traffic.cores))
    counted = []
    for passes, whole in ((0, 512), (4, 16), (4, 512)):
        monkeypatch.setattr("hmn_lava.compiler.placement.arrange.PASSES", passes)
        monkeypatch.setattr("hmn_lava.compiler.placement.arrange.WHOLE", whole)
        monkeypatch.setattr("hmn_lava.compiler.placement.arrange.WINDOW", 16)
        counted.append(place(net, profile).spike_hops)
    assert counted[2] < counted[1] < counted[0]


def test_nothing_to_send_is_no_hop():
    silent = network(group("p", 100))
    assert place(silent, with_limits(compartments=10)).spike_hops == 0
    assert place(network(), load_profile("loihi2")).cores == 0
    assert arrange(traffic((), {}, 0), MESH).size == 0
