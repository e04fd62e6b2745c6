"""The rule of one plastic connection: products for its tags and its weight, and the unit of the third factor.

With ψ = t u_t, Δw = v ψ (attention: v α ψ) in units u_w of the weight is ``S 2^-shift · u · t · y · x1`` if the neuron
supplies y = v g u_t / (u_w S 2^-shift), where g = 2 with attention, since α_i = p_i/Σp and x1 = p/2, and 1 without it.
So S is chosen such that y uses its bits, and the microcode, which multiplies precisely, makes up for the rest.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hmn_lava.compiler.engine.formats import Coded, Limits, Tag
from hmn_lava.compiler.engine.gates import Staircase, staircase
from hmn_lava.errors import Finding
from hmn_lava.learning.coefficients import Coefficient, CoefficientRange, value_of
from hmn_lava.learning.products import down_scaling
from hmn_lava.learning.records import Factor, Product
from hmn_lava.learning.records import Rule as Sum
from hmn_lava.learning.rule import LearningRule
from hmn_lava.spec.model import Gate, Rule

WEIGHT_EPOCH = 1
"""Decimation of the products that act in the weight epoch, the second of two."""

HELD = 2.0**24
"""A time constant of x1 in steps, by which it holds its value through an epoch."""

DECAY_PRODUCTS = 2
"""Products that a tag's decay may be the sum of."""

REFERENCE = 0.5
"""Share of the largest third factor at which a staircase is fitted to the probabilistic gate."""

SMALLEST_HEIGHT = 2.0**-40
"""Stands for a step of a staircase that has no height, in units of an eligibility."""

DECAY_TOLERANCE = 0.02
"""Share by which what a tag loses in a step may differ from the request before it is reported."""

LARGEST_DRIFT = 0.1
"""Levels a step; the products of dw are rounded down, not stochastically, before their exponent applies."""

COARSE_TRACE = 8
"""Below this many levels a third factor is coarse."""


@dataclass(frozen=True)
class Supplied:
    """The y traces that hold the third factor v: v = sign · (y - offset) · ``unit`` over the pairs of ``traces``."""

    traces: tuple[tuple[str, int], ...]  # name, sign
    offset: int
    unit: float
    step: int = 0
    """y moves in steps of ``2**step``."""


@dataclass(frozen=True, eq=False)
class EngineRule:
    """A learning rule with what it realises of the HMN rule."""

    rule: LearningRule
    supplied: Supplied
    decays: tuple[tuple[str, float, float], ...]
    """Trace, requested and realised decay per step of the model."""
    steps: Staircase | None
    """What stands for the probabilistic gate, where it is a staircase."""
    drift: float
    """Levels by which rounding down moves a weight in a step in which it learns, at most."""
    findings: tuple[Finding, ...]
    request: Rule
    """What was asked for."""


@dataclass(frozen=True)
class Update:
    """Products of dw, and the ``unit`` of the third factor that they need, which moves in ``2**step`` of them."""

    products: tuple[Product, ...]
    unit: float
    step: int = 0
    steps: Staircase | None = None
    findings: tuple[Finding, ...] = ()


def engine_rule(
    coded: Coded,
    traces: tuple[tuple[str, int], ...],
    offset: int,
    largest: float,
    epoch: int,
    limits: Limits,
    common: float | None = None,
) -> EngineRule:
    """The rule of a connection whose third factor, |v| <= ``largest``, is in ``traces``.

    ``offset``: the level that stands for zero. ``common``: how large |v| is when all scores of
    attention are 1.
    """
    levels = offset or coded.high
    tags = [coded.fast, *([coded.slow] if coded.slow is not None else [])]
    gate = coded.rule.gate
    if gate is not None and gate.on_engine == "staircase":
        update = _staircase(coded, gate, tags, traces, offset, largest, limits)
    else:
        update = _products(coded, tags, traces, offset, largest / levels, limits)
    reach = levels >> update.step << update.step
    findings = [*update.findings, *_third_findings(coded, largest, common or largest, update.unit, reach)]
    sums, decays = [Sum("dw", update.products)], []
    for tag, target, tau, name in zip(
        tags, ("dt", "dd"), (coded.rule.tau_fast, coded.rule.tau_slow), ("tau_fast", "tau_slow"), strict=False
    ):
        if tau is None:
            continue
        products, realised = _tag_products(coded, tag, tau, limits)
        requested = math.exp(-1.0 / tau)
        decays.append((name, requested, realised))
        findings += _decay_findings(coded, name, requested, realised)
        sums.append(Sum("dt" if target == "dt" else "dd", products))
    cut = [p for p in update.products if down_scaling(p, limits.engine) and update.steps is None]
    drift = 0.5 * sum(math.ldexp(1.0, p.exponent) for p in cut) / len(traces)  # one of a pair is 0
    findings += _drift_findings(coded, drift)
    texts: dict[str, Any] = {each.target: str(each) for each in sums}
    rule = LearningRule.three_factor(**texts, x1_impulse=0.0, x1_tau=HELD, t_epoch=epoch)
    return EngineRule(
        rule=rule,
        supplied=Supplied(traces, offset, update.unit, update.step),
        decays=tuple(decays),
        steps=update.steps,
        drift=drift,
        findings=tuple(findings),
        request=coded.rule,
    )


def _products(
    coded: Coded,
    tags: Sequence[Tag],
    traces: tuple[tuple[str, int], ...],
    offset: int,
    wanted: float,
    limits: Limits,
) -> Update:
    """dw = Σ ± t y over tags and traces, with a unit of the third factor of at least ``wanted``."""
    attention = coded.rule.attention is not None
    finest, coarsest = (pick(tag.format.frac for tag in tags) for pick in (max, min))
    gain = (2.0 if attention else 1.0) * math.ldexp(1.0, -finest) / coded.weight.unit
    shift = down_scaling(_weight_product(tags[0], traces[0], offset, (1, 0), attention), limits.engine)
    mantissa, exponent = smallest_scale(math.ldexp(gain * wanted, shift), finest - coarsest, limits.scales)
    dw = tuple(
        _weight_product(tag, trace, offset, (mantissa, exponent + finest - tag.format.frac), attention)
        for tag in tags
        for trace in traces
    )
    return Update(dw, math.ldexp(mantissa, exponent - shift) / gain)


def _staircase(
    coded: Coded,
    gate: Gate,
    tags: Sequence[Tag],
    traces: tuple[tuple[str, int], ...],
    offset: int,
    largest: float,
    limits: Limits,
) -> Update:
    """dw = Σ h_l (sgn(t - θ_l) + sgn(t + θ_l)) y over tags, levels and traces.

    The two signs of a level cancel below it only where the implicit down-scaling cuts nothing, so y moves in steps that
    are whole multiples of what it cuts. All heights are powers of 2 times the largest, which sets the unit of y.
    """
    engine, scales = limits.engine, limits.scales
    count = limits.products // (2 * len(tags) * len(traces))
    if coded.rule.attention is not None or count < 1:
        return replace(
            _products(coded, tags, traces, offset, largest / (offset or coded.high), limits),
            findings=(_no_staircase(coded, 2 * len(tags) * len(traces), limits),),
        )
    made = []
    for tag in tags:
        top = min(tag.format.max, engine.tag_2.high)
        highest = limits.constants[tag.variable]
        made.append(staircase(gate, REFERENCE * largest * tag.format.unit, top, count, highest))
    peak = max(max(steps.heights) * tag.format.unit for tag, steps in zip(tags, made, strict=True))
    peak = max(peak, SMALLEST_HEIGHT)
    sample = Product("u", WEIGHT_EPOCH, 1, 0, (Factor(tags[0].variable, 2, sign=True), Factor(traces[0][0], -offset)))
    shift = down_scaling(sample, engine)
    bits = scales.mantissa[1].bit_length() - 1
    step = max(0, shift - bits)
    levels = (offset or coded.high) >> step << step
    wanted = max(peak / coded.weight.unit * largest / levels, SMALLEST_HEIGHT)
    lowest, highest = scales.exponent
    exponent = max(lowest, min(highest, math.ceil(math.log2(wanted)) + shift - bits))
    unit = math.ldexp(1.0, bits + exponent - shift) * coded.weight.unit / peak
    dw, stairs = [], []
    for tag, steps in zip(tags, made, strict=True):
        halvings = [round(math.log2(max(h * tag.format.unit, SMALLEST_HEIGHT) / peak)) for h in steps.heights]
        kept = [(level, n) for level, n in zip(steps.levels, halvings, strict=True) if exponent + n >= lowest]
        stairs.append(
            Staircase(tuple(level for level, _ in kept), tuple(peak / tag.format.unit * 2.0**n for _, n in kept))
        )
        for level, n in kept:
            for name, sign in traces:
                for side in (-level, level):
                    factors = (Factor(tag.variable, side, sign=True), Factor(name, -offset))
                    dw.append(Product("u", WEIGHT_EPOCH, sign << bits, exponent + n, factors))
    return Update(tuple(dw), unit, step, stairs[0])


def _no_staircase(coded: Coded, products: int, limits: Limits) -> Finding:
    where = f"connections.{coded.connection.name}.probabilistic_gate.on_engine"
    used = "attention, which takes the bits" if coded.rule.attention is not None else f"{products} products"
    remedy = "Use on_engine: rounding or neuron, or plasticity neurocore."
    return Finding("gate-staircase", where, used, f"{limits.products} products, no attention", "error", remedy)


def _weight_product(tag: Tag, trace: tuple[str, int], offset: int, scale: Coefficient, attention: bool) -> Product:
    name, sign = trace
    factors = [Factor(tag.variable), Factor(name, -offset)]
    if attention:
        factors.append(Factor("x1"))
    return Product("u", WEIGHT_EPOCH, sign * scale[0], scale[1], tuple(factors))


def smallest_scale(needed: float, room: int, scales: CoefficientRange) -> Coefficient:
    """The smallest coefficient of at least ``needed``, with an exponent to which ``room`` can be added.

    The mantissa is as large as it can be, for the bits that the implicit down-scaling cuts.
    """
    (_, most), (lowest, highest) = scales.mantissa, scales.exponent
    candidates = [
        (mantissa, exponent)
        for exponent in range(lowest, highest - room + 1)
        for mantissa in range(1, most + 1)
        if math.ldexp(mantissa, exponent) >= needed and (mantissa > most // 2 or exponent == lowest)
    ]
    return min(candidates, key=lambda s: math.ldexp(*s), default=(most, highest - room))


def _tag_products(coded: Coded, tag: Tag, tau: float, limits: Limits) -> tuple[tuple[Product, ...], float]:
    """Products of a tag, and the decay that they make.

    replacing: at a coincidence t ← c, by + c - t; accumulating: t ← t + c. In the weight epoch t ← λ t.
    """
    scales, me = limits.scales, Factor(tag.variable)
    products = [tag.coincidence]
    if coded.rule.mode == "replacing":
        # First, since the accumulator saturates after every product: t + c might not fit it, c does.
        products.insert(0, Product("x0", None, -1, 0, (Factor("y0"), me)))
    loss = -math.expm1(-1.0 / tau)
    parts = scales.closest(loss, DECAY_PRODUCTS)
    if abs(value_of(parts) / loss - 1.0) <= DECAY_TOLERANCE:
        products += [Product("u", WEIGHT_EPOCH, -mantissa, exponent, (me,)) for mantissa, exponent in parts]
        return tuple(products), 1.0 - value_of(parts)
    # Finer: the constant beside a trace that is always 0, and the down-scaling that comes with its bits.
    sample = Product("u", WEIGHT_EPOCH, -1, scales.exponent[0], (me, Factor("x2", 1)))
    unit = math.ldexp(1.0, sample.exponent - down_scaling(sample, limits.engine))
    choices = [(m, constant) for m in range(1, scales.mantissa[1] + 1) for constant in range(1, coded.high)]
    mantissa, constant = min(choices, key=lambda choice: abs(choice[0] * choice[1] * unit - loss))
    products.append(replace(sample, mantissa=-mantissa, factors=(me, Factor("x2", constant))))
    return tuple(products), 1.0 - mantissa * constant * unit


def _third_findings(coded: Coded, largest: float, common: float, unit: float, levels: int) -> Iterator[Finding]:
    where = f"connections.{coded.connection.name}.rates"
    if largest > unit * levels * 1.01:
        remedy = "Lower the learning rates or widen the weight's bounds; or pass --allow-lossy: it saturates."
        yield Finding("lost-clipped", where, f"{largest:.4g}", f"{unit * levels:.4g}", "error", remedy)
    elif 0 < common < COARSE_TRACE * unit:
        remedy = (
            "Few levels are noisy: raise the learning rates, narrow the weight's bounds, or lower attention's beta."
        )
        yield Finding(
            "coarse-third-factor", where, f"{common / unit:.3g} levels", f"{COARSE_TRACE} levels", "warning", remedy
        )


def _drift_findings(coded: Coded, drift: float) -> Iterator[Finding]:
    if drift > LARGEST_DRIFT:
        remedy = "Lower the learning rates or widen the weight's bounds; or use plasticity neurocore."
        where, used = f"connections.{coded.connection.name}.rates", f"up to {drift:.2g} levels a step, downwards"
        yield Finding("weight-drift", where, used, f"{LARGEST_DRIFT} levels", "warning", remedy)


def _decay_findings(coded: Coded, name: str, requested: float, realised: float) -> Iterator[Finding]:
    if abs((1 - realised) / (1 - requested) - 1) > DECAY_TOLERANCE:
        remedy = "Choose a time constant within the reach of a tag's decay, or plasticity neurocore."
        where = f"connections.{coded.connection.name}.traces.{name}"
        asked, got = (-1.0 / math.log(d) if 0 < d < 1 else 0.0 for d in (requested, realised))
        yield Finding("trace-decay", where, f"{asked:.4g} steps", f"{got:.4g} steps", "warning", remedy)
