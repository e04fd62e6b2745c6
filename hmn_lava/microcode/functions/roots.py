"""The square root and its reciprocal by Newton's iteration."""

from __future__ import annotations

import math

from hmn_lava.microcode.builder import Builder, Value
from hmn_lava.microcode.functions.normalise import Normalised, mantissa, normalise, shifted
from hmn_lava.microcode.functions.polynomial import correct, polynomial, residual, scaled
from hmn_lava.microcode.ir import WORD

START = (1.5240792037822315, -0.6880243687110058, 0.1707276607589085, -1 / 64)
"""1 / sqrt(m) for 1 <= m <= 4 with a relative error of 0.00884: minimax under the leading coefficient -1/64, a free
shift."""

FRAC = 22
MAGNITUDE = (1 << (WORD - 1)) - 1


def inverse_square_root(b: Builder, v: Value) -> Value:
    """1 / sqrt(v) for v >= 0.

    v = 0 gives the upper bound of the result, at most twice that of the smallest positive word. Maximal error over all
    words: half a unit of the result plus 2**-21.2 / sqrt(v); powers of four are exact. 16 instructions for two octaves,
    40 for all words, and one more where the binary point of v is an odd number of bits away.
    """
    normalised, _, r, half = _root(b, v)
    return scaled(shifted(b, r, normalised), -half)


def square_root(b: Builder, v: Value) -> Value:
    """sqrt(v) = v / sqrt(v) for v >= 0; the root of zero is zero.

    Maximal error over all words: half a unit of the result plus 2**-20.5 sqrt(v). 43 instructions for all words, 44
    with an odd exponent.
    """
    normalised, m, r, half = _root(b, v)
    frac, largest = (FRAC - 1, 2.0) if m.frac == normalised.bits else (FRAC - 2, math.sqrt(8))
    root = b.raw("mul", m, r, m.frac + r.frac - frac, frac=frac, wraps=True)  # at most sqrt(8)
    root = b.raw("min", b.raw("and", root, MAGNITUDE), round(math.ldexp(largest, frac)))
    return scaled(shifted(b, root, normalised, right=True), half)


def _root(b: Builder, v: Value) -> tuple[Normalised, Value, Value, int]:
    """Normalised v, m, 1 / sqrt(m) and h.

    v = m * 4**(h - s), where m is in [1, 4), or in [2, 8) if the exponent of v is odd. A cubic start r, then twice r <-
    r - r (m r r - 1) / 2: relative errors 2**-6.8, 2**-13.1, 2**-25.5. The last floor rounds up.
    """
    normalised = normalise(b, v, radix=2)
    half, odd = divmod(normalised.exponent, 2)
    plain = mantissa(b, normalised)
    m = scaled(plain, odd)
    largest = math.sqrt(0.5) if odd else 1.0
    r = b.rescale(polynomial(b, plain, [c * largest for c in START], FRAC), FRAC)
    for frac in (28, 34):  # the residual of the start is below 2**-5, that of the first step below 2**-11
        root = b.raw("mul", m, r, m.frac + r.frac - FRAC + 1, frac=FRAC - 1, wraps=True)  # sqrt(m) < 4
        r = correct(b, r, scaled(residual(b, root, r, frac), -1))
    if r.low < 0:
        r = b.raw("and", r, MAGNITUDE)  # it is positive: the bounds do not know that
    return normalised, m, b.raw("min", r, round(math.ldexp(largest, FRAC))), half
