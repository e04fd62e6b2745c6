"""NeuroBench's metrics on a network worked by hand."""

import numpy as np
import pytest

import hmn_lava as hl

STEPS = 4
WEIGHTS = np.array([[1.0, 0.0, 0.5], [0.0, 0.0, 0.25]])  # (post, pre): three of six are zero


@pytest.fixture
def bundle():
    net = hl.Network("metrics")
    net.input("x", 3, signal="spike")
    net.hmn("z", 2, activation="relu", z_max=4.0)
    net.connect_static("x", "z", weights=WEIGHTS)
    return hl.compile(net.spec())


def test_metrics_by_hand(bundle):
    x = np.array([[1, 1, 0], [0, 0, 0], [0, 0, 1], [1, 1, 1]], float)
    report = hl.profile(bundle, {"x": x}, STEPS, steps_per_sample=2)
    found = report.tally.metrics.as_dict(2)
    assert found["ConnectionSparsity"] == 0.5
    # Pairs of an active input and a weight that is not zero: 1 + 0 + 2 + 3, in two samples; all spikes are ACs.
    assert found["SynapticOperations"] == {"Effective_MACs": 0.0, "Effective_ACs": 3.0, "Dense": 4 * 6 / 2}
    # z of a step is seen a step later: the messages of inputs 0, 1, 2 -> z = (1, 0), (0, 0), (.5, .25).
    sent = np.count_nonzero(bundle.run({"x": x}, STEPS).raw["z.z"])
    assert found["ActivationSparsity"] == pytest.approx(1 - sent / 8)


def test_graded_activations_are_macs():
    net = hl.Network("graded")
    net.input("x", 3, signal="graded", range=[0, 1])
    net.hmn("z", 2, activation="relu", z_max=4.0)
    net.connect_static("x", "z", weights=WEIGHTS)
    x = np.array([[0.5, 0, 0.25], [1, 0, 1], [0, 0, 0], [0.5, 1, 1]])
    found = hl.profile(hl.compile(net.spec()), {"x": x}, STEPS).tally.metrics.as_dict(STEPS)
    # Steps 0 and 3 hold other values than -1, 0, 1: 3 + 3 MACs; step 1 has ones alone: 3 ACs.
    assert found["SynapticOperations"] == {"Effective_MACs": 6.0, "Effective_ACs": 3.0, "Dense": 24.0}


def test_footprint_is_that_of_the_integers(bundle):
    report = hl.profile(bundle, {"x": np.zeros((1, 3))}, 1)
    (group,) = bundle.network.groups.values()
    states = 2 * sum(state.format.bytes for state in group.program.states)
    constants = sum(c.format.bytes * group.constants[c.name].values.size for c in group.program.constants)
    (link,) = bundle.network.links
    assert report.tally.metrics.footprint == states + constants + 6 * link.weights.itemsize


def test_weights_that_learn_count_as_they_are():
    net = hl.Network("learning")
    net.input("x", 2, signal="spike")
    net.hmn("z", 2, activation="sigmoid")
    net.connect("x", "z", weights=0.0, rates={"local": 0.5}, traces={"tau_fast": 5.0}, bounds=[-1.0, 1.0])
    bundle = hl.compile(net.spec())
    x = np.ones((30, 2))
    report = hl.profile(bundle, {"x": x}, 30)
    found = report.tally.metrics.as_dict(1)
    assert found["ConnectionSparsity"] == 1.0
    weights = bundle.run({"x": x}, 30, probes=["x_to_z.w"]).raw["x_to_z.w"].reshape(30, -1)
    before = np.vstack([np.zeros(4), weights[:-1]])
    assert found["SynapticOperations"]["Effective_ACs"] == pytest.approx(np.count_nonzero(before) / 30)
