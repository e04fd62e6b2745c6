"""What a sweep varies: values of a grid, random draws from a range, and seeds."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hmn_lava.errors import InputError
from hmn_lava.spec.initialise import generator
from hmn_lava.yaml_text import parse_yaml

MAX_ROWS = 100_000
"""Rows of one sweep."""


@dataclass(frozen=True)
class Grid:
    """A field of the spec, and the values that it takes in turn."""

    field: str
    values: tuple[Any, ...]

    @classmethod
    def parse(cls, text: str) -> Grid:
        """Read ``FIELD=V1,V2,...``; each value as in YAML. Raises InputError."""
        field, values = _split(text, "--grid", "connections.readout.rates.global=0.1,0.3,1")
        found = parse_yaml(f"[{values}]", f"--grid {field}")
        if not isinstance(found, list) or not found:
            raise InputError("has no values", field=f"--grid {field}", remedy="write FIELD=V1,V2,...")
        return cls(field, tuple(found))

    def __post_init__(self) -> None:
        for number, value in enumerate(self.values):
            if any(type(value) is type(other) and value == other for other in self.values[:number]):
                raise InputError("is given twice", field=self.field, value=value, remedy="give each value once")


@dataclass(frozen=True)
class Random:
    """A field of the spec, drawn evenly from [low, high], or evenly in its logarithm; ``whole``: whole numbers."""

    field: str
    low: float
    high: float
    log: bool = False
    whole: bool = False

    @classmethod
    def parse(cls, text: str) -> Random:
        """Read ``FIELD=LOW:HIGH[:log][:int]``. Raises InputError."""
        field, scope = _split(text, "--random", "connections.readout.rates.global=0.01:10:log")
        low, *rest = scope.split(":")
        kinds = rest[1:]
        if not rest or sorted(kinds) not in ([], ["int"], ["log"], ["int", "log"]):
            remedy = "write FIELD=LOW:HIGH, and :log or :int behind it if wanted"
            raise InputError("is not a range", field=f"--random {field}", value=scope, remedy=remedy)
        first, last = (parse_yaml(end, f"--random {field}", "write FIELD=LOW:HIGH") for end in (low, rest[0]))
        return cls(field, first, last, log="log" in kinds, whole="int" in kinds)

    def __post_init__(self) -> None:
        for name, end in (("LOW", self.low), ("HIGH", self.high)):
            if isinstance(end, bool) or not isinstance(end, (int, float)) or not math.isfinite(end):
                raise InputError(f"{name} is not a number", field=self.field, value=end, remedy="write LOW:HIGH")
            if self.whole and end != int(end):
                remedy = "write whole numbers, or leave :int out"
                raise InputError(f"{name} is not whole", field=self.field, value=end, remedy=remedy)
        if self.low >= self.high:
            raise InputError("LOW is not below HIGH", field=self.field, value=self.low, remedy="write LOW:HIGH")
        if self.log and self.low <= 0:
            remedy = "start above 0, or leave :log out"
            raise InputError("a logarithm needs LOW > 0", field=self.field, value=self.low, remedy=remedy)

    @property
    def ends(self) -> tuple[float, float]:
        """The range, in the type of the draws."""
        return (int(self.low), int(self.high)) if self.whole else (float(self.low), float(self.high))

    def draw(self, samples: int) -> list[float]:
        """Draw ``samples`` values from a stream named by the field: more samples begin with those of fewer."""
        low, high = self.ends
        top = high + 1 if self.whole else high
        first, last = (math.log(low), math.log(top)) if self.log else (low, top)
        scaled = [first + (last - first) * u for u in generator(0, f"sweep.{self.field}").random(samples).tolist()]
        values = [math.exp(value) for value in scaled] if self.log else scaled
        return [min(max(math.floor(v) if self.whole else v, low), high) for v in values]


@dataclass(frozen=True)
class Setting:
    """One row before it is run: the values of the swept fields, and the seed."""

    values: dict[str, Any]
    seed: int


def expand(grid: Sequence[Grid], random: Sequence[Random], samples: int | None, seeds: int) -> list[Setting]:
    """Every point of the grid with every sample of the random fields with every seed; the first varies most slowly.

    Raises InputError for fields that meet twice, samples without a random field or the other way round, and for more
    than MAX_ROWS rows.
    """
    _check_fields([*(axis.field for axis in grid), *(axis.field for axis in random)])
    if bool(random) != (samples is not None):
        remedy = "give --samples N" if random else "give --random FIELD=LOW:HIGH too, or leave --samples out"
        raise InputError("--random and --samples go together", field="samples", value=samples, remedy=remedy)
    for name, number in (("samples", 1 if samples is None else samples), ("seeds", seeds)):
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise InputError("must be a whole number from 1", field=name, value=number, remedy="use 1 or more")
    rows = math.prod([*(len(axis.values) for axis in grid), samples or 1, seeds])
    if rows > MAX_ROWS:
        remedy = f"use fewer values, samples or seeds: at most {MAX_ROWS} rows"
        raise InputError("too many rows", field="rows", value=rows, remedy=remedy)
    points = [dict(zip([axis.field for axis in grid], point, strict=True)) for point in _product(grid)]
    draws = list(zip(*(axis.draw(samples or 1) for axis in random), strict=True)) or [()]
    drawn = [dict(zip([axis.field for axis in random], draw, strict=True)) for draw in draws]
    return [Setting({**point, **draw}, seed) for point in points for draw in drawn for seed in range(seeds)]


def _product(grid: Sequence[Grid]) -> itertools.product[tuple[Any, ...]]:
    return itertools.product(*(axis.values for axis in grid))


def _check_fields(fields: list[str]) -> None:
    for number, field in enumerate(fields):
        for other in fields[:number]:
            if field == other:
                raise InputError("is swept twice", field=field, remedy="give all its values in one option")
            if f"{field}.".startswith(f"{other}.") or f"{other}.".startswith(f"{field}."):
                remedy = "sweep the one or the other"
                raise InputError(f"overlaps with {other}, which is swept too", field=field, remedy=remedy)


def _split(text: str, option: str, example: str) -> tuple[str, str]:
    field, equals, values = text.partition("=")
    if not equals or not field.strip() or not values.strip():
        raise InputError("is not FIELD=VALUES", field=option, value=text, remedy=f"write, for example, {example}")
    return field.strip(), values.strip()
