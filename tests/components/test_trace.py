"""Traces against the reference's equations: signs, both modes, the error in units, and that they die out."""

import math

import numpy as np
import pytest

from hmn_lava.components.trace import DECAY, trace
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.builder import Builder
from hmn_lava.microcode.interpreter import execute
from hmn_lava.microcode.ranges import overflows
from hmn_lava.microcode.verify import verify
from hmn_lava.reference import equations as eq

FORMAT = Fixed(18, True, 10)
EQUATION = {"replacing": eq.eligibility_replacing, "accumulating": eq.eligibility_accumulating}


def program(mode, format=FORMAT):
    b = Builder("trace")
    x, z = b.input("x", Fixed(6, True, 2)), b.input("z", Fixed(6, True, 2))
    c = b.mul(x, z)
    b.observe("after", trace(b, "psi", c, b.is_zero(c), mode, format))
    built = b.build()
    assert verify(built) == []
    assert overflows(built) == []
    return built


def run(mode, decay, x, z, start=0, format=FORMAT):
    """Integers of the trace after each step for x and z of shape (steps, n), in quarters."""
    built, psi = program(mode, format), np.broadcast_to(start, x.shape[1])
    constants = {"psi_decay": int(DECAY.quantise(decay))}
    history = []
    for t in range(len(x)):
        effects = execute(
            built,
            states={"psi": psi},
            inputs={"x": x[t], "z": z[t]},
            constants=constants,
            index=np.arange(x.shape[1]),
            time=t,
        )
        psi = effects.states["psi"]
        assert (effects.observed["after"] == psi).all()
        history.append(psi)
    return np.array(history)


@pytest.mark.parametrize("mode", EQUATION)
@pytest.mark.parametrize("tau", [0.5, 1.0, 5.0, 50.0, 500.0])
def test_the_error_is_less_than_one_over_one_minus_lambda_units(mode, tau):
    decay = eq.trace_decay(tau)
    rng = np.random.default_rng(1)
    shape = (800, 20)
    x = rng.integers(-3, 4, shape) * (rng.random(shape) < 0.2)
    z = rng.integers(-3, 4, shape) * (rng.random(shape) < 0.2)
    integers = run(mode, decay, x, z)
    psi, worst = np.zeros(20), 0.0
    for t in range(len(x)):
        psi = EQUATION[mode](psi, x[t] / 4, z[t] / 4, decay)
        worst = max(worst, float(np.abs(np.ldexp(psi, FORMAT.frac) - integers[t]).max()))
    assert np.abs(psi).max() * 2**FORMAT.frac < FORMAT.max  # it did not saturate
    assert 0 < worst < 1 / (1 - decay)


@pytest.mark.parametrize("mode", EQUATION)
@pytest.mark.parametrize("tau", [0.5, 5.0, 200.0])
def test_a_trace_dies_out_on_both_sides_alike(mode, tau):
    # From 1/(1 - lambda) units on at least a unit is lost in each step; up to there the equation's decay is the
    # slower one.
    longest = math.ceil(tau * math.log(100_000) + 1 / -math.expm1(-1 / tau)) + 2
    silence = np.zeros((longest, 2), np.int64)
    up, down = run(mode, eq.trace_decay(tau), silence, silence, start=np.array([100_000, -100_000])).T
    assert (down == -up).all()
    assert (np.diff(up) <= 0).all()
    assert up[-1] == 0


@pytest.mark.parametrize(("x", "z"), [(3, 2), (-3, 2), (3, -2), (-3, -2)])
def test_the_sign_of_each_factor(x, z):
    one = np.array([[x], [0], [0]]), np.array([[z], [5], [0]])
    for mode in EQUATION:
        psi = run(mode, 0.5, *one)[:, 0]
        full = x * z * 64  # quarters times quarters, at 10 fractional bits
        assert psi.tolist() == [full, full // 2, full // 4]


def test_replacing_forgets_and_accumulating_adds():
    x, z = np.array([[4], [4], [2]]), np.array([[4], [4], [4]])
    assert run("replacing", 0.5, x, z)[:, 0].tolist() == [1024, 1024, 512]
    assert run("accumulating", 0.5, x, z)[:, 0].tolist() == [1024, 1536, 1280]


def test_a_coincidence_replaces_even_where_it_rounds_to_zero():
    """silent says whether x or z is zero, not whether the trace's format can hold their product."""
    coarse = Fixed(8, True, 0)
    assert run("replacing", 0.5, np.array([[1]]), np.array([[1]]), start=100, format=coarse).tolist() == [[0]]


@pytest.mark.parametrize("sign", [1, -1])
def test_an_accumulating_trace_saturates(sign):
    x = np.full((3000, 1), 31 * sign)
    psi = run("accumulating", eq.trace_decay(1000.0), x, np.abs(x))[:, 0]
    assert psi[-1] == sign * FORMAT.max


def test_decays_of_zero_and_one():
    x = np.array([[4], [0], [0]])
    assert run("replacing", 0.0, x, x)[:, 0].tolist() == [1024, 0, 0]
    assert run("replacing", 1.0, x, x)[:, 0].tolist() == [1024, 1024, 1024]


def test_long_time_constants_survive_in_the_decay():
    for tau in (1e3, 1e5, 1e6):
        stored = float(DECAY.real(DECAY.quantise(eq.trace_decay(tau))))
        assert abs((1 - stored) * tau - 1) < tau * 2**-23 + 1e-3
