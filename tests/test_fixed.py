"""Fixed-point formats against Python's integers and fractions."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmn_lava.fixed import Fixed, wrap

FORMATS = st.builds(Fixed, st.integers(1, 48), st.booleans(), st.integers(-40, 60))
REALS = st.one_of(
    st.floats(-(2.0**40), 2.0**40, allow_subnormal=False),
    st.builds(lambda n, e: math.ldexp(n, e), st.integers(-(2**25), 2**25), st.integers(-40, 20)),  # many ties
)
BIG = st.integers(-(2**62), 2**62)


def scaled(value, format):
    return Fraction(value) * Fraction(2) ** format.frac


@given(FORMATS, REALS)
def test_quantise_rounds_and_saturates(format, value):
    exact = scaled(value, format)
    for rounding, expected in (
        ("nearest", round(exact)),  # of a Fraction: ties to even
        ("floor", math.floor(exact)),
        ("zero", math.trunc(exact)),
    ):
        assert format.quantise(value, rounding) == min(max(expected, format.min), format.max)


def test_quantise_by_hand():
    # s4.1 holds -8..7 halves
    format = Fixed(4, True, 1)
    assert format.quantise([0.25, 0.75, -0.25, -0.75, 3.75, 100.0, -100.0]).tolist() == [0, 2, 0, -2, 7, 7, -8]
    assert format.quantise([0.4, -0.4], "floor").tolist() == [0, -1]
    assert format.quantise([0.9, -0.9], "zero").tolist() == [1, -1]
    assert format.unit == 0.5
    assert format.real([7, -8]).tolist() == [3.5, -4.0]


def test_limits_by_hand():
    assert (Fixed(8).min, Fixed(8).max) == (-128, 127)
    assert (Fixed(8, False).min, Fixed(8, False).max) == (0, 255)
    assert (Fixed(1).min, Fixed(1).max) == (-1, 0)
    assert (Fixed(1, False).min, Fixed(1, False).max) == (0, 1)


@given(FORMATS, st.data())
def test_real_and_quantise_are_inverse_on_integers(format, data):
    n = data.draw(st.integers(format.min, format.max))
    assert Fraction(float(format.real(n))) == Fraction(n) / Fraction(2) ** format.frac
    assert format.quantise(format.real(n)) == n
    assert format.holds(n, n)


@given(FORMATS, BIG)
def test_saturate(format, n):
    assert format.saturate(n) == (format.min if n < format.min else format.max if n > format.max else n)


@given(FORMATS, BIG)
def test_wrap_keeps_the_value_modulo_the_word(format, n):
    wrapped = int(format.wrap(n))
    assert format.min <= wrapped <= format.max
    assert (wrapped - n) % 2**format.bits == 0
    assert wrap(n, format.bits, format.signed) == wrapped  # Python integers and arrays alike
    assert wrap(np.array([n]), format.bits, format.signed).tolist() == [wrapped]


def test_wrap_by_hand():
    assert [wrap(n, 24) for n in (2**23, -(2**23) - 1, 2**24 + 5)] == [-(2**23), 2**23 - 1, 5]
    assert [wrap(n, 8, signed=False) for n in (-1, 256, 255)] == [255, 0, 255]


def test_holds_is_about_both_ends():
    assert Fixed(8).holds(-128, 127)
    assert not Fixed(8).holds(-129, 0)
    assert not Fixed(8).holds(0, 128)
    assert not Fixed(8, False).holds(-1, 0)


@given(FORMATS)
def test_text_round_trip(format):
    assert Fixed.parse(str(format)) == format


def test_text_by_hand():
    assert str(Fixed(24, True, 20)) == "s24.20"
    assert Fixed.parse("u16.-3") == Fixed(16, False, -3)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s",
        "24.20",
        "s24",
        "x24.20",
        "s24.20.1",
        "s.20",
        "s24.",
        "s49.0",
        "s0.0",
        "s-4.0",
        "sa.b",
        "s2_4.20",
        "s 24.20",
        "s24.20 ",
        "s+24.20",
        "s024.20",
    ],
)
def test_other_texts_are_refused(text):
    with pytest.raises(ValueError):
        Fixed.parse(text)


@given(st.text("su0123456789.-+_ \n", max_size=8))
def test_what_is_parsed_is_printed_alike(text):
    try:
        format = Fixed.parse(text)
    except ValueError:
        return
    assert str(format) == text


@pytest.mark.parametrize("bits", [0, -1, 49])
def test_widths_are_bounded(bits):
    with pytest.raises(ValueError, match="1 to 48 bits"):
        Fixed(bits)


BOUNDS = st.tuples(REALS, REALS).map(sorted)


@given(BOUNDS, st.integers(1, 48))
def test_fitting_is_the_finest_that_holds(bounds, bits):
    low, high = bounds
    format = Fixed.fitting(low, high, bits)
    assert format.bits == bits
    assert format.signed == (low < 0)
    reach = max(abs(low), abs(high))
    if reach == 0:
        assert format.frac == bits - 1
        return
    # Held: rounded to nearest, it is inside the symmetric range, so that nothing is saturated.
    assert round(scaled(reach, format)) <= format.max
    finer = Fixed(bits, format.signed, format.frac + 1)
    assert round(scaled(reach, finer)) > finer.max


def test_fitting_by_hand():
    assert Fixed.fitting(0.0, 1.0, 16) == Fixed(16, False, 15)  # 1 is 32768; at 16 fractional bits it would be 65536
    assert Fixed.fitting(0.0, 0.99, 16) == Fixed(16, False, 16)
    assert Fixed.fitting(-1.0, 1.0, 8) == Fixed(8, True, 6)
    assert Fixed.fitting(0.0, 0.9999999, 8) == Fixed(8, False, 7)  # 255.99 would round to 256
    assert Fixed.fitting(-300.0, 5.0, 8) == Fixed(8, True, -2)
