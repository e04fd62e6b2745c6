"""Reciprocals by Newton's iteration."""

from __future__ import annotations

from hmn_lava.microcode.builder import Builder, ProgramError, Value
from hmn_lava.microcode.functions.normalise import fraction, normalise, shifted
from hmn_lava.microcode.functions.polynomial import correct, polynomial, residual, scaled

START = (0.98244397, -0.74118312, 0.25)
"""1 / (1 + e) for 0 <= e <= 1 with a relative error of 0.01756: minimax under the leading coefficient 1/4, a free
shift."""

FRAC = 22


def reciprocal_of_one_plus(b: Builder, e: Value) -> Value:
    """1 / (1 + e) for e in [0, 1] (at most 21 fractional bits where 1 is reached); 22 fractional bits, in [0, 1].

    A quadratic start r, then twice r <- r - r ((1 + e) r - 1): relative errors 2**-5.8, 2**-11.6, 2**-23.3. The last
    floor rounds the result up, so that the reciprocals of 1 and 2 are exact.
    """
    d = b.raw("add", e, 1 << e.frac)
    r = b.rescale(polynomial(b, e, START, FRAC), FRAC)
    for frac in (28, 34):  # the residual of the start is below 2**-5, that of the first step below 2**-11
        r = correct(b, r, residual(b, d, r, frac))
    return b.raw("min", r, 1 << FRAC)


def reciprocal(b: Builder, v: Value) -> Value:
    """1 / v for a word v >= 1: normalise, 1 / (1 + e) of the fraction e, shift back.

    The result has the finest scale at which 2**-floor(log2(low)), the bound of the reciprocal of the smallest v, fits.
    Maximal error over all words: half a unit of the result plus 2**-22 / v; powers of two are exact. 13 instructions
    for one octave, 31 for v from 1 to 255, 41 for all words. Raises ProgramError if v may be less than 1.
    """
    if v.low < 1:
        raise ProgramError(f"{b.name}: the reciprocal needs a word of at least 1, but it may be {v.low}")
    normalised = normalise(b, v)
    return scaled(shifted(b, reciprocal_of_one_plus(b, fraction(b, normalised)), normalised), -normalised.exponent)
