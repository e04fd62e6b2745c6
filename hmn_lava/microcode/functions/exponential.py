"""The exponential of a negative number and the logistic function."""

from __future__ import annotations

import math

from hmn_lava.microcode.builder import Builder, ProgramError, Value
from hmn_lava.microcode.functions.polynomial import polynomial, scaled
from hmn_lava.microcode.functions.reciprocal import reciprocal_of_one_plus

CLIP = 16
"""Beyond this the exponential is less than half a unit of its result."""

DECAY = (
    (0.25, (1.0, -0.9998928302316281, 0.4973602152588516, -0.14798966664020388)),
    (0.5, (1.0, -0.9998997838044946, 0.4974516664165466, -0.1482551121513622)),
    (1.0, (1.0, -0.9999127450229671, 0.49763102847268886, -0.148791494617871)),
    (2.0, (1.0, -0.9999348795158246, 0.49797323495198387, -0.14988320084446446)),
    (16.0, (1.0, -0.9999405190818214, 0.4978755980717086, -0.14857226832994433)),
)
"""By the number k of squarings: the largest a, and the cubic p with p(a / 2**k)**(2**k) = exp(-a), which minimises the
maximum of the error *after* the squarings, |p - exp| 2**k exp(-(2**k - 1) a / 2**k), with p(0) = 1 (linear programme).
"""

FRAC = 22


def exponential(b: Builder, x: Value) -> Value:
    """exp(x) for x <= 0 as p(x / 2**k)**(2**k), p a cubic; k follows from the bounds of x.

    Below -16 it is exp(-16). The result has 22 fractional bits and lies in [0, 1]; exp(0) is exact.

    Maximal error over all words, and instructions, by the smallest x: -1/4: 1.6e-6, 6; -1/2: 2.8e-6, 7; -1: 4.5e-6, 8;
    -2: 6.0e-6, 9; -16: 9.1e-6 (2**-16.7), 10; lower: the same, 12. Non-decreasing, up to 3 units of the result between
    words that are 2**-22 apart or closer. Raises ProgramError if x may be positive. Method: scaling and squaring (Moler
    and Van Loan, SIAM Review 2003).
    """
    if x.high > 0:
        raise ProgramError(f"{b.name}: the exponential needs x <= 0, but x may reach {x.real_bounds[1]}")
    if x.real_bounds[0] < -CLIP:
        return _decay(b, _clipped(b, b.neg(x)), 1, FRAC)
    return _decay(b, x, -1, FRAC)


def sigmoid(b: Builder, x: Value) -> Value:
    """1 / (1 + exp(-x)).

    e = exp(-abs(x)) as in :func:`exponential`; r = 1 / (1 + e) by two Newton steps; r where x >= 0, else 1 - r. The
    result has 22 fractional bits and lies in [0, 1]; sigmoid(0) = 1/2 and sigmoid(-x) = 1 - sigmoid(x) exactly. Beyond
    16 it is 0 or 1.

    Maximal error over all words: 6.7e-6 (2**-17.2). Non-decreasing, up to 4 units of the result between words that are
    2**-22 apart or closer. 26 instructions, 28 if abs(x) may exceed 16, fewer for narrower bounds or a known sign.
    """
    negative = x if x.high <= 0 else b.raw("min", x, b.neg(x))  # -abs(x)
    if max(map(abs, x.real_bounds)) > CLIP:
        e = _decay(b, _clipped(b, b.neg(negative)), 1, FRAC - 1)
    else:
        e = _decay(b, negative, -1, FRAC - 1)
    r = reciprocal_of_one_plus(b, e)
    if x.low >= 0:
        return r
    mirrored = b.raw("sub", b.literal(1 << r.frac, r.frac), r)
    return mirrored if x.high < 0 else b.raw("sel", b.raw("lt", x, 0, frac=0), mirrored, r, frac=r.frac)


def _clipped(b: Builder, a: Value) -> Value:
    """min(a, 16)."""
    if a.frac < 0:
        raise ProgramError(f"{b.name}: an exponent with {a.frac} fractional bits is too coarse")
    return b.raw("min", a, CLIP << a.frac)


def _decay(b: Builder, a: Value, sign: int, frac: int) -> Value:
    """exp(-a) of sign * a >= 0."""
    reach = math.ldexp(a.reach, -a.frac)
    squarings = next(k for k, (largest, _) in enumerate(DECAY) if reach <= largest)
    coefficients = [c * sign**n for n, c in enumerate(DECAY[squarings][1])]
    result = polynomial(b, scaled(a, -squarings), coefficients, FRAC if squarings else frac)
    for k in range(squarings):
        result = b.mul(result, result, frac if k == squarings - 1 else FRAC)
    return b.rescale(result, frac)
