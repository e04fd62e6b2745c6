"""Counts without a run: the worst case bounds runs, and rates give their mean."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "conformance"))

from specs import random_inputs

import hmn_lava as hl


def test_the_worst_case_bounds_a_run(bundle):
    inputs = random_inputs(bundle.network, 20, 3)
    run, most = hl.profile(bundle, inputs, 20), hl.profile(bundle, steps=20, worst=True)
    bounded = run.operations()
    idle = bounded.pop("neuron_update_inactive", 0)
    assert idle >= most.operations().get("neuron_update_inactive", 0)
    for operation, n in bounded.items():
        assert n <= most.operations()[operation], operation
    assert most.tally.changed == most.updates


def test_rates_of_one_are_the_worst_case_and_of_zero_are_silence(bundle):
    names = [p for p in bundle.model.populations]
    most = hl.profile(bundle, steps=16, worst=True).operations()
    full = hl.profile(bundle, steps=16, rates=dict.fromkeys(names, 1.0)).operations()
    assert full == pytest.approx(most)
    none = hl.profile(bundle, steps=16, rates=dict.fromkeys(names, 0.0)).operations()
    assert "embedded_message" not in none


def test_expected_counts_are_the_mean_of_runs():
    net = hl.Network("poisson")
    net.input("x", 40, signal="spike")
    net.hmn("z", 30, activation="relu", z_max=1.0)
    net.connect("x", "z", weights={"init": "uniform", "low": 0.1, "high": 1.0}, topology={"density": 0.3},
                rates={"local": 0.01}, traces={"tau_fast": 5.0}, bounds=[0.0, 1.0])  # fmt: skip
    for plasticity in ("neurocore", "engine"):
        bundle = hl.compile(net.spec(), plasticity=plasticity, allow_lossy=True)
        spikes = (np.random.default_rng(0).random((3000, 40)) < 0.1).astype(float)
        run = hl.profile(bundle, {"x": spikes}, 3000)
        active = run.tally.activity["z"].sum() / (3000 * 30)
        guess = hl.profile(bundle, steps=3000, rates={"x": 0.1, "z": active})
        for operation, n in guess.operations().items():
            # A neuron that sends has just received: whether either happened is not that of independent events.
            if not operation.startswith("neuron_update"):
                assert n == pytest.approx(run.operations()[operation], rel=0.03), (plasticity, operation)
