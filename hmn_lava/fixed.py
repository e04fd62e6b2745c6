"""Fixed-point formats: how many bits a signal has, where its binary point is, and what happens at the ends.

A format ``Fixed(bits, signed, frac)`` stores the integer ``n`` for the real value ``n * 2**-frac``. ``frac`` may be
negative or larger than ``bits``: only the scale moves. All integer work uses numpy's int64, which holds any product of
two 24-bit words.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Rounding = Literal["nearest", "floor", "zero"]
Integers = NDArray[np.int64]

_TEXT = re.compile(r"([su])([0-9]{1,2})\.(-?[0-9]{1,3})")


@dataclass(frozen=True)
class Fixed:
    """An integer format: ``bits`` wide, two's complement if ``signed``, ``frac`` bits behind the binary point.

    Its text form is ``s24.20`` or ``u16.15``: sign, width, fractional bits.
    """

    bits: int
    signed: bool = True
    frac: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= 48:
            raise ValueError(f"a format has 1 to 48 bits, not {self.bits}")

    @property
    def min(self) -> int:
        """Smallest integer: -2**(bits-1) if signed, else 0."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def max(self) -> int:
        """Largest integer: 2**(bits-1) - 1 if signed, else 2**bits - 1."""
        return (1 << (self.bits - 1)) - 1 if self.signed else (1 << self.bits) - 1

    @property
    def unit(self) -> float:
        """The real value of one least significant bit, 2**-frac."""
        return math.ldexp(1.0, -self.frac)

    @property
    def bytes(self) -> int:
        """Bytes of the narrowest machine integer that holds the format: 1, 2, 4 or 8."""
        return next(size for size in (1, 2, 4, 8) if self.bits <= 8 * size)

    def quantise(self, values: ArrayLike, rounding: Rounding = "nearest") -> Integers:
        """Integers of real ``values``: round(value * 2**frac), saturated to [min, max]. Ties round to even."""
        scaled = np.ldexp(np.asarray(values, dtype=np.float64), self.frac)
        rounded = (
            np.rint(scaled) if rounding == "nearest" else np.floor(scaled) if rounding == "floor" else np.trunc(scaled)
        )
        return np.asarray(np.clip(rounded, self.min, self.max), dtype=np.int64)

    def real(self, integers: ArrayLike) -> NDArray[np.float64]:
        """Real values of stored integers: n * 2**-frac."""
        return np.ldexp(np.asarray(integers, dtype=np.float64), -self.frac)

    def saturate(self, integers: ArrayLike) -> Integers:
        """Clip integers to [min, max]."""
        return np.clip(np.asarray(integers, dtype=np.int64), self.min, self.max)

    def wrap(self, integers: ArrayLike) -> Integers:
        """Keep the low ``bits`` bits, as two's complement if signed."""
        return np.asarray(wrap(np.asarray(integers, dtype=np.int64), self.bits, self.signed), dtype=np.int64)

    def holds(self, low: int, high: int) -> bool:
        """Whether every integer of [low, high] is representable."""
        return self.min <= low and high <= self.max

    def __str__(self) -> str:
        return f"{'s' if self.signed else 'u'}{self.bits}.{self.frac}"

    @classmethod
    def parse(cls, text: str) -> Fixed:
        """The format of its text form; raises ValueError for anything else."""
        found = _TEXT.fullmatch(text)
        if found is None:
            raise ValueError(f"a format reads like s24.20 or u16.15, not {text[:20]!r}")
        return cls(int(found[2]), found[1] == "s", int(found[3]))

    @classmethod
    def fitting(cls, low: float, high: float, bits: int) -> Fixed:
        """The finest format of ``bits`` bits that holds every real value of [low, high].

        Signed only if ``low`` is negative.

        The one extra negative integer of a signed format is not counted on.
        """
        signed = low < 0
        reach = max(abs(low), abs(high))
        if reach == 0.0:
            return cls(bits, signed, bits - 1)
        frac = bits - int(signed) - math.frexp(reach)[1]
        limit = (1 << (bits - int(signed))) - 1
        if round(math.ldexp(reach, frac)) > limit:
            frac -= 1
        return cls(bits, signed, frac)


def wrap(integers: Any, bits: int, signed: bool = True) -> Any:
    """The low ``bits`` bits of integers (two's complement if ``signed``); works on Python integers and int64 arrays."""
    low = integers & ((1 << bits) - 1)
    if not signed:
        return low
    sign = 1 << (bits - 1)
    return (low ^ sign) - sign
