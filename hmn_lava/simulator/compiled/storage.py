"""How a network's messages and states are kept: in the narrowest integers that hold them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.fixed import Fixed
from hmn_lava.learning.records import X_TRACES, Y_TRACES
from hmn_lava.network import IntegerNetwork, LearningSynapses

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
        states[group.name] = {
            s.name: np.array(np.broadcast_to(group.initial[s.name], (group.size,)), storage(s.format))
            for s in group.program.states
        }
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


def variable_type(synapses: LearningSynapses, variable: str) -> str:
    """The type of a synaptic variable: the narrowest that holds its levels and its initial values."""
    levels = synapses.engine.levels(variable, synapses.sign_mode)
    initial = synapses.initial[variable]
    low = min(levels.low, int(initial.min(initial=0)))
    high = max(levels.high, int(initial.max(initial=0)))
    bits = max(max(high, 0).bit_length(), (-low - 1).bit_length() if low < 0 else 0) + int(low < 0)
    return storage(Fixed(bits, low < 0))
