"""How a network's messages and states are kept: in the narrowest integers that hold them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.fixed import Fixed
from hmn_lava.learning.records import X_TRACES, Y_TRACES
from hmn_lava.network import Group, IntegerNetwork, LearningSynapses

Arrays = dict[str, dict[str, NDArray[Any]]]


def storage(format: Fixed) -> str:
    """The narrowest numpy integer type that holds a state of ``format``."""
    for bits in (8, 16):
        if format.bits <= bits:
            return f"{'' if format.signed else 'u'}int{bits}"
    if format.bits <= 32:
        return "int32"
    raise ValueError(f"no storage for {format}")


def width_of(dtype: str) -> tuple[int, bool]:
    """Bits of a numpy integer type, and whether it is signed."""
    return int(dtype.lstrip("uint")), dtype[0] != "u"


def empty(network: IntegerNetwork, depth: int) -> tuple[dict[tuple[str, str], NDArray[Any]], Arrays]:
    """Rings of messages (zero) and states (initial), in the narrowest integers that hold them."""
    rings = {(s.name, "x"): np.zeros((depth, s.size), np.int32) for s in network.inputs.values()}
    states: Arrays = {}
    for group in network.groups.values():
        for output in group.program.outputs:
            rings[group.name, output.name] = np.zeros((depth, group.width), np.int32)
        states[group.name] = {}
        for state in group.program.states:
            array = states[group.name][state.name] = elements(network, group, storage(state.format))
            fill(array, group.initial[state.name])
    for name, synapses in network.learning.items():
        n_post, n_pre = synapses.topology.n_post, synapses.topology.n_pre
        variables: dict[str, NDArray[Any]] = {
            v: np.array(np.broadcast_to(values, (synapses.size,)), variable_type(synapses, v))
            for v, values in synapses.initial.items()
        }
        traces = {t: np.zeros(n_pre, np.int32) for t in (*X_TRACES, "tx")}
        traces |= {t: np.zeros(n_post, np.int32) for t in (*Y_TRACES, "ty")}
        states[name] = {**variables, **traces, "a_buff": np.zeros(n_post, np.int64)}
    return rings, states


ACROSS_FROM = 64
"""Postsynaptic neurons from which dense synapses are kept by presynaptic neuron: some vectors of them."""


def across(network: IntegerNetwork, group: Group) -> bool:
    """Whether the synapses of a group are kept and computed by presynaptic neuron, not by postsynaptic neuron.

    Then a vector of synapses shares its presynaptic neuron, and the synapses of one that has been silent for long are
    left out together. It takes all pairs of neurons, and nothing that differs from synapse to synapse but states.
    """
    if group.topology is None or not group.topology.dense or group.topology.n_post < ACROSS_FROM:
        return False
    alike = all(
        link.kind in ("pre", "post", "all", "total") and link.delay.size == 1 for link in network.links_to(group.name)
    )
    return alike and all(constant.along != "each" for constant in group.constants.values())


def elements(network: IntegerNetwork, group: Group, dtype: str) -> NDArray[Any]:
    """Zeros for the compartments of a group: (size,), or a view (n_post, n_pre) of what is kept by presynaptic neuron.

    Either way ``reshape(-1)`` has the compartments in the network's order.
    """
    if group.topology is not None and across(network, group):
        return np.zeros((group.topology.n_pre, group.topology.n_post), dtype).T
    return np.zeros(group.size, dtype)


def fill(array: NDArray[Any], values: Any) -> None:
    """Set what :func:`elements` has made: one value, or one for each compartment in the network's order."""
    array[...] = values if np.size(values) == 1 else np.reshape(values, array.shape)


def variable_type(synapses: LearningSynapses, variable: str) -> str:
    """The type of a synaptic variable: the narrowest that holds its levels and its initial values."""
    levels = synapses.engine.levels(variable, synapses.sign_mode)
    initial = synapses.initial[variable]
    low = min(levels.low, int(initial.min(initial=0)))
    high = max(levels.high, int(initial.max(initial=0)))
    bits = max(max(high, 0).bit_length(), (-low - 1).bit_length() if low < 0 else 0) + int(low < 0)
    return storage(Fixed(bits, low < 0))
