"""How long a step takes, and what flows meanwhile; ways of messages by hand."""

from dataclasses import replace

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.energy.coefficients import Coefficients
from hmn_lava.energy.ledger import Key, Ledger
from hmn_lava.placement import Mesh, Placement, Slice


def test_a_step_takes_the_busiest_core_the_longest_way_and_a_barrier():
    coefficients = Coefficients(hl.load_profile("loihi1"), tiles=32, chips=1)
    ledger = Ledger(3, coefficients)
    ledger.open(2)
    ledger.add(Key("", "", "spike", "neuron", "neuron_update_active"), np.array([[10, 4], [0, 7]]), np.array([0, 2]))
    ledger.add(Key("", "", "spike", "transport", "synaptic_operation"), np.array([[5], [1]]), np.array([0]))
    ledger.add(Key("", "", "learning", "weight", "learning_product"), np.array([[0, 0], [3, 2]]), np.array([1, 2]))
    ledger.add(Key("", "", "host", "embedded", "embedded_message"), np.array([[2], [0]]))
    ways = np.tile([40.0, 20.0], (3, 1))
    ledger.close(ways, np.array([False, True]))
    first = 10 * 8.4 + 5 * 3.5 + 40 + 465 + 2 * 500
    second = 7 * 8.4 + 20 + 465 + (3 * 2.0 + 465 + 2000)
    assert ledger.time[1] == pytest.approx([first, second])
    assert ledger.spiking[1] == pytest.approx([first, 7 * 8.4 + 20 + 465])
    assert ledger.energy[0] == pytest.approx(14 * 81 + 5 * 23.6 + 2 * 10000)
    assert ledger.by_core == pytest.approx([10 * 81 + 6 * 23.6, 3 * 40, 11 * 81 + 2 * 40])


@pytest.mark.parametrize(("tiles", "barrier"), [(1, 113.0), (32, 465.0), (16, 113 + 15 / 31 * 352)])
def test_the_barrier_is_linear_in_tiles(tiles, barrier):
    assert Coefficients(hl.load_profile("loihi1"), tiles).barrier()[1] == pytest.approx(barrier)


def test_static_energy_is_power_times_time(report):
    time = report.time
    static = report.energy(lambda key: key.operation == "static_power_per_chip")
    entry = hl.load_profile("loihi2").energy.static_power_per_chip
    assert static.typical == pytest.approx(entry.value * time.typical * report.coefficients.chips)
    assert static.high == pytest.approx(entry.high * time.high * report.coefficients.chips)


def test_steps_that_end_an_epoch_are_longer(bundle, report):
    longer = report.tally.time.sum() > report.tally.spiking.sum()
    assert longer == (bundle.plasticity == "engine")


def test_several_chips_take_longer_barriers_and_more_static_power():
    net = hl.Network("wide")
    net.input("x", 600, signal="spike")
    net.hmn("y", 600, activation="relu", z_max=4.0)
    net.hmn("z", 600, activation="relu", z_max=4.0)
    net.connect("x", "y", weights=0.1, rates={"local": 0.01}, traces={"tau_fast": 5.0}, bounds=[0.0, 1.0])
    net.connect("y", "z", weights=0.1, rates={"local": 0.01}, traces={"tau_fast": 5.0}, bounds=[0.0, 1.0])
    bundle = hl.compile(net.spec(), profile="kapoho_point", allow_lossy=True)
    report = hl.profile(bundle, steps=8, worst=True)
    assert report.coefficients.chips == bundle.placement.chips > 1
    assert report.operations()["hop_between_chips"] > 0
    entry = bundle.profile.time.barrier_between_chips
    assert report.time.typical > 8 * entry.value
    static = report.energy(lambda key: key.operation == "static_power_per_chip")
    power = bundle.profile.energy.static_power_per_chip.value * bundle.placement.chips
    assert static.typical == pytest.approx(power * report.time.typical)


WITHIN, EAST_WEST, NORTH_SOUTH = (1.7, 2.1), (3.0, 4.1), (4.0, 6.5)
"""pJ and ns of Davies 2018, table 2."""


def placed(cores, profile):
    """x sends once, y hears it and sends to z0 and z1; y is on core 0, and they are on ``cores``."""
    net = hl.Network("ways")
    net.input("x", 1, signal="spike")
    net.hmn("y", 1, activation="relu", z_max=4.0)
    for name in ("z0", "z1"):
        net.hmn(name, 1, activation="relu", z_max=4.0)
        net.connect_static("y", name, weights=1.0)
    net.connect_static("x", "y", weights=1.0)
    bundle = hl.compile(net.spec())
    where = dict(zip(("y", "z0", "z1"), (0, *cores), strict=True))
    slices = tuple(Slice(name, 0, 1, core) for name, core in where.items())
    place = Placement(slices, Mesh.of(hl.load_profile(profile)), {}, {}, "compartments", 0)
    return hl.profile(replace(bundle, placement=place), {"x": np.array([[1.0], [0.0]])}, 2, profile=profile)


@pytest.mark.parametrize(
    # Tiles of 4 cores in rows of 8: core 4 (8 r + c) is the first one of the tile in row r and column c.
    ("core", "east_west", "north_south", "tiles"),
    [(1, 0, 0, 1), (4, 1, 0, 2), (32, 0, 1, 2), (4 * (8 * 3 + 5), 5, 3, 2)],
)
def test_the_time_of_a_step_has_the_longest_way_of_a_message(core, east_west, north_south, tiles):
    report = placed((2, core), "loihi1")
    barrier = 113 + (tiles - 1) / 31 * (465 - 113)
    host = report.coefficients.profile.time.embedded_message.value
    # x -> y: no hop. y sends to z0 in its own tile, and to z1.
    first = 5.3 + WITHIN[1] + host + barrier
    second = (3.5 + 8.4) + WITHIN[1] + east_west * EAST_WEST[1] + north_south * NORTH_SOUTH[1] + barrier
    assert report.tally.time[1] == pytest.approx([first, second])
    hops = report.energy(lambda key: key.operation.startswith("hop"))
    assert hops.typical == pytest.approx(east_west * EAST_WEST[0] + north_south * NORTH_SOUTH[0])
    delivered = report.energy(lambda key: key.operation == "spike_within_tile")
    assert delivered.typical == pytest.approx(3 * WITHIN[0])


def test_a_way_between_chips():
    """Two chips side by side of 8 columns each: from the first column to the first of the other, 7 hops and one."""
    report = placed((1, 128), "kapoho_bay")
    time = report.coefficients.profile.time
    assert report.operations()["hop_east_west"] == 7 and report.operations()["hop_between_chips"] == 1
    way = WITHIN[1] + 7 * EAST_WEST[1] + time.hop_between_chips.value
    assert report.tally.time[1, 1] == pytest.approx(3.5 + 8.4 + way + 113 + time.barrier_between_chips.value)


def test_the_longest_of_two_ways_counts_and_all_hops():
    report = placed((4, 4 * (8 * 3 + 5)), "loihi1")
    found = report.operations()
    assert (found["hop_east_west"], found["hop_north_south"]) == (1 + 5, 3)
    way = WITHIN[1] + 5 * EAST_WEST[1] + 3 * NORTH_SOUTH[1]
    assert report.tally.time[1, 1] == pytest.approx(3.5 + 8.4 + way + 113 + 2 / 31 * (465 - 113))
