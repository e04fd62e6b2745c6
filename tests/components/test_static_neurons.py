"""The programs of static networks' neurons against their equations, and what they say they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.compiler import attempt
from hmn_lava.spec import spec_from_dict

STEPS = 60


def run(record: dict[str, Any], formats: dict[str, Any], x: np.ndarray, imaginary: bool = False) -> Any:
    """One population behind synapses of weight 1 on the integers and in float64."""
    size = x.shape[1]
    link = {"type": "static", "source": "x", "target": "y", "weights": 1.0, "topology": "one_to_one"}
    connections = {"c": link} | ({"d": {**link, "weights": -0.5, "component": "imaginary"}} if imaginary else {})
    populations = {"x": {"type": "input", "size": size, "range": [-1, 1]}, "y": {"size": size, **record}}
    data = {"hmn_lava": 1, "name": "one", "populations": populations, "connections": connections, "formats": formats}
    bundle = hl.compile(spec_from_dict(data))
    names = [name for name in bundle.network.signals if name.startswith("y.")]
    return {
        backend: bundle.run({"x": x}, steps=STEPS, backend=backend, probes=names) for backend in ("fast", "reference")
    }


def inputs(seed: int, size: int = 40) -> np.ndarray:
    """Values that the input's format holds exactly."""
    return np.random.default_rng(seed).integers(-(2**10), 2**10, (STEPS, size)) / 2**10


def test_a_voltage_follows_its_equation() -> None:
    """A decay errs by up to 2**-13 of u, and loses up to a unit in each step; both last 1/du and 1/dv steps."""
    record = {"type": "lif", "output": "voltage", "du": 0.25, "dv": 0.125, "bias": 0.0625, "z_max": 32.0}
    got = run(record, {"y.a": "s24.10", "y.z": "s24.16"}, inputs(0))
    unit = 2.0**-16
    assert np.abs(got["fast"].real("y.u") - got["reference"].real("y.u")).max() <= 4 * unit
    assert np.abs(got["fast"].real("y.v") - got["reference"].real("y.v")).max() <= (4 + 1) * 8 * unit
    assert np.abs(got["reference"].real("y.v")).max() > 1
    assert np.array_equal(got["fast"].real("y.z"), got["fast"].real("y.v"))


@pytest.mark.parametrize(
    "record",
    [
        {"refractory": 3},
        {"reset": "subtract"},
        {"v_reset": -0.5},
        {"refractory": 2, "reset": "subtract", "restart": {"every": 17, "at": 5}},
        {"refractory": 1, "v_reset": 0.25, "restart": {"every": 10}},
    ],
    ids=str,
)
def test_resets_and_rests_are_exact_where_decays_are(record: dict[str, Any]) -> None:
    """With decays of 0, 1/2 and 1 and inputs of few bits, neither form rounds: they are equal in every step."""
    fields = {"type": "lif", "du": [1.0, 1.0] * 20, "dv": [0.0, 1.0] * 20, "vth": 1.5, "bias": 0.125, **record}
    got = run(fields, {"y.a": "s24.10"}, inputs(1))
    for symbol in "uvz":
        assert np.array_equal(got["fast"].real(f"y.{symbol}"), got["reference"].real(f"y.{symbol}")), symbol
    assert got["fast"].counts["y.z"] > 20


@pytest.mark.parametrize("difference", [True, False])
@pytest.mark.parametrize("sums", [True, False])
@pytest.mark.parametrize("activation", ["relu", "unit"])
def test_sigma_delta_is_exact_but_for_its_payload(sums: bool, difference: bool, activation: str) -> None:
    record = {"type": "sigma_delta", "sum": sums, "difference": difference, "activation": activation, "bias": 0.25}
    record |= {"z_max": 63.0} | ({"vth": 0.75} if difference else {})
    got = run(record, {"y.a": "s24.10", "y.z": "s16.8"}, inputs(2))
    fast, float_ = (got[backend].real for backend in ("fast", "reference"))
    assert np.array_equal(fast("y.act"), float_("y.act"))
    floored = np.floor(float_("y.z") * 2**8) / 2**8
    assert np.array_equal(fast("y.z"), floored) and np.ptp(floored) > 1
    if difference:
        assert (floored == 0).mean() > 0.2


@pytest.mark.parametrize("spike", ["phase", "izhikevich"])
def test_a_resonator_follows_its_equation_until_it_fires(spike: str) -> None:
    """Two products for each part are cut by up to a unit in each step; what is lost lasts 1/(1 - 0.868) steps."""
    record = {"type": "resonator", "decay_re": 0.75, "decay_im": 0.4375, "vth": 30.0, "spike": spike}
    got = run(record, {"y.a": "s24.11"}, inputs(3), imaginary=True)
    for symbol in ("re", "im"):
        off = np.abs(got["fast"].real(f"y.{symbol}") - got["reference"].real(f"y.{symbol}")).max()
        assert off <= 2 * 2**0.5 * 7.6 * 2.0**-17
    assert np.abs(got["fast"].real("y.re")).max() > 0.5
    assert np.array_equal(got["fast"].real("y.a_im"), -0.5 * got["fast"].real("y.a"))


def test_constants_of_each_neuron_arrive() -> None:
    du, dv, vth = np.array([0.0, 0.25, 1.0]), np.array([1.0, 0.5, 0.0]), np.array([0.5, 1.0, 2.0])
    data = {
        "hmn_lava": 1,
        "name": "each",
        "populations": {
            "x": {"type": "input", "size": 3},
            "y": {"type": "lif", "size": 3, "du": du, "dv": dv, "vth": vth},
        },
        "connections": {
            "c": {"type": "static", "source": "x", "target": "y", "weights": 1.0, "topology": "one_to_one"}
        },
        "formats": {"y.a": "s24.6"},
    }
    constants = hl.compile(spec_from_dict(data)).network.groups["y"].constants
    assert constants["keep_u"].values.tolist() == [4096, 3072, 0] and constants["keep_u"].along == "each"
    assert constants["keep_v"].values.tolist() == [0, 2048, 4096]
    assert constants["vth"].values.tolist() == [0.5 * 2**12, 2**12, 2 * 2**12]


def test_sums_beyond_a_given_format_are_told() -> None:
    data = {
        "hmn_lava": 1,
        "name": "large",
        "populations": {"x": {"type": "input", "size": 200, "range": [-100, 100]}, "y": {"type": "lif", "size": 1}},
        "connections": {"c": {"type": "static", "source": "x", "target": "y", "weights": 1.0}},
        "formats": {"y.a": "s24.12"},
    }
    _, findings = attempt(spec_from_dict(data))
    assert [(f.rule, f.object, f.limit) for f in findings if f.rule == "given-range"] == [
        ("given-range", "y.a", "s24.12")
    ]


def test_labels() -> None:
    """What Lava has in fixed point is exact; resets to a value and refractory times are this project's."""
    got = {}
    for name, record in {
        "plain": {"type": "lif"},
        "rest": {"type": "lif", "refractory": 1},
        "subtract": {"type": "lif", "reset": "subtract"},
        "sd": {"type": "sigma_delta"},
        "rf": {"type": "resonator", "decay_re": 0.5, "decay_im": 0.5},
    }.items():
        signals = run(record, {}, inputs(4, 2))["fast"].signals
        got[name] = signals["y.z"].label
    assert got == {"plain": "exact", "rest": "defined", "subtract": "defined", "sd": "exact", "rf": "exact"}
