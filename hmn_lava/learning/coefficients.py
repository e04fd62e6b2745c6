"""Coefficients of the chip: which ``mantissa * 2**exponent``, or sum of two, is the closest to a real number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement

import numpy as np

from hmn_lava.fixed import Integers
from hmn_lava.hardware_profiles import Profile

Coefficient = tuple[int, int]
"""(mantissa, exponent)."""


@dataclass(frozen=True)
class CoefficientRange:
    """The mantissas and exponents that a product may have, both ends included."""

    mantissa: tuple[int, int]
    exponent: tuple[int, int]

    @classmethod
    def of(cls, profile: Profile) -> CoefficientRange:
        learning = profile.learning
        (low, high), (least, most) = learning.mantissa.value, learning.exponent.value
        return cls((low, high), (least, most))

    @property
    def smallest(self) -> float:
        """The smallest positive coefficient."""
        return math.ldexp(1, self.exponent[0])

    @property
    def largest(self) -> float:
        """The largest coefficient of one product."""
        return math.ldexp(self.mantissa[1], self.exponent[1])

    def closest(self, value: float, products: int = 1) -> tuple[Coefficient, ...]:
        """The coefficients, at most ``products`` (1 or 2) of them, whose sum is nearest to ``value``; never zero.

        Of several ways to write a sum it is that with the smallest exponents: the implicit down-scaling cuts the bits
        below ``2**exponent``, and a large mantissa keeps them. All are in the normal form of Lava's parser.
        """
        sums, ways = _table(self.mantissa, self.exponent, products)
        return ways[_nearest(sums, value, self.exponent[0])]

    def closest_with_constant(self, value: float, top: int) -> tuple[Coefficient, int]:
        """A coefficient and a whole constant from 1 to ``top`` whose product is nearest to ``value``; never zero."""
        sums, ways = _constants(self.mantissa, self.exponent, top)
        return ways[_nearest(sums, value, self.exponent[0])]


def value_of(scales: tuple[Coefficient, ...]) -> float:
    """The sum of mantissa * 2**exponent."""
    return math.fsum(math.ldexp(mantissa, exponent) for mantissa, exponent in scales)


def shortest(coefficient: Coefficient, exponent: tuple[int, int]) -> Coefficient:
    """The same coefficient with the smallest mantissa, for a product of which nothing is cut."""
    mantissa, power = coefficient
    while mantissa % 2 == 0 and power < exponent[1]:
        mantissa, power = mantissa // 2, power + 1
    return mantissa, power


def _nearest(sums: Integers, value: float, exponent: int) -> int:
    """Index of the number nearest to ``value``, in units of ``2**exponent``; of two, that with its sign, or smaller."""
    scaled = math.ldexp(max(-(2.0**40), min(2.0**40, value)), -exponent)
    right = int(np.searchsorted(sums, scaled))
    near = [n for n in (right - 1, right) if 0 <= n < len(sums)]
    return min(near, key=lambda n: (abs(int(sums[n]) - scaled), (sums[n] < 0) != (scaled < 0), abs(int(sums[n]))))


@lru_cache(maxsize=8)
def _constants(
    mantissa: tuple[int, int], exponent: tuple[int, int], top: int
) -> tuple[Integers, list[tuple[Coefficient, int]]]:
    """All products of a coefficient and a constant, in units of the smallest, sorted; those with small exponents."""
    _, singles = _table(mantissa, exponent, 1)
    ways: dict[int, tuple[Coefficient, int]] = {}
    for (size, power), *_ in sorted(singles, key=lambda way: way[0][1]):
        for constant in range(1, top + 1):
            ways.setdefault(size * constant << (power - exponent[0]), ((size, power), constant))
    sums = np.array(sorted(ways), dtype=np.int64)
    return sums, [ways[int(total)] for total in sums]


@lru_cache(maxsize=8)
def _table(
    mantissa: tuple[int, int], exponent: tuple[int, int], products: int
) -> tuple[Integers, list[tuple[Coefficient, ...]]]:
    """All sums of one, or of up to two, coefficients in units of the smallest, sorted; and how to write each."""
    ways: dict[int, tuple[Coefficient, ...]] = {}
    for power in range(exponent[0], exponent[1] + 1):
        for size in range(mantissa[0], mantissa[1] + 1):
            # Lava's parser rewrites an even mantissa beyond the positive end: -8 as -4*2.
            rewritten = abs(size) > mantissa[1] and size % 2 == 0 and power < exponent[1]
            if size and not rewritten:
                ways.setdefault(size << (power - exponent[0]), ((size, power),))
    if products > 1:
        pairs: dict[int, tuple[Coefficient, ...]] = {}
        for (a, first), (b, second) in combinations_with_replacement(sorted(ways.items()), 2):
            pair = first + second
            if a + b not in ways and (a + b not in pairs or _coarseness(pair) < _coarseness(pairs[a + b])):
                pairs[a + b] = tuple(sorted(pair, key=lambda scale: -abs(math.ldexp(*scale))))
        ways |= pairs
        ways.pop(0, None)
    sums = np.array(sorted(ways), dtype=np.int64)
    return sums, [ways[int(total)] for total in sums]


def _coarseness(pair: tuple[Coefficient, ...]) -> tuple[int, ...]:
    return (max(power for _, power in pair), sum(power for _, power in pair), sum(abs(size) for size, _ in pair))
