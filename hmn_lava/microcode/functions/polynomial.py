"""Polynomials and Newton steps in fixed point: what the other functions are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hmn_lava.microcode.builder import Builder, ProgramError, Value
from hmn_lava.microcode.ir import WORD
from hmn_lava.microcode.ranges import WORD_RANGE


def scaled(value: Value, exponent: int) -> Value:
    """value * 2**exponent by moving the binary point: no instruction."""
    return Value(value.operand, value.frac - exponent, value.low, value.high)


def polynomial(b: Builder, x: Value, coefficients: Sequence[float], finest: int = 4 * WORD) -> Value:
    """The sum of coefficients[k] * x**k by Horner's rule, every stage at the finest scale at which it fits a word.

    Each stage is written as a difference, c - x * (rest), so that the floors of the products alternate in sign and do
    not add up to a bias. Two instructions for each degree; one for the first if the leading coefficient is a power of
    two, up to sign. ``finest`` bounds the fractional bits of the result.
    """
    signed = [c if k % 2 == 0 else -c for k, c in enumerate(coefficients)]
    result = b.number(signed[-1])
    for k in reversed(range(len(signed) - 1)):
        result = _difference(b, signed[k], x, result, finest if k == 0 else 4 * WORD)
    return result


def _difference(b: Builder, c: float, x: Value, y: Value, finest: int) -> Value:
    """c - x * y at the finest scale at which it fits a word."""
    corners = [p * q for p in (x.low, x.high) for q in (y.low, y.high)]
    low, high = min(corners), max(corners)
    exponent = math.log2(y.low) - y.frac if y.low == y.high > 0 else 0.5
    shift = max(y.low.bit_length() - 1 if exponent.is_integer() else 0, x.frac + y.frac - finest)
    while True:
        frac = x.frac + y.frac - shift
        constant = round(math.ldexp(c, frac))
        ends = (low >> shift, high >> shift, constant, constant - (low >> shift), constant - (high >> shift))
        if WORD_RANGE[0] <= min(ends) and max(ends) <= WORD_RANGE[1]:
            break
        shift += 1
    product = scaled(x, int(exponent)) if exponent.is_integer() else b.mul(x, y, frac)
    return b.raw("sub", b.literal(constant, frac), b.rescale(product, frac, "floor"))


def residual(b: Builder, x: Value, y: Value, frac: int) -> Value:
    """x * y - 1 where it is known to be small: |x y - 1| < 2**(23 - frac).

    Whole numbers are multiples of the word's span at this scale, so the product wraps to the residual: the subtraction
    costs nothing, and the bounds of a word at ``frac`` are the proven bounds of the result.
    """
    shift = x.frac + y.frac - frac
    if not 0 <= shift < 2 * WORD or frac < WORD:
        raise ProgramError(f"{b.name}: no residual with {frac} fractional bits of factors with {x.frac} and {y.frac}")
    return b.raw("mul", x, y, shift, frac=frac, wraps=True)


def correct(b: Builder, y: Value, error: Value) -> Value:
    """y - y * error: the end of a Newton step, at the binary point of y."""
    return b.raw("sub", y, b.mul(y, error, y.frac))
