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

from hmn_lava.compiler.calibrate import Seen
from hmn_lava.compiler.channels import extra_bits, stored_real
from hmn_lava.compiler.engine.formats import Given
from hmn_lava.components.lif import LIF_DECAY_BITS, LIF_SHIFT
from hmn_lava.components.neuron import Z_SIGMOID, Z_SPIKE
from hmn_lava.components.port import Port
from hmn_lava.errors import Finding
from hmn_lava.fixed import Fixed, Integers
from hmn_lava.hardware_profiles import Lif as LifLimits
from hmn_lava.microcode.ir import WORD
from hmn_lava.microcode.ranges import WORD_RANGE
from hmn_lava.reference.equations import Floats
from hmn_lava.spec.formats import bits_of, whole_format
from hmn_lava.spec.model import Connection, Lif, Model, Population, Rule
from hmn_lava.topology import largest

ACTIVITY_BITS = 16
WEIGHT_BITS = WORD - 2
"""Two bits of headroom: a weight and the largest step that matters add up inside a word."""
TRACE_BITS = (16, WORD - 2)
MAX_SUMMED = 1 << 12
"""Values that a sum without a restart has room for; after more of the largest ones it wraps."""


@dataclass(frozen=True, eq=False)
class Formats:
    """The formats of a model's signals."""

    activity: Mapping[str, Port]  # population -> x of an input, z of the others
    accumulator: Mapping[str, Port]  # population -> a
    weight: Mapping[str, Fixed]  # connection -> w
    trace_fast: Mapping[str, Fixed]  # plastic connection -> psi
    trace_slow: Mapping[str, Fixed]
    extra: Mapping[str, Integers] = field(default_factory=dict)  # static connection -> extra bits of its channels
    findings: tuple[Finding, ...] = field(default=())


def quantise(
    model: Model, chip: LifLimits, calibration: Mapping[str, Seen] | None = None, given: Given | None = None
) -> Formats:
    """Formats for all signals of ``model``; ``chip`` holds the widths of a profile's LIF and of its static synapses.

    ``calibration`` maps populations to what was seen in a run (see ``calibrate``). ``given``: the formats that
    the learning engine dictates; every connection that learns then has one.
    """
    findings: list[Finding] = []
    engine = given is not None
    given = given or Given()
    activity = {name: _activity(model, population) for name, population in model.populations.items()}
    weight = {name: _weight(model, c, chip, engine) for name, c in model.connections.items()}
    activity |= given.activity
    weight |= given.weight
    low, high = chip.weight_exponent.value
    extra = {
        name: bits
        for name, c in model.connections.items()
        if c.rule is None and not isinstance(model.formats.get(f"{name}.w"), str)
        if (bits := extra_bits(c, weight[name], high - low)) is not None
    }
    accumulator = {}
    for name, population in model.populations.items():
        if population.type != "input":
            accumulator[name], found = _accumulator(
                model, population, activity, weight, extra, given, chip, (calibration or {}).get(name)
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
    return Formats(activity, accumulator, weight, fast, slow, extra, (*given.findings, *findings))


def lif_decays(lif: Lif, holds: bool = False) -> tuple[Integers, Integers]:
    """The factors of 1/4096 that u and v keep: 4096 - (du + 1) and 4096 - dv, with du, dv in Lava's integers.

    Lava subtracts one more from the current's factor (``ds_offset``), so the integer du is one less than du * 4096 asks
    for. It is 0 at least, or -1 where a current ``holds``, and does not decay at all.
    """
    one = 1 << LIF_DECAY_BITS
    du = np.clip(np.rint(lif.du * one).astype(np.int64) - 1, -1 if holds else 0, one - 1)
    return one - 1 - du, one - np.clip(np.rint(lif.dv * one).astype(np.int64), 0, one)


def holds_current(population: Population) -> bool:
    """Whether some neuron of a LIF population keeps its current: a decay of 0."""
    return population.type == "lif" and population.lif is not None and bool((population.lif.du == 0.0).any())


def _reach(population: Population) -> float:
    return max(abs(population.low), abs(population.high))


def _activity(model: Model, population: Population) -> Port:
    """x of an input in its declared range; z by its activation."""
    if population.signal == "spike":
        return Port(Z_SPIKE, (0, 1))
    if population.activation == "sigmoid":
        return Port(Z_SIGMOID, (0, 1 << Z_SIGMOID.frac))
    symbol = "x" if population.type == "input" else "z"
    asked = model.formats.get(f"{population.name}.{symbol}")
    fitting = Fixed.fitting(population.low, population.high, bits_of(asked, ACTIVITY_BITS))
    format = whole_format(asked) or fitting
    low, high = (int(n) for n in format.quantise([population.low, population.high]))
    return Port(format, (min(low, 0), max(high, 0)))  # a port reads zero where nothing arrived


def _weight(model: Model, connection: Connection, chip: LifLimits, engine: bool) -> Fixed:
    """Plastic: between the bounds, with room for a step.

    Static, and what could learn but doesn't in the learning engine: the few bits of a synapse, as fine as the largest
    weight allows.
    """
    asked = model.formats.get(f"{connection.name}.w")
    if connection.rule is None or engine:
        reach = largest(connection.weights)
        whole = whole_format(asked) if connection.rule is None else None
        return whole or Fixed.fitting(-reach, reach, bits_of(asked, chip.weight_bits.value))
    reach = max(abs(connection.rule.w_min), abs(connection.rule.w_max))
    return Fixed.fitting(-reach, reach, min(bits_of(asked, WEIGHT_BITS), WEIGHT_BITS))


def _trace(model: Model, signal: str, reach: float, signed: bool, rule: Rule, tau: float) -> Fixed:
    """Fine enough that a decay, which loses up to one unit a step and so τ units in all, keeps ten bits.

    At least 16 bits.
    """
    if rule.mode == "accumulating":
        reach = min(reach / -math.expm1(-1.0 / tau), reach * 2.0**12)
    bits = min(max(math.ceil(math.log2(max(tau, 1.0))) + 10 + int(signed), TRACE_BITS[0]), TRACE_BITS[1])
    return Fixed.fitting(-reach if signed else 0.0, reach, min(bits_of(model.formats.get(signal), bits), TRACE_BITS[1]))


def _accumulator(
    model: Model,
    population: Population,
    activity: Mapping[str, Port],
    weight: Mapping[str, Fixed],
    extra: Mapping[str, Integers],
    given: Given,
    chip: LifLimits,
    seen: Seen | None,
) -> tuple[Port, list[Finding]]:
    """a: Σ |w| |x| over the worst row, and the bias and noise that the program adds to it."""
    worst = np.zeros(population.size)
    fan_in = np.zeros(population.size, np.int64)
    single = 0.0  # the largest message of one synapse, which has to fit whatever the sum does
    for connection in model.connections.values():
        if connection.post == population.name:
            port = activity[connection.pre]
            reach = (max(abs(n) for n in port.bounds) + given.payload.get(connection.name, 0)) * port.format.unit
            total, most = _largest_weights(connection, weight[connection.name], extra.get(connection.name), given)
            worst += total * reach
            fan_in += connection.topology.counts
            single = max(single, most * reach)
    proven = float(worst.max(initial=0.0))
    added = 0.0
    if population.type == "hmn":
        added = float(np.abs(population.bias).max(initial=0.0)) + 5.0 * population.noise
    asked = model.formats.get(f"{population.name}.a")
    format, findings = whole_format(asked), []
    if format is None:
        reach = proven + added
        if seen is not None and (observed := max(seen.reached("a", "a_im"), single)) < reach:
            reach = observed
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
        bits = min(bits_of(asked, WORD - 1), WORD - 1)
        format = Fixed.fitting(-max(reach, 2.0**-8), max(reach, 2.0**-8), bits)
        format, found = _state_scale(population, format, reach, _summed(model, population), chip, seen)
        findings += found
    # Each synapse rounds its message to the nearest unit.
    units = math.ceil(math.ldexp(proven, format.frac)) + int(fan_in.max(initial=0)) + 1
    fits = units <= WORD_RANGE[1]
    if isinstance(asked, str) and not fits:
        findings.append(
            Finding(
                "given-range",
                f"{population.name}.a",
                f"worst case {proven:.6g}",
                asked,
                "warning",
                "Sums beyond the given format wrap; leave formats to the compiler for a proven range.",
            )
        )
    return Port(Fixed(WORD, True, format.frac), (-units, units) if fits else WORD_RANGE), findings


def _largest_weights(
    connection: Connection, format: Fixed, extra: Integers | None, given: Given
) -> tuple[Floats, float]:
    """The largest magnitudes that the stored weights can have: their sum over each row, and that of one synapse."""
    weights, topology, rule = connection.weights, connection.topology, connection.rule
    if connection.name in given.reach:
        most = given.reach[connection.name]
    elif rule is not None:
        most = largest(format.real(format.quantise([rule.w_min, rule.w_max])))
    else:
        totals = topology.row_sums(lambda part: np.abs(stored_real(connection, format, extra, part)))
        ends = format.real(format.quantise([weights.min(initial=0.0), weights.max(initial=0.0)]))
        return totals, largest(ends)
    return topology.counts * most, most


def _summed(model: Model, population: Population) -> int:
    """How many inputs a sum may hold: 1 of changes, which come to no more than the value; else all until a restart."""
    form = population.sigma_delta
    sources = [model.populations[c.pre].sigma_delta for c in model.connections.values() if c.post == population.name]
    if form is None or not form.sum or all(source is not None and source.difference for source in sources):
        return 1
    return MAX_SUMMED if population.restart is None else min(population.restart[0], MAX_SUMMED)


def _state_scale(
    population: Population, format: Fixed, reach: float, summed: int, chip: LifLimits, seen: Seen | None
) -> tuple[Fixed, list[Finding]]:
    """A coarser format of the input where the neurons' states need the room.

    ``reach`` is the largest input, ``summed`` how many of them a state adds up; what was ``seen`` may say less.
    """
    if population.lif is not None:
        return _lif_scale(population, population.lif, format, reach, chip, seen)
    if population.resonator is not None:
        decay = float(np.hypot(population.resonator.decay_re, population.resonator.decay_im).max())
        steady, threshold = reach / max(1.0 - decay, 2.0**-LIF_DECAY_BITS), float(population.resonator.vth.max())
        steady = steady if seen is None else min(steady, seen.reached("re", "im", "a", "a_im"))
        return Fixed(format.bits, True, min(format.frac, _most_frac(max(steady, threshold), LIF_SHIFT))), []
    if population.sigma_delta is not None:
        # A change of what the sum and its bias can be, and the residue of another.
        largest_sum = summed * reach if seen is None else min(summed * reach, seen.reached("sigma", "act", "a"))
        largest_change = 4.0 * (largest_sum + float(np.abs(population.bias).max(initial=0.0)))
        return Fixed(format.bits, True, min(format.frac, _most_frac(largest_change, 0))), []
    return format, []


def _most_frac(value: float, shift: int) -> int:
    """The most bits behind the binary point at which a value, shifted left, fits a word."""
    return math.floor(math.log2((WORD_RANGE[1] >> shift) / value)) if value > 0 else WORD


def _lif_scale(
    population: Population, lif: Lif, format: Fixed, reach: float, chip: LifLimits, seen: Seen | None
) -> tuple[Fixed, list[Finding]]:
    """The scale of a LIF's input: threshold and worst steady current, shifted left by 6 bits, fit a word.

    Its bias fits what the chip's mantissa and exponent hold.
    """
    keep_u = int(lif_decays(lif)[0].max())
    steady = reach / (1.0 - keep_u / (1 << LIF_DECAY_BITS))
    steady = steady if seen is None else min(steady, max(seen.reached("u"), reach))
    threshold = float(lif.vth.max()) if lif.output == "spike" else lif.z_max
    # What is above the threshold stays behind where it is subtracted: the voltage saturates a step's drive above it.
    left = steady + float(np.abs(population.bias).max(initial=0.0)) if lif.reset == "subtract" else 0.0
    frac = min(format.frac, _most_frac(threshold + left, LIF_SHIFT), _most_frac(steady, LIF_SHIFT))
    if population.type == "lif" and (most := float(np.abs(population.bias).max(initial=0.0))) > 0.0:
        mantissa, exponent = chip.bias_mantissa_bits.value, chip.bias_exponent_bits.value
        largest_bias = ((1 << (mantissa - 1)) - 1) << ((1 << exponent) - 1)
        frac = min(frac, math.floor(math.log2(largest_bias / most)) - LIF_SHIFT)
    findings = []
    lowest = float(lif.vth.min()) if lif.output == "spike" else lif.z_max
    if math.ldexp(lowest, frac) < 16:
        findings.append(
            Finding(
                "lif-resolution",
                f"{population.name}.vth",
                math.ldexp(lowest, frac),
                16,
                "warning",
                "The threshold is few units high: calibrate, raise vth, or lower the weights.",
            )
        )
    return Fixed(format.bits, True, frac), findings
