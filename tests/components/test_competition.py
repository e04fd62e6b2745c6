"""Competition: one winner, the lowest index at ties, and draws whose frequencies are the softmax's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmn_lava import streams
from hmn_lava.components.neuron import COMPETITION_STEPS, NeuronForm, competition, neuron
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.interpreter import execute
from hmn_lava.microcode.ranges import WORD_RANGE, overflows
from hmn_lava.microcode.verify import verify
from hmn_lava.network import Constant, Group, Input, IntegerNetwork, Link, Signal, Topology
from hmn_lava.reference import equations as eq
from hmn_lava.simulator.fast import Fast
from hmn_lava.simulator.interpreter import Interpreter

WORD = Fixed(24)
COMPARE = competition("compare", WORD, WORD_RANGE)
A = Fixed(24, True, 14)


def beaten(keys):
    n = len(keys)
    pairs = Topology.full(n, n)
    keys = np.asarray(keys, np.int64)
    effects = execute(
        COMPARE,
        states={},
        inputs={"mine": keys[pairs.row], "other": keys[pairs.col]},
        constants={"first": (pairs.col < pairs.row).astype(np.int64)},
        index=np.arange(n * n),
        time=0,
    )
    return effects.outputs["beaten"].reshape(n, n).sum(1)


def test_the_program_is_well_formed():
    assert verify(COMPARE) == []
    assert overflows(COMPARE) == []


KEYS = st.one_of(
    st.lists(st.integers(-2, 2), min_size=1, max_size=12), st.lists(st.integers(*WORD_RANGE), min_size=1, max_size=12)
)


@given(KEYS)
def test_exactly_one_is_not_beaten_and_it_is_the_first_of_the_largest(keys):
    count = beaten(keys)
    assert np.flatnonzero(count == 0).tolist() == [int(np.argmax(keys))]
    # The counts are the ranks: a permutation.
    assert sorted(count.tolist()) == list(range(len(keys)))


def network(form, n, constants):
    """n neurons that the host drives, and the group that compares them, linked as the compiler does."""
    cells = neuron("cells", form)
    key = next(v for v in cells.outputs if v.name == "key")
    compare = competition("compare", Fixed(24, True, key.format.frac), (min(0, key.low), max(0, key.high)))
    for program in (cells, compare):
        assert verify(program) == []
        assert overflows(program) == []
    pairs = Topology.full(n, n)
    given = {name: Constant(np.atleast_1d(np.asarray(v, np.int64))) for name, v in {"offset": 1, **constants}.items()}
    initial = {v.name: np.zeros(1, np.int64) for v in cells.states} | {"hold": np.ones(1, np.int64)}
    groups = {
        "cells": Group("cells", cells, n, given, initial),
        "compare": Group(
            "compare", compare, n * n, {"first": Constant((pairs.col < pairs.row).astype(np.int64), "each")}, {}, pairs
        ),
    }
    links = (
        Link(("host", "x"), ("cells", "a"), "same"),
        Link(("cells", "key"), ("compare", "mine"), "post"),
        Link(("cells", "key"), ("compare", "other"), "pre"),
        Link(("compare", "beaten"), ("cells", "beaten"), "rows"),
    )
    z = next(v for v in cells.outputs if v.name == "z")
    signals = {"z": Signal("cells", "z", "output", z.format, 1 + COMPETITION_STEPS, (n,))}
    host = {"host": Input("host", n, A, *form.a_bounds)}
    return IntegerNetwork("competition", host, groups, links, signals, ("z",), {}, {})


@pytest.mark.parametrize("make", [Interpreter, Fast])
def test_winner_take_all_is_the_equation(make):
    n, steps = 5, 60
    form = NeuronForm("sigmoid", A, (-(2**18), 2**18), competition="winner_take_all")
    rng = np.random.default_rng(0)
    a = np.round(rng.normal(0, 2, (steps, n)) * 2) / 2  # many ties
    assert sum(len(set(row)) < n for row in a) > 20
    z = make(network(form, n, {})).run({"host": a}).real("z")
    late = 1 + COMPETITION_STEPS
    assert (z[:late] == 0).all()
    for t in range(steps - late):
        expected = eq.winner_take_all(a[t], eq.sigmoid(a[t]))
        assert np.count_nonzero(z[t + late]) == 1
        np.testing.assert_allclose(z[t + late], expected, atol=2.5e-5)


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_sampling_frequencies_are_the_softmax(temperature):
    """Over 40000 draws, within 4 standard deviations and what the quantile's error of 0.0035 can move."""
    a, steps = np.array([1.0, 0.0, -0.75, 1.5]), 40_000
    inverse = Fixed(18, False, 14)
    form = NeuronForm("sigmoid", A, (-(2**16), 2**16), competition="sample", inverse_temperature=inverse)
    constants = {f"sample_draw_k{n}": key for n, key in enumerate(streams.keys(3, "out.sample"))}
    constants["inverse_temperature"] = int(inverse.quantise(1 / temperature))
    result = Fast(network(form, 4, constants)).run({"host": np.broadcast_to(a, (steps, 4))})
    z = result.raw["z"][1 + COMPETITION_STEPS :]
    assert (np.count_nonzero(z, axis=1) == 1).all()
    winners = np.argmax(z, axis=1)
    p = eq.softmax(a / temperature)
    observed = np.bincount(winners, minlength=4) / winners.size
    assert (np.abs(observed - p) < 4 * np.sqrt(p * (1 - p) / winners.size) + 0.0035 * p * (1 - p)).all()
    # One draw says nothing about the next.
    stay = (winners[1:] == winners[:-1]).mean()
    expected = float((p**2).sum())
    assert abs(stay - expected) < 4 * np.sqrt(expected * (1 - expected) / winners.size) + 0.002


def test_sampling_follows_the_named_stream():
    """The winner is argmax(a/T + Gumbel) of the very draws that the float reference uses."""
    a, steps, n = np.array([0.3, 0.0, 0.1]), 2000, 3
    inverse = Fixed(18, False, 14)
    form = NeuronForm("sigmoid", A, (-(2**16), 2**16), competition="sample", inverse_temperature=inverse)
    constants = {f"sample_draw_k{k}": key for k, key in enumerate(streams.keys(9, "out.sample"))}
    constants["inverse_temperature"] = int(inverse.quantise(1.0))
    z = (
        Fast(network(form, n, constants))
        .run({"host": np.broadcast_to(a, (steps, n))})
        .raw["z"][1 + COMPETITION_STEPS :]
    )
    u = (streams.uniform(9, "out.sample", np.arange(len(z))[:, None], np.arange(n)) + 0.5) / 2**16
    keys = a - np.log(-np.log(u))
    second, first = np.sort(keys, axis=1)[:, -2:].T
    clear = first - second > 0.01  # twice the quantile's error and the rounding
    assert clear.mean() > 0.98
    assert (np.argmax(keys, axis=1) == np.argmax(z, axis=1))[clear].all()
