"""The third factor of a plastic connection: modulators, the global context, and the groups behind them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hmn_lava.compiler.neurocore.assembly import (
    Assembly,
    parameter_format,
    vector_format,
)
from hmn_lava.compiler.schedule import context_ready, modulator_ready
from hmn_lava.components import modulation
from hmn_lava.components.modulation import GlobalAttentionForm, ModulatorForm
from hmn_lava.components.port import Port
from hmn_lava.network import Link, LinkKind, Topology
from hmn_lava.spec.model import Connection, Rule


def lower_modulation(net: Assembly, c: Connection, rule: Rule) -> None:
    """The group ``<c>.modulation`` that computes the third factor, and the groups behind its messages."""
    model, name = net.model, f"{c.name}.modulation"
    at = net.schedule.modulate[c.name]
    modulators = [model.modulators[m] for m in rule.modulators]
    forms, sources = [], []
    for m in modulators:
        source, port, kind = lower_modulator(net, m.name)
        sources.append((source, modulator_ready(model, m, net.schedule.emit), kind))
        forms.append(ModulatorForm(m.name, m.type, port, parameter_format(m.weight), m.on == "delivery"))
    form, gain, context = None, 1.0, None
    global_attention = model.global_attention if modulators else None
    if global_attention is not None:
        form, gain, context = lower_context(net)
    program = modulation.modulation(
        name, forms, form, parameter_format(rule.eta_local), parameter_format(rule.eta_global)
    )
    constants = net.group(program, 1, at)
    for part, rate in rate_values(rule).items():
        net.constants(constants, name, f"connections.{c.name}.{part}", rate)
    for m, (source, ready, kind) in zip(modulators, sources, strict=True):
        net.link(source, ready, (name, f"e_{m.name}"), at, kind)
        net.constants(constants, name, f"modulators.{m.name}.weight", {f"weight_{m.name}": m.weight})
        net.constants(constants, name, f"modulators.{m.name}.mean_rate", {f"mean_rate_{m.name}": m.mean_rate})
        net.signal(f"{m.name}.E", name, f"E_{m.name}", "observable", at, (1,))
    if global_attention is not None and context is not None:
        for d, (source, kind) in enumerate(context):
            if kind == "matrix":  # one element of a host input
                element = Topology.of(1, global_attention.dimensions, np.zeros(1, np.int64), np.array([d]))
                net.links.append(
                    Link(source, (name, f"context_{d}"), kind, np.full(1, at - 1), element, np.ones(1, np.int64))
                )
            else:
                net.link(source, context_ready(model, net.schedule.emit), (name, f"context_{d}"), at, kind)
            net.signal(f"global.C_{d}", name, f"C_{d}", "state", at, (1,))
        net.constants(constants, name, "global_attention.context", {"context_gain": gain})
        net.constants(constants, name, "global_attention.rate", {"context_rate": global_attention.rate})
        net.constants(constants, name, "global_attention.beta", {"beta_g": global_attention.beta})
        for m in modulators:
            norm = float(np.linalg.norm(m.key))
            for d in range(global_attention.dimensions):
                unit = float(m.key[d]) / norm if norm > 0 else 0.0
                net.constants(constants, name, f"modulators.{m.name}.key", {f"key_{m.name}_{d}": unit})
    if modulators:
        net.signal(f"{c.name}.G", name, "G", "observable", at, (1,))


def rate_values(rule: Rule) -> dict[str, dict[str, float]]:
    """The learning rates as constants of a third factor, by the spec's field."""
    return {"rates.local": {"eta_local": rule.eta_local}, "rates.global": {"eta_global": rule.eta_global}}


def lower_modulator(net: Assembly, name: str) -> tuple[tuple[str, str], Port, LinkKind]:
    """Where a modulator's value comes from; builds the groups of a computed one, once."""
    m = net.model.modulators[name]
    if m.type in ("input", "reward"):
        return net.source(m.source), net.formats.activity[m.source], "all"
    group, terms, size = f"{name}.modulator", f"{name}.terms", net.model.populations[m.source].size
    activity, emit = net.formats.activity[m.source], net.schedule.emit[m.source]
    if group not in net.groups:
        if m.type == "uncertainty":
            net.group(modulation.entropy_terms(terms, activity, size), size, emit + 1)
            ports = [net.port(terms, output, size) for output in ("exp", "zexp")]
            bound = activity.bounds[1] * activity.format.unit
            least = size * next(v.low for v in net.groups[terms].program.outputs if v.name == "exp")
            net.group(modulation.entropy(group, ports[0], ports[1], bound, least), 1, emit + 2)
            outputs: Sequence[tuple[str, str]] = (("exp", "exp"), ("zexp", "zexp"))
        else:
            constants = net.group(modulation.novelty_terms(terms, activity, size), size, emit + 1)
            net.constants(constants, terms, f"modulators.{name}.mean_rate", {"rate": m.mean_rate})
            net.group(modulation.novelty(group, net.port(terms, "square", size)), 1, emit + 2)
            outputs = (("square", "sum"),)
        source, port = net.source(m.source)
        net.link((source, port), emit, (terms, "z" if m.type == "uncertainty" else "x"), emit + 1, "same")
        for output, target in outputs:
            net.link((terms, output), emit + 1, (group, target), emit + 2, "total")
    return (group, "E"), net.port(group, "E"), "all"


def lower_context(net: Assembly) -> tuple[GlobalAttentionForm, float, list[tuple[tuple[str, str], LinkKind]]]:
    """The form of the context, its gain, and the messages that carry it.

    The host's input itself, or the sums of z_j k_j over a population.
    """
    form = net.model.global_attention
    if form is None:
        raise ValueError("the network has no global attention")
    population = net.model.populations[form.context]
    activity = net.formats.activity[form.context]
    if form.from_input:
        port = Port(activity.format, activity.bounds)
        direct: list[tuple[tuple[str, str], LinkKind]] = [(net.source(form.context), "matrix")] * form.dimensions
        return GlobalAttentionForm((port,) * form.dimensions, parameter_format(1.0), form.beta), 1.0, direct
    terms = "global.terms"
    if terms not in net.groups:
        keys = [vector_format(form.key[:, d]) for d in range(form.dimensions)]
        emit = net.schedule.emit[form.context]
        constants = net.group(modulation.context_terms(terms, activity, keys), population.size, emit + 1)
        for d in range(form.dimensions):
            net.constants(constants, terms, "global_attention.key", {f"key_{d}": form.key[:, d]}, "each")
        net.link(net.source(form.context), emit, (terms, "z"), emit + 1, "same")
    gain = 1.0 / population.size
    ports = tuple(net.port(terms, f"term_{d}", population.size) for d in range(form.dimensions))
    sums: list[tuple[tuple[str, str], LinkKind]] = [((terms, f"term_{d}"), "total") for d in range(form.dimensions)]
    return GlobalAttentionForm(ports, parameter_format(gain), form.beta), gain, sums
