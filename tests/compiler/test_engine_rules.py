"""The products of a rule: coefficients, decays of tags, and the third factor that they take."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from hmn_lava.compiler.engine.formats import Limits, given_formats
from hmn_lava.compiler.engine.rules import COARSE_TRACE, DECAY_TOLERANCE, engine_rule
from hmn_lava.compiler.engine.thirds import phase_bins
from hmn_lava.hardware_profiles import load_profile
from hmn_lava.learning.products import down_scaling, evaluate
from hmn_lava.spec import resolve, spec_from_dict
from hmn_lava.spec.model import Phase

LIMITS = Limits.of(load_profile("loihi2"))
ENGINE = LIMITS.engine
PAIR, ONE = (("y2", 1), ("y3", -1)), (("y2", 1),)


def coded(**rest):
    connection = {
        "type": "hmn",
        "source": "x",
        "target": "out",
        "weights": 0.0,
        "bounds": [-1.0, 1.0],
        "traces": {"tau_fast": 5.0, "tau_slow": None},
        "rates": {"local": 0.1},
        **rest,
    }
    populations = {
        "x": {"type": "input", "size": 3, "range": [0, 0.7]},
        "out": {"type": "hmn", "size": 2, "activation": "relu", "z_max": 3.5},
    }
    spec = {"hmn_lava": 1, "name": "n", "populations": populations, "connections": {"c": connection}}
    return given_formats(resolve(spec_from_dict(spec)), LIMITS).coded["c"]


def products(rule, target):
    return next((r.products for r in rule.rules if r.target == target), ())


# -------------------------------------------------------------------------------------------------------- coefficients


@pytest.mark.parametrize("attention", [None, {"beta": 1.0}])
@pytest.mark.parametrize("slow", [None, 40.0])
@pytest.mark.parametrize("mode", ["replacing", "accumulating"])
@pytest.mark.parametrize(("traces", "offset"), [(ONE, 0), (PAIR, 0), (ONE, 64)])
@pytest.mark.parametrize("largest", [1e-3, 0.02, 0.3])
def test_the_product_is_the_update_in_units_of_the_weight(attention, slow, mode, traces, offset, largest):
    """S 2^-shift t y x1 = v α ψ / u_w, exactly, with v = (y - offset) unit, ψ = t u_t and α = 2 x1 / Σp."""
    each = coded(attention=attention, traces={"tau_fast": 5.0, "tau_slow": slow, "mode": mode}, bounds=[-2.0, 2.0])
    # With attention the third factor is over the sum of the payloads.
    made = engine_rule(each, traces, offset, largest / (100.0 if attention else 1.0), 4, LIMITS)
    tags = {tag.variable: tag for tag in (each.fast, each.slow) if tag is not None}
    found = products(made.rule, "dw")
    assert len(found) == len(tags) * len(traces)
    unit, u_w = Fraction(made.supplied.unit), Fraction(each.weight.unit)
    for product in found:
        tag_factor, y_factor, *x_factor = product.factors
        assert [f.variable for f in x_factor] == (["x1"] if attention else [])
        sign = dict(traces)[y_factor.variable]
        assert y_factor.constant == -offset
        scale = Fraction(product.mantissa) * Fraction(2) ** (product.exponent - down_scaling(product, ENGINE))
        for t, level, x1 in itertools.product((1, 37, 255), (1, 90, 127), (1, 60, 127)):
            y = level - offset
            psi = t * Fraction(tags[tag_factor.variable].format.unit)
            v_over_sum = sign * y * unit  # of the third factor over Σp, where there is attention
            alpha = 2 * x1 if attention else 1
            made_of = scale * t * y * (x1 if attention else 1)
            assert abs(made_of - v_over_sum * alpha * psi / u_w) <= abs(made_of) * Fraction(1, 10**12)


@pytest.mark.parametrize(("traces", "offset"), [(ONE, 0), (PAIR, 0), (ONE, 64)])
@pytest.mark.parametrize("largest", np.geomspace(1e-3, 1.0, 13).tolist())
def test_a_third_factor_fills_its_trace(traces, offset, largest):
    made = engine_rule(coded(), traces, offset, largest, 4, LIMITS)
    levels = offset or 127
    rules = {f.rule for f in made.findings}
    assert largest <= made.supplied.unit * levels * (1 + 1e-12) or "lost-clipped" in rules
    assert largest >= made.supplied.unit * levels / 1.3 or min(p.exponent for p in products(made.rule, "dw")) == -7
    assert ("coarse-third-factor" in rules) == (largest < COARSE_TRACE * made.supplied.unit)


def test_coefficients_are_the_chips():
    for largest, slow in itertools.product((1e-6, 1e-3, 0.5, 100.0), (None, 200.0)):
        for mode in ("replacing", "accumulating"):
            each = coded(traces={"tau_fast": 1.0, "tau_slow": slow, "mode": mode})
            made = engine_rule(each, PAIR, 0, largest, 4, LIMITS)
            for rule in made.rule.rules:
                assert len(rule.products) <= LIMITS.products
                for p in rule.products:
                    assert LIMITS.scales.mantissa[0] <= p.mantissa <= LIMITS.scales.mantissa[1]
                    assert LIMITS.scales.exponent[0] <= p.exponent <= LIMITS.scales.exponent[1]
                    assert p.decimation in (None, 1)


# -------------------------------------------------------------------------------------------------------------- decays


def test_decays_are_within_two_per_cent_or_named():
    """What a tag loses in a step, 1 - λ; the finding is there exactly where it is further off."""
    named, plain = [], []
    for tau in np.geomspace(0.3, 200.0, 160):
        for mode in ("replacing", "accumulating"):
            made = engine_rule(
                coded(traces={"tau_fast": float(tau), "tau_slow": None, "mode": mode}), PAIR, 0, 0.05, 4, LIMITS
            )
            ((name, requested, realised),) = made.decays
            assert name == "tau_fast" and math.isclose(requested, math.exp(-1 / tau))
            off = abs((1 - realised) / (1 - requested) - 1)
            findings = [f for f in made.findings if f.rule == "trace-decay"]
            (named if findings else plain).append(tau)
            assert bool(findings) == (off > DECAY_TOLERANCE)
            assert all(f.severity == "warning" and f.object == "connections.c.traces.tau_fast" for f in findings)
            # Two coefficients of 1/128 resolve every loss down to 16/128 to 2 %.
            if 1 - requested >= 25 / 128:
                assert not findings
    assert plain and (not named or min(named) > 4.0)


@pytest.mark.parametrize("tau", [0.3, 1.0, 2.5, 8.0, 25.0, 60.0])
def test_the_products_of_a_tag_are_its_decay(tau):
    """One weight epoch of all levels of a tag, in the engine's own integers."""
    each = coded(traces={"tau_fast": tau, "tau_slow": None})
    made = engine_rule(each, PAIR, 0, 0.05, 4, LIMITS)
    t = np.arange(0, 256)
    values = {"t": t, "x1": np.zeros_like(t), "x2": np.zeros_like(t), "y0": np.zeros_like(t), "y1": np.zeros_like(t)}
    change = np.zeros(256)
    for p in products(made.rule, "dt"):
        if p.dependency == "u":
            change += evaluate(p, np.ones_like(t), lambda name, _: values[name], ENGINE)
    after = t + change / (1 << ENGINE.alignment)
    ((_, _, realised),) = made.decays
    cut = sum(2.0**p.exponent for p in products(made.rule, "dt") if p.dependency == "u" and down_scaling(p, ENGINE))
    assert np.abs(after - realised * t).max() <= cut + 1e-9
    assert (after >= 0).all() and after[0] == 0


def test_a_coincidence_replaces_or_adds():
    t = np.arange(0, 256)
    values = {"t": t, "x1": np.full_like(t, 50), "y0": np.ones_like(t), "y1": np.full_like(t, 30)}
    for mode in ("replacing", "accumulating"):
        each = coded(traces={"tau_fast": 3.0, "tau_slow": None, "mode": mode})
        made = engine_rule(each, PAIR, 0, 0.05, 4, LIMITS)
        change = sum(
            evaluate(p, np.ones_like(t), lambda name, _: values[name], ENGINE)
            for p in products(made.rule, "dt")
            if p.dependency == "x0"
        ) / (1 << ENGINE.alignment)
        after = t + change
        if mode == "replacing":
            assert np.ptp(after) == 0 and after[0] > 0
        else:
            assert np.ptp(change) == 0 and change[0] > 0


# ---------------------------------------------------------------------------------------------------------- phase bins


@pytest.mark.parametrize("seed", range(8))
def test_phase_bins_are_circular_means(seed):
    """Against a search over all angles for the one nearest to a neuron's phases, and all pairs of distances."""
    rng = np.random.default_rng(seed)
    spread = (0.1, 0.5, 1.0, 2.0)[seed % 4]
    center = rng.uniform(-10, 10, 5)
    spec = {
        "hmn_lava": 1,
        "name": "n",
        "populations": {
            "x": {"type": "input", "size": 6, "range": [0, 1]},
            "out": {"type": "hmn", "size": 5, "activation": "sigmoid"},
        },
        "connections": {
            "c": {"type": "static", "source": "x", "target": "out", "weights": 0.1, "topology": {"density": 0.7}}
        },
    }
    c = resolve(spec_from_dict(spec), seed).connections["c"]
    phi = center[c.row] + rng.uniform(-spread, spread, c.n_syn)
    mean, distance = phase_bins(c, Phase("theta", phi, False))
    assert mean.shape == (5,)
    angles = np.linspace(-math.pi, math.pi, 20_001)
    worst = 0.0
    for j in range(5):
        own = phi[c.row == j]
        if not own.size:
            continue
        best = angles[np.argmax(np.cos(own[:, None] - angles[None]).sum(axis=0))]  # the circular mean maximises this
        apart = abs((mean[j] - best + math.pi) % (2 * math.pi) - math.pi)
        assert apart < 1e-3
        worst = max(worst, max(abs((p - mean[j] + math.pi) % (2 * math.pi) - math.pi) for p in own))
    assert math.isclose(distance, worst, abs_tol=1e-9)


def test_one_phase_is_its_own_mean():
    spec = {
        "hmn_lava": 1,
        "name": "n",
        "populations": {
            "x": {"type": "input", "size": 3, "range": [0, 1]},
            "out": {"type": "hmn", "size": 2, "activation": "sigmoid"},
        },
        "connections": {"c": {"type": "static", "source": "x", "target": "out", "weights": 0.1}},
    }
    c = resolve(spec_from_dict(spec)).connections["c"]
    mean, distance = phase_bins(c, Phase("theta", np.full(6, 3.0 + 2 * math.pi), True))
    assert np.allclose(mean, 3.0) and distance < 1e-12
