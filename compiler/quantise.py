"""The quantiser: which integer format each signal gets, from the spec's bounds or from a calibration run.

A format is as fine as its word allows for the largest value that can occur. Where the worst case wastes bits (many
inputs that are never all active), a calibration run on real input bounds the accumulators instead; then an overflow is
possible, and a finding says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from hmn_lava.compiler.engine.formats import Given
from hmn_lava.components.neuron import LIF_DECAY_BITS, LIF_SHIFT, Z_SIGMOID, Z_SPIKE
from hmn_lava.components.port import Port
from hmn_lava.errors import Finding
from hmn_lava.fixed import Fixed
from hmn_lava.hardware_profiles import Lif as LifLimits
from hmn_lava.microcode.ir import WORD
from hmn_lava.microcode.ranges import WORD_RANGE
from hmn_lava.reference.equations import Floats
from hmn_lava.spec.model import Connection, Lif, Model, Population, Rule
from hmn_lava.topology import largest

ACTIVITY_BITS = 16
WEIGHT_BITS = WORD - 2
"""Two bits of headroom: a weight and the largest step that matters add up inside a word."""
TRACE_BITS = (16, WORD - 2)
CALIBRATION_MARGIN = 2.0


@dataclass(frozen=True, eq=False)
class Formats:
    """The formats of a model's signals."""

    activity: Mapping[str, Port]  # population -> x of an input, z of the others
    accumulator: Mapping[str, Port]  # population -> a
    weight: Mapping[str, Fixed]  # connection -> w
    trace_fast: Mapping[str, Fixed]  # plastic connection -> psi
    trace_slow: Mapping[str, Fixed]
    findings: tuple[Finding, ...] = field(default=())


def quantise(
    model: Model, chip: LifLimits, calibration: Mapping[str, float] | None = None, given: Given | None = None
) -> Formats:
    """Formats for all signals of ``model``; ``chip`` holds the widths of a profile's LIF and of its static synapses.

    ``calibration`` maps populations to the largest |a| seen in a run (see ``calibrate``). ``given``: the formats that
    the learning engine dictates; every connection that learns then has one.
    """
    findings: list[Finding] = []
    engine = given is not None
    given = given or Given()
    activity = {name: _activity(model, population) for name, population in model.populations.items()}
    weight = {name: _weight(model, c, chip, engine) for name, c in model.connections.items()}
    activity |= given.activity
    weight |= given.weight
    accumulator = {}
    for name, population in model.populations.items():
        if population.type != "input":
            accumulator[name], found = _accumulator(
                model, population, activity, weight, given, (calibration or {}).get(name)
            )
            findings += found
    fast, slow = {}, {}
    for name, connection in model.connections.items():
        rule = connection.rule
        if name in given.coded:
            coded = given.coded[name]
            fast[name] = coded.fast.format
            if coded.slow is not None:
                slow[name] = coded.slow.format
        elif rule is not None and rule.learning:
            reach = _reach(model.populations[connection.pre]) * _reach(model.populations[connection.post])
            signed = model.populations[connection.pre].low < 0 or model.populations[connection.post].low < 0
            fast[name] = _trace(model, f"{name}.psi_fast", reach, signed, rule, rule.tau_fast)
            if rule.tau_slow is not None:
                slow[name] = _trace(model, f"{name}.psi_slow", reach, signed, rule, rule.tau_slow)
    return Formats(activity, accumulator, weight, fast, slow, (*given.findings, *findings))


def lif_decays(lif: Lif) -> tuple[int, int]:
    """The factors of 1/4096 that u and v keep: 4096 - (du + 1) and 4096 - dv, with du, dv in Lava's integers.

    Lava subtracts one more from the current's factor (``ds_offset``), so the integer du is one less than du * 4096 asks
    for.
    """
    one = 1 << LIF_DECAY_BITS
    du = min(max(round(lif.du * one) - 1, 0), one - 1)
    return one - 1 - du, one - min(max(round(lif.dv * one), 0), one)


def _reach(population: Population) -> float:
    return max(abs(population.low), abs(population.high))


def _activity(model: Model, population: Population) -> Port:
    """x of an input in its declared range; z by its activation."""
    if population.signal == "spike" or population.activation == "lif":
        return Port(Z_SPIKE, (0, 1))
    if population.activation == "sigmoid":
        return Port(Z_SIGMOID, (0, 1 << Z_SIGMOID.frac))
    symbol = "x" if population.type == "input" else "z"
    bits = model.formats.get(f"{population.name}.{symbol}", ACTIVITY_BITS)
    format = Fixed.fitting(population.low, population.high, bits)
    low, high = (int(n) for n in format.quantise([population.low, population.high]))
    return Port(format, (min(low, 0), max(high, 0)))  # a port reads zero where nothing arrived


def _weight(model: Model, connection: Connection, chip: LifLimits, engine: bool) -> Fixed:
    """Plastic: between the bounds, with room for a step.

    Static, and what could learn but doesn't in the learning engine: the few bits of a synapse, as fine as the largest
    weight allows.
    """
    name = f"{connection.name}.w"
    if connection.rule is None or engine:
        reach = largest(connection.weights)
        return Fixed.fitting(-reach, reach, model.formats.get(name, chip.weight_bits.value))
    reach = max(abs(connection.rule.w_min), abs(connection.rule.w_max))
    return Fixed.fitting(-reach, reach, min(model.formats.get(name, WEIGHT_BITS), WEIGHT_BITS))


def _trace(model: Model, signal: str, reach: float, signed: bool, rule: Rule, tau: float) -> Fixed:
    """Fine enough that a decay, which loses up to one unit a step and so τ units in all, keeps ten bits.

    At least 16 bits.
    """
    if rule.mode == "accumulating":
        reach = min(reach / -math.expm1(-1.0 / tau), reach * 2.0**12)
    bits = min(max(math.ceil(math.log2(max(tau, 1.0))) + 10 + int(signed), TRACE_BITS[0]), TRACE_BITS[1])
    return Fixed.fitting(-reach if signed else 0.0, reach, min(model.formats.get(signal, bits), TRACE_BITS[1]))


def _accumulator(
    model: Model,
    population: Population,
    activity: Mapping[str, Port],
    weight: Mapping[str, Fixed],
    given: Given,
    observed: float | None,
) -> tuple[Port, list[Finding]]:
    """a: Σ |w| |x| over the worst row, and the bias and noise that the program adds to it."""
    worst = np.zeros(population.size)
    fan_in = np.zeros(population.size, np.int64)
    single = 0.0  # the largest message of one synapse, which has to fit whatever the sum does
    for connection in model.connections.values():
        if connection.post == population.name:
            port = activity[connection.pre]
            reach = (max(abs(n) for n in port.bounds) + given.payload.get(connection.name, 0)) * port.format.unit
            total, most = _largest_weights(connection, weight[connection.name], given)
            worst += total * reach
            fan_in += connection.topology.counts
            single = max(single, most * reach)
    proven = float(worst.max(initial=0.0))
    added = (
        0.0 if population.type == "lif" else float(np.abs(population.bias).max(initial=0.0)) + 5.0 * population.noise
    )
    reach = proven + added
    findings = []
    if observed is not None and max(observed * CALIBRATION_MARGIN, single) < reach:
        reach = max(observed * CALIBRATION_MARGIN, single)
        findings.append(
            Finding(
                "calibrated-range",
                f"{population.name}.a",
                f"worst case {proven + added:.6g}",
                f"calibrated {reach:.6g}",
                "warning",
                "Input beyond the calibration's may wrap; compile without --calibrate for a proven range.",
            )
        )
    bits = min(model.formats.get(f"{population.name}.a", WORD - 1), WORD - 1)
    format = Fixed.fitting(-max(reach, 2.0**-8), max(reach, 2.0**-8), bits)
    if population.activation == "lif" and population.lif is not None:
        format, found = _lif_scale(population, population.lif, format, reach)
        findings += found
    # Each synapse rounds its message to the nearest unit.
    units = math.ceil(math.ldexp(proven, format.frac)) + int(fan_in.max(initial=0)) + 1
    bounds = (-units, units) if units <= WORD_RANGE[1] else WORD_RANGE
    return Port(Fixed(WORD, True, format.frac), bounds), findings


def _largest_weights(connection: Connection, format: Fixed, given: Given) -> tuple[Floats, float]:
    """The largest magnitudes that the stored weights can have: their sum over each row, and that of one synapse."""
    weights, topology, rule = connection.weights, connection.topology, connection.rule
    if connection.name in given.reach:
        most = given.reach[connection.name]
    elif rule is not None:
        most = largest(format.real(format.quantise([rule.w_min, rule.w_max])))
    else:
        totals = topology.row_sums(lambda part: np.abs(format.real(format.quantise(weights[part]))))
        ends = format.real(format.quantise([weights.min(initial=0.0), weights.max(initial=0.0)]))
        return totals, largest(ends)
    return topology.counts * most, most


def _lif_scale(population: Population, lif: Lif, format: Fixed, reach: float) -> tuple[Fixed, list[Finding]]:
    """The scale of a LIF's input: threshold and worst steady current, shifted left by 6 bits, fit a word."""
    room = WORD_RANGE[1] >> LIF_SHIFT
    keep_u, _ = lif_decays(lif)
    steady = reach / (1.0 - keep_u / (1 << LIF_DECAY_BITS))
    by_threshold = math.floor(math.log2(room / lif.vth))
    by_current = math.floor(math.log2(room / steady)) if steady > 0 else by_threshold
    frac = min(format.frac, by_threshold, by_current)
    findings = []
    if math.ldexp(lif.vth, frac) < 16:
        findings.append(
            Finding(
                "lif-resolution",
                f"{population.name}.vth",
                math.ldexp(lif.vth, frac),
                16,
                "warning",
                "The threshold is few units high: calibrate, raise vth, or lower the weights.",
            )
        )
    return Fixed(format.bits, True, frac), findings
