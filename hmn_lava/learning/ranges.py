"""How large and how small the products of a rule can get, in levels of the variable that they change."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hmn_lava.fixed import Integers
from hmn_lava.learning.engine import Engine
from hmn_lava.learning.products import down_scaling
from hmn_lava.learning.records import SPIKES, SYNAPTIC, TRACES, VARIABLE_NAMES, Factor, Product
from hmn_lava.learning.rounding import decay_factor
from hmn_lava.learning.rule import LearningRule

Domains = Mapping[str, tuple[int, int]]
"""Lowest and highest value of each variable."""

REGISTER_BITS = 32
"""Width of the register that a product is computed in; beyond it wraps."""


@dataclass(frozen=True)
class ProductRange:
    """What one product can add to its variable each time it acts, in levels.

    ``low`` and ``high`` are its ends before the accumulator saturates, ``smallest`` the smallest magnitude that is not
    zero (0: it never changes anything), ``register`` the largest magnitude before the implicit down-scaling.
    """

    low: float
    high: float
    smallest: float
    register: int

    @property
    def largest(self) -> float:
        return max(-self.low, self.high)

    @property
    def wraps(self) -> bool:
        return self.register >= 1 << (REGISTER_BITS - 1)


def trace_high(impulse: float, tau: float, engine: Engine) -> int:
    """The highest value that a trace reaches with a spike in every step, whatever the rounding draws."""
    if impulse == 0:
        return 0
    factor = decay_factor(tau, engine.decay)
    value, top = 0, engine.trace_high
    while value < top:
        following = min(top, math.ceil(value * factor) + math.ceil(impulse))
        if following <= value:
            break
        value = following
    return value


def domains(
    rule: LearningRule,
    engine: Engine,
    sign_mode: str = "mixed",
    supplied: Mapping[str, tuple[int, int]] | None = None,
    impulses: bool = True,
) -> dict[str, tuple[int, int]]:
    """The values that each variable can have. ``impulses=False``: every trace may reach its top, whatever its impulse.

    ``supplied``: the ranges of supplied y traces, where they are narrower than the engine's.
    """
    found = dict.fromkeys(SPIKES, (0, 1))
    for trace in TRACES:
        if rule.supplied and trace[0] == "y":
            low, high = engine.y_range or (-engine.trace_high - 1, engine.trace_high)
            asked = (supplied or {}).get(trace, (low, high))
            found[trace] = (max(low, min(high, asked[0])), min(high, max(low, asked[1])))
        elif impulses:
            impulse, tau = getattr(rule, f"{trace}_impulse"), getattr(rule, f"{trace}_tau")
            found[trace] = (0, trace_high(impulse, tau, engine))
        else:
            found[trace] = (0, engine.trace_high)
    for name in SYNAPTIC:
        levels = engine.levels(VARIABLE_NAMES[name], sign_mode)
        found[name] = (levels.low, levels.high)
    return found


def factor_values(factor: Factor, values: Integers, engine: Engine) -> Integers:
    """A factor for given values of its variable: plus its constant, its sign, saturated to its width."""
    width = engine.widths[factor.variable]
    shifted = values + int(factor.constant)
    return np.clip(np.sign(shifted) if factor.sign else shifted, -(1 << width), (1 << width) - 1)


def product_range(product: Product, known: Domains, engine: Engine) -> ProductRange:
    """The exact ends of a product over all values of its variables, each of which may have any value on its own."""
    low, high, smallest = 1, 1, 1
    for variable in dict.fromkeys(factor.variable for factor in product.factors):
        least, most = (1, 1) if variable == product.dependency else known[variable]
        values = np.arange(least, most + 1)
        together = np.ones(values.shape, dtype=object)  # Python's integers: factors of one variable multiply up
        for factor in product.factors:
            if factor.variable == variable:
                together = together * factor_values(factor, values, engine)
        ends = [int(a) * b for a in (together.min(), together.max()) for b in (low, high)]
        low, high = min(ends), max(ends)
        smallest *= min((abs(int(value)) for value in together if value), default=0)
    ends = [product.mantissa * low, product.mantissa * high]
    shift = down_scaling(product, engine)
    low, high = min(ends) >> shift, max(ends) >> shift
    least_change = max((abs(product.mantissa) * smallest) >> shift, 1) if low or high else 0
    unit = 2.0**product.exponent
    return ProductRange(low * unit, high * unit, least_change * unit, max(map(abs, ends)))
