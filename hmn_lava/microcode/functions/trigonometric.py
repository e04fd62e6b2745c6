"""Cosine and sine of a phase word."""

from __future__ import annotations

from hmn_lava.microcode.builder import Builder, ProgramError, Value
from hmn_lava.microcode.functions.polynomial import polynomial, scaled
from hmn_lava.microcode.ir import WORD

SINE = (1.57078717591597, -0.6458699491787181, 0.07939526085768717, -0.004312904241142443)
"""sin(pi x / 2) / x in x**2 for |x| <= 1: minimises the maximum of |sin| * |error|, the error of the square (linear
programme)."""

QUARTER = 1 << (WORD - 2)
"""A quarter of a turn."""


def cosine(b: Builder, turns: Value) -> Value:
    """cos(2 pi turns) of a phase whose word is one full turn (24 fractional bits, -0.5 <= turns < 0.5).

    cos(2 pi t) = 1 - 2 sin(pi t)**2 needs no quadrants: the half angle stays in +-pi/2 and the square takes its sign
    away. The sine is an odd polynomial of degree 7. A result has 20 fractional bits and lies in [-1, 1]; cos(0) is
    exact.

    Maximal error over all 2**24 phases: 3.82e-6 (2**-18.0). 11 instructions.
    """
    if turns.frac != WORD:
        raise ProgramError(f"{b.name}: a phase has {WORD} fractional bits, not {turns.frac}")
    half = scaled(turns, 1)  # in [-1, 1): the angle as a part of pi / 2
    sine_of_half = b.mul(half, polynomial(b, b.mul(half, half, WORD - 2), SINE))
    square = scaled(b.mul(sine_of_half, sine_of_half), 1)
    return b.raw("sub", b.literal(1 << square.frac, square.frac), b.raw("min", square, 2 << square.frac))


def sine(b: Builder, turns: Value) -> Value:
    """sin(2 pi turns) = cos(2 pi (turns - 1/4)): see :func:`cosine`. Maximal error 3.82e-6, 12 instructions."""
    return cosine(b, b.raw("sub", turns, QUARTER, wraps=True))
