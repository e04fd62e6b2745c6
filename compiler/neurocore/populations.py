"""Populations: host inputs, and neurons with their competition."""

from __future__ import annotations

import math

import numpy as np

from hmn_lava.compiler.neurocore.assembly import (
    Assembly,
    parameter_format,
)
from hmn_lava.compiler.quantise import lif_decays
from hmn_lava.components import neuron
from hmn_lava.components.supply import SupplyForm
from hmn_lava.fixed import Fixed, Integers
from hmn_lava.hardware_profiles import Lif as LifLimits
from hmn_lava.memory import refuse_above_memory
from hmn_lava.microcode.ir import WORD
from hmn_lava.network import Constant, Input, Topology
from hmn_lava.reference.equations import Floats
from hmn_lava.spec.model import Population


def lower_input(net: Assembly, population: Population) -> None:
    """A population that the host drives."""
    port = net.formats.activity[population.name]
    low, high = (int(n) for n in port.format.quantise([population.low, population.high]))
    net.inputs[population.name] = Input(population.name, population.size, port.format, low, high)
    net.signal(f"{population.name}.x", population.name, "x", "input", 0, (population.size,))
    if population.signal == "graded":
        ends = [population.low, population.high]
        field = f"populations.{population.name}.range"
        net.record.add(field, ends, port.format.quantise(ends), port.format, f"{population.name}.x")


def lower_neurons(net: Assembly, p: Population, supplied: SupplyForm | None = None) -> None:
    """A population of neurons, with its constants, streams, competition and signals.

    ``supplied``: what it supplies to the learning engine.
    """
    name, size = p.name, p.size
    a = net.formats.accumulator[name]
    in_voltage = p.type == "lif"
    has_bias = bool(np.any(p.bias))
    bias_frac = a.format.frac + (neuron.LIF_SHIFT if in_voltage else 0)
    form = neuron.NeuronForm(
        activation=str(p.activation),
        a=a.format,
        a_bounds=a.bounds,
        z=net.formats.activity[name].format,
        z_high=net.formats.activity[name].bounds[1],
        bias=Fixed(WORD - 1, True, bias_frac) if has_bias else None,
        bias_in_voltage=in_voltage,
        noise=parameter_format(p.noise) if p.noise > 0 else None,
        competition=p.competition,
        inverse_temperature=parameter_format(1.0 / p.temperature) if p.competition == "sample" else None,
        frame=net.schedule.frame,
        slot=net.schedule.arrive[name] % net.schedule.frame,
        supply=supplied,
    )
    program = neuron.neuron(name, form)
    start, emit = net.schedule.arrive[name], net.schedule.emit[name]
    # Before the first input there are ``start`` steps of the chip, of which the neuron works in one of each frame.
    constants = net.group(program, size, None, initial={"hold": np.array([start // net.schedule.frame], np.int64)})
    field = f"populations.{name}"
    if any(v.name == "offset" for v in program.constants):
        constants["offset"] = Constant(np.array([start], np.int64))
    if has_bias and p.lif is not None and in_voltage:
        mantissas, exponent = _lava_bias(p.bias, bias_frac, net.chip)
        constants["bias"] = Constant(mantissas << exponent, "each")
        format = Fixed(net.chip.bias_mantissa_bits.value, True, bias_frac - exponent)
        net.record.add(f"{field}.bias", p.bias, mantissas, format, f"{name}.bias")
    elif has_bias:
        net.constants(constants, name, f"{field}.bias", {"bias": p.bias}, "each")
    net.constants(constants, name, f"{field}.noise", {"noise": p.noise})
    if p.competition == "sample":
        net.constants(constants, name, f"{field}.competition.temperature", {"inverse_temperature": 1.0 / p.temperature})
    if p.activation == "relu":
        z = net.formats.activity[name]
        net.record.add(f"{field}.z_max", p.z_max, np.array([z.bounds[1]]), z.format, f"{name}.z")
    if p.lif is not None:
        keep_u, keep_v = lif_decays(p.lif)
        one = 1 << neuron.LIF_DECAY_BITS
        constants["keep_u"], constants["keep_v"] = (Constant(np.array([k], np.int64)) for k in (keep_u, keep_v))
        decay = Fixed(neuron.LIF_DECAY_BITS + 1, False, neuron.LIF_DECAY_BITS)
        net.record.add(f"{field}.du", p.lif.du, np.array([one - keep_u]), decay, f"{name}.keep_u")
        net.record.add(f"{field}.dv", p.lif.dv, np.array([one - keep_v]), decay, f"{name}.keep_v")
        bits = net.chip.vth_mantissa_bits.value
        mantissa = min(round(math.ldexp(p.lif.vth, a.format.frac)), (1 << bits) - 1)
        constants["vth"] = Constant(np.array([mantissa << neuron.LIF_SHIFT], np.int64))
        net.record.add(
            f"{field}.vth", p.lif.vth, np.array([mantissa]), Fixed(bits, False, a.format.frac), f"{name}.vth"
        )
    for draw, stream in (("noise_draw", "noise"), ("sample_draw", "sample")):
        if any(v.name == f"{draw}_k0" for v in program.constants):
            net.stream(constants, draw, f"{name}.{stream}")
    lower_competition(net, p)
    net.signal(f"{name}.a", name, "a", "observable", start, (size,))
    net.signal(f"{name}.z", name, "z", "output", emit, (size,))
    if p.activation == "lif":
        net.signal(f"{name}.u", name, "u", "state", start, (size,))
        net.signal(f"{name}.v", name, "v", "state", start, (size,))


def lower_competition(net: Assembly, p: Population) -> None:
    """The group that compares all pairs of neurons."""
    if p.competition == "none":
        return
    key = next(v for v in net.groups[p.name].program.outputs if v.name == "key")
    name = f"{p.name}.competition"
    bounds = (min(0, key.low), max(0, key.high))
    remedy = "every two neurons are compared: use a smaller population, or no competition"
    refuse_above_memory(2 * p.size**2, field=f"populations.{p.name}.competition", value=p.size, remedy=remedy)
    topology = Topology.full(p.size, p.size)
    start = net.schedule.arrive[p.name]
    program = neuron.competition(name, Fixed(WORD, True, key.format.frac), bounds)
    constants = net.group(program, topology.size, start + 1, topology)
    constants["first"] = Constant(np.tri(p.size, p.size, -1, np.int8).reshape(-1), "each")
    net.link((p.name, "key"), start, (name, "mine"), start + 1, "post")
    net.link((p.name, "key"), start, (name, "other"), start + 1, "pre")
    net.link((name, "beaten"), start + 1, (p.name, "beaten"), start + neuron.COMPETITION_STEPS, "rows")


def _lava_bias(bias: Floats, frac: int, chip: LifLimits) -> tuple[Integers, int]:
    """Biases as Lava holds them: mantissas, and the one exponent that they share."""
    largest = (1 << (chip.bias_mantissa_bits.value - 1)) - 1
    integers = np.ldexp(np.asarray(bias, np.float64), frac)
    reach = float(np.abs(integers).max(initial=0.0))
    exponent = math.ceil(math.log2(reach / largest)) if reach > largest else 0
    exponent = min(exponent, (1 << chip.bias_exponent_bits.value) - 1)
    return np.clip(np.rint(np.ldexp(integers, -exponent)), -largest, largest).astype(np.int64), exponent
