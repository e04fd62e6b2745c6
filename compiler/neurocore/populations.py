"""Populations: host inputs, and neurons with their competition."""

from __future__ import annotations

import numpy as np

from hmn_lava.compiler.neurocore.assembly import (
    Assembly,
    parameter_format,
)
from hmn_lava.compiler.neurocore.static_neurons import (
    STATES,
    lava_bias,
    lower_static_constants,
    static_form,
)
from hmn_lava.components import neuron
from hmn_lava.components.lif import LIF_SHIFT
from hmn_lava.components.supply import SupplyForm
from hmn_lava.fixed import Fixed
from hmn_lava.memory import refuse_above_memory
from hmn_lava.microcode.ir import WORD
from hmn_lava.network import Constant, Input, Topology
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
    in_voltage = p.type != "hmn"
    has_bias = bool(np.any(p.bias))
    bias_frac = a.format.frac + (LIF_SHIFT if p.type == "lif" else 0)
    form = neuron.NeuronForm(
        activation=str(p.activation),
        a=a.format,
        a_bounds=a.bounds,
        z=net.formats.activity[name].format,
        z_high=net.formats.activity[name].bounds[1],
        z_low=net.formats.activity[name].bounds[0],
        bias=Fixed(WORD - 1, True, bias_frac) if has_bias else None,
        bias_in_voltage=in_voltage,
        noise=parameter_format(p.noise) if p.noise > 0 else None,
        competition=p.competition,
        inverse_temperature=parameter_format(1.0 / p.temperature) if p.competition == "sample" else None,
        frame=net.schedule.frame,
        slot=net.schedule.arrive[name] % net.schedule.frame,
        supply=supplied,
        **static_form(p),
    )
    program = neuron.neuron(name, form)
    start, emit = net.schedule.arrive[name], net.schedule.emit[name]
    # Before the first input there are ``start`` steps of the chip, of which the neuron works in one of each frame.
    initial = {"hold": np.array([start // net.schedule.frame], np.int64)}
    if p.restart is not None:
        initial["until"] = np.array([p.restart[1]], np.int64)
    constants = net.group(program, size, None, initial=initial)
    field = f"populations.{name}"
    if any(v.name == "offset" for v in program.constants):
        constants["offset"] = Constant(np.array([start], np.int64))
    if has_bias and p.type == "lif":
        mantissas, exponent = lava_bias(p.bias, bias_frac, net.chip)
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
    lower_static_constants(net, p, constants)
    for draw, stream in (("noise_draw", "noise"), ("sample_draw", "sample")):
        if any(v.name == f"{draw}_k0" for v in program.constants):
            net.stream(constants, draw, f"{name}.{stream}")
    lower_competition(net, p)
    net.signal(f"{name}.a", name, "a", "observable", start, (size,))
    net.signal(f"{name}.z", name, "z", "output", emit, (size,))
    if p.resonator is not None:
        net.signal(f"{name}.a_im", name, "a_im", "observable", start, (size,))
    for state in STATES.get(str(p.activation), ()):
        if any(v.name == state for v in program.states):
            net.signal(f"{name}.{state}", name, state, "state", start, (size,))


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
