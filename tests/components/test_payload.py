"""Attention on the presynaptic side: the payload of a score, and the context that all neurons share."""

import math

import numpy as np
import pytest

from hmn_lava.components.attention import DIRECTION, RATE, SCORE_FRAC, payload, pooled_context, temperature
from hmn_lava.components.port import Port
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.interpreter import execute
from hmn_lava.microcode.ir import WORD
from hmn_lava.microcode.ranges import overflows
from hmn_lava.microcode.verify import verify
from hmn_lava.reference import equations as eq

ONE = 1 << DIRECTION.frac
HIGH = 127
X = Port(Fixed(8, False, 7), (0, 200))


def checked(program):
    assert verify(program) == []
    assert overflows(program) == []
    return program


def payloads(x, directions, embedding, beta, high=HIGH):
    """The messages of neurons with activities ``x``, all (n, D)."""
    dimensions = directions.shape[1]
    program = checked(payload("p", X, [Port(DIRECTION, (-ONE, ONE))] * dimensions, beta, high))
    constants = {f"embedding_{d}": DIRECTION.quantise(embedding[:, d]) for d in range(dimensions)}
    if dimensions == 1:
        for name, score in (("score_opposed", math.exp(-2 * beta)), ("score_neutral", math.exp(-beta))):
            constants[name] = int(Fixed(WORD - 1, False, SCORE_FRAC).quantise(score))
    else:
        constants["beta_a"] = int(temperature(beta)[0].quantise(beta))
    inputs = {"x": x} | {f"direction_{d}": DIRECTION.quantise(directions[:, d]) for d in range(dimensions)}
    run = execute(program, states={}, inputs=inputs, constants=constants, index=np.arange(len(x)), time=0)
    return run.outputs["score"]


@pytest.mark.parametrize("high", [127, 63])
@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0, 3.0, 6.0])
def test_a_payload_is_twice_the_rounded_score(dimensions, beta, high):
    rng = np.random.default_rng(dimensions)
    n = 4000
    x = rng.integers(0, 200, n) * (rng.random(n) < 0.8)
    directions, embedding = (eq.unit(rng.normal(size=(n, dimensions))) for _ in range(2))
    directions[: n // 10] = embedding[: n // 10]
    directions[n // 10 : n // 5] = -embedding[n // 10 : n // 5]
    directions[n // 5 : n // 4] = 0
    found = payloads(x, directions, embedding, beta, high)
    g = np.where(x > 0, (directions * embedding).sum(axis=1), 0.0)
    half = high * np.exp(beta * (g - 1))
    assert (found % 2 == 0).all()
    assert found.min() >= 2 and found.max() <= 2 * high
    # Half a unit by rounding; the score has 20 bits, and g is off by a few units of 2**-15.
    assert np.abs(found / 2 - np.maximum(half, 1)).max() <= 0.5 + high * (beta * 2.0**-12 + 2.0**-15)
    agrees = (x > 0) & (g > 1 - 1e-9)
    assert agrees.any() and (np.abs(found[agrees] - 2 * high) <= 2 * (beta > 0) * (dimensions > 1)).all()
    assert len(set(found.tolist())) > (1 if beta else 0)


def test_a_silent_neuron_is_neutral_and_its_message_is_never_nothing():
    directions, embedding = np.ones((3, 1)), np.array([[1.0], [1.0], [-1.0]])
    assert payloads(np.array([0, 9, 9]), directions, embedding, 0.5).tolist() == [
        2 * round(127 * math.exp(-0.5)),
        254,
        2 * round(127 * math.exp(-1.0)),
    ]
    assert payloads(np.array([0, 9, 9]), directions, embedding, 6.0).tolist() == [2, 254, 2]


@pytest.mark.parametrize("dimensions", [1, 2, 4])
@pytest.mark.parametrize("rate", [1.0, 0.2, 0.01])
@pytest.mark.parametrize("n", [1, 100])
def test_a_pooled_context_is_the_mean_of_the_contexts(dimensions, rate, n):
    """C of n neurons, whose terms are z_j k_j, is the mean over j of c_j, and the direction is its unit vector."""
    rng = np.random.default_rng(n)
    terms = Port(Fixed(WORD, True, 12), (-(2**13) * n, 2**13 * n))
    gain = Fixed.fitting(0.0, 1.0 / n, 18)
    program = checked(pooled_context("c", [terms] * dimensions, gain))
    constants = {"rate": int(RATE.quantise(rate)), "gain": int(gain.quantise(1.0 / n))}
    states = {f"c_{d}": np.zeros(1, np.int64) for d in range(dimensions)}
    format = program.states[0].format
    c, moved = np.zeros((n, dimensions)), False
    for t in range(25):
        products = rng.integers(-(2**13), 2**13, (n, dimensions)) * (rng.random((n, 1)) < 0.5)
        inputs = {f"term_{d}": products[:, d].sum(keepdims=True) for d in range(dimensions)}
        run = execute(program, states=states, inputs=inputs, constants=constants, index=np.arange(1), time=t)
        states = run.states
        c = np.stack(
            [
                eq.local_context(row, np.ones(1), p[None] / 2**12, rate)[0]
                for row, p in zip(c[:, None], products, strict=True)
            ]
        )
        mean = c.mean(axis=0)
        integers = np.array([int(states[f"c_{d}"][0]) for d in range(dimensions)])
        # Half a unit of the target and of the move in each step, which decay with the rate; a gain of 18 bits.
        assert np.abs(format.real(integers) - mean).max() <= (0.5 / rate + 1) * format.unit + 2 * 2.0**-17
        direction = np.array([int(run.outputs[f"direction_{d}"][0]) for d in range(dimensions)]) * DIRECTION.unit
        assert np.abs(direction - eq.unit(format.real(integers)[None])[0]).max() <= DIRECTION.unit
        moved |= bool(integers.all())
    assert moved


def test_no_activity_has_no_direction():
    terms = Port(Fixed(WORD, True, 12), (-(2**16), 2**16))
    program = pooled_context("c", [terms] * 2, Fixed(18, False, 18))
    states = {"c_0": np.zeros(1, np.int64), "c_1": np.zeros(1, np.int64)}
    constants = {"rate": 1 << RATE.frac, "gain": 1 << 16}
    run = execute(
        program, states=states, inputs={"term_0": 0, "term_1": 0}, constants=constants, index=np.arange(1), time=0
    )
    assert [int(run.outputs[f"direction_{d}"][0]) for d in (0, 1)] == [0, 0]
