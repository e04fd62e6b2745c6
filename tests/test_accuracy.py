"""Accuracy before and after: answers, distances and shares, against values by hand."""

from __future__ import annotations

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.accuracy import measure
from hmn_lava.errors import InputError

WEIGHTS = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])


def relays(weights: np.ndarray = WEIGHTS, **fields: object) -> hl.Spec:
    net = hl.Network("relays")
    net.input("x", 3, range=(-8, 8))
    net.sigma_delta("y", 3, **({"sum": False, "difference": False, "z_max": 2.0} | fields))
    net.connect_static("x", "y", name="c", weights=weights)
    return net.spec()


def test_the_table_by_hand():
    """Weights of 2 bits: 1 and 0.4 are stored as 1 and 0, so that the second neuron is silent in integers."""
    weights = np.diag([1.0, 0.4, 1.0])
    spec = relays(weights).model_copy(update={"formats": {"c.w": "s2.0"}})
    values = np.array([[0.5, 0.0, 0.0], [0.0, 4.0, 0.5], [0.0, 0.5, 1.0], [0.0, 0.0, 4.0]])
    found = measure(
        hl.compile(spec, allow_lossy=True), {"x": values}, [0, 1, 2, 1], encoder="graded", steps=3, decode="last"
    )
    assert found.float_answers.tolist() == [0, 1, 2, 2]
    assert found.answers.tolist() == [0, 2, 2, 2]
    assert (found.float_accuracy, found.accuracy, found.agreement, found.commonest) == (0.75, 0.5, 0.75, 0.5)
    (layer,) = found.layers
    # In floats 6 of 12 messages are not zero, in integers 4; the last is at z_max in both.
    assert layer.rate == (6 / 12, 4 / 12)
    signal = 0.5**2 + 1.6**2 + 0.5**2 + 0.2**2 + 1.0 + 2.0**2
    assert layer.snr_db == pytest.approx(10 * np.log10(signal / (1.6**2 + 0.2**2)), abs=1e-3)
    assert layer.saturated == pytest.approx(1 / 4)
    assert {f.rule for f in found.findings} == {"saturated-messages"}
    document = found.as_dict()
    assert document["layers"][0]["population"] == "y"
    assert "answers" not in document


def test_a_silent_population_is_told():
    net = hl.Network("silent")
    net.input("x", 3)
    net.lif("y", 3, vth=5.0)
    net.connect_static("x", "y", weights=WEIGHTS)
    found = measure(hl.compile(net.spec()), {"x": np.ones((2, 4, 3)) * 0.2}, [0, 1])
    assert [(f.rule, f.object) for f in found.findings] == [("silent-population", "y")]


def test_inputs_beyond_a_calibration_are_counted():
    quiet = {"x": np.full((5, 3), 0.01)}
    bundle = hl.compile(relays(z_max=8.0), calibration=quiet)
    assert measure(bundle, {"x": np.full((1, 4, 3), 0.01)}, [0]).layers[0].outside == 0.0
    room = bundle.network.signals["y.a"].format
    beyond = min(8.0, 1.5 * room.max * room.unit)
    found = measure(bundle, {"x": np.full((1, 4, 3), beyond)}, [0])
    if beyond > room.max * room.unit:
        assert found.layers[0].outside == 1.0
        assert "wrapped-input" in {f.rule for f in found.findings}
    assert "saturated-messages" in {f.rule for f in found.findings}


@pytest.mark.parametrize("delay", [0, 2])
def test_answers_come_as_late_as_the_layers(delay):
    net = hl.Network("late")
    net.input("x", 3)
    net.lif("y", 3, du=1.0, dv=0.0, vth=0.9, reset="subtract")
    net.connect_static("x", "y", weights=WEIGHTS, delay=delay)
    shown = np.array([[1.0, 0.4, 0.2], [0.1, 0.5, 0.2], [0.0, 0.1, 0.6]])
    found = measure(hl.compile(net.spec()), {"x": shown}, [0, 1, 2], encoder="graded", steps=9)
    assert found.accuracy == found.float_accuracy == found.agreement == 1.0


@pytest.mark.parametrize(
    ("inputs", "labels", "options"),
    [
        ({"x": np.zeros((2, 4, 3))}, [0], {}),
        ({"x": np.zeros((2, 4, 3))}, [0, 3], {}),
        ({"x": np.zeros((2, 4, 3))}, [0.0, 1.0], {}),
        ({"x": np.zeros((2, 3))}, [0, 1], {}),
        ({}, [0], {}),
        ({"x": np.zeros((2, 4, 3))}, [0, 1], {"decode": "oracle"}),
        ({"x": np.zeros((2, 4, 3))}, [0, 1], {"output": "x"}),
        ({"x": np.zeros((2, 3))}, [0, 1], {"encoder": "graded"}),
    ],
)
def test_samples_that_do_not_fit(inputs, labels, options):
    with pytest.raises(InputError):
        measure(hl.compile(relays()), inputs, labels, **options)
