"""Meta-parameters: the constants of a rule that an outer loop moves, and the room that is left for them.

A spec's ``meta_learning`` names them and bounds them. Programs and formats are made for the :func:`widest` rule, so
that every value inside the bounds is a matter of constants, and of coefficients of the learning engine's products.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from hmn_lava.errors import InputError
from hmn_lava.reference.meta import tuned
from hmn_lava.spec.model import Model, Rule
from hmn_lava.spec.parameters import PLACES, with_parameters
from hmn_lava.spec.records import Spec

SPANS: Mapping[str, float] = {"eta_local": 16.0, "eta_global": 16.0}
"""By how much a parameter without bounds may be multiplied or divided; others by 2."""

GATE_SPAN = 4.0
"""Largest high/low of beta_gate: a program that saturates the sigmoid at the one cuts it short at the other."""

FINEST = 2.0**-8
"""Share of the largest rates down to which the learning engine's third factor is rescaled to use its levels."""


def value_of(rule: Rule, name: str) -> float | None:
    """A meta-parameter of a rule; None where its subsystem is off."""
    if name == "beta_attention":
        return None if rule.attention is None else rule.attention.beta
    if name == "beta_gate":
        return None if rule.gate is None else rule.gate.beta
    return cast("float | None", getattr(rule, name))


def bounds_of(model: Model) -> dict[str, tuple[float, float]]:
    """[low, high] of each meta-parameter of the spec's ``meta_learning``, for all rules; none without it.

    Without bounds in the spec, a parameter has those of its :data:`SPANS`. Raises InputError where a rule's own value
    is outside, where beta_gate may vary by more than :data:`GATE_SPAN`, and where tau_fast could pass tau_slow.
    """
    meta = model.meta_learning
    found: dict[str, tuple[float, float]] = {}
    for name in () if meta is None else meta.parameters:
        values = [v for rule in rules_of(model).values() if (v := value_of(rule, name)) is not None]
        if meta is None or not values:
            continue
        span, field = SPANS.get(name, 2.0), f"meta_learning.bounds.{name}"
        low, high = meta.bounds.get(name, (min(values) / span, max(values) * span))
        if not low <= min(values) <= max(values) <= high:
            raise InputError("the spec's own value is outside", field=field, value=values, remedy="widen the bounds")
        if name == "beta_gate" and high > GATE_SPAN * low:
            remedy = f"let high be at most {GATE_SPAN:g} times low"
            raise InputError("too wide for one program", field=field, value=[low, high], remedy=remedy)
        found[name] = (low, high)
    for rule in rules_of(model).values() if found else ():
        most = found.get("tau_fast", (0.0, rule.tau_fast))[1]
        least = rule.tau_slow if rule.tau_slow is None else found.get("tau_slow", (rule.tau_slow, 0.0))[0]
        if least is not None and most >= least:
            remedy = "give bounds that keep tau_fast below tau_slow"
            raise InputError("tau_fast could pass tau_slow", field="meta_learning.bounds", value=most, remedy=remedy)
    return found


def rules_of(model: Model) -> dict[str, Rule]:
    """The rules that learn, by connection."""
    return {name: c.rule for name, c in model.connections.items() if c.rule is not None and c.rule.learning}


def widest(model: Model) -> Model:
    """The model with every meta-parameter at its upper bound: what formats and programs are made for.

    It keeps the bounds, also those that followed from the spec's own values.
    """
    bounds, meta = bounds_of(model), model.meta_learning
    wide = _with_values(model, {name: high for name, (_, high) in bounds.items()})
    return wide if meta is None else replace(wide, meta_learning=meta.model_copy(update={"bounds": bounds}))


def finest(model: Model, rule: Rule) -> Rule:
    """The rule with its learning rates at their lower bounds, but not below :data:`FINEST` of the upper ones."""
    bounds = {n: b for n, b in bounds_of(model).items() if n.startswith("eta")}
    return tuned(rule, **{name: max(low, FINEST * high) for name, (low, high) in bounds.items()})


def model_with(model: Model, values: Mapping[str, float]) -> Model:
    """The model with these meta-parameters in every rule that has them. Raises InputError for one that no rule has."""
    for name in values:
        if name not in PLACES or all(value_of(rule, name) is None for rule in rules_of(model).values()):
            remedy = f"one of: {', '.join(PLACES)}, of a subsystem that is on"
            raise InputError("no rule has this parameter", field="parameters", value=name, remedy=remedy)
    return _with_values(model, values)


def spec_with(spec: Spec, values: Mapping[str, float], bounds: Mapping[str, tuple[float, float]]) -> Spec:
    """The spec with these meta-parameters in every connection that has them, and with these bounds."""
    meta = spec.meta_learning
    if meta is not None:
        meta = meta.model_copy(update={"bounds": dict(bounds)})
    return with_parameters(spec, values).model_copy(update={"meta_learning": meta})


def _with_values(model: Model, values: Mapping[str, float]) -> Model:
    connections = dict(model.connections)
    for name, rule in rules_of(model).items():
        connections[name] = replace(connections[name], rule=tuned(rule, **_within(rule, values)))
    return replace(model, connections=connections)


def _within(rule: Rule, values: Mapping[str, float]) -> dict[str, float]:
    """Of these values, those of parameters that the rule has."""
    return {name: float(value) for name, value in values.items() if value_of(rule, name) is not None}
