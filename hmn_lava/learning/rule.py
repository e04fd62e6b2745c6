"""A learning rule with its traces, from the keywords of Lava's Loihi2FLearningRule and Loihi3FLearningRule."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any, Literal

from hmn_lava.errors import InputError
from hmn_lava.learning.parser import parse_rule
from hmn_lava.learning.records import TARGETS, TRACES, Rule

MAX_IMPULSE = 127
"""A trace has seven bits."""
MAX_EPOCH = 63
"""The time within an epoch has six bits."""

HELD_TAU = 65535.0
"""Lava's time constant of y traces that the neuron supplies."""


@dataclass(frozen=True)
class LearningRule:
    """Rules for weight, tag 2 and tag 1, with impulses and time constants of the traces and the epoch's length.

    A trace decays by ``exp(-1/tau)`` in each step and grows by ``impulse`` at each spike; ``tau`` = 0 means that it
    forgets in one step. ``factors`` is 2 where the connection computes y1..y3 from the postsynaptic spikes, 3 where the
    neuron supplies them in every step. ``rng_seed`` is Lava's seed of the rounding. Raises InputError for malformed
    text and for numbers that the hardware has no room for.
    """

    factors: Literal[2, 3] = 2
    dw: str | None = None
    dd: str | None = None
    dt: str | None = None
    x1_impulse: float = 0.0
    x1_tau: float = 0.0
    x2_impulse: float = 0.0
    x2_tau: float = 0.0
    y1_impulse: float = 0.0
    y1_tau: float = 0.0
    y2_impulse: float = 0.0
    y2_tau: float = 0.0
    y3_impulse: float = 0.0
    y3_tau: float = 0.0
    t_epoch: int = 1
    rng_seed: int | None = None
    rules: tuple[Rule, ...] = field(init=False, repr=False, compare=False)
    """The rules that are given, in the order dw, dd, dt."""

    def __post_init__(self) -> None:
        if self.factors not in (2, 3):
            raise InputError(
                "a learning rule has two or three factors", field="factors", value=self.factors, remedy="2 or 3"
            )
        texts = {target: getattr(self, target) for target in TARGETS}
        rules = tuple(parse_rule(text, target) for target, text in texts.items() if text is not None)
        if not rules:
            raise InputError("a learning rule changes something", remedy="give dw, dd or dt")
        decimations = {rule.decimation for rule in rules} - {None}
        if len(decimations) > 1:
            raise InputError("dw, dd and dt have one decimation", value=sorted(f"u{k}" for k in decimations),
                             remedy="use the same u_k in all rules")  # fmt: skip
        object.__setattr__(self, "rules", rules)
        for trace in TRACES:
            self._check(f"{trace}_impulse", MAX_IMPULSE, "an impulse goes from 0 to 127: a trace has seven bits")
            self._check(f"{trace}_tau", math.inf, "a time constant is finite and not negative")
        if (
            not isinstance(self.t_epoch, Integral)
            or isinstance(self.t_epoch, bool)
            or not 1 <= self.t_epoch <= MAX_EPOCH
        ):
            raise InputError("an epoch has 1 to 63 steps: its time has six bits", field="t_epoch", value=self.t_epoch,
                             remedy="use a shorter epoch, and u_k for products that act less often")  # fmt: skip
        if self.rng_seed is not None and (not isinstance(self.rng_seed, Integral) or self.rng_seed < 0):
            raise InputError(
                "a seed is a whole number, not negative", field="rng_seed", value=self.rng_seed, remedy="e.g. 0"
            )

    def _check(self, name: str, limit: float, problem: str) -> None:
        value = getattr(self, name)
        good = (
            isinstance(value, Real)
            and not isinstance(value, bool)
            and math.isfinite(value)
            and 0 <= float(value) <= limit
        )
        if not good:
            remedy = (
                "scale the rule so that its traces stay below 128"
                if name.endswith("impulse")
                else "give it in steps, e.g. 20"
            )
            raise InputError(problem, field=name, value=value, remedy=remedy)
        object.__setattr__(self, name, float(value))

    @property
    def decimation(self) -> int | None:
        """k of the dependency u_k, or None if no rule has it."""
        return next((rule.decimation for rule in self.rules if rule.decimation is not None), None)

    @property
    def supplied(self) -> bool:
        """Whether the neuron supplies y1..y3."""
        return self.factors == 3

    @classmethod
    def two_factor(
        cls,
        dw: str | None = None,
        dd: str | None = None,
        dt: str | None = None,
        x1_impulse: float = 0.0,
        x1_tau: float = 0.0,
        x2_impulse: float = 0.0,
        x2_tau: float = 0.0,
        y1_impulse: float = 0.0,
        y1_tau: float = 0.0,
        y2_impulse: float = 0.0,
        y2_tau: float = 0.0,
        y3_impulse: float = 0.0,
        y3_tau: float = 0.0,
        t_epoch: int = 1,
        rng_seed: int | None = None,
    ) -> LearningRule:
        """A rule whose y traces the connection computes; the keywords are those of Lava's Loihi2FLearningRule."""
        x = (x1_impulse, x1_tau, x2_impulse, x2_tau)
        y = (y1_impulse, y1_tau, y2_impulse, y2_tau, y3_impulse, y3_tau)
        return cls(2, dw, dd, dt, *x, *y, t_epoch, rng_seed)

    @classmethod
    def three_factor(
        cls,
        dw: str | None = None,
        dd: str | None = None,
        dt: str | None = None,
        x1_impulse: float = 0.0,
        x1_tau: float = 0.0,
        x2_impulse: float = 0.0,
        x2_tau: float = 0.0,
        t_epoch: int = 1,
        rng_seed: int | None = None,
    ) -> LearningRule:
        """A rule whose y traces the neuron supplies in every step.

        The keywords are those of Lava's Loihi3FLearningRule.
        """
        x = (x1_impulse, x1_tau, x2_impulse, x2_tau)
        return cls(3, dw, dd, dt, *x, *((0.0, HELD_TAU) * 3), t_epoch, rng_seed)

    @classmethod
    def of(cls, rule: Any) -> LearningRule:
        """``rule`` itself, or made of a mapping of keywords (three factors.

        ``factors=3``) or of a Lava learning rule object.
        """
        if isinstance(rule, LearningRule):
            return rule
        if isinstance(rule, Mapping):
            keywords = dict(rule)
            make = cls.three_factor if keywords.pop("factors", 2) == 3 else cls.two_factor
            try:
                return make(**keywords)
            except TypeError as error:
                raise InputError(str(error).rpartition(") ")[2] or str(error), where="rule", value=sorted(keywords),
                                 remedy="use the keywords of Lava's learning rules") from None  # fmt: skip
        kinds = {kind.__name__ for kind in type(rule).__mro__}
        if "LoihiLearningRule" not in kinds:
            raise InputError("this is no learning rule", where="rule", value=rule,
                             remedy="use LearningRule.two_factor(...) or .three_factor(...)")  # fmt: skip
        keywords = {target: getattr(rule, f"{target}_str") for target in TARGETS}
        names = [f"{trace}_{what}" for trace in TRACES for what in ("impulse", "tau")]
        keywords |= {name: getattr(rule, name) for name in (*names, "t_epoch", "rng_seed")}
        return cls(3 if "Loihi3FLearningRule" in kinds else 2, **keywords)
