"""The oscillator of a phase gate, started so that its message meets the update of its own step."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from hmn_lava.compiler.neurocore.assembly import (
    Assembly,
    synapse_group,
)
from hmn_lava.components import oscillator
from hmn_lava.network import Constant
from hmn_lava.spec.model import Connection, Phase, Rule
from hmn_lava.topology import narrow


def lower_oscillator(net: Assembly, c: Connection, rule: Rule) -> None:
    if rule.phase is None:
        return
    name = f"{c.name}.oscillator"
    period = net.model.oscillators[rule.phase.oscillator].period
    net.group(oscillator.oscillator(name, period, not rule.phase.uniform), 1, net.schedule.update[c.name] - 1)


def start_oscillator(net: Assembly, c: Connection, phase: Phase) -> int:
    """Start the oscillator so that its message of model step t arrives at the update of step t; returns its offset."""
    name, ready = f"{c.name}.oscillator", net.schedule.update[c.name] - 1
    source = net.model.oscillators[phase.oscillator]
    own = 0.0 if not phase.uniform else float(phase.phi[0]) if phase.phi.size else 0.0
    before = ready // net.schedule.frame  # how often it has counted when it handles model step 0
    start = ((source.phase - own) / (2.0 * math.pi) * source.period - before) % source.period
    program = net.groups[name].program
    count = program.variable("count")
    # A start that rounds to a whole period is a start at 0.
    turn = program.variable("period").low
    nearest = int(count.format.quantise(start))
    stored = nearest % turn
    asked = start - source.period if nearest >= turn else start
    initial, oscillator_constants = dict(net.groups[name].initial), dict(net.groups[name].constants)
    initial["count"] = narrow(np.array([stored], np.int64))
    field = f"oscillators.{source.name}"
    net.constants(
        oscillator_constants,
        name,
        f"{field}.period",
        {"period": source.period, "turns_per_step": 1.0 / source.period},
    )
    net.groups[name] = replace(net.groups[name], initial=initial, constants=oscillator_constants)
    asked = 0.0 if abs(asked) < count.format.unit / 2.0 else asked
    net.record.add(f"{field}.phase", asked, np.array([stored]), count.format, f"{name}.count")
    return ready


def link_oscillator(
    net: Assembly, c: Connection, rule: Rule, constants: dict[str, Constant], shape: tuple[int, ...]
) -> None:
    """The gate, or the waves that each synapse makes its own gate of, to the synapses."""
    if rule.phase is None:
        return
    name, group, update = f"{c.name}.oscillator", synapse_group(c), net.schedule.update[c.name]
    ready = start_oscillator(net, c, rule.phase)
    if rule.phase.uniform:
        net.link((name, "gate"), ready, (group, "gate"), update, "all")
        net.signal(f"{c.name}.gate", name, "gate", "output", ready, (1,))
        return
    for wave, function in (("cos", np.cos), ("sin", np.sin)):
        net.link((name, wave), ready, (group, wave), update, "all")
        net.constants(
            constants,
            group,
            f"connections.{c.name}.phase_gate.phase",
            {f"{wave}_phase": function(rule.phase.phi)},
            "each",
        )
    net.signal(f"{c.name}.gate", group, "gate", "observable", update, shape)
