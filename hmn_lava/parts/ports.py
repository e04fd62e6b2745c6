"""The formats of a part's ports: how many fractional bits an integer on a port has, and its bounds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hmn_lava.components.port import Port
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.ir import WORD
from hmn_lava.network import Input, Link, Signal
from hmn_lava.partition import Part


def read_ports(part: Part) -> dict[str, Port]:
    """What each in-port of a part reads; static synapses know it where it was given (:func:`with_formats`)."""
    group = part.group
    if group is None:
        inputs = part.network.inputs
        return {p.name: Port(i.format, (i.low, i.high)) for p in part.inputs if _known(i := inputs[p.name])}
    found = {}
    for link in part.network.links_to(group.name):
        variable = group.program.variable(link.target[1])
        found[link.source[0]] = Port(variable.format, (variable.low, variable.high))
    return {port.name: found[port.name] for port in part.inputs if port.name in found}


def sent_ports(part: Part) -> dict[str, Port]:
    """What each out-port of a part sends, summed over a row where it is of synapses; zero is always possible."""
    group = part.group
    if group is None:
        signal = part.network.signals.get("a_out")
        return {} if signal is None else {"a_out": Port(signal.format, _current_bounds(part, part.network.links[0]))}
    fan_in = 1 if group.topology is None else int(np.diff(group.topology.starts).max(initial=1))
    found = {}
    for out in part.outputs:
        variable = group.program.variable(out.source[1])
        bounds = (min(0, variable.low * fan_in), max(0, variable.high * fan_in))
        found[out.name] = Port(Fixed(WORD, True, variable.format.frac) if fan_in > 1 else variable.format, bounds)
    return found


def with_formats(part: Part, x: Port, a: Fixed) -> Part:
    """Static synapses that know what they read and send."""
    link = part.network.links[0]
    port, out = part.inputs[0], part.outputs[0]
    inputs = {port.name: Input(port.name, port.size, x.format, *x.bounds)}
    signals = {"a_out": Signal(*link.source, "output", a, 0, (out.size,))}
    return replace(part, network=replace(part.network, inputs=inputs, signals=signals))


def _known(port: Input) -> bool:
    """Whether a port of static synapses was given its bounds; a cut leaves it a whole word."""
    return (port.low, port.high) != (port.format.min, port.format.max)


def _current_bounds(part: Part, link: Link) -> tuple[int, int]:
    """Σ |w| max |x| over the worst row, shifted."""
    if link.topology is None or link.weights is None:
        raise ValueError("static synapses have a topology and weights")
    x = part.network.inputs[part.inputs[0].name]
    worst = np.bincount(link.topology.row, weights=np.abs(link.weights), minlength=1).max(initial=0.0)
    most = int(worst) * max(abs(x.low), abs(x.high))
    most = most << link.shift if link.shift >= 0 else (most >> -link.shift) + 1
    most = min(most, (1 << (WORD - 1)) - 1)
    return -most, most
