"""Each equation of the reference against numbers worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hmn_lava.reference import equations as eq

LN2, LN3 = math.log(2.0), math.log(3.0)


def array(*values):
    return np.array(values, dtype=np.float64)


# ------------------------------------------------------------------------------------------------------- activation (1)


def test_synaptic_input_sums_over_the_synapses_of_each_unit():
    # unit 0: 0.5 * 2 - 1 * 1.5 = -0.5;  unit 1: no synapse;  unit 2: 0.25 * 2 = 0.5;  unit 3: no synapse
    drive = eq.synaptic_input(array(0.5, -1.0, 0.25), array(2.0, 1.5, 2.0), np.array([0, 0, 2]), 4)
    assert drive.tolist() == [-0.5, 0.0, 0.5, 0.0]


def test_synaptic_input_without_any_synapse_is_float_zero():
    drive = eq.synaptic_input(array(), array(), np.zeros(0, dtype=np.int64), 2)
    assert drive.tolist() == [0.0, 0.0]
    assert drive.dtype == np.float64


def test_activation_adds_bias_and_noise():
    a = eq.activation(array(-0.5, 0.5), array(0.25, 0.125), array(0.0, -0.5))
    assert a.tolist() == [-0.25, 0.125]
    assert eq.activation(array(-0.5, 0.5)).tolist() == [-0.5, 0.5]


def test_relu_rectifies_and_saturates():
    assert eq.relu(array(-1.0, 0.0, 0.5, 9.0), 8.0).tolist() == [0.0, 0.0, 0.5, 8.0]
    assert eq.relu(array(9.0)).tolist() == [9.0]


def test_sigmoid():
    # 1 / (1 + exp(-ln 3)) = 1 / (1 + 1/3) = 3/4
    np.testing.assert_allclose(eq.sigmoid(array(0.0, LN3, -LN3)), [0.5, 0.75, 0.25], rtol=1e-15)
    np.testing.assert_allclose(eq.sigmoid(array(1e9, -1e9)), [1.0, 0.0], atol=1e-300)  # and no overflow warning


def test_lif_step_spikes_strictly_above_the_threshold():
    # u = 0.5 * (1 - 0.5) + 0.25 = 0.5;  v = 0.5 * (1 - 0.25) + 0.5 + bias = 0.875 + bias, with vth = 1
    bias = array(0.0, 0.125, 0.25)
    z, u, v = eq.lif_step(np.full(3, 0.5), np.full(3, 0.5), np.full(3, 0.25), du=0.5, dv=0.25, vth=1.0, bias=bias)
    assert u.tolist() == [0.5, 0.5, 0.5]
    assert z.tolist() == [0.0, 0.0, 1.0]  # 1.0 is not above 1.0
    assert v.tolist() == [0.875, 1.0, 0.0]  # reset by the spike


# ---------------------------------------------------------------------------------------------------------- competition


def test_winner_take_all_gives_a_tie_to_the_lowest_index():
    assert eq.winner_take_all(array(1.0, 3.0, 3.0), array(0.1, 0.2, 0.3)).tolist() == [0.0, 0.2, 0.0]


def test_winner_take_all_decides_by_a_and_keeps_z():
    # a LIF may have the largest input and not spike: then nobody does
    assert eq.winner_take_all(array(2.0, 1.0), array(0.0, 1.0)).tolist() == [0.0, 0.0]


def test_sample_is_the_argmax_of_a_over_t_plus_gumbel():
    a, z = array(0.0, 1.0), array(0.7, 0.8)
    # a / T = (0, 2): without noise unit 1 wins; with Gumbel (3, 0.5) it is 3 against 2.5
    assert eq.sample(a, z, 0.5, array(0.0, 0.0)).tolist() == [0.0, 0.8]
    assert eq.sample(a, z, 0.5, array(3.0, 0.5)).tolist() == [0.7, 0.0]


def test_sample_follows_the_softmax():
    # softmax((0, T ln 3) / T) = (1/4, 3/4)
    n, temperature = 20_000, 0.3
    gumbel = np.random.default_rng(5).gumbel(size=(n, 2))
    a, z = array(0.0, temperature * LN3), array(1.0, 1.0)
    wins = sum(eq.sample(a, z, temperature, g)[1] for g in gumbel)
    assert abs(wins / n - 0.75) < 4 * math.sqrt(0.75 * 0.25 / n)


# ------------------------------------------------------------------------------------------------------ eligibility (2)


def test_trace_decay():
    assert eq.trace_decay(1 / LN2) == pytest.approx(0.5, rel=1e-15)


def test_replacing_trace():
    # a coincidence x z = 0.25, then x or z missing: 0.5 * 0.8 = 0.4; a negative coincidence counts as one
    psi = eq.eligibility_replacing(np.full(4, 0.8), array(1, 1, 0, -1), array(0.25, 0, 1, 0.5), 0.5)
    assert psi.tolist() == [0.25, 0.4, 0.4, -0.5]


def test_replacing_trace_is_the_papers_form():
    # appendix 10.1: psi = x z exp(-(t - t_last) / tau), with coincidences at t = 1 (0.5) and t = 4 (2.0)
    tau, psi = 3.0, array(0.0)
    coincidences = {1: 0.5, 4: 2.0}
    expected = [
        0.0,
        0.5,
        0.5 * math.exp(-1 / 3),
        0.5 * math.exp(-2 / 3),
        2.0,
        2.0 * math.exp(-1 / 3),
        2.0 * math.exp(-2 / 3),
    ]
    for t, value in enumerate(expected):
        psi = eq.eligibility_replacing(psi, array(coincidences.get(t, 0.0)), array(1.0), eq.trace_decay(tau))
        assert psi[0] == pytest.approx(value, rel=1e-14)


def test_accumulating_trace():
    # 0.5 * 0.8 + 1 * 0.25 = 0.65
    psi = eq.eligibility_accumulating(np.full(3, 0.8), array(1, 1, 0), array(0.25, 0, 1), 0.5)
    np.testing.assert_allclose(psi, [0.65, 0.4, 0.4], rtol=1e-15)


def test_eligibility_is_the_sum_of_the_traces():
    assert eq.eligibility(array(0.25), array(0.5)).tolist() == [0.75]
    assert eq.eligibility(array(0.25), None).tolist() == [0.25]


# ------------------------------------------------------------------------------------------------------------- contexts


def test_local_context_is_the_papers_average_with_key_one():
    # 0.75 * 0.5 + 0.25 * 1 = 0.625;  0.75 * 0 + 0.25 * 0.5 = 0.125
    c = eq.local_context(array(0.5, 0.0)[:, None], array(1.0, 0.5), np.ones((2, 1)), 0.25)
    assert c.tolist() == [[0.625], [0.125]]


def test_local_context_points_along_the_key():
    # 0.75 * (1, 1) + 0.25 * 2 * (1, -2) = (1.25, -0.25)
    c = eq.local_context(np.ones((1, 2)), array(2.0), array(1.0, -2.0)[None, :], 0.25)
    assert c.tolist() == [[1.25, -0.25]]


def test_population_context_is_the_mean_over_all_units():
    # (1 * (1, 0) + 0.5 * (2, 4)) / 2 = (1, 1)
    assert eq.population_context(array(1.0, 0.5), array(1, 0, 2, 4).reshape(2, 2)).tolist() == [1.0, 1.0]


# ------------------------------------------------------------------------------------------------ local attention (8-9)


def test_similarity_is_the_cosine():
    a = array(3.0, 4.0)
    assert eq.similarity(a, array(4.0, 3.0)) == pytest.approx(24 / 25, rel=1e-15)
    assert eq.similarity(a, array(-4.0, -3.0)) == pytest.approx(-24 / 25, rel=1e-15)
    assert eq.similarity(a, array(0.0, 0.0)) == 0.0
    assert eq.similarity(a * 1e-300, array(4.0, 3.0) * 1e300) == pytest.approx(24 / 25, rel=1e-14)  # no underflow


def test_local_attention():
    # one row, D = 1: g = sign(x) sign(r) sign(c) = (1, -1, 0); exp(ln2 g) = (2, 1/2, 1), the sum is 7/2
    alpha = eq.local_attention(
        LN2, array(0.3, 1, 0), array(1, -5, 1)[:, None], array(0.1)[:, None], np.zeros(3, dtype=np.int64), np.arange(3)
    )
    np.testing.assert_allclose(alpha, [4 / 7, 1 / 7, 2 / 7], rtol=1e-15)


def test_local_attention_in_two_dimensions_and_over_the_synapses_that_exist():
    # r_0 = (1, 0), r_1 = (0, 2); unit 0 has both, c_0 = (3, 4): g = (0.6, 0.8); unit 2 has r_1: 1; unit 1 has none
    alpha = eq.local_attention(
        1.0,
        np.ones(3),
        array(1, 0, 0, 2).reshape(2, 2),
        array(3, 4, 1, 1, 1, 0).reshape(3, 2),
        np.array([0, 0, 2]),
        np.array([0, 1, 1]),
    )
    total = math.exp(0.6) + math.exp(0.8)
    np.testing.assert_allclose(alpha, [math.exp(0.6) / total, math.exp(0.8) / total, 1.0], rtol=1e-14)


def test_local_attention_without_context_is_even():
    alpha = eq.local_attention(
        9.0, np.ones(4), np.ones((2, 1)), np.zeros((2, 1)), np.array([0, 0, 1, 1]), np.array([0, 1] * 2)
    )
    assert alpha.tolist() == [0.5] * 4


def finite_arrays(shape):
    return hnp.arrays(np.float64, shape, elements=st.floats(-1e3, 1e3).map(lambda v: round(v, 3)))


@given(finite_arrays((5, 3)), finite_arrays((4, 3)), finite_arrays(20), st.floats(0, 1e4), st.data())
def test_local_attention_is_the_softmax_of_the_papers_similarity(embedding, c, x, beta, data):
    there = np.array(data.draw(st.lists(st.booleans(), min_size=20, max_size=20)))
    row, col = (index[there] for index in (np.repeat(np.arange(4), 5), np.tile(np.arange(5), 4)))
    x = x[there]
    alpha = eq.local_attention(beta, x, embedding, c, row, col)
    g = eq.similarity(x[:, None] * embedding[col], c[row])  # h_i as the paper writes it
    for j in set(row):
        np.testing.assert_allclose(alpha[row == j], eq.softmax(beta * g[row == j]), rtol=1e-8, atol=1e-12)
        assert alpha[row == j].sum() == pytest.approx(1.0)


def test_row_softmax_of_nothing_and_of_extremes():
    assert eq.row_softmax(array(), np.zeros(0, dtype=np.int64)).tolist() == []
    # rows are shifted by their own largest value: exp(-2000) alone would be 0 / 0
    shares = eq.row_softmax(array(1000.0, 1000.0, -1000.0, -1000.0, -1000.0 + LN2), np.array([0, 0, 3, 3, 3]))
    np.testing.assert_allclose(shares, [0.5, 0.5, 0.25, 0.25, 0.5], rtol=1e-12)


def test_attended_eligibility():
    assert eq.attended_eligibility(array(0.25, 0.75), array(2.0, -4.0)).tolist() == [0.5, -3.0]


# ----------------------------------------------------------------------------------------------------------- modulators


def test_reward_is_measured_from_the_mean_before():
    assert eq.reward(1.0, 0.25, 0.5) == (0.75, 0.625)  # 0.25 + 0.5 * 0.75
    assert eq.reward(0.0, 0.25, 0.5) == (-0.25, 0.125)


def test_reward_on_delivery_waits_for_a_reward():
    assert eq.reward(0.0, 0.25, 0.5, on_delivery=True) == (0.0, 0.25)
    assert eq.reward(-1.0, 0.25, 0.5, on_delivery=True) == (-1.25, -0.375)


def test_uncertainty_is_the_entropy_in_nats():
    assert eq.uncertainty(np.full(4, 0.3)) == pytest.approx(math.log(4), rel=1e-15)
    # softmax(ln 3, 0) = (3/4, 1/4): H = 3/4 ln(4/3) + 1/4 ln 4 = ln 4 - 3/4 ln 3
    assert eq.uncertainty(array(LN3, 0.0)) == pytest.approx(math.log(4) - 0.75 * LN3, rel=1e-14)
    assert eq.uncertainty(array(1e6, 0.0)) == 0.0


def test_novelty_is_the_distance_from_the_mean_before():
    distance, mean = eq.novelty(array(4.0, 5.0), array(1.0, 1.0), 0.5)
    assert distance == 5.0
    assert mean.tolist() == [2.5, 3.0]


# ------------------------------------------------------------------------------------------ global attention (6, 10-11)


def test_global_attention():
    # D = 1, q = C = 1: g = sign(E) = (1, -1); exp(ln2 g) = (2, 1/2): gamma = (4/5, 1/5)
    gamma = eq.global_attention(LN2, array(2.0, -3.0), np.ones((2, 1)), array(1.0))
    np.testing.assert_allclose(gamma, [0.8, 0.2], rtol=1e-15)
    # a modulator that is silent, or no context yet: g = 0
    np.testing.assert_allclose(eq.global_attention(LN2, array(2.0, 0.0), np.ones((2, 1)), array(1.0)), [2 / 3, 1 / 3])
    assert eq.global_attention(LN2, array(2.0, -3.0), np.ones((2, 1)), array(0.0)).tolist() == [0.5, 0.5]


def test_global_attention_prefers_the_key_that_agrees_with_the_context():
    # keys (1, 0) and (0, 1), C = (3, 4): g = (0.6, 0.8), and -0.8 where the second modulator is negative
    total = math.exp(0.6) + math.exp(-0.8)
    gamma = eq.global_attention(1.0, array(0.5, -2.0), np.eye(2), array(3.0, 4.0))
    np.testing.assert_allclose(gamma, [math.exp(0.6) / total, math.exp(-0.8) / total], rtol=1e-14)


def test_third_factor():
    w, e = array(0.5, 1.0), array(2.0, -3.0)
    assert eq.third_factor(w, e) == -2.0  # 0.5 * 2 - 1 * 3
    assert eq.third_factor(w, e, array(0.75, 0.25)) == 0.0  # 0.75 * 1 - 0.25 * 3


# ---------------------------------------------------------------------------------------------- update and gates (3-5)


def test_preliminary_update():
    # (0.25 + 0.5 * (-2)) * 0.5 = -0.375
    assert eq.preliminary_update(0.25, 0.5, -2.0, array(0.5, -1.0)).tolist() == [-0.375, 0.75]


def test_oscillator_phase_advances_one_turn_a_period():
    assert eq.oscillator_phase(0, 8.0, 0.5) == 0.5
    assert eq.oscillator_phase(2, 8.0, 0.5) == pytest.approx(math.pi / 2 + 0.5)
    assert eq.oscillator_phase(8 * 10**9 + 2, 8.0, 0.5) == eq.oscillator_phase(2, 8.0, 0.5)  # and keeps its precision


def test_phase_gate():
    # cos(pi/3 - phi) for phi = 0, pi/3, pi, 4 pi/3: 1/2, 1, -1/2, -1
    gate = eq.phase_gate(math.pi / 3, array(0.0, math.pi / 3, math.pi, 4 * math.pi / 3))
    np.testing.assert_allclose(gate, [0.5, 1.0, 0.0, 0.0], rtol=1e-15, atol=1e-15)
    assert eq.gated_update(array(-2.0, 4.0), array(0.5, 0.0)).tolist() == [-1.0, 0.0]


def test_gate_probability_depends_on_the_magnitude():
    # sigmoid(10 (|dw| - 0.1)): 1/2 at the threshold, 3/4 ln(3)/10 above it
    p = eq.gate_probability(array(0.1, -0.1, 0.1 + LN3 / 10, -0.1 - LN3 / 10, 0.0), 10.0, 0.1)
    np.testing.assert_allclose(p, [0.5, 0.5, 0.75, 0.75, 1 / (1 + math.e)], rtol=1e-14)


def test_apply_update_clips():
    w = eq.apply_update(array(0.5, 0.5, -0.5, 0.5), array(0.25, 0.75, -0.75, 0.0), -1.0, 1.0)
    assert w.tolist() == [0.75, 1.0, -1.0, 0.5]


# ------------------------------------------------------------------------------------------------- the sign of the rule


def rule(x=0.5, z=0.8, alpha=0.25, eta=0.1, weight=0.5, value=1.5, phi=0.3):
    """The whole update (2-4) of one synapse after one coincidence, with the global term only."""
    trace = eq.eligibility_replacing(array(0.0), array(x), array(z), 0.9)
    e = eq.attended_eligibility(array(alpha), eq.eligibility(trace, trace))
    dw = eq.preliminary_update(0.0, eta, eq.third_factor(array(weight), array(value)), e)
    return eq.gated_update(dw, eq.phase_gate(0.1, array(phi)))[0]


def test_the_rule_is_the_product_of_its_factors():
    assert rule() == pytest.approx(0.1 * (0.5 * 1.5) * 0.25 * 2 * 0.5 * 0.8 * math.cos(0.2), rel=1e-14)


@pytest.mark.parametrize("factor", ["x", "z", "alpha", "eta", "weight", "value"])
def test_flipping_one_factor_flips_the_update(factor):
    default = {"x": 0.5, "z": 0.8, "alpha": 0.25, "eta": 0.1, "weight": 0.5, "value": 1.5}[factor]
    assert rule(**{factor: -default}) == -rule()
    assert rule(**{factor: 0.0}) == 0.0


def test_flipping_two_factors_flips_nothing():
    assert rule(x=-0.5, value=-1.5) == rule()


def test_the_opposite_phase_stops_the_update():
    assert rule(phi=0.3 + math.pi) == 0.0


def test_the_local_term_ignores_the_third_factor():
    e = array(0.5)
    assert eq.preliminary_update(0.25, 0.0, 3.0, e) == eq.preliminary_update(0.25, 0.0, -3.0, e) == 0.125
    assert eq.preliminary_update(-0.25, 0.0, 3.0, e) == -0.125
