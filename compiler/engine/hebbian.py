"""Hebbian connections: w <- clip(w exp(-1/tau_w) + eta S (rho(U) + beta)), rho(U) = clip(U/full, 0, 1).

Both products of the rule act at the end of one epoch, which is the whole frame: ``dw = s x0 (y - C) - D u_k w``. The
neuron's program writes y = L (rho(U) + beta) + C into a trace, in levels and rounded stochastically; C is the level of
zero, and L = eta/(s u_w), with weights in units u_w, makes the product what is asked for. So s is chosen such that y
uses its bits, and the program, which multiplies precisely, makes up for the rest. Nothing is scaled down implicitly, so
that no weight drifts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hmn_lava.compiler.engine.formats import HebbianCoded, Limits
from hmn_lava.compiler.engine.rules import COARSE_TRACE, DECAY_PRODUCTS, DECAY_TOLERANCE, smallest_scale
from hmn_lava.compiler.engine.schedule import EngineSchedule
from hmn_lava.compiler.engine.synapses import decay_format, place_synapses
from hmn_lava.compiler.neurocore.assembly import Assembly, parameter_format, synapse_group
from hmn_lava.components.lif import LIF_SHIFT
from hmn_lava.components.supply import DITHER_BITS, VoltageForm
from hmn_lava.errors import Finding, Severity
from hmn_lava.fixed import Fixed
from hmn_lava.learning.coefficients import Coefficient, value_of
from hmn_lava.learning.records import Factor, Product
from hmn_lava.learning.records import Rule as Sum
from hmn_lava.learning.rule import LearningRule
from hmn_lava.microcode.ir import WORD

SMALLEST_LEVELS = 2.0 ** (4 - DITHER_BITS)
"""Levels of a full voltage below which the draw that rounds them is too coarse."""

LARGEST_DECAY_ERROR = 0.5
"""Share by which the loss of a weight may differ from the request before it is refused."""


@dataclass(frozen=True, eq=False)
class HebbianRule:
    """The learning rule of one connection, and what its neuron has to write into ``trace``: levels · rho(U) + base."""

    coded: HebbianCoded
    trace: str
    rule: LearningRule
    levels: float
    """L."""
    base: float
    """L beta + C: the level of a voltage of 0."""
    zero: int
    """C."""
    decay: tuple[int, float] | None
    """k, and the share of a weight that is left after 2**k steps of the model."""
    findings: tuple[Finding, ...]

    @property
    def rate(self) -> float:
        """The rate that is realised."""
        spike = next((p for p in self.rule.rules[0] if p.dependency == "x0"), None)
        return 0.0 if spike is None else self.levels * spike.coefficient * self.coded.weight.unit


def hebbian_rule(coded: HebbianCoded, trace: str, frame: int, limits: Limits) -> HebbianRule:
    """The rule of a connection whose voltages are in ``trace``; a frame of ``frame`` steps is a step of the model."""
    own, top = coded.rule, limits.engine.trace_high
    products: list[Product] = []
    findings: list[Finding] = []
    decay = None
    if own.tau_w is not None:
        k, parts = _decay(own.tau_w, limits)
        findings += _decay_findings(coded, own.tau_w, k, parts)
        decay = (k, 1.0 - value_of(parts))
        # First, since the accumulator saturates after every product.
        products += [Product("u", k, -mantissa, exponent, (Factor("w"),)) for mantissa, exponent in parts]
    levels, zero = 0.0, 0
    if own.rate > 0:
        # What fits between 0 and top: L (1 + beta), or with beta below 0, where C is rounded up, L + 1 and C.
        most = top / (1.0 + own.offset) if own.offset >= 0 else min(top - 1.0, top / -own.offset)
        change = own.rate / coded.weight.unit
        mantissa, exponent = smallest_scale(change / most, 0, limits.scales)
        wanted = change / math.ldexp(mantissa, exponent)
        levels = min(wanted, most)
        zero = min(top, math.ceil(max(0.0, -levels * own.offset)))
        findings += _rate_findings(coded, wanted, most)
        products.append(Product("x0", None, mantissa, exponent, (Factor(trace, -zero),)))
    rule = LearningRule.three_factor(dw=str(Sum("dw", tuple(products))), t_epoch=frame)
    return HebbianRule(coded, trace, rule, levels, levels * own.offset + zero, zero, decay, tuple(findings))


def voltage_form(net: Assembly, made: HebbianRule) -> VoltageForm:
    """How the neurons write the trace of a connection."""
    word = _voltage_format(net, made)
    full = max(1, int(word.quantise([_full(net, made)])[0]))
    slope = parameter_format(made.levels / made.coded.rule.full)
    return VoltageForm(made.trace, full, slope, parameter_format(max(made.base, 1.0)))


def lower_hebbian(net: Assembly, made: HebbianRule, schedule: EngineSchedule, limits: Limits) -> None:
    """Register the synapses, and fill in the constants of the neurons that write their trace."""
    coded, own, key = made.coded, made.coded.rule, made.trace
    c = coded.connection
    field = f"connections.{c.name}"
    place_synapses(net, coded, made.rule, schedule, limits.engine)
    if made.decay is not None and own.tau_w is not None:
        k, left = made.decay
        asked = math.exp(-(2.0**k) / own.tau_w)
        format = decay_format(asked, left)
        net.record.add(f"{field}.tau_w", [asked], format.quantise([left]), format, f"{synapse_group(c)}.rule")
    if own.rate > 0:
        constants = dict(net.groups[c.post].constants)
        net.constants(constants, c.post, f"{field}.full", {f"full_{key}": _full(net, made)})
        net.constants(constants, c.post, f"{field}.rate", {f"scale_{key}": made.levels / own.full})
        net.constants(constants, c.post, f"{field}.offset", {f"base_{key}": made.base})
        net.stream(constants, f"level_{key}", f"{c.name}.level")
        net.set_constants(c.post, constants)


def traces_left(taken: Sequence[str], count: int, post: str) -> tuple[list[str], list[Finding]]:
    """A y trace for each of ``count`` hebbian connections onto ``post``, of those that are not ``taken``."""
    left = [name for name in ("y1", "y2", "y3") if name not in taken]
    if count <= len(left):
        return left[:count], []
    remedy = "A neuron has three y traces, and each rule takes its own: split the population, or let fewer learn."
    used = f"{count} hebbian connections" + (f" beside {', '.join(taken)} of the HMN rules" if taken else "")
    return [], [Finding("hebbian-traces", f"populations.{post}", used, len(left), "error", remedy)]


def _voltage_format(net: Assembly, made: HebbianRule) -> Fixed:
    frac = net.formats.accumulator[made.coded.connection.post].format.frac
    return Fixed(WORD, True, frac + LIF_SHIFT)


def _full(net: Assembly, made: HebbianRule) -> float:
    """The full voltage; one that no voltage reaches need not fit the word."""
    word = _voltage_format(net, made)
    return min(made.coded.rule.full, word.max * word.unit)


def _decay(tau: float, limits: Limits) -> tuple[int, tuple[Coefficient, ...]]:
    """The smallest k for which coefficients make the loss of 2**k steps within the tolerance; else the closest."""
    found = []
    for k in range(limits.decimation + 1):
        loss = -math.expm1(-(2.0**k) / tau)
        parts = limits.scales.closest(loss, DECAY_PRODUCTS)
        found.append((abs(value_of(parts) / loss - 1.0), k, parts))
        if found[-1][0] <= DECAY_TOLERANCE:
            return k, parts
    _, k, parts = min(found)
    return k, parts


def _decay_findings(coded: HebbianCoded, tau: float, k: int, parts: tuple[Coefficient, ...]) -> Iterator[Finding]:
    loss, made = -math.expm1(-(2.0**k) / tau), value_of(parts)
    off = abs(made / loss - 1.0)
    if off > DECAY_TOLERANCE:
        severity: Severity = "error" if off > LARGEST_DECAY_ERROR else "warning"
        remedy = "Choose a time constant within the reach of the coefficients, or tau_w: null."
        where = f"connections.{coded.connection.name}.tau_w"
        got = -(2.0**k) / math.log1p(-made) if made < 1 else 0.0
        yield Finding("weight-decay", where, f"{tau:.4g} steps", f"{got:.4g} steps", severity, remedy)


def _rate_findings(coded: HebbianCoded, wanted: float, most: float) -> Iterator[Finding]:
    """Findings for a rate that fills more than its trace, or hardly any of it."""
    where = f"connections.{coded.connection.name}.rate"
    rate = coded.rule.rate
    if wanted > most * 1.01:
        remedy = "Lower the rate or widen the weight's bounds; or pass --allow-lossy: it saturates."
        yield Finding("lost-clipped", where, f"{rate:.4g}", f"{rate * most / wanted:.4g}", "error", remedy)
    elif wanted < SMALLEST_LEVELS:
        remedy = "Raise the rate, or narrow the weight's bounds; or pass --allow-lossy."
        yield Finding("lost-update", where, f"{wanted:.3g} levels", f"{SMALLEST_LEVELS:.3g}", "error", remedy)
    elif wanted < COARSE_TRACE:
        remedy = "Few levels are noisy: raise the rate, narrow the weight's bounds, or use a smaller offset."
        yield Finding("coarse-rate", where, f"{wanted:.3g} levels", f"{COARSE_TRACE} levels", "warning", remedy)
