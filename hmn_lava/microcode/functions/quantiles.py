"""Quantiles: a uniform draw U of 16 bits, the probability p = (U + 1/2) / 2**16, becomes a normal or Gumbel draw."""

from __future__ import annotations

import math

from hmn_lava.microcode.builder import Builder, ProgramError, Value
from hmn_lava.microcode.functions.logarithm import exponent
from hmn_lava.microcode.functions.normalise import fraction, normalise
from hmn_lava.microcode.functions.polynomial import polynomial, scaled
from hmn_lava.microcode.ir import WORD
from hmn_lava.microcode.random import DRAW_BITS

LAST = (1 << DRAW_BITS) - 1

NORMAL = (3.102541, -1.613676, -0.307681, -0.060883, 0.063682, 0.067466)
"""z / y in t, see :func:`normal`."""

GUMBEL_LOWER = (-1.827433, 0.879676, 0.266448, 0.348715, 0.936916, -0.263977, -1.44865, 0.448344, 1.022258)
"""-ln(-ln p) in t, see :func:`gumbel`."""

GUMBEL_UPPER = (6.237324, -0.467298, -0.359686)
"""-ln(-ln(1 - p)) + 8 ln(2) t in p, see :func:`gumbel`."""

LOGARITHM_2 = (1.33, -0.33)
"""log2(1 + e) / e within 0.008."""

LOGARITHM_3 = (1.42459389, -0.58920669, 0.16538375)
"""log2(1 + e) / e, its product with e within 0.0008."""


def normal(b: Builder, u: Value) -> Value:
    """The standard normal quantile of a draw.

    With y = 2 p - 1, z = y q(t) where t = (log2(1 - y**2) + 8) / 8 and q is a quintic: the logarithm takes the tails'
    singularity away (the variable of Giles, "Approximating the erfinv function", 2010; the polynomial is this
    project's, fitted over the draws themselves, a linear programme). The logarithm is the exponent plus a quadratic of
    the mantissa, whose error is part of the fit's.

    Maximal error over all draws: 0.00176, the tails included (the outermost draws are +-4.32); odd up to one unit. The
    mean over all draws is within a unit of 0, the standard deviation 0.99982. 20 fractional bits, 39 instructions.
    """
    twice = b.raw("shl", _draw(b, u), 1, frac=DRAW_BITS)
    y = b.raw("sub", twice, LAST)  # 2 U + 1 - 2**16
    square = b.raw("mul", y, y, 2 * DRAW_BITS - WORD + 1, frac=WORD - 1)
    rest = b.raw("sub", (1 << (WORD - 1)) - 1, square, frac=WORD - 1)  # never zero: |y| < 1
    return b.mul(y, polynomial(b, _eighth_of_logarithm(b, rest, LOGARITHM_2, 8.0), NORMAL))


def gumbel(b: Builder, u: Value) -> Value:
    """The standard Gumbel quantile -ln(-ln p) of a draw.

    One logarithm serves both halves: with p the smaller of the probability and its complement and t = (log2 p + 9) / 8,
    the lower half is a polynomial of degree 8 in t, the upper half -ln p plus a quadratic in p, -8 ln(2) t + g(p).
    Fitted over the draws themselves (linear programme).

    Maximal error over all draws: 0.0035, the tails included. It may fall by 0.0005 between neighbours where the
    mantissa of p begins anew. 19 fractional bits, 55 instructions.
    """
    draw = _draw(b, u)
    folded = b.raw("and", b.raw("min", draw, b.raw("sub", LAST, draw)), LAST >> 1)
    p = b.raw("or", b.raw("shl", folded, 1), 1, frac=DRAW_BITS + 1)
    t = _eighth_of_logarithm(b, p, LOGARITHM_3, 9.0)
    lower = polynomial(b, t, GUMBEL_LOWER)
    line = polynomial(b, t, (GUMBEL_UPPER[0], -8 * math.log(2)))
    upper = b.raw("add", line, b.mul(p, polynomial(b, p, GUMBEL_UPPER[1:]), line.frac))
    return b.select(b.raw("lt", draw, 1 << (DRAW_BITS - 1), frac=0), lower, upper)


def _draw(b: Builder, u: Value) -> Value:
    if u.frac != DRAW_BITS or u.low < 0 or u.high > LAST:
        raise ProgramError(f"{b.name}: a draw is a word from 0 to {LAST} with {DRAW_BITS} fractional bits, not {u}")
    return u


def _eighth_of_logarithm(b: Builder, v: Value, mantissa: tuple[float, ...], offset: float) -> Value:
    """(log2 v + offset) / 8, where e * polynomial(e) with the coefficients ``mantissa`` stands for log2(1 + e)."""
    normalised = normalise(b, v)
    e = fraction(b, normalised)
    whole = exponent(b, normalised, 1.0, offset, 2.0)
    return scaled(b.raw("add", whole, b.mul(e, polynomial(b, e, mantissa), whole.frac)), -3)
