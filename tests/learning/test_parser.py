"""Rule text: what is read, how it is printed back, and what a reader is told about text that is wrong."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from cases import random_rule

from hmn_lava.errors import InputError
from hmn_lava.learning import Factor, FloatProduct, Product, parse_float_rule, parse_rule


def test_the_published_form():
    """The rule of EMSTDP: mantissa 1, exponent -7, acting every 2^7 epochs."""
    first, second = parse_rule("2^-7*u7*y1*x1 - 2^-7*u7*y0*x1")
    assert first == Product("u", 7, 1, -7, (Factor("y1"), Factor("x1")))
    assert second == Product("u", 7, -1, -7, (Factor("y0"), Factor("x1")))
    assert second.coefficient == -(2.0**-7)


@pytest.mark.parametrize(
    ("text", "product"),
    [
        ("x0", Product("x0", None, 1, 0)),
        ("y1*x0*y0", Product("x0", None, 1, 0, (Factor("y1"), Factor("y0")))),  # the first spike is the dependency
        ("x0*x0", Product("x0", None, 1, 0, (Factor("x0"),))),
        ("u0*x0", Product("u", 0, 1, 0, (Factor("x0"),))),
        ("8*x0", Product("x0", None, 4, 1)),
        ("-16*x0", Product("x0", None, -4, 2)),
        ("-8*2^8*x0", Product("x0", None, -8, 8)),
        ("2*3*x0*2^-4", Product("x0", None, 6, -4)),
        ("(-3)*x0", Product("x0", None, -3, 0)),
        ("(2) * 2 ^ -3 * x0", Product("x0", None, 2, -3)),
        ("2^3*2^-4*x0", Product("x0", None, 1, -1)),
        ("0*x0", Product("x0", None, 0, 0)),
        ("x0*(w-4)", Product("x0", None, 1, 0, (Factor("w", -4),))),
        ("x0*(w)", Product("x0", None, 1, 0, (Factor("w"),))),
        ("x0*(3-w)", Product("x0", None, -1, 0, (Factor("w", -3),))),
        ("x0*(-y1+3)", Product("x0", None, -1, 0, (Factor("y1", -3),))),
        ("x0*(2^3+d)", Product("x0", None, 1, 0, (Factor("d", 8),))),
        ("x0*(t+3*2^2)", Product("x0", None, 1, 0, (Factor("t", 12),))),
        ("x0*sgn(t-16)", Product("x0", None, 1, 0, (Factor("t", -16, True),))),
        ("+u3*sgn(w)", Product("u", 3, 1, 0, (Factor("w", 0, True),))),
    ],
)
def test_one_product(text, product):
    assert parse_rule(text).products == (product,)


@given(st.integers(0, 2**32), st.sampled_from(["dw", "dd", "dt"]))
def test_a_rule_is_printed_back_without_loss(seed, target):
    rule = random_rule(random.Random(seed), target, seed % 10)
    assert parse_rule(str(rule), target) == rule


def test_the_float_form():
    rule = parse_float_rule("0.013*x1*y0 - 1e-3*x0*(w-0.5)/4 + .5*2^-1*u2*t")
    assert rule.products == (
        FloatProduct("y0", None, 0.013, (Factor("x1"),)),
        FloatProduct("x0", None, -0.00025, (Factor("w", -0.5),)),
        FloatProduct("u", 2, 0.25, (Factor("t"),)),
    )
    assert str(rule) == "0.013*y0*x1 - 0.00025*x0*(w-0.5) + 0.25*u2*t"
    assert parse_float_rule(str(rule)) == rule
    assert rule.decimation == 2 and rule.variables == {"x1", "w", "t"}


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(-500, 500))
def test_floats_are_printed_back_without_loss(coefficient, constant):
    rule = parse_float_rule("x0*y1")
    product = FloatProduct("x0", None, coefficient, (Factor("y1", constant),))
    assert parse_float_rule(str(type(rule)("dw", (product,)))).products == (product,)


WRONG = {
    "": (1, "empty", "leave the rule out"),
    "x1*y1": ("product", "no dependency", "x0, y0 or u0..u9"),
    "x0*x1 + y1": ("product", "no dependency", "multiply"),
    "x0*x1 +": (8, "ends where a factor", "a factor is"),
    "*x0": (1, "factor is expected", "a factor is"),
    "x0**x1": (4, "two operators", "sign in front"),
    "x0*-2*y0": (4, "two operators", "(-2)"),
    "x0+-y0": (4, "two operators", "sign in front"),
    "u10*x1": (1, "decimation", "u9"),
    "u1*x0 + u2*y0": ("", "one decimation", "same u_k"),
    "x0*u1": (4, "u is a dependency", "put u first"),
    "u1*u1": (4, "u is a dependency", "leave it out"),
    "0.3*x0": (1, "n*2^k", "5*2^-4"),
    "1e3*x0": (1, "n*2^k", "2^10"),
    "x0/2": (3, "not known here", "*2^-3"),
    "3^2*x0": (1, "only 2", "n*2^k"),
    "2^y1*x0": (3, "exponent", "2^-7"),
    "2^1.5*x0": (3, "exponent", "2^-7"),
    "9*x0": ("product", "mantissa is 9", "2^3"),
    "2^9*x0": ("product", "exponent is 9", "2^8"),
    "2^-8*x0": ("product", "exponent is -8", "2^-7"),
    "4*2^-9*x0": ("product", "exponent is -9", "2^-7"),
    "99999*x0": ("product", "mantissa", "smaller"),
    "2^-99*x0": ("product", "exponent", "u1..u9"),
    "x0*q": (4, "not known", "the names are"),
    "x0*X1": (4, "not known", "the names are"),
    "x0 x1": (4, "operator is missing", "*"),
    "2x0": (2, "operator is missing", "*"),
    "x0)": (3, "never opened", "remove"),
    "x0*(w": (6, "not closed", "(w-4)"),
    "x0*(w*2)": (6, "variable plus a constant", "(w-4)"),
    "x0*(w+t)": (7, "one variable", "(w-4)"),
    "x0*(w+2+3)": (9, "one variable", "(w-4)"),
    "x0*((w+2))": (5, "one variable", "(w-4)"),
    "x0*()": (5, "one variable", "(w-4)"),
    "x0*(-w)": (6, "loses this sign", "in front"),
    "x0*sgn(-w)": (9, "loses this sign", "in front"),
    "x0*sgn(4-w)": (10, "loses this sign", "in front"),
    "(x0)*y1": (2, "loses a dependency", "without"),
    "x0*(u1+2)": (5, "cannot stand", "x0, y0"),
    "x0*sgn(x1)": (8, "cannot stand", "w, d, t"),
    "x0*sgn(3)": (4, "sgn is taken of", "sgn(w)"),
    "x0*sgn w": (8, "needs a bracket", "sgn(w)"),
    "x0*(w+0.5)": (7, "whole", "float form"),
    "x0*(w+2^-1)": (7, "whole number", "round"),
    "x0*(w+600)": (7, "-511 to 511", "nine bits"),
    "x0*(w+2^99)": (7, "-511 to 511", "nine bits"),
    "x0 # fast": (4, "no meaning", "made of"),
    "x0*x₁": (5, "no meaning", "made of"),
    "__import__('os')": (12, "no meaning", "made of"),
    "x0" + "*x1" * 2000: ("", "too long", "4096"),
}


@pytest.mark.parametrize("text", WRONG, ids=lambda text: text[:20] or "empty")
def test_wrong_text_is_one_clear_error(text):
    place, problem, remedy = WRONG[text]
    with pytest.raises(InputError) as caught:
        parse_rule(text, "dt")
    error = caught.value
    assert error.where == "dt"
    assert error.field == (f"character {place}" if isinstance(place, int) else place)
    assert problem in error.problem
    assert remedy in error.remedy


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x0/0", "division by zero"),
        ("x0/y0", "number to divide by"),
        ("1e999*x0", "not finite"),
        ("2^999*2^999*x0", "not finite"),
        ("1" * 50 + "*x0", "too long"),
    ],
)
def test_wrong_text_in_the_float_form(text, problem):
    with pytest.raises(InputError, match=problem):
        parse_float_rule(text)


@pytest.mark.parametrize("text", [None, 3, ["x0"]])
def test_a_rule_is_a_text(text):
    with pytest.raises(InputError, match="a rule is a text"):
        parse_rule(text)


def test_a_target_is_dw_dd_or_dt():
    with pytest.raises(InputError, match="dw, dd or dt"):
        parse_rule("x0", "dx")


@given(st.text(alphabet="x012yuwdts gn()+-*^/.e\n", max_size=30))
def test_no_text_does_anything_but_parse_or_be_refused(text):
    for parse in (parse_rule, parse_float_rule):
        try:
            rule = parse(text)
        except InputError:
            continue
        assert parse(str(rule)) == rule
