"""What became of a rule in real numbers: requested against realised, and the findings that follow."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from hmn_lava.errors import Finding, Severity
from hmn_lava.learning.checks import constant_range
from hmn_lava.learning.coefficients import value_of
from hmn_lava.learning.records import (
    SPIKES,
    TRACES,
    VARIABLE_NAMES,
)
from hmn_lava.learning.request import is_leak, leak_tau
from hmn_lava.learning.rounding import DECAY_BITS, decay_factor
from hmn_lava.learning.search import LOST, Plan, Scale, Search, Term

Quantity = Literal["coefficient", "constant", "decay", "rate"]


@dataclass(frozen=True)
class ReportRow:
    """What was asked for, and what the hardware does.

    ``quantity``: ``coefficient``, ``constant``, ``decay`` (a time constant in steps) or ``rate`` (the change of one
    event, in real units). ``relative_error`` of a product that is scaled down includes what the rounding down takes
    away on average, relative to its largest value. ``within``: it is at most the tolerance.
    """

    quantity: Quantity
    object: str
    requested: float
    realised: float
    relative_error: float
    within: bool
    note: str = ""


def report_rows(fit: Search, plan: Plan) -> Iterator[ReportRow]:
    """Requested and realised: every coefficient, constant and decay, and the change by one event."""
    for term in plan.terms:
        name = term.name
        written = f"{len(term.coefficients)} products" if len(term.coefficients) > 1 else "1 product"
        if len(term.factors) > len(term.asked.factors):
            padding = "*".join(map(str, term.factors[len(term.asked.factors) :]))
            written += f" with the constant {padding}"
        note = f"{written}, down-scaling {term.down_scaling}"
        if is_leak(term.asked, term.target):
            period = fit.request.t_epoch * 2 ** (term.asked.decimation or 0)
            asked, found = leak_tau(-term.asked.coefficient, period), leak_tau(-term.realised, period)
            if term.down_scaling:  # what is not 0 rounds down, by half a unit on average
                note += f", and takes {math.ldexp(0.5, term.coefficients[0][1]):.2g} levels more each time"
            yield _row(fit, "decay", name, asked, found, note, term.error)
            continue
        yield _row(fit, "coefficient", name, term.asked.coefficient, term.realised, note, term.error)
        for factor, chip in zip(term.asked.factors, term.factors, strict=False):
            if factor.constant and factor.variable in plan.units:
                scale = fit.scale(factor.variable, plan)
                yield _row(
                    fit,
                    "constant",
                    f"{term.target}: {factor}",
                    factor.constant,
                    (chip.constant + scale.offset) * scale.unit,
                    str(chip),
                )
    for name, (_, tau) in sorted(fit.request.traces.items()):
        left = round(decay_factor(fit.tau(tau), fit.engine.decay) * (1 << DECAY_BITS)) / (1 << DECAY_BITS)
        found = math.inf if left >= 1 else -1 / math.log(left) if left > 0 else 0.0
        note = f"impulse {round(fit.request.traces[name][0] / plan.units[name])}, factor {left:.6g} a step"
        yield _row(fit, "decay", name, tau, found, note)
    for term in plan.terms:
        if not is_leak(term.asked, term.target):
            yield _rate(fit, term, plan)


def _rate(fit: Search, term: Term, plan: Plan) -> ReportRow:
    """The change by one event: traces at their impulse, all else at its highest."""
    asked, found = term.asked.coefficient, term.realised
    for factor, chip in zip(term.asked.factors, term.factors, strict=False):
        span = fit.span(factor.variable, term.asked.dependency)
        value = span[1]
        wanted = value + factor.constant
        scale = Scale(1.0) if factor.variable in SPIKES else fit.scale(factor.variable, plan)
        real = (scale.level(value) + chip.constant) * scale.unit
        asked, found = (asked * _sign(wanted), found * _sign(real)) if factor.sign else (asked * wanted, found * real)
    levels = found / plan.units[term.target[1]]
    step = fit.engine.levels(VARIABLE_NAMES[term.target[1]], fit.request.sign_mode).step
    more, whole = math.modf(abs(levels) / step)
    note = f"{levels:.4g} levels: {whole:.0f} steps of {step}"
    if more:
        std = step * math.sqrt(more * (1 - more))
        note += f", and one more with probability {more:.2g} (std {std:.2g} levels)"
    return _row(fit, "rate", term.name, asked, found, note)


def _row(
    fit: Search, quantity: Quantity, name: str, asked: float, found: float, note: str, error: float | None = None
) -> ReportRow:
    if error is None:
        error = 0.0 if found == asked else abs(found / asked - 1) if asked else math.inf
    return ReportRow(quantity, name, asked, found, error, error <= fit.tolerance, note)


def findings(fit: Search, plan: Plan) -> Iterator[Finding]:
    """What is lost, imprecise, or other than asked for."""
    low, high = fit.range.smallest, fit.range.largest
    for target, product in fit.zero:
        severe: Severity = "warning" if fit.products else "error"
        yield Finding("zero-coefficient", f"{target}: {product}", 0, "not 0", severe, "remove the product")
    for term in plan.terms:
        for factor in fit.too_large(term):
            ends = constant_range(factor.variable, fit.profile)
            unit = plan.units.get(factor.variable, 1.0)
            yield Finding(
                "constant-range",
                f"{term.name}: {factor}",
                f"{factor.constant:g}",
                f"{ends[0] * unit:.4g} to {ends[1] * unit:.4g}",
                "error",
                f"use a smaller constant, or a wider range of {factor.variable}",
            )
        leak = is_leak(term.asked, term.target)
        # Of a leak that takes nearly all away, it does not matter how much is left.
        lost = term.error > LOST and not (leak and -term.asked.coefficient > LOST)
        if not lost and term.error <= fit.tolerance:
            continue
        wanted = term.asked.coefficient / term.realised * value_of(term.coefficients)
        used = f"{term.asked.coefficient:.4g} asked for, {term.realised:.4g} realised, off by {term.error:.1%}"
        if leak:
            remedy = "use a shorter time constant, or a longer epoch"
        elif abs(wanted) > high:
            remedy = f"make it {abs(wanted) / high:.3g} times smaller, or widen the range of what it changes"
        else:
            remedy = "make the coefficient larger, or the range of the variable that it changes narrower"
        yield Finding(
            f"{'decay' if leak else 'coefficient'}-{'lost' if lost else 'precision'}",
            term.name,
            used,
            f"{low:.4g} to {high:g} in levels; tolerance {fit.tolerance:g}",
            "error" if lost else "warning",
            remedy,
        )
    for row in report_rows(fit, plan):
        if row.quantity == "constant" and not row.within:
            yield Finding(
                "constant-precision",
                row.object,
                f"{row.realised:.4g}",
                f"{row.requested:.4g}",
                "warning",
                "a constant is a whole number of levels: use a larger one, or a narrower range",
            )
        if row.quantity == "decay" and not row.within and row.object in TRACES:
            yield Finding(
                "decay-precision",
                row.object,
                f"tau {row.realised:.4g}",
                f"tau {row.requested:.4g}",
                "warning",
                f"a decay has {DECAY_BITS} fractional bits: use a shorter time constant",
            )
    if plan.decimation != fit.request.decimation:
        yield Finding(
            "decimation",
            "u",
            f"u{plan.decimation}",
            f"u{fit.request.decimation}",
            "warning",
            "its products act less often, with larger coefficients: use larger ones to avoid it",
        )
    for name, offset in fit.offsets.items():
        if offset:
            what = VARIABLE_NAMES.get(name, name)
            yield Finding(
                "offset",
                what,
                f"({name}-{offset})",
                "unsigned",
                "info",
                f"{what} cannot be negative: level {offset} means 0, so start it there",
            )
    for name in ("t", "d"):
        if name in fit.spans and name not in fit.request.tags:
            what, (least, most) = VARIABLE_NAMES[name], fit.spans[name]
            yield Finding(
                "tag-range",
                what,
                f"{least:.4g} to {most:.4g}",
                "estimated",
                "info",
                f"give its range, as {what}=(low, high), if it gets larger",
            )


def _sign(value: float) -> float:
    return math.copysign(1.0, value) if value else 0.0
