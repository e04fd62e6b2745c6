"""Rules in real numbers on the chip: coefficients, decays, scales, refusals, and windows that match the float ones."""

from __future__ import annotations

import math
import subprocess
import sys
from itertools import product as combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hmn_lava.errors import FitError, InputError
from hmn_lava.hardware_profiles import load_profile
from hmn_lava.learning import (
    Engine,
    LearningRule,
    check_rule,
    down_scaling,
    fit_rule,
    read_rule,
    simulate,
    update_window,
)

ENGINE = Engine.of(load_profile("loihi2"))
X1 = {"x1": (1.0, 20)}
XY = {"x1": (1.0, 20), "y1": (1.0, 25)}


def rows(fitted, quantity):
    return [row for row in fitted.report if row.quantity == quantity]


# ---- coefficients


@given(st.floats(1e-3, 0.4), st.floats(2, 100), st.booleans())
@settings(max_examples=60, deadline=None)
def test_realised_coefficients_are_those_of_the_engine(coefficient, tau, negative):
    """From the levels: coefficient = chip coefficient * unit of w / unit of x1, with units known by hand."""
    asked = -coefficient if negative else coefficient
    fitted = fit_rule(dw=f"{asked!r}*x1*y0", traces={"x1": (0.5, tau)})
    impulse = fitted.rule.x1_impulse
    (row,) = rows(fitted, "coefficient")
    assume(all(f.variable == "x1" for p in fitted.rule.rules[0] for f in p.factors))  # no constant in another trace
    total = sum(p.coefficient for p in fitted.rule.rules[0])
    assert row.realised == pytest.approx(total * (1 / 254) / (0.5 / impulse), rel=1e-12)
    assert row.relative_error == pytest.approx(abs(row.realised / asked - 1), abs=1e-12)
    assert row.within == (row.relative_error <= 0.02)
    assert row.within
    assert impulse == int(impulse) and 1 <= impulse <= 63


@given(st.floats(1e-3, 0.4))
@settings(max_examples=30, deadline=None)
def test_no_impulse_gives_a_better_single_product_for_free(coefficient):
    """With no tolerance, all impulses and pairs of coefficients: nothing is nearer at the impulse that was chosen."""
    fitted = fit_rule(dw=f"{coefficient!r}*x1*y0", traces=X1, tolerance=0.0)
    (row,) = rows(fitted, "coefficient")
    unit = (1 / 254) * fitted.rule.x1_impulse
    each = [m * 2.0**e for m, e in combinations(range(-8, 8), range(-7, 9))]
    near = [c for c in each if abs(c * unit) <= 2 * coefficient + unit]
    best = min(abs((a + b) * unit - coefficient) for a in near for b in near)
    assert abs(row.realised - coefficient) <= best + 1e-12


@pytest.mark.parametrize("bits", [3, 4])
def test_the_implicit_shift_is_made_up_for(bits):
    profile = load_profile("loihi2")
    entry = profile.learning.scaling_mantissa_bits.model_copy(update={"value": bits})
    learning = profile.learning.model_copy(update={"scaling_mantissa_bits": entry})
    fitted = fit_rule(dw="0.01*x1*y1*y0", traces=XY, profile=profile.model_copy(update={"learning": learning}))
    (product,) = fitted.rule.rules[0]
    unit = 1 / 254 * fitted.rule.x1_impulse * fitted.rule.y1_impulse
    assert product.coefficient * 2.0 ** -(14 + bits - 15) * unit == pytest.approx(0.01, rel=0.02)


SIGNS = [
    ("x0*x1", 1), ("-x0*x1", -1), ("y0*x1", 1), ("-0.5*y0*y1", -1), ("x0*y1", 1), ("-x0*y1", -1), ("u0*x1", 1),
    ("-u0*x2", -1), ("u0*y1*y2", 1), ("x0*y3", 1), ("-x0*x2*y3", -1), ("x0", 1), ("-y0", -1), ("x0*y0", 1),
    ("x0*(x1-2)", -1), ("-x0*(y1-2)", 1), ("u0*t", 1), ("-u0*t", -1), ("u0*d", 1), ("-u0*d", -1),
    ("u0*sgn(t)", 1), ("-u0*sgn(d)", -1), ("u0*sgn(w+0.5)", 1), ("u0*(w-0.9)", -1), ("-u0*w*t", -1),
]  # fmt: skip


@pytest.mark.parametrize(("text", "sign"), SIGNS)
def test_the_sign_of_every_factor(text, sign):
    """One epoch in which both neurons spike, with w, t and d at half of their range, in the engine's integers."""
    traces = {name: (1.0, 20) for name in ("x1", "x2", "y1", "y2", "y3")}
    fitted = fit_rule(dw=f"0.4*{text}" if text[0] != "-" else f"-0.4*{text[1:]}", traces=traces,
                      tag_1=(-1, 1), tag_2=(-1, 1))  # fmt: skip
    start = {name: fitted.scales[name].level(0.5) for name in fitted.scales if name in ("w", "t", "d")}
    history = simulate(
        fitted.rule, [[1]], [[1]], [[round(start["w"])]],
        tag_1=[[round(start.get("t", 0))]], tag_2=[[round(start.get("d", 0))]],
    )  # fmt: skip
    start_weight = round(start["w"]) // 2 * 2
    assert np.sign(history.weights[-1, 0, 0] - start_weight) == sign


# ---- decays


@pytest.mark.parametrize("tau", [0.5, 1, 2, 3.3, 5, 10, 20, 33, 50, 100, 200, 500, 1000, 2000, 5000, 20000])
@pytest.mark.parametrize("t_epoch", [1, 4])
def test_decays_of_tags_are_within_two_percent(tau, t_epoch):
    fitted = fit_rule(dt="x1*y0", traces=X1, leaks={"t": tau}, t_epoch=t_epoch)
    (row,) = [row for row in rows(fitted, "decay") if row.object.startswith("dt")]
    leaks = [p for p in fitted.rule.rules[0] if p.dependency == "u"]
    taken = sum(
        p.coefficient * 2.0 ** -down_scaling(p, ENGINE) * math.prod(f.constant for f in p.factors[1:]) for p in leaks
    )
    period = t_epoch * 2 ** leaks[0].decimation
    realised = 0.0 if taken <= -1 else -period / math.log1p(taken)
    assert row.requested == pytest.approx(tau)
    assert row.realised == pytest.approx(realised)
    assert abs(realised / tau - 1) <= row.relative_error
    assert row.within == (row.relative_error <= 0.02)
    assert period == t_epoch or period <= tau / 4
    if tau >= 0.4 * t_epoch:
        assert row.within
    else:  # 1 - exp(-8) lies between 127/128 and 1
        assert any(finding.rule == "decay-precision" for finding in fitted.findings) or row.within


@pytest.mark.parametrize("tau", [50, 100, 300, 1000])
def test_a_tag_read_with_a_trace_decays_right_without_decimation(tau):
    """R-STDP: the reward may last one step, so u0 has to stay."""
    fitted = fit_rule(dt="x1*y0 - 0.9*x0*y1", dw="0.02*u0*t*y2", leaks={"t": tau}, traces=X1, factors=3)
    assert fitted.rule.decimation == 0
    assert fitted.within


@pytest.mark.parametrize("tau", [5.0, 40.0, 400.0])
def test_tags_really_decay_so(tau):
    """The mean of many tags, started high, against exp(-t/tau)."""
    fitted = fit_rule(dt="x1*y0", traces=X1, leaks={"t": tau})
    (row,) = [row for row in rows(fitted, "decay") if row.object.startswith("dt")]
    n, steps = 40, int(2 * tau) // 16 * 16 + 16
    silent = np.zeros((steps, n), int)
    tags = simulate(fitted.rule, silent, silent, np.zeros((n, n), int), tag_1=np.full((n, n), 250)).tag_1[-1]
    # Stochastic rounding: a variance of at most 1/4 each epoch, which decays; and the down-scaling's bias of a level.
    noise = 5 * math.sqrt(0.25 * (tau / 2 + 1)) / n
    assert tags.mean() == pytest.approx(250 * math.exp(-steps / row.realised), abs=noise + 0.02 * 250 * math.exp(-2))


@pytest.mark.parametrize("decay", ["exponential", "linear"])
@pytest.mark.parametrize("tau", [0, 0.3, 1, 7, 20, 100, 1000])
def test_decays_of_traces(tau, decay):
    profile = load_profile("loihi2")
    entry = profile.learning.trace_decay.model_copy(update={"value": decay})
    profile = profile.model_copy(update={"learning": profile.learning.model_copy(update={"trace_decay": entry})})
    fitted = fit_rule(dw="0.1*x1*y0", traces={"x1": (1.0, tau)}, profile=profile)
    (row,) = rows(fitted, "decay")
    wanted = math.exp(-1 / tau) if tau else 0.0
    factor = math.exp(-1 / row.realised) if row.realised else 0.0
    assert factor == pytest.approx(wanted, abs=2**-17)
    assert row.within


def test_a_decay_that_no_sixteen_bits_hold_is_told():
    fitted = fit_rule(dw="0.1*x1*y0", traces={"x1": (1.0, 30000)})
    assert [row.within for row in rows(fitted, "decay")] == [False]
    assert "decay-precision" in {finding.rule for finding in fitted.findings}


# ---- tags, offsets, constants, decimation


def test_a_signed_tag_2_is_stored_with_an_offset():
    fitted = fit_rule(dt="x1*y0 - x0*y1", dd="0.05*u0*t - 0.05*u0*d", dw="0.02*u0*d", traces=XY)
    assert fitted.scales["d"].offset == 128 and fitted.scales["t"].offset == 0
    assert "(d-128)" in fitted.rule.dd and "(d-128)" in fitted.rule.dw
    assert "offset" in {finding.rule for finding in fitted.findings}
    silent = np.zeros((40, 1), int)
    history = simulate(fitted.rule, silent, silent, [[0]], tag_1=[[0]], tag_2=[[128]])
    assert (history.tag_2 == 128).all() and (history.weights == 0).all()


def test_an_unsigned_tag_2_is_stored_as_it_is():
    fitted = fit_rule(dd="x1*y0 - 0.05*u0*d", dw="0.02*u0*d", traces=X1)
    assert fitted.scales["d"].offset == 0
    assert "(d" not in fitted.rule.dd
    low, high = fitted.request.tags["d"]
    assert low == 0 and high == pytest.approx(2, rel=1)


def test_constants_are_whole_levels_and_even_beside_w_and_t():
    fitted = fit_rule(dw="0.1*x0*(w-0.3)*(t+0.1) + 0.01*y0*(x1-1)", dt="x1*y0", tag_1=(-1, 1), traces=X1)
    constants = {f.variable: int(f.constant) for p in fitted.rule.rules[0] for f in p.factors}
    assert constants["w"] == -76 and constants["t"] % 2 == 0
    assert constants["x1"] == -fitted.rule.x1_impulse
    named = {row.object: row.realised for row in rows(fitted, "constant")}
    assert named["dw: (w-0.3)"] == pytest.approx(-76 / 254)


def test_factors_do_not_saturate():
    """(x1+3) with an impulse of 1: 127 levels hold 4, so that an impulse is 31 at most."""
    fitted = fit_rule(dw="0.01*x0*(x1+3)", traces=X1)
    assert fitted.rule.x1_impulse <= 31
    agrees(update_window(fitted, [-5, 0, 5], trials=500), 2 / 254)


def test_supplied_traces_get_an_offset_where_they_are_signed():
    fitted = fit_rule(dw="0.1*x1*y0*y2", traces=X1, factors=3, supplied={"y2": (-1, 1)})
    assert fitted.scales["y2"].offset == 64 and "(y2-64)" in fitted.rule.dw
    assert fitted.rule.supplied


def test_decimation_is_chosen_told_and_never_hides_a_trace():
    fitted = fit_rule(dt="x1*y0", leaks={"t": 400}, traces=X1)
    assert fitted.rule.decimation > 0
    (told,) = [finding for finding in fitted.findings if finding.rule == "decimation"]
    assert told.severity == "warning" and told.used == f"u{fitted.rule.decimation}"
    assert fit_rule(dw="0.001*u2*x1*y1", traces=XY).rule.decimation == 2


def test_weights_choose_their_sign_mode_and_unit():
    for weights, mode, unit in [
        ((0, 1), "excitatory", 1 / 255),
        ((-2, 0), "inhibitory", 2 / 255),
        ((-1, 1), "mixed", 1 / 254),
    ]:
        fitted = fit_rule(dw="0.05*x1*y0", traces=X1, weights=weights)
        assert fitted.sign_mode == mode
        assert fitted.scales["w"].unit == pytest.approx(unit)


# ---- refusals

REFUSED = [
    (dict(dw="1e-9*x1*y0"), "coefficient-lost"),
    (dict(dw="1e9*x1*y0"), "coefficient-lost"),
    (dict(dw="1e-5*x1*y0"), "coefficient-lost"),
    (dict(dw="0.01*x1*y0" + "*w" * 8), "factors-per-product"),
    (dict(dw=" + ".join(f"0.0{n}*x1*y0*(w+0.0{n})" for n in range(1, 10))), "products-per-rule"),
    (dict(dw="0.1*x1*y0*(w-2.0)"), "constant-range"),
    (dict(dw="0*x1*y0"), "zero-coefficient"),
    (dict(dw="0.1*x1*y0*y1", factors=3, profile="loihi1"), "third-factor"),
    (dict(dt="1.0*x1*y0", leaks={"t": 1e12}), "decay-lost"),
]


@pytest.mark.parametrize(("request_", "name"), REFUSED, ids=str)
def test_rules_that_cannot_fit_are_refused_with_the_reason(request_, name):
    with pytest.raises(FitError) as caught:
        fit_rule(**{"traces": X1, **request_})
    errors = [finding for finding in caught.value.findings if finding.severity == "error"]
    assert name in {finding.rule for finding in errors}
    assert all(finding.remedy and finding.object for finding in errors)


MALFORMED = [
    (dict(), "changes something"),
    (dict(dw="0.1*x1*y0*y2"), "y2"),
    (dict(dw="0.1*x1*y0", traces={"x1": (0, 20)}), "an impulse is positive"),
    (dict(dw="0.1*x1*y0", traces={"x1": (1, -2)}), "a time constant"),
    (dict(dw="0.1*x1*y0", traces={"x1": (1, math.nan)}), "finite"),
    (dict(dw="0.1*x1*y0", traces={"x9": (1, 20), **X1}), "x9"),
    (dict(dw="0.1*x1*y0", traces={"x1": 3}), "two numbers"),
    (dict(dw="0.1*x1*y0", weights=(1, 1)), "weights"),
    (dict(dw="0.1*x1*y0", tag_1=(0, math.inf)), "tag_1"),
    (dict(dw="0.1*x1*y0", leaks={"q": 3}), "leak"),
    (dict(dw="0.1*x1*y0", leaks={"t": 0}), "leaks.t"),
    (dict(dw="0.1*x1*y0", supplied={"y1": (0, 1)}), "two factors"),
    (dict(dw="0.1*x1*y0", factors=3, traces={**X1, "y1": (1, 2)}), "supplies this trace"),
    (dict(dw="0.1*x1*y0", t_epoch=0), "t_epoch"),
    (dict(dw="0.1*x1*y0", factors=4), "factors"),
    (dict(dw="0.1*x1*y0", tolerance=-1), "tolerance"),
    (dict(dw="0.1*x1*y0", headroom=0.5), "headroom"),
    (dict(dw="0.1*u1*x1", dt="0.1*u2*t"), "one decimation"),
    (dict(dw="1e-40*x1*y0"), "coefficient"),
]


@pytest.mark.parametrize(("request_", "words"), MALFORMED, ids=str)
def test_malformed_requests(request_, words):
    with pytest.raises(InputError) as caught:
        fit_rule(**{"traces": X1, **request_})
    assert words in str(caught.value) and caught.value.remedy


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(InputError) as caught:
        fit_rule(dw="0.1*x1", dt="q", traces={"x1": (-1, 2)}, weights=(2, 1), t_epoch=99)
    assert str(caught.value).startswith("5 problems")
    with pytest.raises(InputError) as caught:
        read_rule(dw="x1", dt="q", x1_impulse=200, t_epoch=99)
    assert str(caught.value).startswith("4 problems")


# ---- windows

FLOAT = {
    "pairwise": dict(dw="0.01*x1*y0 - 0.012*x0*y1", traces=XY),
    "pairwise, epochs of 4": dict(dw="0.01*x1*y0 - 0.012*x0*y1", traces=XY, t_epoch=4),
    "excitatory": dict(dw="0.01*x1*y0 - 0.012*x0*y1", traces=XY, weights=(0, 1)),
    "triplet": dict(
        dw="0.01*x1*y0*(y2-1) + 0.005*x1*y0 - 0.007*x0*y1",
        traces={"x1": (1, 17), "y1": (1, 34), "y2": (1, 114)},
    ),
    "R-STDP tag": dict(dt="x1*y0 - 0.5*x0*y1", dw="0.02*u0*t*y2", leaks={"t": 100}, traces=X1, factors=3),
    "PES": dict(dw="-0.004*u1*x1*y1", traces=XY),
    "CLP": dict(dw="0.1*y1*x1*y0", traces={"x1": (1, 65535)}, factors=3),
    "EMSTDP": dict(dw="0.01*u7*y1*x1 - 0.01*u7*y0*x1", traces={"x1": (1, 40), "y1": (1, 40)}),
    "PCritical": dict(dt="1.0*x1*y0 - 0.5*u0", traces={"x1": (1, 5)}, tag_1=(-60, 60)),
    "Oja": dict(dw="0.01*x1*y0 - 0.01*y0*w", traces=X1),
}
CHIP = {
    "pairwise": dict(dw="2^-2*x1*y0 - 2^-2*y1*x0", x1_impulse=16, x1_tau=10, y1_impulse=16, y1_tau=10, t_epoch=4),
    "EMSTDP": dict(dw="2^-7*u7*y1*x1-2^-7*u7*y0*x1", x1_impulse=1, x1_tau=40, y1_impulse=1, y1_tau=40),
    "PES": dict(dw="-u1*x1*y1*2^-7", x1_impulse=100, x1_tau=20, y1_impulse=10, y1_tau=5),
    "CLP": dict(factors=3, dw="2^-3*y1*x1*y0", x1_impulse=127, x1_tau=65535),
    "PCritical": dict(dt="x1*y0-2^-1*u0", x1_impulse=30, x1_tau=5),
    "pelenet": dict(
        dw="2^-2*x1*y0-2^-2*y1*x0+2^-4*x1*y1*y0-2^-3*y0*w*w", x1_impulse=16, x1_tau=20, y1_impulse=16, y1_tau=20
    ),
    "R-STDP": dict(factors=3, dt="-2^-2*x0*y1+2^-2*y0*x1-2^-3*u0*t", dw="u0*t*y2", x1_impulse=16, x1_tau=10),
}
LAGS = np.concatenate([-np.arange(30, 0, -3), [0], np.arange(1, 31, 3)])


def agrees(window, step):
    """The mean is the float window within the stated error and five standard errors.

    Where a change is so rare that the trials may hold none, its standard error is unknown: a few more count.
    """
    rare = 3 * math.sqrt(window.trials) * step / window.trials
    assert np.all(np.abs(window.mean - window.requested) <= window.error + np.maximum(5 * window.sem, rare))
    assert np.all(np.abs(window.mean - window.expected) <= window.bias + np.maximum(5 * window.sem, rare))


@pytest.mark.parametrize("name", FLOAT)
def test_windows_of_fitted_rules_match_the_float_ones(name):
    fitted = fit_rule(**FLOAT[name])
    assert fitted.within
    window = update_window(fitted, LAGS, trials=1000, seed=1)
    agrees(window, 2 * fitted.scales[window.variable].unit)
    peak = np.abs(window.requested).max()
    assert np.abs(window.expected - window.requested).max() <= 0.05 * peak
    assert window.error.max() <= 0.25 * peak


@pytest.mark.parametrize("name", CHIP)
def test_windows_of_published_rules_match_their_algebra(name):
    agrees(update_window(read_rule(**CHIP[name]), LAGS, trials=500, seed=2), 2)


def test_a_window_by_hand():
    """y0*x1 with an impulse of 64 and tau 0: 64 * 2^-2 = 16 levels at lag 0, else nothing."""
    window = update_window(LearningRule.two_factor(dw="2^-2*y0*x1", x1_impulse=64), [-1, 0, 1], trials=8)
    assert window.mean.tolist() == window.requested.tolist() == [0, 16, 0]
    assert window.std.tolist() == [0, 0, 0] and not window.real and window.variable == "w"


@pytest.mark.parametrize(
    ("keywords", "words"),
    [({"variable": "d"}, "does not change"), ({"lags": []}, "lags"), ({"trials": 0}, "trials"), ({"seed": -1}, "seed")],
)
def test_windows_that_make_no_sense(keywords, words):
    with pytest.raises(InputError, match=words):
        update_window(LearningRule.two_factor(dw="x0"), **{"lags": [1], **keywords})


def test_a_triplet_of_spikes_changes_what_the_float_rule_says():
    """Pre, post, post: the second post reads y2 of the first, (y2 - 1) * x1."""
    fitted = fit_rule(**FLOAT["triplet"])
    scale = fitted.scales
    n, at = 60, (2, 7, 17)
    pre, post = np.zeros((20, n), int), np.zeros((20, n), int)
    pre[at[0]], post[at[1]], post[at[2]] = 1, 1, 1
    weights = simulate(fitted.rule, pre, post, np.zeros((n, n), int)).weights[-1] * scale["w"].unit
    x = [math.exp(-(at[k] - at[0]) / 17) for k in (1, 2)]
    wanted = 0.005 * (x[0] + x[1]) + 0.01 * x[1] * math.exp(-(at[2] - at[1]) / 114)
    # Neurons share the draws of their traces: the mean over 60 of them.
    assert weights.mean() == pytest.approx(wanted, rel=0.02, abs=5 * weights.mean(axis=0).std() / math.sqrt(n))


def test_a_fit_is_the_same_every_time():
    code = "from hmn_lava.learning import *; print(fit_rule(dw='0.01*x1*y0', traces={'x1': (1, 20)}).report)"
    found = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                       env={"PYTHONHASHSEED": str(seed)}).stdout
        for seed in (0, 1)
    }  # fmt: skip
    assert len(found) == 1


@pytest.mark.parametrize(
    ("wrong", "field"), [({"traces": [1]}, "traces"), ({"supplied": "y2"}, "supplied"), ({"leaks": ["t"]}, "leaks")]
)
def test_what_is_no_dictionary_is_one_error(wrong, field):
    with pytest.raises(InputError, match=f"{field}: not a dictionary"):
        fit_rule(dw="0.1*x1*y0", **wrong)


def test_a_sign_mode_that_is_none_is_one_error():
    with pytest.raises(InputError, match="sign_mode: no such sign mode"):
        check_rule(fit_rule(dw="0.1*x1*y0", traces=X1).rule, sign_mode="both")
