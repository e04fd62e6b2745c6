"""A learning rule from text and keywords, with everything that is wrong in it told at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from hmn_lava.errors import InputError
from hmn_lava.learning.records import TARGETS
from hmn_lava.learning.rule import LearningRule

T = TypeVar("T")

_REAL = re.compile(r"\d*\.\d|\d\.|(?<![A-Za-z0-9_])\d+[eE][+-]?\d|/")


class Problems:
    """Collects the errors of several independent readings."""

    def __init__(self) -> None:
        self.found: list[InputError] = []

    def read(self, reading: Callable[..., T], *arguments: Any) -> T | None:
        """What ``reading(*arguments)`` returns, or None if it raises InputError, which is kept."""
        try:
            return reading(*arguments)
        except InputError as error:
            self.found.append(error)
            return None

    def settle(self) -> None:
        """Raise what was found: the error itself, or one that lists them all."""
        if len(self.found) == 1:
            raise self.found[0]
        if self.found:
            listed = "".join(f"\n  {line}" for error in self.found for line in str(error).splitlines())
            raise InputError(f"{len(self.found)} problems in the learning rule:{listed}", remedy="correct each of them")


def split_rule(text: str) -> dict[str, str]:
    """The rules in a text like ``dw = 2^-2*x1*y0, dt = -u0*t``: target -> right-hand side, not parsed yet.

    Raises InputError for a part that is no assignment, an unknown target, and a target that is given twice.
    """
    found: dict[str, str] = {}
    problems = Problems()
    shape = "write it like 'dw = 2^-2*x1*y0, dt = -2^-3*u0*t'"
    if not text.strip():
        raise InputError("the learning rule is empty", field="RULE", value=text, remedy=shape)

    def read(part: str) -> None:
        name, equals, right = part.partition("=")
        target = name.strip()
        if not equals:
            raise InputError("this part assigns nothing", field="RULE", value=part.strip(), remedy=shape)
        if target not in TARGETS:
            raise InputError(
                "a rule changes dw, dd or dt",
                field="RULE",
                value=target,
                remedy="dw for the weight, dd for tag 2, dt for tag 1",
            )
        if "=" in right:
            raise InputError(
                "a rule has one =", where=target, value=part.strip(), remedy="put commas between rules; " + shape
            )
        if target in found:
            raise InputError(
                "this rule is given twice",
                field=target,
                value=right.strip(),
                remedy="write one rule for each variable: a sum of all its products",
            )
        found[target] = right.strip()

    for part in text.split(","):
        problems.read(read, part)
    problems.settle()
    return found


def is_real(texts: Mapping[str, str]) -> bool:
    """Whether rules are in the float form: one has a decimal point, a power of ten, or a division."""
    return any(_REAL.search(text) for text in texts.values())


def read_rule(factors: Any = 2, **keywords: Any) -> LearningRule:
    """The learning rule of Lava's keywords, as :class:`LearningRule` makes it; but all that is wrong is one error.

    Raises InputError.
    """
    make = LearningRule.three_factor if factors == 3 else LearningRule.two_factor
    given = {name: value for name, value in keywords.items() if value is not None}
    problems = Problems()
    if factors not in (2, 3):
        problems.read(LearningRule, factors, "x0")
    for name, value in given.items():
        alone = {name: value} if name in TARGETS else {"dw": "x0", name: value}
        problems.read(LearningRule.of, {"factors": factors, **alone})
    problems.settle()
    return make(**given)
