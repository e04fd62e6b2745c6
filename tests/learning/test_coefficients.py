"""The closest coefficient, against all of them."""

from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmn_lava.hardware_profiles import load_profile
from hmn_lava.learning import CoefficientRange, Product, Rule, parse_rule
from hmn_lava.learning.coefficients import shortest, value_of

RANGE = CoefficientRange.of(load_profile("loihi2"))
ALL = [m * 2.0**e for m, e in product(range(-8, 8), range(-7, 9)) if m]
PAIRS = sorted({a + b for a, b in product(ALL, ALL) if a + b} | set(ALL))

values = st.one_of(
    st.floats(-4000, 4000), st.floats(-0.1, 0.1), st.sampled_from(PAIRS), st.floats(1e-300, 1e300), st.just(1e308)
)


def test_the_limits_are_the_profiles():
    assert (RANGE.mantissa, RANGE.exponent) == ((-8, 7), (-7, 8))
    assert (RANGE.smallest, RANGE.largest) == (2**-7, 7 * 2**8)


@given(values)
@settings(max_examples=400)
def test_one_coefficient_is_the_closest_of_all_mantissas_and_exponents(value):
    (found,) = RANGE.closest(value)
    assert abs(value_of((found,)) - value) == min(abs(each - value) for each in ALL)


@given(values)
@settings(max_examples=200)
def test_the_sum_of_two_is_the_closest_of_all_pairs(value):
    found = RANGE.closest(value, products=2)
    assert 1 <= len(found) <= 2
    assert abs(value_of(found) - value) == min(abs(each - value) for each in PAIRS)


@given(values, st.integers(1, 127))
@settings(max_examples=50, deadline=None)
def test_a_coefficient_with_a_constant_is_the_closest(value, top):
    found, constant = RANGE.closest_with_constant(value, top)
    assert 1 <= constant <= top
    best = min(abs(each * n - value) for each in ALL for n in range(1, top + 1))
    assert abs(value_of((found,)) * constant - value) == best


@given(values)
@settings(max_examples=100)
def test_what_is_found_is_in_lavas_normal_form(value):
    for mantissa, exponent in RANGE.closest(value, products=2):
        rule = Rule("dw", (Product("x0", None, mantissa, exponent),))
        assert parse_rule(str(rule)) == rule


def test_mantissas_are_large_to_keep_bits_and_can_be_shortened():
    assert RANGE.closest(1.0) == ((4, -2),)
    assert shortest((4, -2), RANGE.exponent) == (1, 0)
    assert shortest((-6, 8), RANGE.exponent) == (-6, 8)


@pytest.mark.parametrize("value", [0.0, 1e-30, -1e-30])
def test_nothing_is_never_zero(value):
    assert abs(value_of(RANGE.closest(value))) == 2**-7
    assert math.isfinite(value_of(RANGE.closest(value, 2)))
