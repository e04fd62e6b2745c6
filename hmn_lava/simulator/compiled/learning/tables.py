"""Fills the tables of ``follow`` and ``learn``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.learning.records import TRACES, X_TRACES, Y_TRACES
from hmn_lava.learning.rounding import WORDS, ElementRounding
from hmn_lava.network import IntegerNetwork, LearningSynapses
from hmn_lava.simulator.compiled.addresses import Addresses
from hmn_lava.simulator.compiled.columns import first_blocks
from hmn_lava.simulator.compiled.learning.form import LearningForm, alone, vector, y_bounds
from hmn_lava.simulator.compiled.storage import Arrays
from hmn_lava.simulator.compiled.table import Slot
from hmn_lava.streams import keys


def entries(
    network: IntegerNetwork,
    synapses: LearningSynapses,
    form: LearningForm,
    addresses: Addresses,
    rings: Mapping[tuple[str, str], NDArray[Any]],
    states: Arrays,
    lanes: int,
) -> tuple[dict[Slot, int], NDArray[np.uint8]]:
    """What the tables hold besides the depth of the rings, and the array ``filled``."""
    topology, rule = synapses.topology, synapses.rule
    found = {Slot(role): value for role, value in addresses.topology(topology, vector(form, lanes)).items()}
    found |= {Slot(role): addresses.zeros(size) for role, size in _scratch(synapses, form, lanes).items()}
    if form.dense:
        columns = 1 + -(-topology.n_pre // lanes)
        flags, spiking = topology.n_post * columns, columns
    else:
        flags = spiking = int(first_blocks(topology, vector(form, lanes))[-1])
    filled = np.ones(flags, np.uint8)
    found |= {Slot("filled"): addresses.of(filled), Slot("spiking"): addresses.zeros(spiking, np.uint8)}
    found |= _constants(synapses)
    products = [product for one in rule.rules for product in one]
    for number, product in enumerate(products):
        found[Slot("mantissa", "", number)] = product.mantissa
        found[Slot("selected", "", number)] = addresses.zeros(topology.n_pre)
    found[Slot("uneven")] = addresses.zeros(len(products))
    for name, state in states[synapses.name].items():
        found[Slot("state", name)] = addresses.of(state)
    for n, link in enumerate(network.links_to(synapses.name)):
        found[Slot("axon", "", n)] = addresses.of(rings[link.source])
        found[Slot("axon delay", "", n)] = int(link.delay[0])
    if form.spikes:
        found[Slot("y0")] = addresses.of(rings[synapses.neuron, "y0"])
    for name, kind in zip(Y_TRACES, form.supplies, strict=True):
        if kind is not None:
            found[Slot("supplied", name)] = addresses.of(states[synapses.neuron][name])
    return found, filled


def _scratch(synapses: LearningSynapses, form: LearningForm, lanes: int) -> dict[str, int]:
    """Sizes of what is written anew in each step or epoch, by role."""
    n_post, n_pre, moments = synapses.topology.n_post, synapses.topology.n_pre, form.epoch + 1
    return {
        "payloads": n_pre,
        "listed": 1 + n_pre,
        "blocks": 2 + -(-n_pre // lanes),
        "used tx": n_pre,
        "used ty": n_post,
        "x history": moments * len(X_TRACES) * n_pre,
        "y history": moments * len(Y_TRACES) * n_post,
    }


def _constants(synapses: LearningSynapses) -> dict[Slot, int]:
    """Seeds, and what the constants of a rule amount to."""
    connection = alone(synapses)
    rounding = connection.rounding
    if not isinstance(rounding, ElementRounding):
        raise TypeError("the compiled engine rounds each element by its own draw")
    low, high = y_bounds(synapses)
    found = {
        Slot("fires every"): 1 << (synapses.rule.decimation or 0),
        Slot("y low"): low,
        Slot("y high"): high,
    }
    for trace in TRACES:
        whole, fraction = connection.impulses[trace]
        found[Slot("impulse", trace)] = whole
        found[Slot("impulse fraction", trace)] = fraction
        found[Slot("decay", trace)] = rounding.factors[trace]
        found[Slot("trace low", trace)] = connection.lowest(trace)
        for what in ("decay", "impulse"):
            for n, key in enumerate(keys(synapses.seed, f"{synapses.name}.{trace}.{what}")):
                found[Slot(f"{what} key", trace, n)] = key
    for n, key in enumerate(keys(synapses.seed, f"{synapses.name}.{WORDS}")):
        found[Slot("key", "", n)] = key
    return found
