"""Arithmetic at the ends of a word, exactly."""

from __future__ import annotations

from hmn_lava.microcode.builder import Builder, Value
from hmn_lava.microcode.ir import WORD


def saturating_sum(b: Builder, terms: list[Value], limit: int) -> Value:
    """clip(Σ terms, ±limit), exactly, though the sum needs more bits than a word.

    Upper and lower halves are added apart.
    """
    frac, half = terms[0].frac, WORD // 2
    mask = (1 << half) - 1
    high, low = b.raw("shr", terms[0], half), b.raw("and", terms[0], mask)
    for term in terms[1:]:
        high = b.raw("add", high, b.raw("shr", term, half))
        low = b.raw("add", low, b.raw("and", term, mask))
    high = b.raw("add", high, b.raw("shr", low, half))
    low = b.raw("and", low, mask)
    top = (1 << (half - 1)) - 1
    low = b.raw("sel", b.raw("lt", top, high, frac=0), mask, low, frac=frac)
    low = b.raw("sel", b.raw("lt", high, -top - 1, frac=0), 0, low, frac=frac)
    total = b.raw("add", b.raw("shl", b.clip(high, -top - 1, top), half), low)
    # A word reaches one unit further down than up; the limit is symmetric.
    return b.raw("add", total, b.raw("eq", total, -limit - 1, frac=frac), wraps=True)
