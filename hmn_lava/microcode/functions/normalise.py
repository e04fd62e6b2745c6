"""Normalisation: a mantissa and the shift that gave it, by a chain of selects (no instruction shifts by a register)."""

from __future__ import annotations

from dataclasses import dataclass

from hmn_lava.microcode.builder import Builder, ProgramError, Value
from hmn_lava.microcode.functions.polynomial import scaled

FINEST = 16
"""Bits that a mantissa has at least, so that the Newton steps have something to work on."""


@dataclass(frozen=True)
class Normalised:
    """``v = word * 2**-bits * 2**(exponent - radix * s)``, where s is the sum of the ``steps`` whose condition is 1.

    The mantissa, word * 2**-bits, is in [1, 2**radix), unless v = 0.
    """

    word: Value
    radix: int
    bits: int
    exponent: int
    steps: tuple[tuple[int, Value], ...]

    @property
    def reach(self) -> int:
        """The sum of all steps: the largest s."""
        return sum(step for step, _ in self.steps)


def normalise(b: Builder, v: Value, radix: int = 1) -> Normalised:
    """Shift v >= 0 left by multiples of ``radix`` bits until its mantissa is in [1, 2**radix).

    A binary search over the bounds of v: three instructions for each of the ceil(log2(n)) halvings of its n octaves
    (pairs of octaves with radix 2). A v of zero is shifted as far as the smallest positive one and gives a mantissa of
    zero.
    """
    if v.low < 0:
        raise ProgramError(f"{b.name}: only numbers without a sign can be normalised, not [{v.low}, {v.high}]")
    top = max(1, v.high).bit_length()
    missing = (top - max(1, v.low).bit_length() + radix - 1) // radix
    if top < FINEST:
        v = b.rescale(v, v.frac + FINEST - top)
        top = FINEST
    steps = []
    word = v
    while missing:
        step = (missing + 1) // 2
        missing -= step
        small = b.raw("lt", word, 1 << (top - radix * step), frac=0)
        factor = b.raw("sel", small, 1 << (radix * step), 1, frac=0)
        word = b.raw("mul", word, factor, 0, wraps=True)  # it never does: only the bounds do not know the selection
        steps.append((step, small))
    return Normalised(word, radix, top - radix, top - radix - v.frac, tuple(steps))


def mantissa(b: Builder, normalised: Normalised) -> Value:
    """The mantissa in [1, 2**radix), or 0 for v = 0; its proven bounds are [0, 2**radix)."""
    word, bits = normalised.word, normalised.bits
    if normalised.steps:
        word = b.raw("and", word, (1 << (bits + normalised.radix)) - 1)
    return Value(word.operand, bits, word.low, word.high)


def fraction(b: Builder, normalised: Normalised) -> Value:
    """The mantissa less one, in [0, 1), of a normalisation with radix 1."""
    return b.raw("and", normalised.word, (1 << normalised.bits) - 1, frac=normalised.bits)


def shifted(b: Builder, value: Value, normalised: Normalised, right: bool = False) -> Value:
    """value * 2**s, or value * 2**-s if ``right``, rounded to nearest at the finest scale that its bounds allow."""
    factor: Value | None = None
    for step, small in normalised.steps:
        sign = -1 if factor is None else 1  # a value of 2**22 at half a unit is 2**23: only its negative is a word
        ends = (sign, sign << step) if right else (sign << step, sign)
        chosen = b.raw("sel", small, *ends, frac=0)
        factor = chosen if factor is None else b.raw("mul", factor, chosen, 0)
    if factor is None:
        return value
    product = b.neg(b.mul(value, factor, value.frac - normalised.reach, "nearest"))
    return scaled(product, -normalised.reach) if right else product
