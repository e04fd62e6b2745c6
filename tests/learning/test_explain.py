"""A rule spelled out: algebra, widths, and how its variables move, against numbers by hand and the engine."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hmn_lava.learning import algebra, explain_rule, read_rule, report_rule, simulate


def test_algebra_has_effective_coefficients():
    rule = read_rule(dw="2^-2*x1*y0 - 3*u1*t*y2*(d-128)", dt="-x0")
    assert algebra(rule) == (
        "w <- w + [y0] 2^-2 * x1 - [u1] 3*2^-14 * t * y2 * (d-128)",
        "t <- t - [x0] 1",
    )


def test_when_products_act():
    rule = read_rule(dw="x0 + y0 + u2", t_epoch=5)
    assert [p.acts for p in explain_rule(rule).products] == [
        "at a presynaptic spike", "at a postsynaptic spike", "every 20 steps",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "sign_mode", "largest", "smallest", "moves", "noise"),
    [
        ("2^-3*x0", "mixed", 0.125, 0.125, 0.0625, 2 * math.sqrt(0.0625 * 0.9375)),
        ("2^-3*x0", "excitatory", 0.125, 0.125, 0.125, math.sqrt(0.125 * 0.875)),
        ("2^1*x0*x1", "mixed", 62, 2, 1, 0),
        ("3*x0", "mixed", 3, 3, 1, 1),
    ],
)
def test_how_the_weight_moves(text, sign_mode, largest, smallest, moves, noise):
    rule = read_rule(dw=text, x1_impulse=31)
    (found,) = explain_rule(rule, sign_mode=sign_mode).variables
    assert (found.largest, found.smallest, found.moves) == (largest, smallest, moves)
    assert found.noise == pytest.approx(noise)


def test_the_engine_moves_as_the_explanation_says():
    """2^-3 in each step: with probability 1/16 a step of 2, so that its mean is 1/8 and its deviation as stated."""
    rule = read_rule(dw="2^-3*u0")
    (found,) = explain_rule(rule).variables
    n = 200
    silent = np.zeros((1, n), int)
    changes = simulate(rule, silent, silent, np.zeros((n, n), int)).weights[0]
    assert set(np.unique(changes)) == {0, found.step}
    assert (changes > 0).mean() == pytest.approx(found.moves, abs=5 * math.sqrt(found.moves) / n)
    assert changes.std() == pytest.approx(found.noise, rel=0.05)


def test_real_units_are_those_of_the_report():
    report = report_rule("dt = 0.8*x1*y0, dw = 0.02*u0*t*y2", traces={"x1": (2, 20), "y2": (0, 3)}, factors=3,
                         leaks={"t": 100})  # fmt: skip
    assert report.fitted is not None
    asked = [row.realised for row in report.fitted.report if row.quantity == "coefficient"]
    real = [product.real for product in report.explanation.products]
    assert [real[0], real[1]] == pytest.approx(asked)
    assert report.as_dict()["within"] is True
