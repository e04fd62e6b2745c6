"""The gradient estimates of meta-learning: hand-derived steps, then convergence."""

import itertools
import math

import numpy as np
import pytest

from hmn_lava.errors import InputError
from hmn_lava.reference import meta
from hmn_lava.spec.model import Attention, Gate, Rule


def test_start_makes_the_width_five_percent_of_the_constant():
    state = meta.start([2.0, 0.5])
    np.testing.assert_allclose(state.epsilon0, [0.1, 0.025], rtol=1e-15)
    assert state.t == 1


def test_the_width_decays_with_the_root_of_t():
    state = meta.MetaState(np.array([1.0]), np.array([0.06]), np.array([0.0]), np.array([9.0]), t=9)
    assert state.epsilon == pytest.approx(0.02)


def test_spsa_step_on_a_line():
    # L = 3 eta: g = (3 (1 + D) - 3 (1 - D)) / (2 D) = 3 for either sign of D; eta = 1 - 0.1 * 3
    for seed in range(4):
        state = meta.spsa_step(lambda eta: 3.0 * eta[0], meta.start(1.0), 0.1, np.random.default_rng(seed))
        assert state.eta == pytest.approx(0.7, rel=1e-12)
        assert state.t == 2
        assert state.epsilon == pytest.approx(0.05 / math.sqrt(2))


def test_spsa_evaluates_two_points_on_either_side():
    seen = []
    meta.spsa_step(lambda eta: float(seen.append(eta) or 0.0), meta.start([1.0, 2.0]), 0.1, np.random.default_rng(0))
    plus, minus = seen
    np.testing.assert_allclose(np.abs(plus - [1.0, 2.0]), [0.05, 0.1], rtol=1e-12)
    np.testing.assert_allclose(plus + minus, [2.0, 4.0], rtol=1e-15)


def test_spsa_draws_every_combination_of_signs():
    rng = np.random.default_rng(1)
    signs = {tuple(np.sign(meta.spsa_propose(meta.start([1.0, 1.0]), rng)[0] - 1.0)) for _ in range(100)}
    assert signs == set(itertools.product([-1.0, 1.0], repeat=2))


def test_spsa_estimates_the_gradient_of_each_constant_on_average():
    # L = 3 a - 5 b: over the four signs, (L+ - L-) / (2 D_a) is 3 -+ 5 (D_b / D_a), on average 3; and -5 for b
    state = meta.start([1.0, 1.0], low=-100.0, high=100.0)
    steps = []
    for signs in itertools.product([-1.0, 1.0], repeat=2):
        delta = state.epsilon * np.array(signs)
        plus, minus = state.eta + delta, state.eta - delta
        losses = [3.0 * eta[0] - 5.0 * eta[1] for eta in (plus, minus)]
        steps.append(state.eta - meta.spsa_update(state, plus, minus, *losses, rate=1.0).eta)
    np.testing.assert_allclose(np.mean(steps, axis=0), [3.0, -5.0], rtol=1e-12)


def test_spsa_clips_to_the_bounds():
    state = meta.start(1.0, low=0.9, high=1.5)
    assert meta.spsa_step(lambda eta: 3.0 * eta[0], state, 0.1, np.random.default_rng(0)).eta == 0.9
    assert meta.spsa_step(lambda eta: -30.0 * eta[0], state, 0.1, np.random.default_rng(0)).eta == 1.5


def test_spsa_at_a_bound_still_finds_the_slope():
    # eta = 0.5 is the lower bound: one point is held there, and the difference is one-sided; L = eta^2, D = 0.1
    state = meta.start(0.5, low=0.5, high=2.0, epsilon0=0.1)
    seen = []
    after = meta.spsa_step(lambda eta: seen.append(eta[0]) or eta[0] ** 2, state, -0.1, np.random.default_rng(0))
    assert sorted(seen) == pytest.approx([0.5, 0.6])
    assert after.eta == pytest.approx(0.5 + 0.1 * (0.36 - 0.25) / 0.1)


def test_spsa_takes_a_rate_per_constant():
    state = meta.spsa_update(
        meta.start([1.0, 1.0]), np.array([1.05, 1.05]), np.array([0.95, 0.95]), 1.1, 1.0, [0.1, 0.0]
    )
    np.testing.assert_allclose(state.eta, [0.9, 1.0], rtol=1e-12)


def test_spsa_finds_the_minimum_of_a_quadratic():
    rng, state = np.random.default_rng(3), meta.start([0.5, 1.5], high=4.0)
    for _ in range(300):
        state = meta.spsa_step(lambda eta: (eta[0] - 1.2) ** 2 + 2.0 * (eta[1] - 0.4) ** 2, state, 0.05, rng)
    np.testing.assert_allclose(state.eta, [1.2, 0.4], atol=1e-3)


def test_reinforce_update():
    # eps = 0.05: g = (2 - 1) (1.05 - 1) / 0.0025 = 20; eta = 1 - 0.01 * 20 = 0.8; b = 1 + 0.1 (2 - 1) = 1.1
    state = meta.MetaState(*(np.array([v]) for v in (1.0, 0.05, 0.0, 9.0)), baseline=1.0)
    state = meta.reinforce_update(state, np.array([1.05]), 2.0, 0.01)
    assert state.eta == pytest.approx(0.8, rel=1e-12)
    assert state.baseline == pytest.approx(1.1)
    assert state.t == 2


def test_reinforce_learns_nothing_from_the_first_loss():
    state = meta.reinforce_update(meta.start(1.0), np.array([1.05]), 7.0, 0.01)
    assert state.eta == 1.0
    assert state.baseline == 7.0


def test_reinforce_estimates_the_gradient():
    # the mean of (L - b) (point - eta) / eps^2 over the policy is dL/deta = 3 of L = 3 eta; b = 3 = L(eta)
    state = meta.MetaState(*(np.array([v]) for v in (1.0, 0.05, -99.0, 99.0)), baseline=3.0)
    rng, n = np.random.default_rng(0), 4000
    steps = []
    for _ in range(n):
        point = meta.reinforce_propose(state, rng)
        steps.append(1.0 - meta.reinforce_update(state, point, 3.0 * point[0], 1.0).eta[0])
    assert abs(np.mean(steps) - 3.0) < 4 * np.std(steps) / math.sqrt(n)


def test_reinforce_descends_a_quadratic():
    rng, state = np.random.default_rng(3), meta.start([0.5, 1.5], high=4.0)
    for _ in range(3000):
        state = meta.reinforce_step(lambda eta: (eta[0] - 1.2) ** 2 + (eta[1] - 0.4) ** 2, state, 0.002, rng)
    np.testing.assert_allclose(state.eta, [1.2, 0.4], atol=0.1)


def test_proposals_stay_inside_the_bounds():
    rng, state = np.random.default_rng(0), meta.start(1.0, low=0.99, high=1.01)
    points = [p for _ in range(50) for p in (*meta.spsa_propose(state, rng), meta.reinforce_propose(state, rng))]
    assert min(points) == 0.99
    assert max(points) == 1.01


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"eta": 0.0}, "width eps_0"),
        ({"eta": 1.0, "epsilon0": math.nan}, "width eps_0"),
        ({"eta": 1.0, "low": 2.0, "high": 3.0}, "outside its bounds"),
        ({"eta": 1.0, "low": 1.0, "high": 1.0}, "outside its bounds"),
        ({"eta": math.nan, "epsilon0": 0.1}, "outside its bounds"),
        ({"eta": [[1.0]]}, "shapes differ"),
    ],
)
def test_impossible_states_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        meta.start(**arguments)


@pytest.mark.parametrize("step", [meta.spsa_step, meta.reinforce_step])
def test_a_loss_that_is_not_finite_is_refused(step):
    with pytest.raises(InputError, match="loss is not finite"):
        step(lambda eta: math.nan, meta.start(1.0), 0.1, np.random.default_rng(0))


def test_a_start_does_not_follow_the_callers_array():
    eta = np.array([1.0])
    state = meta.start(eta)
    eta[0] = 5.0
    assert state.eta == 1.0


RULE = Rule(
    w_min=-1.0,
    w_max=1.0,
    tau_fast=5.0,
    tau_slow=50.0,
    mode="replacing",
    eta_local=0.1,
    eta_global=0.2,
    learning=True,
    modulators=(),
    attention=Attention(1.0, 1, np.ones((2, 1)), np.ones((2, 1)), 0.1),
    phase=None,
    gate=Gate(50.0, 0.01),
)


def test_tuned_changes_what_it_is_told_and_nothing_else():
    rule = meta.tuned(RULE, eta_local=0.3, beta_gate=7.0, tau_slow=60.0)
    assert (rule.eta_local, rule.gate.beta, rule.tau_slow) == (0.3, 7.0, 60.0)
    assert (rule.eta_global, rule.gate.threshold, rule.attention) == (0.2, 0.01, RULE.attention)
    rule = meta.tuned(RULE, eta_global=0.0, beta_attention=2.0, tau_fast=4.0)
    assert (rule.eta_global, rule.attention.beta, rule.tau_fast) == (0.0, 2.0, 4.0)
    assert RULE.attention.beta == 1.0


@pytest.mark.parametrize(
    ("constants", "message"),
    [
        ({"beta_attention": 1.0}, "is not a constant"),
        ({"tau_slow": 9.0}, "is not a constant"),
        ({"w_min": 0.0}, "is not a constant"),
        ({"eta_local": -0.1}, "out of range"),
        ({"eta_local": math.nan}, "out of range"),
        ({"tau_fast": 0.0}, "out of range"),
    ],
)
def test_tuned_refuses(constants, message):
    bare = meta.replace(RULE, attention=None, tau_slow=None)
    with pytest.raises(InputError, match=message):
        meta.tuned(bare, **constants)


def test_tuned_keeps_the_fast_trace_fast():
    with pytest.raises(InputError, match="below tau_slow"):
        meta.tuned(RULE, tau_fast=50.0)
    assert meta.tuned(RULE, tau_fast=60.0, tau_slow=70.0).tau_fast == 60.0
