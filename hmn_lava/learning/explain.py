"""A learning rule for the chip, spelled out: when each product acts, its bits, its range, and how variables move."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from hmn_lava.hardware_profiles import Profile, load_profile
from hmn_lava.learning.engine import Engine
from hmn_lava.learning.products import down_scaling
from hmn_lava.learning.ranges import domains, product_range
from hmn_lava.learning.records import SPIKES, VARIABLE_NAMES, Product, Target, scale_text
from hmn_lava.learning.rule import LearningRule
from hmn_lava.learning.simulate import DEFAULT_PROFILE


@dataclass(frozen=True)
class ProductExplanation:
    """One product: ``mantissa * 2**exponent * 2**-down_scaling`` times its factors, in levels of its variable.

    ``widths``: (factor, bits); ``width``: their sum. ``effective``: the coefficient after the implicit down-scaling.
    ``low`` and ``high``: what it adds at most each time it acts, ``smallest``: the smallest change that is not 0, all
    in levels. ``cut``: the down-scaling rounds down to multiples of this many levels (0: nothing is cut). ``moves``:
    the probability that the smallest change moves the variable by a step. ``real``: the effective coefficient in real
    units, where they are known.
    """

    target: Target
    product: str
    acts: str
    mantissa: int
    exponent: int
    widths: tuple[tuple[str, int], ...]
    width: int
    down_scaling: int
    effective: float
    low: float
    high: float
    smallest: float
    cut: float
    moves: float
    real: float | None = None


@dataclass(frozen=True)
class VariableExplanation:
    """How a variable moves: in multiples of ``step`` levels from ``low`` to ``high``, rounded stochastically.

    A change of c levels is a change of the two multiples next to it, so that its mean is c; its standard deviation is
    ``step * sqrt(f*(1 - f))`` with f = c/step mod 1. ``noise`` is the largest that a change of this rule can have, and
    n updates add up to ``noise * sqrt(n)``. ``largest``: the largest change in one epoch. ``unit``: real units in a
    level, where they are known.
    """

    target: Target
    variable: str
    low: int
    high: int
    step: int
    largest: float
    smallest: float
    moves: float
    noise: float
    unit: float | None = None


@dataclass(frozen=True)
class Explanation:
    """All products and variables of a rule."""

    products: tuple[ProductExplanation, ...]
    variables: tuple[VariableExplanation, ...]


def explain_rule(
    rule: LearningRule,
    profile: str | Profile = DEFAULT_PROFILE,
    *,
    sign_mode: str = "mixed",
    supplied: Mapping[str, tuple[int, int]] | None = None,
    units: Mapping[str, float] | None = None,
) -> Explanation:
    """Spell a rule out, in levels and, with ``units`` (variable -> real units in a level), in real units too."""
    chip = profile if isinstance(profile, Profile) else load_profile(profile)
    engine = Engine.of(chip)
    known = domains(rule, engine, sign_mode, supplied)
    products: list[ProductExplanation] = []
    variables: list[VariableExplanation] = []
    for one in rule.rules:
        name = one.target[1]
        levels = engine.levels(VARIABLE_NAMES[name], sign_mode)
        mine: list[ProductExplanation] = []
        for product in one:
            shift = down_scaling(product, engine)
            span = product_range(product, known, engine)
            widths = tuple((str(factor), engine.widths[factor.variable]) for factor in product.factors)
            effective = product.coefficient * 2.0**-shift
            mine.append(
                ProductExplanation(
                    one.target,
                    str(product),
                    _acts(product, rule),
                    product.mantissa,
                    product.exponent,
                    widths,
                    sum(width for _, width in widths),
                    shift,
                    effective,
                    span.low,
                    span.high,
                    span.smallest,
                    2.0**product.exponent if shift else 0.0,
                    min(1.0, span.smallest / levels.step),
                    _real(product, name, effective, units),
                )
            )
        low = sum(min(0.0, p.low) for p in mine)
        high = sum(max(0.0, p.high) for p in mine)
        largest = max(-low, high) + 0.0  # not -0
        smallest = min((p.smallest for p in mine if p.smallest), default=0.0)
        variables.append(
            VariableExplanation(
                one.target,
                name,
                levels.low,
                levels.high,
                levels.step,
                largest,
                smallest,
                min(1.0, smallest / levels.step),
                _noise(largest, [p.exponent for p in mine], levels.step),
                (units or {}).get(name),
            )
        )
        products += mine
    return Explanation(tuple(products), tuple(variables))


def _acts(product: Product, rule: LearningRule) -> str:
    if product.dependency in SPIKES:
        side = "presynaptic" if product.dependency == "x0" else "postsynaptic"
        return f"at a {side} spike"
    every = rule.t_epoch * 2 ** (product.decimation or 0)
    return "every step" if every == 1 else f"every {every} steps"


def _real(product: Product, target: str, effective: float, units: Mapping[str, float] | None) -> float | None:
    if units is None or target not in units:
        return None
    for factor in product.factors:
        if factor.sign or factor.variable in SPIKES:
            continue
        # A trace without a unit is not in use, and its factor a constant.
        effective *= 1 / units[factor.variable] if factor.variable in units else factor.constant
    return effective * units[target]


def _noise(largest: float, exponents: list[int], step: int) -> float:
    """The largest standard deviation of rounding: half a step, or less where all changes are small, or whole steps."""
    if largest == 0 or 2.0 ** min(exponents) >= step:
        return 0.0
    fraction = min(0.5, largest / step)
    return step * math.sqrt(fraction * (1 - fraction))


def algebra(rule: LearningRule, profile: str | Profile = DEFAULT_PROFILE) -> tuple[str, ...]:
    """The rules with their effective coefficients, one line each: ``w <- w + [y0] 2^-2 * x1``."""
    engine = Engine.of(profile if isinstance(profile, Profile) else load_profile(profile))
    lines = []
    for one in rule.rules:
        terms = []
        for product in one:
            sign, size = ("-", -product.mantissa) if product.mantissa < 0 else ("+", product.mantissa)
            scale = scale_text(size, product.exponent - down_scaling(product, engine)) or "1"
            when = product.dependency if product.decimation is None else f"u{product.decimation}"
            terms.append(f"{sign} [{when}] " + " * ".join([scale, *map(str, product.factors)]))
        lines.append(f"{one.target[1]} <- {one.target[1]} " + " ".join(terms))
    return tuple(lines)
