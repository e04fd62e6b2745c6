"""The neuron's programs: activation (HMN paper, eq. (1)), Lava's LIF, noise and competition."""

from __future__ import annotations

from dataclasses import dataclass

from hmn_lava.components.clock import model_time, off_beat
from hmn_lava.components.lif import LAVA_LIF, LifForm, lif
from hmn_lava.components.lif import LIF_DECAY_BITS as LIF_DECAY_BITS  # where most look for it
from hmn_lava.components.lif import LIF_SHIFT as LIF_SHIFT
from hmn_lava.components.resonator import Spiking, resonator
from hmn_lava.components.sigma_delta import SigmaDeltaForm, sigma_delta
from hmn_lava.components.supply import SupplyForm, supply_activity, supply_thirds, supply_voltages
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.builder import Builder, Value
from hmn_lava.microcode.functions import gumbel, normal, sigmoid
from hmn_lava.microcode.ir import WORD, Program
from hmn_lava.microcode.random import uniform
from hmn_lava.microcode.ranges import WORD_RANGE, Interval

COMPETITION_STEPS = 2
"""Steps from a neuron's key to the verdict: out to the comparing compartments, and back."""

Z_SIGMOID = Fixed(17, signed=False, frac=16)
Z_SPIKE = Fixed(1, signed=False, frac=0)


@dataclass(frozen=True)
class NeuronForm:
    """What a neuron program is made of. ``a`` is the format of its accumulator with the proven bounds ``a_bounds``.

    ``z`` is the format of a graded output, saturated at the integers ``z_low`` and ``z_high``; ``bias_in_voltage`` is
    True for the neurons of static networks, which add the bias to a state, False where it is part of a. These have a
    form of their own: ``lif``, ``sigma_delta``, or the way a ``resonator`` spikes and the steps of its ``restart``.
    Where a step of the model takes a ``frame`` of several steps of the chip, the neuron works in step ``slot``, and may
    supply y0 and y traces to the learning engine.
    """

    activation: str
    a: Fixed
    a_bounds: Interval
    z: Fixed | None = None
    z_high: int = 0
    z_low: int = 0
    bias: Fixed | None = None
    bias_in_voltage: bool = False
    noise: Fixed | None = None
    competition: str = "none"
    inverse_temperature: Fixed | None = None
    frame: int = 1
    slot: int = 0
    supply: SupplyForm | None = None
    lif: LifForm = LAVA_LIF
    sigma_delta: SigmaDeltaForm | None = None
    resonator: Spiking | None = None
    restart: int = 0


def neuron(name: str, form: NeuronForm) -> Program:
    """a_j = Σ_i w_ij x_i + b_j + σ ξ_j and z_j = f(a_j), with f one of relu, sigmoid, lif.

    Losers of a competition stay silent.

    Inputs ``a`` (the accumulated Σ w x) and, with competition, ``beaten`` (how many others beat this neuron two steps
    ago). Outputs ``z`` and, with competition, ``key``. The state ``hold`` counts the steps until the first input can
    arrive: before that, the neuron neither moves nor fires, so that its clock is the model's. Constants: ``bias``,
    ``noise`` = σ, ``inverse_temperature`` = 1/T, LIF's ``du``, ``dv``, ``vth``, and the key words of the streams
    ``noise`` and ``sample``.
    """
    b = Builder(name, f"neuron: {form.activation}, competition {form.competition}")
    accumulated = b.input("a", form.a, form.a_bounds)
    competes = form.competition != "none"
    beaten = b.input("beaten", Fixed(WORD - 1, signed=False), None) if competes else None
    if form.frame > 1:
        return _in_frames(b, accumulated, beaten, form)
    with b.unless(_held(b)):
        key, z = _soma(b, accumulated, form)
        if beaten is not None:
            b.note("the key goes to the competition, z waits for its verdict")
            b.emit("key", key)
            z = b.delayed("z", z, COMPETITION_STEPS)
            z = b.select(beaten, b.literal(0, z.frac), z)
        b.emit("z", z)
    return b.build()


def _in_frames(b: Builder, accumulated: Value, beaten: Value | None, form: NeuronForm) -> Program:
    """The same in frames: z is kept in a state, from which the verdict and the third factors are made."""
    if form.z is None:
        raise ValueError("a neuron in frames needs the format of z")
    bounds = (form.z_low, form.z_high)
    held = b.state("held", form.z, bounds)
    won = b.state("won", form.z, bounds) if beaten is not None else held
    if form.supply is not None:
        supply_thirds(b, won, form.supply, form.frame)  # before anything is stored: z as of the last step
    if beaten is not None:
        with b.unless(off_beat(b, form.frame, (form.slot + COMPETITION_STEPS) % form.frame)):
            z = b.raw("sel", beaten, 0, held, frac=held.frac)
            b.store(won, z)
            _known(b, z, form)
    with b.unless(off_beat(b, form.frame, form.slot)), b.unless(_held(b)):
        key, z = _soma(b, accumulated, form)
        b.store(held, z)
        if beaten is None:
            _known(b, z, form)
        else:
            b.emit("key", key)
    return b.build()


def _known(b: Builder, z: Value, form: NeuronForm) -> None:
    """Send z, and supply what is made of it in the same step."""
    b.emit("z", z)
    if form.supply is not None and form.supply.spikes:
        supply_activity(b, z, form.supply)


def _held(b: Builder) -> Value:
    """Not 0 until the first input can arrive; counts down."""
    hold = b.state("hold", Fixed(16, signed=False))
    waiting = b.less(b.literal(0), hold)
    b.note("wait until the first input can arrive")
    b.store(hold, b.clip(b.raw("sub", hold, 1), 0, (1 << 16) - 1))
    return waiting


def _soma(b: Builder, accumulated: Value, form: NeuronForm) -> tuple[Value, Value]:
    """The key for a competition, and z = f(a)."""
    a = accumulated
    if form.a_bounds == WORD_RANGE and form.activation in ("relu", "sigmoid"):
        # What fills a word (a calibrated range) leaves no room to be negated or added to.
        a = b.raw("shr", a, 1, frac=a.frac - 1)
    if form.bias is not None and not form.bias_in_voltage:
        a = b.add(a, b.constant("bias", form.bias))
    time = None
    if form.noise is not None or form.competition == "sample":
        time = model_time(b, b.constant("offset", Fixed(16, signed=False)), form.frame)
    if form.noise is not None and time is not None:
        draw = normal(b, uniform(b, "noise_draw", time))
        a = b.add(a, b.mul(draw, b.constant("noise", form.noise)))
    if form.activation == "lif" and a.frac != form.a.frac:
        a = b.convert(a, form.a)  # the sums may have moved the binary point, which is the threshold's too
    z = _activate(b, a, form)
    key = a
    if form.competition == "sample" and form.inverse_temperature is not None and time is not None:
        scaled = b.mul(a, b.constant("inverse_temperature", form.inverse_temperature), rounding="nearest")
        key = b.add(scaled, gumbel(b, uniform(b, "sample_draw", time)))
    return key, z


def competition(name: str, key: Fixed, bounds: Interval) -> Program:
    """One compartment for each ordered pair of neurons: emits 1 where the other one's key beats mine.

    ``beaten`` = [other > mine] + [other = mine][other comes first]: the lowest index wins a tie. The row sum of
    ``beaten`` is zero for the one winner alone. Constant ``first`` is 1 where the other neuron has the lower index.
    """
    b = Builder(name, "competition: one comparison for each pair")
    mine, other = b.input("mine", key, bounds), b.input("other", key, bounds)
    first = b.constant("first", Fixed(1, signed=False))
    tie = b.raw("and", b.raw("eq", mine, other, frac=0), first)
    b.emit("beaten", b.raw("or", b.less(mine, other), tie))
    return b.build()


def _activate(b: Builder, a: Value, form: NeuronForm) -> Value:
    """z = f(a)."""
    b.observe("a", a)
    if form.activation == "relu":
        if form.z is None or form.z_high <= 0:
            raise ValueError("relu needs the format of its output, and where it saturates")
        return b.clip(b.convert(a, form.z), 0, form.z_high)
    if form.activation == "sigmoid":
        b.note("sigmoid")
        # At least one unit: a sigmoid is never zero, and a trace asks whether z is.
        format = form.z or Z_SIGMOID
        return b.maximum(b.convert(sigmoid(b, a), format), b.literal(1, format.frac))
    if form.resonator is not None:
        a_im = b.input("a_im", form.a, form.a_bounds)
        b.observe("a_im", a_im)
        return resonator(b, a, a_im, form.resonator, form.restart)
    if form.sigma_delta is not None:
        return _graded(b, sigma_delta(b, a, form.bias is not None, form.sigma_delta), form)
    voltages = form.supply is not None and bool(form.supply.voltages)
    z, voltage = lif(b, a, form.bias is not None and form.bias_in_voltage, form.lif, voltages)
    if form.supply is not None and voltages:
        supply_voltages(b, voltage, form.supply, form.frame)
        b.note("voltage")
    return z if form.lif.output == "spike" else _graded(b, z, form)


def _graded(b: Builder, value: Value, form: NeuronForm) -> Value:
    """A state as a payload: floored to the format of z, and saturated."""
    if form.z is None:
        raise ValueError("a graded output needs its format")
    return b.clip(b.convert(value, form.z, "floor"), form.z_low, form.z_high)
