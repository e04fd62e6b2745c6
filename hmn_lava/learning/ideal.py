"""A learning rule in real numbers: what its author means, without the integers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hmn_lava.learning.engine import Engine
from hmn_lava.learning.products import down_scaling
from hmn_lava.learning.records import (
    SPIKES,
    SYNAPTIC,
    VARIABLE_NAMES,
    X_TRACES,
    Y_TRACES,
    FloatProduct,
    FloatRule,
)
from hmn_lava.learning.rule import LearningRule

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class IdealRule:
    """Rules with real coefficients, real traces and real variables.

    ``traces``: name -> (impulse, tau in steps), those that are computed from spikes; ``supplied``: name -> the value
    that a supplied trace is held at; ``ranges``: "w", "d", "t" -> where the variable is clipped.
    """

    rules: tuple[FloatRule, ...]
    traces: Mapping[str, tuple[float, float]]
    t_epoch: int = 1
    supplied: Mapping[str, float] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    cuts: Mapping[FloatProduct, tuple[float, int]] = field(default_factory=dict)
    """(unit, bits): the product is rounded down to multiples of the unit by a shift of so many bits."""

    @classmethod
    def of(cls, rule: LearningRule, engine: Engine, supplied: Mapping[str, float], sign_mode: str) -> IdealRule:
        """A rule for the chip as it would act in levels that are real numbers, with its implicit down-scaling."""
        rules, cuts = [], {}
        for parsed in rule.rules:
            products = []
            for p in parsed:
                shift = down_scaling(p, engine)
                products.append(FloatProduct(p.dependency, p.decimation, p.coefficient * 2.0**-shift, p.factors))
                if shift:
                    cuts[products[-1]] = (2.0**p.exponent, shift)
            rules.append(FloatRule(parsed.target, tuple(products)))
        names = X_TRACES if rule.supplied else X_TRACES + Y_TRACES
        levels = {name: engine.levels(VARIABLE_NAMES[name], sign_mode) for name in SYNAPTIC}
        return cls(
            tuple(rules),
            {name: (getattr(rule, f"{name}_impulse"), getattr(rule, f"{name}_tau")) for name in names},
            int(rule.t_epoch),
            dict(supplied),
            {name: (float(level.low), float(level.high)) for name, level in levels.items()},
            cuts,
        )


def ideal_run(
    rule: IdealRule, pre: NDArray[np.bool_], post: NDArray[np.bool_], start: Mapping[str, float]
) -> dict[str, Floats]:
    """w, d and t of n synapses, each with neurons of its own, after the last step.

    ``pre``, ``post``: spikes, (steps, n). Every step the traces decay by exp(-1/tau), then a spike adds its impulse; at
    the end of an epoch all rules are applied at once, at the moments of the neurons' last spikes in it (x0, y0) or at
    its end (u_k).

    The result has also ``w.cut``, ``t.cut``, ``d.cut``: how much the rounding down of all ``cuts`` may have taken away
    on average, which is not taken away here. Of a positive product no more than itself is; a negative one loses up to a
    unit, where it is not 0.
    """
    steps, n = pre.shape
    values = {name: np.full(n, start.get(name, 0.0)) for name in SYNAPTIC}
    values |= {f"{name}.cut": np.zeros(n) for name in SYNAPTIC}
    decay = {name: math.exp(-1 / tau) if tau > 0 else 0.0 for name, (_, tau) in rule.traces.items()}
    now = {name: np.zeros(n) for name in (*X_TRACES, *Y_TRACES)}
    for name, held in rule.supplied.items():
        now[name] = np.full(n, float(held))
    at: dict[str, dict[str, Floats]] = {}
    spiked: dict[str, NDArray[np.bool_]] = {}
    for step in range(1, steps + 1):
        if (step - 1) % rule.t_epoch == 0:
            at = {"x0": dict(now), "y0": dict(now)}
            spiked = {name: np.zeros(n, np.bool_) for name in SPIKES}
        spikes = {"x0": pre[step - 1], "y0": post[step - 1]}
        for name, (impulse, _) in rule.traces.items():
            now[name] = now[name] * decay[name] + impulse * spikes["x0" if name in X_TRACES else "y0"]
        for name, arrived in spikes.items():
            spiked[name] = spiked[name] | arrived
            at[name] = {trace: np.where(arrived, now[trace], kept) for trace, kept in at[name].items()}
        if step % rule.t_epoch == 0:
            values = values | _changed(rule, values, {**at, "u": now}, spiked, step // rule.t_epoch)
    return values


def _changed(
    rule: IdealRule,
    values: Mapping[str, Floats],
    at: Mapping[str, Mapping[str, Floats]],
    spiked: Mapping[str, NDArray[np.bool_]],
    epoch: int,
) -> dict[str, Floats]:
    """The variables after the rules have been applied once."""
    changed: dict[str, Floats] = {}
    for one in rule.rules:
        name = one.target[1]
        total, cut = values[name].copy(), values[f"{name}.cut"].copy()
        for product in one:
            if product.dependency == "u":
                term = np.full(total.shape, float(epoch % (1 << (product.decimation or 0)) == 0))
            else:
                term = spiked[product.dependency].astype(np.float64)
            term *= product.coefficient
            for factor in product.factors:
                known: NDArray[np.generic]
                if factor.variable in SYNAPTIC:
                    known = values[factor.variable]
                elif factor.variable in SPIKES:
                    known = spiked[factor.variable]
                else:
                    known = at[product.dependency][factor.variable]
                shifted = known + np.float64(factor.constant)
                term = term * (np.sign(shifted) if factor.sign else shifted)
            total += term
            if product in rule.cuts:
                unit, bits = rule.cuts[product]
                # An integer is not 0 with a probability of at most its mean magnitude.
                cut += np.where(term > 0, np.minimum(unit, term), np.minimum(unit, -term * 2.0**bits))
        low, high = rule.ranges.get(name, (-math.inf, math.inf))
        changed |= {name: np.clip(total, low, high), f"{name}.cut": cut}
    return changed
