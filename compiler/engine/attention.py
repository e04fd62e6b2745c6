"""Attention on the presynaptic side: a score of each presynaptic neuron, sent when the synapses learn.

α_ij = exp(β g_ij) / Σ_l exp(β g_lj). The numerator is a payload, which the engine keeps as x1 of the weight epoch,
with the context pooled over the postsynaptic neurons; the denominator is summed by each postsynaptic neuron over its
own synapses, and divides the third factor that it supplies.
"""

from __future__ import annotations

import math

import numpy as np

from hmn_lava.compiler.engine.schedule import EngineSchedule
from hmn_lava.compiler.neurocore.assembly import Assembly, parameter_format, vector_format
from hmn_lava.compiler.neurocore.attention import score_constants
from hmn_lava.components import attention, modulation
from hmn_lava.components.port import Port
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.ir import WORD
from hmn_lava.network import Link
from hmn_lava.spec.model import Attention, Connection
from hmn_lava.topology import alike


def payload_group(c: Connection) -> str:
    """The compartments that send the scores, one for each presynaptic neuron."""
    return f"{c.name}.payload"


def lower_attention(net: Assembly, c: Connection, local: Attention, schedule: EngineSchedule, high: int) -> None:
    """The groups ``<c>.terms``, ``<c>.context`` and ``<c>.payload``. ``high``: the largest trace."""
    terms, context, payload = f"{c.name}.terms", f"{c.name}.context", payload_group(c)
    field, emit = f"connections.{c.name}.attention", schedule.emit[c.post]
    keys = [vector_format(local.key[:, d]) for d in range(local.dimensions)]
    constants = net.group(modulation.context_terms(terms, net.formats.activity[c.post], keys), c.n_post, emit + 1)
    for d in range(local.dimensions):
        net.constants(constants, terms, f"{field}.key", {f"key_{d}": local.key[:, d]}, "each")
    net.link(net.source(c.post), emit, (terms, "z"), emit + 1, "same")
    sums = [net.port(terms, f"term_{d}", c.n_post) for d in range(local.dimensions)]
    gain = 1.0 / c.n_post
    constants = net.group(attention.pooled_context(context, sums, parameter_format(gain)), 1, emit + 2)
    net.constants(constants, context, f"{field}.context_rate", {"rate": local.rate})
    net.constants(constants, context, f"{field}.context", {"gain": gain})
    for d in range(local.dimensions):
        net.link((terms, f"term_{d}"), emit + 1, (context, f"term_{d}"), emit + 2, "total")
    ready = schedule.payload[c.name]
    directions = [net.port(context, f"direction_{d}") for d in range(local.dimensions)]
    program = attention.payload(payload, net.formats.activity[c.pre], directions, local.beta, high)
    constants = net.group(program, c.n_pre, ready)
    late = schedule.frame * schedule.delay[c.name][:1] if c.n_syn else np.zeros(1, np.int64)
    net.link(net.source(c.pre), schedule.emit[c.pre], (payload, "x"), ready, "same", late)
    for d in range(local.dimensions):
        net.link((context, f"direction_{d}"), emit + 2, (payload, f"direction_{d}"), ready, "all")
    score_constants(net, constants, payload, field, local, "each")


def scores_port(net: Assembly, c: Connection, local: Attention, high: int) -> Port:
    """What a neuron receives of its synapses' payloads, with the bounds that hold from the first scores on."""
    synapses = c.topology.counts
    fewest, most = int(synapses[synapses > 0].min(initial=1 << 20)), int(synapses.max(initial=1))
    least = 2 * max(1, math.floor(high * least_score(local, z_positive=net.model.populations[c.post].low >= 0)))
    return Port(Fixed(WORD, True, 0), (min(fewest, most) * least, 2 * high * most))


def least_score(local: Attention, z_positive: bool) -> float:
    """exp(-β) where no score can oppose its context, as in one dimension with keys and embeddings of one sign.

    Else exp(-2β).
    """
    signs = {math.copysign(1.0, v) for v in (*local.key.ravel(), *local.embedding.ravel()) if v != 0}
    return math.exp(-local.beta if local.dimensions == 1 and z_positive and len(signs) <= 1 else -2.0 * local.beta)


def link_scores(net: Assembly, c: Connection, schedule: EngineSchedule, port: str, synapses: str) -> None:
    """The payloads to the synapses, and their sum over each neuron's synapses to the neuron."""
    source, ready = (payload_group(c), "score"), schedule.payload[c.name]
    net.links.append(Link(source, (synapses, "x"), "same"))  # at the axons in the step that it is sent in
    delay = np.full(1, schedule.update[c.name] - 1 - ready, np.int64)
    ones = alike(np.ones(1, np.int8), c.n_syn)
    net.links.append(Link(source, (c.post, port), "matrix", delay, c.topology, ones))
