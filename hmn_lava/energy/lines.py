"""Energy: counts times coefficients, line by line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from hmn_lava.energy.coefficients import POWERS, Coefficients
from hmn_lava.energy.ledger import Key
from hmn_lava.energy.tally import Tally
from hmn_lava.hardware_profiles.costs import Estimate


@dataclass(frozen=True)
class Range:
    """A quantity from low to high."""

    low: float
    typical: float
    high: float

    @classmethod
    def of(cls, span: Iterable[float]) -> Range:
        return cls(*(float(value) for value in span))

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.typical + other.typical, self.high + other.high)

    def times(self, factor: float) -> Range:
        """``factor`` times the range, for a factor that is not negative."""
        return Range(self.low * factor, self.typical * factor, self.high * factor)

    def holds(self, value: float) -> bool:
        """Whether the value lies in the range, both ends included."""
        return self.low <= value <= self.high

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


NOTHING = Range(0.0, 0.0, 0.0)


def total(ranges: Iterable[Range]) -> Range:
    """The sum of ranges: of low ends, of typical values and of high ends."""
    return sum(ranges, NOTHING)


@dataclass(frozen=True)
class Line:
    """One count with its coefficient: ``energy`` = ``count`` · ``coefficient``, in pJ.

    ``key`` says what is counted. ``coefficient`` is in ``unit`` (pJ for an operation; mW for a power, whose count is a
    time in ns: 1 mW · 1 ns = 1 pJ). ``times`` is the count as a range, where it is one.
    """

    key: Key
    count: float
    coefficient: Range
    unit: str
    source: str
    basis: str
    times: Range | None = None

    @property
    def energy(self) -> Range:
        """pJ."""
        c, n = self.coefficient, self.times or Range(self.count, self.count, self.count)
        return Range(c.low * n.low, c.typical * n.typical, c.high * n.high)

    def per(self, divisor: float) -> dict[str, Any]:
        """The line divided by a number of updates, steps or samples, as JSON has it."""
        share = 1.0 / divisor
        return {
            "name": self.key.term,
            "component": self.key.component,
            "part": self.key.part,
            "phase": self.key.phase,
            "operation": self.key.operation,
            "kind": self.key.kind,
            "purpose": self.key.purpose,
            "count": self.count * share,
            "coefficient": self.coefficient.as_dict(),
            "unit": self.unit,
            "energy": self.energy.times(share).as_dict(),
            "source": self.source,
            "basis": self.basis,
        }


def lines(tally: Tally, coefficients: Coefficients) -> list[Line]:
    """The lines of all counts that the chip is charged for, and of what flows anyway."""
    found = []
    for key, count in tally.counts.items():
        if key.operation not in coefficients.unused:
            found.append(_line(key, count, coefficients.entry(key.operation), None))
    time = Range.of(tally.total(tally.time))
    spiking = Range.of(tally.total(tally.spiking))
    learning = Range(*(a - b for a, b in zip(_ends(time), _ends(spiking), strict=True)))
    for operation, term in zip(POWERS, ("static", "embedded"), strict=True):
        for purpose, during in (("inference", spiking), ("learning", learning)):
            if during.high > 0:
                key = Key("", "chip", "spike" if purpose == "inference" else "learning", term, operation, "", purpose)
                chips = during.times(coefficients.chips)
                found.append(_line(key, chips.typical, coefficients.entry(operation), chips))
    return found


def _line(key: Key, count: float, entry: Estimate, times: Range | None) -> Line:
    return Line(key, count, Range.of(entry.span), entry.unit, entry.source, entry.basis, times)


def _ends(r: Range) -> tuple[float, float, float]:
    return r.low, r.typical, r.high
