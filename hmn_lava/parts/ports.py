"""The formats of a part's ports: how many fractional bits an integer on a port has, and its bounds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from hmn_lava.components.port import Port
from hmn_lava.errors import InputError
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.ir import WORD
from hmn_lava.network import Input, Link, Signal
from hmn_lava.partition import Part

RANGES = {
    "s_in": "x_range",
    "z_in": "z_range",
    "third_in": "third",
    "a_in": "a_range",
    "mine_in": "key_range",
    "other_in": "key_range",
    "dw_in": "dw_range",
    "loss_in": "loss_range",
}
"""The arguments that set what an in-port reads."""


@dataclass(frozen=True)
class Wire:
    """A connection of two ports, each called as ``component.port``; a format is None where it is not known."""

    source: str
    sends: Fixed | None
    target: str
    reads: Fixed | None

    @property
    def factor(self) -> float:
        """How many times larger a number is read than it was sent; 1 where both ends agree."""
        return 1.0 if self.sends is None or self.reads is None else 2.0 ** (self.sends.frac - self.reads.frac)


def mismatches(wires: Iterable[Wire]) -> list[Wire]:
    """Those whose ends have another number of fractional bits."""
    return [wire for wire in wires if wire.factor != 1.0]


def check_wires(wires: Iterable[Wire]) -> None:
    """Raise InputError if the ends of a wire differ in their fractional bits; it names all such."""
    wrong = mismatches(wires)
    if not wrong:
        return
    first = wrong[0]
    component, _, port = first.target.rpartition(".")
    sender, _, out = first.source.rpartition(".")
    told = "; ".join(f"{w.source} sends {w.sends}, {w.target} reads {w.reads}: factor {w.factor:g}" for w in wrong)
    argument, sent = _range_of(port), first.sends
    format = f"Fixed({sent.bits}, {sent.signed}, {sent.frac})" if sent is not None else "its Fixed"
    remedy = (
        f'make {component} with {argument}={sender}.sends["{out}"]; in a cycle, where {sender} is made later, '
        f"with {argument}={format}"
    )
    problem = f"the formats of connected ports differ: {told}"
    raise InputError(problem, where=component, field=port, value=str(first.reads), remedy=remedy)


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
    fan_in = 1 if group.topology is None else int(group.topology.counts.max(initial=1))
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
    weights = link.weights
    worst = link.topology.row_sums(lambda part: np.abs(weights[part].astype(np.int64))).max(initial=0.0)
    most = int(worst) * max(abs(x.low), abs(x.high))
    most = most << link.shift if link.shift >= 0 else (most >> -link.shift) + 1
    most = min(most, (1 << (WORD - 1)) - 1)
    return -most, most


def _range_of(port: str) -> str:
    """The argument that sets what an in-port reads."""
    if event := re.fullmatch(r"e_(.+)_in", port):
        return f'the range of modulator "{event[1]}"'
    return "attention's context_range" if port.startswith("context_") else RANGES.get(port, "the range")
