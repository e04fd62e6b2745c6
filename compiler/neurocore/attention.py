"""Local attention: the context of each post neuron, and the normaliser of its row."""

from __future__ import annotations

import math

import numpy as np

from hmn_lava.compiler.neurocore.assembly import (
    Assembly,
    synapse_group,
    vector_format,
)
from hmn_lava.components import attention, synapse
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.ir import WORD
from hmn_lava.network import Along, Constant
from hmn_lava.spec.model import Attention, Connection, Rule

SCORE_BETA = "attention.beta"


def lower_attention(net: Assembly, c: Connection, rule: Rule) -> synapse.AttentionForm:
    """The groups ``<c>.context`` and ``<c>.attention`` of each post neuron."""
    local = rule.attention
    if local is None:
        raise ValueError("the connection has no attention")
    z = net.formats.activity[c.post]
    keys = [vector_format(local.key[:, d]) for d in range(local.dimensions)]
    reach = net.model.populations[c.post]
    bound = float(np.abs(local.key).max(initial=0.0)) * max(abs(reach.low), abs(reach.high))
    context = f"{c.name}.context"
    constants = net.group(
        attention.context(context, z.format, z.bounds, keys, max(bound, 2.0**-8)),
        c.n_post,
        net.schedule.emit[c.post] + 1,
    )
    field = f"connections.{c.name}.attention"
    net.constants(constants, context, f"{field}.context_rate", {"rate": local.rate})
    for d in range(local.dimensions):
        net.constants(constants, context, f"{field}.key", {f"key_{d}": local.key[:, d]}, "each")
    synapses = c.topology.counts
    most = int(synapses.max(initial=1))
    frac = min(attention.SCORE_FRAC, WORD - 2 - most.bit_length())
    low, high = (bound >> (attention.SCORE_FRAC - frac) for bound in attention.score_bounds(local.beta))
    fewest = int(synapses[synapses > 0].min(initial=1))
    normaliser = f"{c.name}.attention"
    program = attention.normaliser(normaliser, Fixed(WORD, True, frac), (max(1, low * fewest), high * most))
    net.group(program, c.n_post, net.schedule.update[c.name] - 1)
    return synapse.AttentionForm(
        directions=tuple(net.port(context, f"direction_{d}") for d in range(local.dimensions)),
        beta=local.beta,
        message_frac=frac,
        reciprocal=net.port(normaliser, "reciprocal"),
    )


def link_attention(
    net: Assembly, c: Connection, rule: Rule, constants: dict[str, Constant], shape: tuple[int, ...]
) -> None:
    local, name, group = rule.attention, c.name, synapse_group(c)
    if local is None:
        return
    emit, update = net.schedule.emit[c.post], net.schedule.update[name]
    score = update - synapse.SCORE_STEPS
    context, normaliser = f"{name}.context", f"{name}.attention"
    net.link((c.post, "z"), emit, (context, "z"), emit + 1, "same")
    for d in range(local.dimensions):
        net.link((context, f"direction_{d}"), emit + 1, (group, f"direction_{d}"), score, "post")
    net.link(
        net.source(c.pre),
        net.schedule.emit[c.pre],
        (group, "x_attention"),
        score,
        "pre",
        net.schedule.delay[name],
    )
    net.link((group, "score"), score, (normaliser, "sum"), score + 1, "rows")
    net.link((normaliser, "reciprocal"), score + 1, (group, "reciprocal"), update, "post")
    score_constants(net, constants, group, f"connections.{name}.attention", local, "pre")
    net.signal(f"{name}.alpha", group, "alpha", "observable", update, shape)
    for d in range(local.dimensions):
        net.signal(f"{name}.c_{d}", context, f"c_{d}", "state", emit + 1, (c.n_post,))


def score_constants(
    net: Assembly, constants: dict[str, Constant], group: str, field: str, local: Attention, along: Along
) -> None:
    """What a score is made of: the unit vectors of the embedding (0 where a norm is 0), and the temperature."""
    norms = np.linalg.norm(local.embedding, axis=1, keepdims=True)
    unit = np.divide(local.embedding, norms, out=np.zeros_like(local.embedding), where=norms > 0)
    for d in range(local.dimensions):
        net.constants(constants, group, f"{field}.embedding", {f"embedding_{d}": unit[:, d]}, along)
    net.constants(constants, group, f"{field}.beta", score_values(local))


def score_values(local: Attention) -> dict[str, float]:
    """The temperature, and in one dimension the two scores below 1 that it makes, as constants of a program."""
    return {
        "score_opposed": math.exp(-2.0 * local.beta),
        "score_neutral": math.exp(-local.beta),
        "beta_a": local.beta,
    }
