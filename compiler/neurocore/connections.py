"""Connections: static synapses, and plastic ones as a compartment each."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from hmn_lava.compiler.channels import scales
from hmn_lava.compiler.neurocore.assembly import (
    Assembly,
    parameter_format,
    synapse_group,
)
from hmn_lava.compiler.neurocore.attention import SCORE_BETA, link_attention, lower_attention, score_values
from hmn_lava.compiler.neurocore.modulation import lower_modulation, rate_values
from hmn_lava.compiler.neurocore.oscillator import link_oscillator, lower_oscillator
from hmn_lava.components import synapse
from hmn_lava.network import Constant, Link, SignalKind
from hmn_lava.spec.model import Connection, Rule
from hmn_lava.topology import compact, stored

GATE_BETA = "probabilistic_gate.beta"


def lower_static(net: Assembly, c: Connection) -> None:
    """Static synapses: integer weights of few bits, and a shift to the accumulator's binary point.

    One link for each scale of the weights, see :mod:`hmn_lava.compiler.channels`.
    """
    format, x, a = net.formats.weight[c.name], net.formats.activity[c.pre], net.formats.accumulator[c.post]
    port = "a" if c.component == "real" else "a_im"
    for bits, topology, mine in scales(c, net.formats.extra.get(c.name)):
        own, delay = replace(format, frac=format.frac + bits), net.schedule.message_delay[c.name]
        asked = c.weights if mine is None else c.weights[mine]
        weights = stored(own.quantise, asked)
        target = f"{c.name}.weights" + (f", {own}" if c.channel is not None else "")
        net.record.add(f"connections.{c.name}.weights", asked, weights, own, target)
        delay = compact(delay if mine is None or delay.size == 1 else delay[mine])
        shift = a.format.frac - own.frac - x.format.frac
        net.links.append(Link(net.source(c.pre), (c.post, port), "matrix", delay, topology, weights, shift))


def lower_plastic(net: Assembly, c: Connection, rule: Rule) -> None:
    name = c.name
    group, field = synapse_group(c), f"connections.{name}"
    w, x, a = net.formats.weight[name], net.formats.activity[c.pre], net.formats.accumulator[c.post]
    low, high = (int(n) for n in w.quantise([rule.w_min, rule.w_max]))
    form = synapse.SynapseForm(w=w, w_bounds=(low, high), x=x, a_frac=a.format.frac)
    weights = stored(lambda part: np.clip(w.quantise(part), low, high), c.weights)
    net.record.add(f"{field}.weights", c.weights, weights, w, f"{group}.w")
    net.record.add(f"{field}.bounds", [rule.w_min, rule.w_max], np.array([low, high]), w, f"{group}.w")
    arrive, emit = net.schedule.arrive[c.post], net.schedule.emit[c.post]
    shape = (c.n_post, c.n_pre) if c.dense else (c.n_syn,)
    if rule.learning:
        form = learning_form(net, c, rule, form)
    program = synapse.synapse(group, form)
    constants = net.group(program, c.n_syn, None, c.topology, {"w": weights})
    source = net.source(c.pre)
    ready = net.schedule.emit[c.pre]
    net.links.append(Link(source, (group, "x"), "pre", compact(net.schedule.message_delay[name])))
    net.links.append(Link((group, "a"), (c.post, "a"), "rows"))
    if not rule.learning:
        net.signal(f"{name}.w", group, "w", "state", arrive - 1, shape)
        return
    update = net.schedule.update[name]
    late = net.schedule.delay[name]
    net.link(source, ready, (group, "x_learn"), update, "pre", late)
    net.link((c.post, "z"), emit, (group, "z"), update, "post")
    net.link((f"{name}.modulation", "third"), net.schedule.modulate[name], (group, "third"), update, "all")
    for part, decay in trace_values(rule).items():
        net.constants(constants, group, f"{field}.{part}", decay)
    kinds: dict[str, SignalKind] = {"w": "state", "psi_fast": "state", "psi_slow": "state", "dw": "observable"}
    for symbol, kind in kinds.items():
        if symbol != "psi_slow" or rule.tau_slow is not None:
            net.signal(f"{name}.{symbol}", group, symbol, kind, update, shape)
    if rule.attention is not None:
        link_attention(net, c, rule, constants, shape)
    if rule.phase is not None:
        link_oscillator(net, c, rule, constants, shape)
    if rule.gate is not None:
        net.constants(constants, group, f"{field}.{GATE_BETA}", {"beta_p": rule.gate.beta})
        net.constants(constants, group, f"{field}.probabilistic_gate.threshold", {"threshold": rule.gate.threshold})
        constants["offset"] = Constant(np.array([update], np.int64))
        net.stream(constants, "gate", f"{name}.gate")


def trace_values(rule: Rule) -> dict[str, dict[str, float]]:
    """The decays of the traces, λ = exp(-1/τ), as constants of a synapse, by the spec's field."""
    taus = (("fast", rule.tau_fast), ("slow", rule.tau_slow))
    return {f"traces.tau_{s}": {f"psi_{s}_decay": math.exp(-1.0 / tau)} for s, tau in taus if tau}


def rule_values(c: Connection, rule: Rule) -> Iterator[tuple[str, str, dict[str, float]]]:
    """All constants that follow from the rule's meta-parameters: group, field of the connection, values by name."""
    group = synapse_group(c)
    for part, rate in rate_values(rule).items():
        yield f"{c.name}.modulation", part, rate
    for part, decay in trace_values(rule).items():
        yield group, part, decay
    if rule.attention is not None:
        yield group, SCORE_BETA, score_values(rule.attention)
    if rule.gate is not None:
        yield group, GATE_BETA, {"beta_p": rule.gate.beta}


def learning_form(net: Assembly, c: Connection, rule: Rule, form: synapse.SynapseForm) -> synapse.SynapseForm:
    """Build the groups that a learning synapse listens to, and describe their messages to it."""
    name = c.name
    lower_modulation(net, c, rule)
    gate = None
    if rule.gate is not None:
        gate = synapse.GateForm(parameter_format(rule.gate.beta), parameter_format(rule.gate.threshold))
    phase = None
    if rule.phase is not None:
        wave = "gate" if rule.phase.uniform else "cos"
        lower_oscillator(net, c, rule)
        phase = net.port(f"{name}.oscillator", wave)
    return synapse.SynapseForm(
        w=form.w,
        w_bounds=form.w_bounds,
        x=form.x,
        a_frac=form.a_frac,
        learning=True,
        z=net.formats.activity[c.post],
        mode=rule.mode,
        psi_fast=net.formats.trace_fast[name],
        psi_slow=net.formats.trace_slow.get(name),
        third=net.port(f"{name}.modulation", "third"),
        attention=lower_attention(net, c, rule) if rule.attention is not None else None,
        phase=phase,
        phase_per_synapse=rule.phase is not None and not rule.phase.uniform,
        gate=gate,
    )
