"""What a neuron's microcode supplies to the learning engine: its spike y0, and the traces y1, y2, y3.

On Loihi 2 the postsynaptic traces of a three-factor rule are registers that the neuron's own program writes. Here y0
and y1 are the activity z_j, and y2 and y3 the third factor of a plastic connection: modulators, phase gate, and the
denominator of attention. For a hebbian connection a trace that is left is the voltage of a LIF. y0 is a message of the
step in which z is known; the traces are states.
"""

from __future__ import annotations

from dataclasses import dataclass

from hmn_lava.components.clock import model_time, off_beat
from hmn_lava.components.gate import open_gate
from hmn_lava.components.oscillator import own_gate
from hmn_lava.components.port import Port
from hmn_lava.components.trace import trace
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.builder import Builder, Value
from hmn_lava.microcode.functions import reciprocal
from hmn_lava.microcode.ir import WORD
from hmn_lava.microcode.random import DRAW_BITS, uniform

DITHER_BITS = 12
"""Bits of the draw that rounds a third factor."""


@dataclass(frozen=True)
class NeuronGateForm:
    """A probabilistic gate that one draw opens for all synapses of a neuron.

    Formats of β_p, θ_p and of the ``gain``: |Δw| of the neuron's most eligible synapse is |third factor| · gain · e,
    with the neuron's own ``traces`` of its z, in ``mode`` and ``formats``, as e.
    """

    beta: Fixed
    threshold: Fixed
    gain: Fixed
    traces: tuple[str, ...]
    mode: str
    formats: tuple[Fixed, ...]


@dataclass(frozen=True)
class ThirdForm:
    """How the third factor of one plastic connection becomes y traces.

    ``key`` tells the ports and constants of two connections apart. ``traces`` are the states that hold it: one for a
    factor that is never negative; two, for the positive and the negative part; or one with an ``offset``, half its
    range, that stands for zero. ``slot``: the step of the frame in which all messages are there, behind the one in
    which z is known. A trace moves in steps of ``2**step``.
    """

    key: str
    third: Port
    traces: tuple[str, ...]
    scale: Fixed
    slot: int
    offset: int = 0
    step: int = 0
    phase: Port | None = None
    phase_per_neuron: bool = False
    scores: Port | None = None
    gate: NeuronGateForm | None = None


@dataclass(frozen=True)
class VoltageForm:
    """How a LIF's voltage becomes the y trace of one hebbian connection.

    ``trace`` also tells the constants of two connections apart. ``full`` is the integer of the voltage at which the
    trace is full, ``scale`` and ``base`` the formats of levels for a voltage, and of the level of a voltage of 0.
    """

    trace: str
    full: int
    scale: Fixed
    base: Fixed


@dataclass(frozen=True)
class SupplyForm:
    """What one neuron program supplies.

    ``activity``: the format of y1, None where a spike says it all. ``trace``: the format of a trace. A program that
    supplies ``voltages`` alone sends no y0.
    """

    trace: Fixed
    activity: Fixed | None
    thirds: tuple[ThirdForm, ...]
    voltages: tuple[VoltageForm, ...] = ()

    @property
    def spikes(self) -> bool:
        """Whether y0 is sent."""
        return bool(self.thirds or not self.voltages)


def supply_activity(b: Builder, z: Value, form: SupplyForm) -> None:
    """Emit y0 = [z ≠ 0] and write y1 = z, in the step of the frame in which ``z`` is known."""
    b.note("y0: the back-propagated spike")
    b.emit("y0", b.raw("sel", b.is_zero(z), 0, 1, frac=0))
    if form.activity is not None:
        b.note("y1: the activity")
        y1 = b.state("y1", form.activity, (0, form.activity.max))
        b.store(y1, b.convert(z, form.activity))


def supply_voltages(b: Builder, voltage: Value, form: SupplyForm, frame: int) -> None:
    """Write y = scale · clip(U, 0, full) + base for each connection that learns from the ``voltage`` U.

    Rounded as a third factor is, with a draw from the stream ``level_<trace>``, and saturated.
    """
    time = model_time(b, b.constant("offset", Fixed(16, signed=False)), frame)
    for each in form.voltages:
        key = each.trace
        b.note(f"{key}: U of a hebbian connection")
        full = b.constant(f"full_{key}", Fixed(WORD, signed=True, frac=voltage.frac), (0, each.full))
        share = b.minimum(b.maximum(voltage, b.literal(0, voltage.frac)), full)
        scaled = b.mul(share, b.constant(f"scale_{key}", each.scale), rounding="nearest")
        whole = _dithered(b, b.add(scaled, b.constant(f"base_{key}", each.base)), key, form.trace, 0, time)
        b.store(b.state(key, form.trace, (0, form.trace.max)), b.clip(whole, 0, form.trace.max))


def supply_thirds(b: Builder, z: Value, form: SupplyForm, frame: int) -> None:
    """Write the third factors, each in its step of the frame. ``z`` is the state that holds the frame's activity."""
    for third in form.thirds:
        with b.unless(off_beat(b, frame, third.slot)):
            _third(b, z, third, form, frame)


def _third(b: Builder, z: Value, form: ThirdForm, supplied: SupplyForm, frame: int) -> None:
    """y = scale · (η_l + η_g G') · max(0, cos(Φ - φ_j)) / Σ scores, rounded stochastically and saturated.

    A level has seven bits: rounded to nearest, a small factor would never count. floor(y + U), with a draw U of
    [0, 1) from the stream ``level_<key>``, is right in the mean.
    """
    key, format = form.key, supplied.trace
    b.note(f"third factor of {key}")
    value = b.input(f"third_{key}", form.third.format, form.third.bounds)
    if form.phase is not None and form.phase_per_neuron:
        waves = [b.input(f"{wave}_{key}", form.phase.format, form.phase.bounds) for wave in ("cos", "sin")]
        value = b.mul(value, own_gate(b, waves, key), rounding="nearest")
    elif form.phase is not None:
        value = b.mul(value, b.input(f"gate_{key}", form.phase.format, form.phase.bounds), rounding="nearest")
    if form.scores is not None:
        least, most = form.scores.bounds
        scores = b.clip(b.input(f"scores_{key}", form.scores.format, (0, most)), max(1, least), most)
        value = b.mul(value, reciprocal(b, scores), rounding="nearest")
    time = model_time(b, b.constant(f"offset_{key}", Fixed(16, signed=False)), frame)
    if form.gate is not None:
        value = _gated(b, value, z, form, form.gate, time)
    b.observe(f"third_{key}", value)
    scaled = b.mul(value, b.constant(f"scale_{key}", form.scale), rounding="nearest")
    whole = _dithered(b, scaled, key, format, form.step, time)

    def level(low: int, high: int, part: Value) -> Value:
        steps = b.clip(part, -(-low >> form.step), high >> form.step)
        return steps if form.step == 0 else b.raw("shl", steps, form.step, frac=0)

    if form.offset:
        y = b.state(form.traces[0], format, (0, format.max))
        b.store(y, b.raw("add", level(-form.offset, format.max - form.offset, whole), form.offset))
        return
    for name, part in zip(form.traces, (whole, b.neg(whole)), strict=False):
        b.store(b.state(name, format, (0, format.max)), level(0, format.max, part))


def _dithered(b: Builder, value: Value, key: str, format: Fixed, step: int, time: Value) -> Value:
    """floor(value + U) in steps of ``2**step`` levels, with a draw U of [0, 1) from the stream ``level_<key>``."""
    fine = b.convert(value, Fixed(format.bits + 3 + DITHER_BITS, signed=True, frac=DITHER_BITS - step))
    dither = b.raw("shr", uniform(b, f"level_{key}", time), DRAW_BITS - DITHER_BITS, frac=fine.frac)
    return b.raw("shr", b.raw("add", fine, dither), DITHER_BITS, frac=-step)


def _gated(b: Builder, value: Value, z: Value, form: ThirdForm, gate: NeuronGateForm, time: Value) -> Value:
    """``value`` with probability σ(β_p (|Δw| - θ_p)), else 0; |Δw| is that of the neuron's most eligible synapse."""
    key = form.key
    e = b.literal(0, 0)
    for name, format in zip(gate.traces, gate.formats, strict=True):
        # The state of a trace is called after its tag's signal and the connection.
        e = b.add(e, trace(b, f"{name}_{key}", z, b.is_zero(z), gate.mode, format))
    gain = b.constant(f"gain_{key}", gate.gain)
    dw = b.mul(b.mul(b.absolute(value), e, rounding="nearest"), gain, rounding="nearest")
    beta, threshold = b.constant(f"beta_{key}", gate.beta), b.constant(f"threshold_{key}", gate.threshold)
    opened = open_gate(b, dw, beta, threshold, time, f"gate_{key}")
    return b.raw("sel", opened, value, 0, frac=value.frac)
