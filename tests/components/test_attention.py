"""Local attention in its three places: contexts and directions, scores, and rows that sum to one."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmn_lava.components.attention import (
    DIRECTION,
    RATE,
    SCORE_FRAC,
    context,
    direction,
    normaliser,
    score,
    score_bounds,
    temperature,
)
from hmn_lava.components.port import Port
from hmn_lava.components.synapse import AttentionForm, SynapseForm, synapse
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.builder import Builder
from hmn_lava.microcode.interpreter import execute
from hmn_lava.microcode.ranges import overflows
from hmn_lava.microcode.verify import verify
from hmn_lava.reference import equations as eq

Z, X = Fixed(16, True, 12), Fixed(16, True, 12)
UNIT = DIRECTION.unit


def checked(program):
    assert verify(program) == []
    assert overflows(program) == []
    return program


# ----------------------------------------------------------------------------------------------- context, direction


@pytest.mark.parametrize("dimensions", [1, 2, 5])
@pytest.mark.parametrize("rate", [1.0, 0.1, 0.001])
def test_the_context_is_the_equation(dimensions, rate):
    rng = np.random.default_rng(0)
    n, steps, bound = 12, 80, 16.0
    key_format = Fixed(18, True, 16)
    key = key_format.real(key_format.quantise(rng.uniform(-2, 2, (n, dimensions))))
    program = checked(context("c", Z, (-(2**15), 2**15 - 1), [key_format] * dimensions, bound))
    constants = {"rate": int(RATE.quantise(rate))} | {
        f"key_{d}": key_format.quantise(key[:, d]) for d in range(dimensions)
    }
    states = {f"c_{d}": np.zeros(n, np.int64) for d in range(dimensions)}
    format, c = program.states[0].format, np.zeros((n, dimensions))
    for t in range(steps):
        z = rng.integers(-(2**15), 2**15, n) * (rng.random(n) < 0.3)
        effects = execute(program, states=states, inputs={"z": z}, constants=constants, index=np.arange(n), time=t)
        states = effects.states
        c = eq.local_context(c, Z.real(z), key, rate)
        integers = np.stack([states[f"c_{d}"] for d in range(dimensions)], axis=1)
        # Each step rounds the target and the move by half a unit; what is off decays with the rate. The rate has 22
        # bits.
        assert np.abs(np.ldexp(c, format.frac) - integers).max() <= 0.5 / rate + 0.5 + bound * 2.0 ** (format.frac - 22)
        directions = np.stack([effects.outputs[f"direction_{d}"] for d in range(dimensions)], axis=1)
        assert np.abs(directions * UNIT - eq.unit(format.real(integers))).max() <= UNIT


def directions(vectors, frac=18):
    b = Builder("direction")
    inputs = [b.input(f"v{d}", Fixed(22, True, frac)) for d in range(vectors.shape[1])]
    for d, component in enumerate(direction(b, inputs)):
        b.emit(f"u{d}", component)
    program = checked(b.build())
    words = {f"v{d}": vectors[:, d] for d in range(vectors.shape[1])}
    outputs = execute(program, states={}, inputs=words, constants={}, index=np.arange(len(vectors)), time=0).outputs
    return np.stack([outputs[f"u{d}"] for d in range(vectors.shape[1])], axis=1)


@pytest.mark.parametrize("frac", [18, 5, -3])
@pytest.mark.parametrize("dimensions", [2, 3, 8])
def test_a_direction_is_the_unit_vector_at_every_magnitude(dimensions, frac):
    rng = np.random.default_rng(1)
    magnitudes = 2.0 ** rng.uniform(0, 21, (5000, 1))
    vectors = np.rint(rng.uniform(-1, 1, (5000, dimensions)) * magnitudes).astype(np.int64)
    vectors = np.concatenate([vectors, np.eye(dimensions, dtype=np.int64), -np.eye(dimensions, dtype=np.int64)])
    found = directions(vectors, frac) * UNIT
    assert np.abs(found - eq.unit(vectors.astype(float))).max() <= UNIT
    assert (directions(-vectors, frac) * UNIT + found).max() <= UNIT


def test_a_direction_of_nothing_is_nothing():
    assert (directions(np.zeros((1, 3), np.int64)) == 0).all()
    assert directions(np.array([[0], [5], [-1]])).tolist() == [[0], [1 << 15], [-(1 << 15)]]


def test_a_context_that_was_moved_once_keeps_its_direction():
    program = context("c", Z, (-(2**15), 2**15 - 1), [Fixed(18, True, 16)], 8.0)
    constants, states = {"rate": int(RATE.quantise(0.1)), "key_0": 1 << 16}, {"c_0": np.zeros(2, np.int64)}
    for t in range(400):
        z = np.array([4096, -4096]) if t == 0 else np.zeros(2, np.int64)
        effects = execute(program, states=states, inputs={"z": z}, constants=constants, index=np.arange(2), time=t)
        states = effects.states
    assert effects.outputs["direction_0"].tolist() == [1 << 15, -(1 << 15)]
    assert np.abs(states["c_0"]).max() <= 5  # 0.5 / rate


# ----------------------------------------------------------------------------------------------------------- score


def scores(x, found, embedding, beta):
    """exp(beta (g - 1)) of synapses with the directions ``found`` and unit embeddings, both (n, D)."""
    dimensions = found.shape[1]
    b = Builder("score")
    one = 1 << DIRECTION.frac
    inputs = [b.input(f"direction_{d}", DIRECTION, (-one, one)) for d in range(dimensions)]
    b.observe("score", score(b, b.input("x", X), inputs, beta))
    program = checked(b.build())
    constants = {f"embedding_{d}": DIRECTION.quantise(embedding[:, d]) for d in range(dimensions)}
    if dimensions == 1:
        low, high = score_bounds(beta)
        exact = {"score_opposed": math.exp(-2 * beta), "score_neutral": math.exp(-beta)}
        constants |= {name: int(np.clip(np.rint(np.ldexp(v, SCORE_FRAC)), low, high)) for name, v in exact.items()}
    else:
        constants["beta_a"] = int(temperature(beta)[0].quantise(beta))
    words = {"x": X.quantise(x)} | {f"direction_{d}": DIRECTION.quantise(found[:, d]) for d in range(dimensions)}
    value = execute(program, states={}, inputs=words, constants=constants, index=np.arange(len(x)), time=0).observed[
        "score"
    ]
    return np.ldexp(value, -next(o.format.frac for o in program.observables))


@pytest.mark.parametrize("beta", [0.0, 0.5, 2.0, 6.0])
@pytest.mark.parametrize("dimensions", [1, 2, 4])
def test_the_score_is_the_equation(dimensions, beta):
    rng = np.random.default_rng(2)
    n = 2000
    found, embedding = (eq.unit(rng.normal(size=(n, dimensions))) for _ in range(2))
    found[:50] = 0
    x = rng.choice([-2.0, -0.25, 0.0, 0.25, 1.0, 7.0], n)
    g = eq.similarity(x[:, None] * embedding, found)
    exact = np.exp(beta * (g - 1))
    # g is off by half a unit of 2**-15 for each factor and product; the exponential by 9.1e-6.
    bound = 1.5e-6 if dimensions == 1 else 1.2e-5 + beta * UNIT * dimensions * 1.5
    assert np.abs(scores(x, found, embedding, beta) - exact).max() <= bound


@settings(max_examples=25, deadline=None)
@given(st.floats(0.0, 8.0))
def test_a_score_is_inside_its_bounds(beta):
    low, high = score_bounds(beta)
    one = np.array([[1.0, 0.0]])
    for x, found in ((1.0, one), (1.0, -one), (-1.0, one), (0.0, one)):
        value = math.ldexp(float(scores(np.array([x]), found, one, beta)[0]), SCORE_FRAC)
        # One unit of 2**-SCORE_FRAC is there for the exponential, which is off by 9.1e-6, ten units: see alpha's clip.
        assert low - 10 <= value <= high


# ------------------------------------------------------------------------------------------------------------ alpha


def attend(x, found, embedding, beta, n_post):
    """Attention of dense synapses (n_post, n_pre): the three programs, three steps. Returns alpha and its unit."""
    n_pre, dimensions = embedding.shape
    one = 1 << DIRECTION.frac
    frac = min(SCORE_FRAC, 22 - n_pre.bit_length())
    low, high = (bound >> (SCORE_FRAC - frac) for bound in score_bounds(beta))
    norm = checked(normaliser("norm", Fixed(24, True, frac), (max(1, low * n_pre), high * n_pre)))
    back = norm.outputs[0]
    form = SynapseForm(
        w=Fixed(22, True, 20),
        w_bounds=(-(2**20), 2**20),
        x=Port(X, (-(2**15), 2**15 - 1)),
        a_frac=12,
        learning=True,
        z=Port(Z, (-(2**15), 2**15 - 1)),
        psi_fast=Fixed(18, True, 10),
        third=Port(Fixed(24, True, 20), (-(2**20), 2**20)),
        attention=AttentionForm(
            (Port(Fixed(24, True, 15), (-one, one)),) * dimensions,
            beta,
            frac,
            Port(Fixed(24, True, back.format.frac), (0, back.high)),
        ),
    )
    program = checked(synapse("s", form))
    size = n_post * n_pre
    row, col = np.divmod(np.arange(size), n_pre)
    constants = {v.name: 0 for v in program.constants}
    constants |= {f"embedding_{d}": DIRECTION.quantise(embedding[col, d]) for d in range(dimensions)}
    if dimensions == 1:
        constants["score_opposed"] = max(score_bounds(beta)[0], round(math.exp(-2 * beta) * 2**SCORE_FRAC))
        constants["score_neutral"] = round(math.exp(-beta) * 2**SCORE_FRAC)
    else:
        constants["beta_a"] = int(temperature(beta)[0].quantise(beta))
    states = {v.name: np.zeros(size, np.int64) for v in program.states}
    inputs = {v.name: np.zeros(size, np.int64) for v in program.inputs}
    reciprocal = np.zeros(n_post, np.int64)
    for t in range(3):
        inputs["reciprocal"] = reciprocal[row]
        if t == 0:
            inputs["x_attention"] = X.quantise(x[col])
            inputs |= {f"direction_{d}": DIRECTION.quantise(found[row, d]) for d in range(dimensions)}
        else:  # what comes later belongs to later steps
            inputs["x_attention"] = np.full(size, -777)
            inputs |= {f"direction_{d}": np.full(size, -one // 2) for d in range(dimensions)}
        effects = execute(program, states=states, inputs=inputs, constants=constants, index=np.arange(size), time=t)
        states = effects.states
        if t == 0:
            sums = np.bincount(row, weights=effects.outputs["score"], minlength=n_post).astype(np.int64)
            reciprocal = execute(
                norm, states={}, inputs={"sum": sums}, constants={}, index=np.arange(n_post), time=0
            ).outputs["reciprocal"]
    unit = next(o.format.unit for o in program.observables if o.name == "alpha")
    return effects.observed["alpha"].reshape(n_post, n_pre) * unit, unit


@pytest.mark.parametrize("beta", [0.5, 2.0, 4.0])
@pytest.mark.parametrize(("n_pre", "dimensions"), [(3, 1), (16, 1), (5, 2), (40, 3)])
def test_rows_sum_to_one_and_alpha_is_the_equation(n_pre, dimensions, beta):
    rng = np.random.default_rng(4)
    n_post = 6
    x = rng.choice([-1.0, 0.0, 0.5, 3.0], n_pre)
    embedding, found = eq.unit(rng.normal(size=(n_pre, dimensions))), eq.unit(rng.normal(size=(n_post, dimensions)))
    alpha, unit = attend(x, found, embedding, beta, n_post)
    row, col = np.divmod(np.arange(n_post * n_pre), n_pre)
    exact = eq.local_attention(beta, x[col], embedding, found, row, col).reshape(n_post, n_pre)
    # The product is rounded to the nearest unit, and half a unit is about 2**-22 exp(2 beta) / n_pre: its scale must
    # hold 1 times the largest reciprocal. Besides: the directions, half a unit of 2**-15 each, times beta; the
    # messages; the reciprocal; and the exponential's absolute error of 9.1e-6, which matters where all scores of a row
    # are small.
    assert unit / 2.0 <= 2.0**-21 * math.exp(2 * beta) / n_pre
    g = (np.sign(x)[None, :, None] * embedding[None] * found[:, None]).sum(-1)
    total = np.exp(beta * (g - 1)).sum(axis=1, keepdims=True)
    assert (np.abs(alpha - exact) <= unit + 2e-4 + 1e-5 * (1 + n_pre * exact) / total).all()
    np.testing.assert_allclose(alpha.sum(axis=1), 1.0, rtol=0, atol=n_pre * unit + 2e-4)
    assert alpha.min() >= 0 and alpha.max() <= 1


def test_attention_turns_with_the_sign_of_x():
    embedding, found = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 0.0]])
    with_context = attend(np.array([1.0, 1.0]), found, embedding, 2.0, 1)[0][0]
    against = attend(np.array([-1.0, 1.0]), found, embedding, 2.0, 1)[0][0]
    assert with_context[0] > 0.8 > 0.5 > with_context[1]
    assert against[0] < 0.2


def test_alone_a_synapse_has_all_the_attention():
    # In its last unit: the reciprocal is rounded, and so is the product.
    alpha, _ = attend(np.array([1.0]), np.array([[1.0]]), np.array([[1.0]]), 1.0, 1)
    assert abs(float(alpha[0, 0]) - 1.0) < 1e-5


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 2**22), st.integers(1, 2**22), st.integers(0, 20))
def test_the_normaliser_inverts_the_sum(a, b, frac):
    low, high = sorted((a, b))
    program = checked(normaliser("norm", Fixed(24, True, frac), (low, high)))
    sums = np.unique(np.linspace(low, high, 50).astype(np.int64))
    output = program.outputs[0]
    found = execute(
        program, states={}, inputs={"sum": np.append(sums, 0)}, constants={}, index=np.arange(sums.size + 1), time=0
    )
    real = output.format.real(found.outputs["reciprocal"])
    exact = 1 / np.ldexp(sums, -frac)
    assert (np.abs(real[:-1] - exact) <= output.format.unit / 2 + exact * 2**-22).all()
    assert real[-1] == real[0], "no score has arrived: the least sum stands in"
