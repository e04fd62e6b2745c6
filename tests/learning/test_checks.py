"""Every trap of the learning engine is a finding, with a remedy."""

from __future__ import annotations

import pytest

from hmn_lava.hardware_profiles import load_profile
from hmn_lava.learning import check_rule, read_rule

X1 = {"x1_impulse": 32, "x1_tau": 10}
Y1 = {"y1_impulse": 32, "y1_tau": 10}
NINE = "+".join(["x0"] * 9)

TRAPS = [
    # errors: the hardware cannot
    ({"dw": NINE}, "products-per-rule", "error", "dw"),
    ({"dw": "x0*w*w*w*w*w*w*w*w"}, "factors-per-product", "error", "leave factors out"),
    ({"dw": "x0*(w+3)"}, "odd-constant", "error", "use 2 or 4"),
    ({"dw": "x0*(-5+t)"}, "odd-constant", "error", "stored halved"),
    ({"dw": "x0*sgn(t-5)"}, "odd-constant", "error", "stored halved"),
    ({"dw": "x0*(w+256)"}, "constant-range", "error", "-256 to 254"),
    ({"dw": "x0*(x1-129)", **X1}, "constant-range", "error", "-128 to 127"),
    ({"dw": "0*x0"}, "weight-constant", "error", "no weight can ever change"),
    ({"factors": 3, "dw": "x0*y1", "profile": "loihi1"}, "third-factor", "error", "two factors"),
    ({"factors": 3, "dw": "x0*y2", "supplied": {"y2": (-64, 63)}}, "supplied-range", "error", "(y2-64)"),
    ({"factors": 3, "dw": "x0*y2", "supplied": {"y2": (0, 200)}}, "supplied-range", "error", "scale it down"),
    # warnings: it works, but not as it reads
    ({"dt": "x0"}, "weight-constant", "warning", "give dw"),
    ({"dw": "2^-3*x0*(x1+100)", **X1}, "factor-saturates", "warning", "100 to 132"),
    ({"dw": "2^-7*x0*w*(w+254)*(w+254)", **X1}, "floor-bias", "info", "rounds down"),
    ({"factors": 3, "dw": "2^-3*x0*(y1+1)"}, "factor-saturates", "info", "1 to 128"),
    ({"dw": "x0*y1"}, "dead-trace", "warning", "y1_impulse"),
    ({"dw": "x0*x1"}, "dead-trace", "warning", "graded spikes"),
    ({"dw": "x0*x1"}, "weight-constant", "warning", "impulses"),
    ({"dw": "x0*x1", "x1_impulse": 0.001, "x1_tau": 5}, "dead-trace", "warning", "x1_impulse"),
    ({"dw": "x0*x1", "x1_impulse": 100, "x1_tau": 20}, "trace-saturation", "warning", "65 or less"),
    ({"dw": "x0*x1", **X1}, "trace-saturation", "info", "fires faster"),
    ({"dw": "x0*x1", "x1_impulse": 3, "x1_tau": 65535}, "trace-constant", "warning", "hardly decays"),
    ({"dw": "x0 + u0*t*sgn(t)"}, "lost-bits", "warning", "below 128 give 0, or -1"),
    ({"dt": "-u0*t*sgn(t)"}, "floor-bias", "warning", "rounds down"),
    ({"dt": "2^-7*u0*t*w"}, "floor-bias", "info", "rounds down"),
    ({"dw": "x0 + 0*x0"}, "product-vanishes", "warning", "remove it"),
    ({"dw": "2^-7*x0*sgn(w)*sgn(t)*sgn(d)"}, "lost-bits", "warning", "fewer factors"),
    ({"dw": "2^3*x0*x1", **X1}, "product-saturates", "warning", "smaller coefficient"),
    ({"dw": "7*x0*w*w*w*w"}, "register-wraps", "warning", "smaller mantissa"),
    ({"dw": "x0", "dt": "2^-3*u0*t"}, "runaway", "warning", "turn the sign"),
    ({"dw": "x0", "dt": "-3*u0*t"}, "overshoot", "warning", "smaller coefficient"),
    ({"dw": "x0", "dd": "2^-2*u0*t"}, "tag-2-unsigned", "warning", "(d-128)"),
    ({"dw": "x0", "dd": "-2^2*u0"}, "tag-2-unsigned", "warning", "start it at 128"),
    ({"dw": "u0*d"}, "tag-2-delay", "info", "delays"),
    ({"dw": "2^-7*u0"}, "only-rounding", "warning", "larger coefficients"),
    ({"dw": "x0"}, "weight-step", "info", "at random"),
    ({"factors": 3, "dw": "x0*y1"}, "supplied-sign", "info", "(y1-64)"),
    ({"dw": "x0*(x2+41)"}, "constant-factor", "info", "is the constant n"),
]


def found(rule, profile="loihi2", supplied=None, **rest):
    return check_rule(read_rule(**rule), profile, supplied=supplied, **rest)


@pytest.mark.parametrize(("rule", "name", "severity", "words"), TRAPS, ids=str)
def test_traps(rule, name, severity, words):
    given = dict(rule)
    findings = found(
        {k: v for k, v in given.items() if k not in ("profile", "supplied")},
        given.get("profile", "loihi2"),
        given.get("supplied"),
    )
    mine = [finding for finding in findings if finding.rule == name and finding.severity == severity]
    assert mine, findings
    assert any(words in str(finding) for finding in mine), mine
    assert all(finding.remedy and finding.object for finding in findings)
    order = [("error", "warning", "info").index(finding.severity) for finding in findings]
    assert order == sorted(order)


SOUND = [
    {"dw": "2^-2*x1*y0 - 2^-2*y1*x0", **X1, **Y1},
    {"dt": "2^-2*x1*y0 - 2^-3*u0*t", "dw": "2^-2*u0*t", **X1},
    {"dw": "x0", "dd": "2^-2*u0*t - 2^-2*u0*(d-128)"},
    {"dw": "x0", "dd": "2^-2*y0*x1 - 2^-3*u0*d", **X1},
    {"factors": 3, "dw": "2^-2*x1*y0*(y2-64)", **X1},
]


@pytest.mark.parametrize("rule", SOUND, ids=str)
def test_sound_rules_have_no_warnings(rule):
    assert [f for f in found(rule) if f.severity != "info"] == []


def changed(**entries):
    profile = load_profile("loihi2")
    learning = profile.learning
    new = {name: getattr(learning, name).model_copy(update={"value": value}) for name, value in entries.items()}
    return profile.model_copy(update={"learning": learning.model_copy(update=new)})


@pytest.mark.parametrize(
    ("entries", "rule", "name"),
    [
        ({"products_per_rule": 1}, {"dw": "x0 + y0"}, "products-per-rule"),
        ({"factors_per_product": 1}, {"dw": "x0*w*t"}, "factors-per-product"),
        ({"max_epoch": 8}, {"dw": "x0", "t_epoch": 9}, "epoch-range"),
        ({"max_decimation": 3}, {"dw": "u4"}, "decimation-range"),
        ({"trace_bits": 5}, {"dw": "x0*x1", **X1}, "impulse-range"),
        ({"mantissa": (-4, 3)}, {"dw": "5*x0"}, "mantissa-range"),
        ({"exponent": (-3, 3)}, {"dw": "2^-4*x0"}, "exponent-range"),
        ({"x_traces": 1}, {"dw": "x0*x2"}, "trace-missing"),
        ({"tag_2_is_free": False}, {"dw": "u0*d"}, "tag-2-delay"),
    ],
    ids=str,
)
def test_limits_come_from_the_profile(entries, rule, name):
    assert [f.severity for f in found(rule) if f.rule == name] in ([], ["info"])
    assert [f.severity for f in found(rule, changed(**entries)) if f.rule == name] == ["error"]


def test_switches_come_from_the_profile():
    assert "odd-constant" not in {f.rule for f in found({"dw": "x0*(w+3)"}, changed(even_constants=False))}
    signed = {"factors": 3, "dw": "x0*y1"}
    assert "supplied-sign" not in {f.rule for f in found(signed, changed(y_signed=True))}


def test_steps_follow_the_sign_mode():
    assert "weight-step" not in {f.rule for f in found({"dw": "x0"}, sign_mode="excitatory")}


def test_all_checks_run():
    findings = found({"dw": "x0*(w+3)*(t+500)", "dt": NINE, "dd": "-u0"})
    assert {"odd-constant", "constant-range", "products-per-rule", "tag-2-unsigned"} <= {f.rule for f in findings}
