"""What stands for the probabilistic gate: staircases, their stated deviation, and pairs of signs that cancel."""

import numpy as np
import pytest

from hmn_lava.compiler.engine.formats import Limits
from hmn_lava.compiler.engine.gates import deviation, opening, staircase
from hmn_lava.hardware_profiles import load_profile
from hmn_lava.learning.products import down_scaling, evaluate
from hmn_lava.learning.records import Factor, Product
from hmn_lava.reference import equations as eq
from hmn_lava.spec.model import Gate

ENGINE = Limits.of(load_profile("loihi2")).engine
GATES = [Gate(beta, threshold) for beta in (0.0, 5.0, 50.0, 1000.0) for threshold in (0.0, 0.05, 0.3)]
SLOPES = [1e-4, 1e-3, 4e-3]


def test_opening_is_the_equation():
    update = np.linspace(-1, 1, 401)
    for gate in GATES:
        assert np.allclose(opening(gate, update), eq.gate_probability(update, gate.beta, gate.threshold), atol=1e-12)


@pytest.mark.parametrize("steps", [1, 2, 4, 8])
@pytest.mark.parametrize("slope", SLOPES)
@pytest.mark.parametrize("gate", GATES, ids=str)
def test_a_staircase_is_near_the_expected_update_as_stated(gate, slope, steps):
    top = 255
    made = staircase(gate, slope, top, steps)
    assert 1 <= len(made.levels) == len(made.heights) <= steps
    assert list(made.levels) == sorted(set(made.levels))
    assert all(level % 2 == 0 and 2 <= level <= top for level in made.levels)
    assert all(height >= 0 for height in made.heights)
    psi = np.arange(top + 1, dtype=float)
    wanted = psi * eq.gate_probability(slope * psi, gate.beta, gate.threshold)
    off = np.abs(made(psi) - wanted) / top
    stated = deviation(gate, slope, top, made)
    # The stated deviation looks at 512 points: between two of them the curve is a little further off.
    assert off.max() <= stated + 1.5 * (np.abs(np.diff(wanted)).max() / top + 1 / top)
    assert stated <= off.max() + 2 * np.abs(np.diff(wanted)).max() / top + max(made.heights) / top
    assert (made(psi[psi < min(made.levels)]) == 0).all()


def test_more_steps_come_nearer():
    for gate in (Gate(50.0, 0.05), Gate(5.0, 0.3)):
        off = [deviation(gate, 1e-3, 255, staircase(gate, 1e-3, 255, n)) for n in (1, 4, 16)]
        assert off[0] > off[1] > off[2]


def test_each_deviation_is_the_distance_of_two_curves():
    gate, slope, top = Gate(50.0, 0.1), 2e-3, 200
    psi = np.linspace(0, top, 20_001)
    wanted = psi * eq.gate_probability(slope * psi, gate.beta, gate.threshold)
    rounding = np.abs(psi - wanted).max() / top
    one_draw = (
        np.abs(psi * eq.gate_probability(np.array([slope * top]), gate.beta, gate.threshold) - wanted).max() / top
    )
    assert abs(deviation(gate, slope, top, None) - rounding) < 0.01
    assert abs(deviation(gate, slope, top, None, neuron=True) - one_draw) < 0.01
    always = Gate(1000.0, 0.0)
    assert deviation(always, 1e-1, top, None) < 0.01


def pair(level, mantissa, exponent, name, offset, t, y):
    """Both signs of a level, for all tags ``t`` and traces ``y``, in units of the accumulator."""
    t, y = (grid.ravel() for grid in np.meshgrid(t, y))
    values = {"t": t, "d": t, name: y}
    total = np.zeros(t.shape, np.int64)
    for side in (-level, level):
        factors = (Factor("t", side, sign=True), Factor(name, -offset))
        total += evaluate(Product("u", 1, mantissa, exponent, factors), np.ones_like(t), lambda v, _: values[v], ENGINE)
    return t, y - offset, total


@pytest.mark.parametrize("offset", [0, 64])
@pytest.mark.parametrize("mantissa", [-7, -4, -1, 1, 2, 3, 4, 7])
def test_a_pair_of_signs_cancels_below_its_level(mantissa, offset):
    """For every trace that is a multiple of what the down-scaling cuts, at every tag; above it doubles."""
    sample = Product("u", 1, 1, 0, (Factor("t", 2, sign=True), Factor("y2", -offset)))
    shift = down_scaling(sample, ENGINE)
    step = 1 << max(0, shift - (abs(mantissa) & -abs(mantissa)).bit_length() + 1)
    y = np.arange(0, 128, step)
    for level in (2, 100, 254):
        t, signed, total = pair(level, mantissa, 0, "y2", offset, np.arange(-256, 256), y)
        one = mantissa * signed * (1 << ENGINE.alignment) // (1 << shift)
        assert (mantissa * signed % (1 << shift) == 0).all()
        assert (total[np.abs(t) < level] == 0).all()
        assert np.array_equal(total[t > level], 2 * one[t > level])
        assert np.array_equal(total[t == level], one[t == level])
        assert np.array_equal(total[t < -level], -2 * one[t < -level])


def test_a_pair_of_signs_does_not_cancel_in_finer_steps():
    """Why a trace has to move in steps: the down-scaling floors."""
    _, _, total = pair(100, 1, 0, "y2", 0, np.arange(0, 100), np.arange(1, 128))
    assert (total <= 0).all() and (total < 0).any()
