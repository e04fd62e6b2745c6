"""The natural logarithm."""

from __future__ import annotations

import math

from hmn_lava.microcode.builder import Builder, ProgramError, Value
from hmn_lava.microcode.functions.normalise import Normalised, fraction, normalise
from hmn_lava.microcode.functions.polynomial import polynomial
from hmn_lava.microcode.ir import WORD

MANTISSA = (
    0.9999016452227437,
    -0.4978750878193382,
    0.31764912527762346,
    -0.19376109368784297,
    0.08557007173042093,
    -0.018338914096971234,
)
"""ln(1 + e) / e for 0 <= e <= 1: the product with e has the least maximal error, 1.43e-6 (linear programme)."""


def logarithm(b: Builder, v: Value) -> Value:
    """ln v for a word v >= 1.

    With e the fraction of the normalised v: e * q(e), q a quintic, plus the exponent times ln 2. The result has the
    finest scale that holds the logarithms of the bounds of v, 19 fractional bits for all words; the logarithm of the
    integer 1 is exact. Maximal error over all words: 5.8e-6 (2**-17.4). 15 instructions for one octave, 38 for all
    words. Raises ProgramError if v may be less than 1.
    """
    if v.low < 1:
        raise ProgramError(f"{b.name}: the logarithm needs a word of at least 1, but it may be {v.low}")
    normalised = normalise(b, v)
    e = fraction(b, normalised)
    whole = exponent(b, normalised, math.log(2), 0.0, math.log(2))
    mantissa = b.mul(e, polynomial(b, e, MANTISSA), whole.frac)
    return b.raw("add", whole, b.raw("min", mantissa, math.floor(math.ldexp(math.log(2), whole.frac))))


def exponent(b: Builder, normalised: Normalised, unit: float, offset: float, room: float) -> Value:
    """(exponent - s) * unit + offset, at the finest scale at which a summand from [0, room] can still be added."""
    lowest = (normalised.exponent - normalised.reach) * unit + offset
    highest = normalised.exponent * unit + offset
    frac = WORD - 1 - math.frexp(max(abs(lowest), abs(highest) + room))[1]
    total: Value = b.number(lowest, frac)
    for number, (step, small) in enumerate(normalised.steps):
        if number == 0:
            total = b.raw("sel", small, total, b.number(lowest + step * unit, frac), frac=frac)
        else:
            total = b.raw("add", total, b.raw("sel", small, 0, b.number(step * unit, frac), frac=frac))
    return total
