"""Which parts of a network Lava's CPU models compute bit for bit; more is asked than on a board, whose words wrap."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hmn_lava.components.lif import LIF_DECAY_BITS, LIF_SHIFT
from hmn_lava.microcode.ranges import WORD_RANGE
from hmn_lava.native import NativeLif, NativeSynapses, native_lif, native_synapses
from hmn_lava.network import IntegerNetwork
from hmn_lava.partition import Part

STOCK = "Lava's own Processes"
LONGEST_DELAY = 63
"""Steps of Lava's DelayDense. Source: lava/proc/dense/models.py."""
INT32 = 1 << 31
"""What Lava's sums are kept in."""


@dataclass(frozen=True, eq=False)
class Stock:
    """Lava's Process of a part. ``hold``: steps before the first input, in which a bias does not act yet."""

    process: NativeLif | NativeSynapses
    hold: int = 0


def stock(part: Part, network: IntegerNetwork) -> Stock | str:
    """Lava's Process that equals a part in Lava's simulation; or why there is none."""
    if part.component == "neuron":
        return _lif(part)
    if part.component == "static":
        return _synapses(part, network)
    return f"{part.component} is no part of Lava"


def _lif(part: Part) -> Stock | str:
    group = part.group
    if group is None:
        return "it is no population of neurons"
    hold = int(np.max(group.initial["hold"]))
    begun = replace(group, initial={**group.initial, "hold": np.zeros(1, np.int64)})
    found = native_lif(replace(part, network=replace(part.network, groups={group.name: begun})))
    if isinstance(found, str):
        return found
    if int(group.constants["vth"].values[0]) % (1 << LIF_SHIFT):
        return f"its threshold is no multiple of {1 << LIF_SHIFT}"
    a = group.program.inputs[0]
    # |u| <= |u| keep / 4096 + 64 |a|, whose limit Lava's u must hold: it wraps otherwise than a word.
    one = 1 << LIF_DECAY_BITS
    keep = int(group.constants["keep_u"].values[0])
    most = max(-a.low, a.high) << LIF_SHIFT
    if found.du < 0 or most * one > WORD_RANGE[1] * (one - keep):
        return f"its current could reach {most * one // max(one - keep, 1)} and wrap, which Lava does otherwise"
    return Stock(found, hold if found.bias_mant.any() else 0)


def _synapses(part: Part, network: IntegerNetwork) -> Stock | str:
    found = native_synapses(part, network)
    if isinstance(found, str):
        return found
    link = part.network.links[0]
    delays = 0 if found.delays is None else int(found.delays.max())
    if delays > LONGEST_DELAY:
        return f"a delay of {delays} steps; Lava's DelayDense has {LONGEST_DELAY}"
    dropped = (1 << max(0, -found.weight_exp)) - 1
    if dropped and np.ptp(link.delay) and (found.weights & dropped).any():
        return "its sums are shifted right, which Lava does for each delay alone"
    owner, variable = next(iter(part.sources.values()))
    if owner in network.inputs:
        reach = max(-network.inputs[owner].low, network.inputs[owner].high)
    else:
        sent = next(v for v in network.groups[owner].program.outputs if v.name == variable)
        reach = max(-sent.low, sent.high)
    most = int(np.abs(found.weights).sum(1).max(initial=0)) * reach << max(0, found.weight_exp)
    if most >= INT32:
        return f"its sums could reach {most}, beyond the 32 bits of Lava's"
    return Stock(found)
