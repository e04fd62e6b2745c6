"""Bounds of integers, as intervals with both ends."""

from __future__ import annotations

from hmn_lava.microcode.ranges import Interval

INT32: Interval = (-(1 << 31), (1 << 31) - 1)
INT16: Interval = (-(1 << 15), (1 << 15) - 1)


def inside(inner: Interval, outer: Interval) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def times(a: Interval, b: Interval) -> Interval:
    """Bounds of a product."""
    corners = [x * y for x in a for y in b]
    return min(corners), max(corners)


def of_bits(bits: int, signed: bool) -> Interval:
    """Bounds of an integer of ``bits`` bits."""
    return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
