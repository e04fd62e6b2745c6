"""The formats that the learning engine dictates: payloads, activities, tags and weights."""

import math

import numpy as np
import pytest

from hmn_lava.compiler.engine.formats import TOLERATED, Limits, given_formats
from hmn_lava.hardware_profiles import load_profile
from hmn_lava.learning.products import down_scaling, evaluate
from hmn_lava.spec import resolve, spec_from_dict

LIMITS = Limits.of(load_profile("loihi2"))
ENGINE = LIMITS.engine
TOPS = [1.0, 0.3, 2.0, 3.5, 1000.0, 1e-3, 127.0, 128.0, 254.0, 255.0, 2.54, 63.7]


def model(*, x_high=1.0, signal="graded", activation="sigmoid", z_max=1.0, **rest):
    out = {"type": "hmn", "size": 2, "activation": activation}
    out |= {"z_max": z_max} if activation == "relu" else {}
    out |= {"lif": {"du": 1.0, "dv": 1.0, "vth": 1.0}} if activation == "lif" else {}
    x = {"type": "input", "size": 3, "signal": signal} | ({"range": [0, x_high]} if signal == "graded" else {})
    connection = {
        "type": "hmn",
        "source": "x",
        "target": "out",
        "weights": 0.0,
        "bounds": [-1.0, 1.0],
        "traces": {"tau_fast": 5.0, "tau_slow": 40.0},
        "rates": {"local": 0.1},
        **rest,
    }
    spec = {"hmn_lava": 1, "name": "n", "populations": {"x": x, "out": out}, "connections": {"c": connection}}
    return resolve(spec_from_dict(spec))


def given(**changes):
    found = given_formats(model(**changes), LIMITS)
    return found, found.coded["c"]


@pytest.mark.parametrize("high", TOPS)
def test_a_payload_holds_the_range_to_half_a_unit(high):
    found, _ = given(x_high=high)
    port = found.activity["x"]
    x = np.linspace(0.0, high, 5001)
    payload = port.format.quantise(x)
    assert np.abs(port.format.real(payload) - x).max() <= port.format.unit / 2 * (1 + 1e-12)
    assert port.bounds[0] == 0 and payload.max() <= port.bounds[1]
    trace = np.rint(payload / 2)  # what the engine keeps
    assert trace.max() <= ENGINE.trace_high
    assert 2 * port.bounds[1] > 2 * ENGINE.trace_high - 1  # the finest format in which that is so
    assert found.payload == {}


def test_a_payload_of_attention_is_beside_x():
    found, coded = given(attention={"beta": 1.0, "dimensions": 1})
    assert found.payload == {"c": 2 * ENGINE.trace_high}
    assert coded.graded == 1


@pytest.mark.parametrize("high", TOPS)
def test_y1_holds_an_activity(high):
    _, coded = given(activation="relu", z_max=high)
    z = np.linspace(0.0, high, 5001)
    stored = np.minimum(coded.activity.quantise(z), ENGINE.trace_high)
    error = np.abs(coded.activity.real(stored) - z)
    assert error.max() <= max(coded.activity.unit / 2, 0.01 * high) * (1 + 1e-12)
    assert math.ldexp(high, coded.activity.frac) > ENGINE.trace_high / 2
    assert given(activation="lif")[1].activity is None


def largest(coded, x, y):
    """The largest coincidence as the engine computes it, in units of the tag, before it saturates."""
    values = {"x1": np.array([x]), "y1": np.array([y]), "y0": np.array([1])}
    product = evaluate(coded, np.array([1]), lambda name, _: values[name], ENGINE)
    return float(product[0]) / (1 << ENGINE.alignment)


@pytest.mark.parametrize("mode", ["replacing", "accumulating"])
@pytest.mark.parametrize("signal", ["graded", "spike"])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "lif"])
@pytest.mark.parametrize("high", [1.0, 3.5, 0.3, 100.0])
@pytest.mark.parametrize("taus", [(0.3, 1.0), (5.0, 40.0), (60.0, 200.0)])
def test_the_largest_trace_fits_its_tag_and_nearly_fills_it(mode, signal, activation, high, taus):
    found, coded = given(
        x_high=high,
        signal=signal,
        activation=activation,
        z_max=high,
        traces={"tau_fast": taus[0], "tau_slow": taus[1], "mode": mode},
    )
    x_real = high if signal == "graded" else 1.0
    z_real = high if activation == "relu" else 1.0
    x = round(found.activity["x"].bounds[1] / 2) if signal == "graded" else 1
    y = 1 if coded.activity is None else min(int(coded.activity.quantise(z_real)), ENGINE.trace_high)
    for tag, tau, top in ((coded.fast, taus[0], ENGINE.tag_1.high), (coded.slow, taus[1], ENGINE.tag_2.high)):
        gain = 1.0 if mode == "replacing" else -1.0 / math.expm1(-1.0 / tau)
        integer = largest(tag.coincidence, x, y)
        # The smallest coefficient of the chip may be too large for a long trace of graded values: it saturates.
        least = tag.coincidence.coefficient == 2.0 ** LIMITS.scales.exponent[0]
        assert integer * gain <= top * (1 + TOLERATED) + 1 or least
        assert integer * gain > top / 4
        # The integer is the coincidence in the tag's format.
        assert abs(tag.format.real(integer) - x_real * z_real) <= 0.02 * x_real * z_real + tag.format.unit
        low, most = LIMITS.scales.mantissa
        assert low <= tag.coincidence.mantissa <= most
        assert LIMITS.scales.exponent[0] <= tag.coincidence.exponent <= LIMITS.scales.exponent[1]


@pytest.mark.parametrize("signal", ["graded", "spike"])
@pytest.mark.parametrize("activation", ["relu", "lif"])
def test_a_coincidence_is_the_product_of_x_and_z(signal, activation):
    """All levels of x1 and y1: what the implicit down-scaling cuts is below 2**exponent."""
    found, coded = given(signal=signal, activation=activation, z_max=3.5)
    x = np.arange(1, found.activity["x"].bounds[1] // 2 + 1) if signal == "graded" else np.array([1])
    y = np.arange(1, 113) if activation == "relu" else np.array([1])
    x, y = (grid.ravel() for grid in np.meshgrid(x, y))
    values = {"x1": x, "y1": y, "y0": np.ones_like(x)}
    for tag in (coded.fast, coded.slow):
        got = evaluate(tag.coincidence, np.ones_like(x), lambda name, _: values[name], ENGINE)
        real = np.ldexp(got.astype(float), -ENGINE.alignment - tag.format.frac)
        x_real = np.ldexp(x.astype(float), 1 - found.activity["x"].format.frac) if signal == "graded" else x
        y_real = coded.activity.real(y) if activation == "relu" else y
        cut = (
            math.ldexp(1.0, tag.coincidence.exponent - tag.format.frac)
            if down_scaling(tag.coincidence, ENGINE)
            else 0.0
        )
        assert (real <= x_real * y_real + 1e-12).all()
        top = np.ldexp(ENGINE.accumulator[1], -ENGINE.alignment - tag.format.frac)
        assert (real >= np.minimum(x_real * y_real - cut, top) - 1e-12).all()


@pytest.mark.parametrize(
    ("bounds", "mode"),
    [
        ([-1.0, 1.0], "mixed"),
        ([0.0, 1.0], "excitatory"),
        ([-1.0, 0.0], "inhibitory"),
        ([-4.0, 4.0], "mixed"),
        ([0.0, 0.25], "excitatory"),
    ],
)
def test_weights_of_a_power_of_two_end_where_the_bits_do(bounds, mode):
    found, coded = given(bounds=bounds)
    assert coded.sign_mode == mode
    low, high = coded.levels.low * coded.weight.unit, coded.levels.high * coded.weight.unit
    assert abs(low - bounds[0]) <= TOLERATED * max(map(abs, bounds))
    assert abs(high - bounds[1]) <= TOLERATED * max(map(abs, bounds))
    assert found.findings == ()
    assert found.reach["c"] == max(abs(low), abs(high))


@pytest.mark.parametrize("bounds", [[-4.0, 2.0], [-0.3, 0.3], [0.0, 0.7], [0.5, 1.0]])
def test_other_bounds_are_named_and_lie_inside_what_the_chip_holds(bounds):
    found, coded = given(bounds=bounds, weights=bounds[0])
    (finding,) = found.findings
    assert (finding.rule, finding.object, finding.severity) == ("weight-bounds", "connections.c.bounds", "warning")
    low, high = finding.limit
    slack = TOLERATED * max(map(abs, bounds))
    assert low <= bounds[0] + slack and high >= bounds[1] - slack
    assert finding.used == bounds
    assert coded.weight.unit * max(abs(coded.levels.low), coded.levels.high) < 2.1 * max(map(abs, bounds))
