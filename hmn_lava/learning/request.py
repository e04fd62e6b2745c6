"""What the author of a learning rule asks for, in real numbers; checked, and nothing compiled yet."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, Literal

from hmn_lava.errors import InputError
from hmn_lava.learning.engine import SignMode
from hmn_lava.learning.ideal import IdealRule
from hmn_lava.learning.parser import parse_float_rule
from hmn_lava.learning.reading import Problems
from hmn_lava.learning.records import (
    SYNAPTIC,
    TARGETS,
    TRACES,
    Y_TRACES,
    Factor,
    FloatProduct,
    FloatRule,
    Target,
)
from hmn_lava.learning.rule import LearningRule

Span = tuple[float, float]
_LARGEST = 1e30  # far from where products of floats overflow
_TARGET: dict[str, Target] = {target[1]: target for target in TARGETS}


@dataclass(frozen=True)
class RuleRequest:
    """A rule in the float form with all that it needs to mean something.

    ``traces``: name -> (impulse, tau in steps); ``supplied``: y trace -> (lowest, highest value that the neuron
    supplies); ``weights`` and ``tags``: the range of w, and of t and d where it was given.
    """

    rules: tuple[FloatRule, ...]
    traces: Mapping[str, Span]
    supplied: Mapping[str, Span]
    weights: Span
    tags: Mapping[str, Span] = field(default_factory=dict)
    t_epoch: int = 1
    factors: Literal[2, 3] = 2

    @property
    def decimation(self) -> int | None:
        return next((rule.decimation for rule in self.rules if rule.decimation is not None), None)

    @property
    def variables(self) -> frozenset[str]:
        """All that the rules read or change."""
        return frozenset().union(*(rule.variables for rule in self.rules), (rule.target[1] for rule in self.rules))

    @property
    def sign_mode(self) -> SignMode:
        return sign_mode_of(self.weights)

    def ideal(self) -> IdealRule:
        """The rule as it should act, clipped where its variables end; supplied traces are held at their highest."""
        held = {name: high for name, (_, high) in self.supplied.items()}
        return IdealRule(self.rules, self.traces, self.t_epoch, held, {"w": self.weights, **self.tags})


def sign_mode_of(weights: Span) -> SignMode:
    """The sign mode of weights in a range: excitatory from 0 on, inhibitory up to 0, else mixed."""
    low, high = weights
    return "excitatory" if low >= 0 else "inhibitory" if high <= 0 else "mixed"


def is_leak(product: FloatProduct, target: str) -> bool:
    """Whether a product lets its own variable decay: ``-c*u_k*z`` in dz, with 0 < c < 1."""
    alone = product.factors == (Factor(target[1]),)
    return product.dependency == "u" and alone and 0 < -product.coefficient < 1


def leak_tau(coefficient: float, period: float) -> float:
    """The time constant in steps of a leak ``-coefficient`` every ``period`` steps: -period / ln(1 - coefficient)."""
    if coefficient >= 1:
        return 0.0
    return -period / math.log1p(-coefficient) if coefficient > 0 else math.inf


def leak_coefficient(tau: float, period: float) -> float:
    """1 - exp(-period/tau): what is taken away every ``period`` steps."""
    return -math.expm1(-period / tau)


_EXAMPLES = {"traces": "'x1': (1.0, 20.0)", "supplied": "'y2': (-1.0, 1.0)", "leaks": "'t': 100.0"}


def read_request(
    dw: str | None = None,
    dt: str | None = None,
    dd: str | None = None,
    *,
    traces: Mapping[str, Sequence[float]] | None = None,
    supplied: Mapping[str, Sequence[float]] | None = None,
    weights: Sequence[float] = (-1.0, 1.0),
    tag_1: Sequence[float] | None = None,
    tag_2: Sequence[float] | None = None,
    leaks: Mapping[str, float] | None = None,
    t_epoch: int = 1,
    factors: int = 2,
) -> RuleRequest:
    """The checked request; see :func:`hmn_lava.learning.fit.fit_rule`. All that is wrong is one InputError."""
    problems = Problems()
    for key, named in (("traces", traces), ("supplied", supplied), ("leaks", leaks)):
        if named is not None and not isinstance(named, Mapping):
            remedy = f"give a dictionary, e.g. {key}={{{_EXAMPLES[key]}}}"
            raise InputError("not a dictionary", field=key, value=named, remedy=remedy)
    problems.read(LearningRule.of, {"factors": factors, "dw": "x0", "t_epoch": t_epoch})
    if factors not in (2, 3):
        problems.read(LearningRule, factors, "x0")
    texts: dict[Target, str | None] = {"dw": dw, "dd": dd, "dt": dt}
    parsed = [problems.read(_float_rule, text, target) for target, text in texts.items() if text is not None]
    rules = [rule for rule in parsed if rule is not None]
    span = problems.read(read_span, "weights", weights)
    tags = {
        name: problems.read(read_span, key, given)
        for name, key, given in (("t", "tag_1", tag_1), ("d", "tag_2", tag_2))
        if given is not None
    }
    known = {name: problems.read(_trace, name, pair, factors) for name, pair in (traces or {}).items()}
    held = {name: problems.read(_supply, name, pair, factors) for name, pair in (supplied or {}).items()}
    taus = {name: problems.read(_leak, name, tau) for name, tau in (leaks or {}).items()}
    used = sorted(frozenset().union(*(rule.variables for rule in rules)) & set(TRACES))
    for name in used:
        if factors == 3 and name in Y_TRACES:
            held.setdefault(name, (0.0, 1.0))
        elif name not in known:
            problems.read(_missing, name)
    if not parsed and not taus:
        problems.read(_nothing)
    decimations = {rule.decimation for rule in rules} - {None}
    if len(decimations) > 1:
        problems.read(_decimations, sorted(f"u{k}" for k in decimations))
    problems.settle()
    return RuleRequest(
        _with_leaks(rules, {n: float(tau) for n, tau in taus.items() if tau is not None}, int(t_epoch)),
        {name: pair for name, pair in known.items() if pair is not None and name in used},
        {name: pair for name, pair in held.items() if pair is not None and name in used},
        span or (-1.0, 1.0),
        {name: pair for name, pair in tags.items() if pair is not None},
        int(t_epoch),
        3 if factors == 3 else 2,
    )


def _with_leaks(rules: Sequence[FloatRule], taus: Mapping[str, float], t_epoch: int) -> tuple[FloatRule, ...]:
    """The rules with a product ``-(1 - exp(-period/tau))*u_k*z`` for each leak, and like terms added up."""
    decimation = next((rule.decimation for rule in rules if rule.decimation is not None), 0)
    terms: dict[Target, list[FloatProduct]] = {rule.target: list(rule) for rule in rules}
    for name, tau in taus.items():
        size = leak_coefficient(tau, t_epoch * 2**decimation)
        terms.setdefault(_TARGET[name], []).append(FloatProduct("u", decimation, -size, (Factor(name),)))
    found = []
    for target in TARGETS:
        if target in terms:
            sums: dict[tuple[Any, ...], float] = {}
            for product in terms[target]:
                like = (product.dependency, product.decimation, product.factors)
                sums[like] = sums.get(like, 0.0) + product.coefficient
            found.append(FloatRule(target, tuple(FloatProduct(d, k, c, f) for (d, k, f), c in sums.items())))
    return tuple(found)


def read_pair(name: str, pair: Any, shape: str) -> Span:
    """Two finite numbers; raises InputError with ``shape``, which says what they are."""
    if isinstance(pair, (str, bytes)) or not isinstance(pair, Sequence) or len(pair) != 2:
        raise InputError(f"two numbers are expected, {shape}", field=name, value=pair, remedy="write both")
    for value in pair:
        if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
            raise InputError(f"{shape} are finite numbers", field=name, value=value, remedy="write numbers like 1.0,20")
        _size(name, float(value))
    return float(pair[0]), float(pair[1])


def _size(name: str, value: float) -> None:
    if value and not 1 / _LARGEST <= abs(value) <= _LARGEST:
        raise InputError(
            f"a number goes from {1 / _LARGEST:g} to {_LARGEST:g} in magnitude",
            field=name,
            value=value,
            remedy="choose units in which the numbers are nearer to 1",
        )


def _float_rule(text: str, target: Target) -> FloatRule:
    rule = parse_float_rule(text, target)
    for product in rule:
        _size(f"{target}: coefficient", product.coefficient)
    return rule


def read_span(name: str, pair: Any) -> Span:
    """A range: two numbers, of which the first is lower; raises InputError."""
    low, high = read_pair(name, pair, "the lowest and the highest value")
    if low >= high:
        raise InputError("the lowest value is below the highest", field=name, value=(low, high), remedy="e.g. -1,1")
    return low, high


def _trace(name: str, pair: Any, factors: int) -> Span:
    if name not in TRACES:
        raise InputError("this trace is not known", field=name, remedy=f"the traces are {', '.join(TRACES)}")
    if factors == 3 and name in Y_TRACES:
        raise InputError(
            "the neuron supplies this trace, with three factors",
            field=name,
            remedy="give its range, as supplied={'y1': (0, 1)}, or use two factors",
        )
    impulse, tau = read_pair(name, pair, "an impulse and a time constant in steps")
    if impulse <= 0:
        raise InputError(
            "an impulse is positive", field=name, value=impulse, remedy="put its sign into the rule's coefficient"
        )
    if tau < 0:
        raise InputError(
            "a time constant is finite and not negative", field=name, value=tau, remedy="give it in steps, e.g. 20"
        )
    return impulse, tau


def _supply(name: str, pair: Any, factors: int) -> Span:
    if name not in Y_TRACES:
        raise InputError("only y traces are supplied", field=name, remedy=f"one of {', '.join(Y_TRACES)}")
    if factors != 3:
        raise InputError(
            "a rule of two factors computes its y traces itself",
            field=name,
            remedy="use three factors, or give an impulse and a time constant",
        )
    low, high = read_span(name, pair)
    return min(low, 0.0), max(high, 0.0)


def _leak(name: str, tau: Any) -> float:
    if name not in SYNAPTIC:
        raise InputError("w, d and t leak", field="leaks", value=name, remedy="use one of them, e.g. t=50")
    if isinstance(tau, bool) or not isinstance(tau, Real) or not (0 < float(tau) < math.inf):
        raise InputError(
            "a time constant is finite and positive",
            field=f"leaks.{name}",
            value=tau,
            remedy="give it in steps, e.g. 50",
        )
    _size(f"leaks.{name}", float(tau))
    return float(tau)


def _missing(name: str) -> None:
    raise InputError(
        "the rule reads this trace, but its impulse and time constant are not given",
        field=name,
        remedy=f"give both, e.g. 1.0,20 (--{name} 1.0,20; traces={{'{name}': (1.0, 20)}})",
    )


def _nothing() -> None:
    raise InputError("a learning rule changes something", remedy="give dw, dd or dt")


def _decimations(found: list[str]) -> None:
    raise InputError("dw, dd and dt have one decimation", value=found, remedy="use the same u_k in all rules")
