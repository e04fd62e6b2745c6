"""The routes of a network: what each of its links asks of cores, by the packing of a profile."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hmn_lava.compiler.placement.packing import Format, index_bits, levels_bits, weight_bits
from hmn_lava.compiler.placement.routes import Crossing, Gather, Route, Scatter
from hmn_lava.hardware_profiles import Profile
from hmn_lava.network import Group, IntegerNetwork, LearningSynapses, Link
from hmn_lava.topology import Topology


def routes(network: IntegerNetwork, profile: Profile) -> Iterator[Route]:
    """A route for each link that carries messages, and for learning synapses that nobody is linked to.

    What a port reads is a sum of weighted messages: those of all kinds but ``matrix`` and ``plastic`` come through
    synapses of weight 1. Currents of learning synapses (``plastic``) stay on the core that they are made on. The axons
    of learning synapses are shared by all links to them.
    """
    charged: set[str] = set()
    for link in network.links:
        target = link.target[0]
        if target in network.learning:
            yield _learning(network, network.learning[target], link, profile, target not in charged)
            charged.add(target)
        elif link.kind != "plastic":
            yield _route(network, link, profile)
    for name in sorted(network.learning.keys() - charged):
        yield _learning(network, network.learning[name], None, profile, True)


def _route(network: IntegerNetwork, link: Link, profile: Profile) -> Route:
    source, sender, target = _source(network, link), network.groups.get(link.source[0]), link.target[0]
    group = network.groups[target]

    def form(indexed: bool) -> Format:
        return _message(link, group, profile, indexed)

    if link.kind == "matrix" and link.topology is not None:
        return Crossing(source, target, form(not link.topology.dense), 1, link.topology, each=False)
    if link.kind == "pre" and group.topology is not None:
        return Crossing(source, target, form(True), 1, group.topology, each=True)
    if link.kind == "post" and group.topology is not None:
        return Scatter(source, target, form(False), 1, group.topology.starts)
    if link.kind == "all":
        return Scatter(source, target, form(False), 1, np.array([0, group.size]))
    if link.kind == "total":
        sends = network.inputs[link.source[0]].size if sender is None else sender.size
        return Gather(source, target, form(False), 1, np.array([0, sends]))
    rows = None if sender is None or sender.topology is None else sender.topology.starts
    return Gather(source, target, form(False), 1, rows)


def _message(link: Link, group: Group, profile: Profile, indexed: bool) -> Format:
    """The entry of a synapse of a link: its weights, or a weight of 1."""
    weights = np.ones(1, np.int64) if link.weights is None else link.weights
    weights = weights[:1] if weights.strides == (0,) else weights  # one for all
    low, high = (int(weights.min(initial=0)), int(weights.max(initial=0)))
    return _format(link, group.size, profile, weight_bits(low, high, profile), 0, low < 0, indexed)


def _learning(
    network: IntegerNetwork, synapses: LearningSynapses, link: Link | None, profile: Profile, charged: bool
) -> Route:
    """The axons of learning synapses: an entry holds a weight, and a tag for each variable besides that the rule moves.

    The neuron's size bounds the index, as for all others.
    """
    learning = profile.learning
    levels = {"dt": learning.tag_1.value, "dd": learning.tag_2.value}
    tags = sum(levels_bits(levels[rule.target]) for rule in synapses.rule.rules if rule.target in levels)
    topology: Topology = synapses.topology
    signed = synapses.sign_mode != "excitatory"
    form = _format(link, topology.n_post, profile, profile.lif.weight_bits.value, tags, signed, not topology.dense)
    slots = profile.synapses.learning_axon_slots.value if charged else 0
    source = None if link is None else _source(network, link)
    return Crossing(source, synapses.neuron, form, slots, topology, each=False)


def _format(
    link: Link | None, targets: int, profile: Profile, weight: int, tags: int, signed: bool, indexed: bool
) -> Format:
    most = min(targets, profile.core.compartments.value)
    return Format(
        weight=weight,
        index=index_bits(most, profile) if indexed else 0,
        delay=0 if link is None else int(link.delay.max(initial=0)).bit_length(),
        tags=tags,
        shift=0 if link is None else link.shift,
        signed=signed,
        header_bits=profile.synapses.header_bits.value,
        word_bits=profile.synapses.word_bits.value,
    )


def _source(network: IntegerNetwork, link: Link) -> str | None:
    return link.source[0] if link.source[0] in network.groups else None
