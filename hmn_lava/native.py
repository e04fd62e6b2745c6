"""Which parts of a network are, integer by integer, Lava's own Processes: LIF, Dense, DelayDense, and the sparse ones.

On a board these are the parts that need no microcode. Nothing here imports Lava.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hmn_lava.components import neuron
from hmn_lava.components.lif import LIF_DECAY_BITS, LIF_SHIFT
from hmn_lava.fixed import Fixed, Integers
from hmn_lava.microcode.ir import WORD, Program
from hmn_lava.network import IntegerNetwork, Link, Topology
from hmn_lava.partition import Part

SIGNED = (-256, 254)
"""Mixed-sign weights of Lava's Dense, in steps of 2; of one sign they reach 255. Source: lava/utils/weightutils.py."""
ONE_SIGN = 255
BIAS_BITS = 12
"""Bits of a bias' magnitude in Lava's LIF. Source: lava/proc/lif/models.py."""
SPIKE = Fixed(1, signed=False, frac=0)


@dataclass(frozen=True, eq=False)
class NativeLif:
    """The arguments of Lava's LIF in fixed point.

    u ← u (4096 - du - 1)/4096 + 64 a;  v ← v (4096 - dv)/4096 + u + bias;  a spike where v > 64 vth, and then v ← 0.
    ``bias_mant`` has one value for each neuron, ``bias_exp`` one for all.
    """

    size: int
    du: int
    dv: int
    vth: int
    bias_mant: Integers
    bias_exp: int


@dataclass(frozen=True, eq=False)
class NativeSynapses:
    """Static synapses as Lava has them: ``weights`` (n_post, n_pre), and ``delays`` likewise where there are any."""

    weights: Integers
    delays: Integers | None
    weight_exp: int
    message_bits: int
    dense: bool


def native_lif(part: Part) -> NativeLif | str:
    """Lava's LIF that equals a part; or why there is none."""
    group = part.group
    if part.component != "neuron" or group is None:
        return "it is no population of neurons"
    program = group.program
    if part.network.frame > 1 or not _is_lif(program):
        return "its program is not that of Lava's LIF: noise, competition, frames and supplied traces need microcode"
    values = {name: constant.values for name, constant in group.constants.items()}
    if any(values[name].size > 1 for name in ("keep_u", "keep_v", "vth")):
        return "its neurons differ in decays or thresholds, of which Lava's LIF has one for all"
    bias = np.broadcast_to(values.get("bias", np.zeros(1, np.int64)), (group.size,))
    if bias.any() and group.initial["hold"].any():
        return "its bias would act before its first input can arrive; take the input's delay into the bias, or leave it"
    if any(group.initial[state].any() for state in ("u", "v")):
        return "it does not start from rest"
    exponent = _common_exponent(bias)
    if np.abs(bias >> exponent).max(initial=0) >= 1 << BIAS_BITS:
        return f"a bias of {int(np.abs(bias).max())} has more than {BIAS_BITS} bits"
    one = 1 << LIF_DECAY_BITS
    return NativeLif(
        size=group.size,
        du=one - 1 - int(values["keep_u"][0]),
        dv=one - int(values["keep_v"][0]),
        vth=int(values["vth"][0]) >> LIF_SHIFT,
        bias_mant=bias >> exponent,
        bias_exp=exponent,
    )


def native_synapses(part: Part, network: IntegerNetwork) -> NativeSynapses | str:
    """Lava's static synapses that equal a part of ``network``; or why there are none."""
    link = part.network.links[0]
    if part.component != "static" or link.weights is None or link.topology is None:
        return "it is no static connection"
    weights, topology, exponent = link.weights.astype(np.int64), link.topology, link.shift
    low, high = int(weights.min(initial=0)), int(weights.max(initial=0))
    if low < 0 < high and (weights & 1).any():  # Lava's steps of 2
        weights, low, high, exponent = 2 * weights, 2 * low, 2 * high, exponent - 1
    if low < 0 < high:
        fits, limit = low >= SIGNED[0] and high <= SIGNED[1], f"even numbers from {SIGNED[0]} to {SIGNED[1]}"
    else:
        fits, limit = max(high, -low) <= ONE_SIGN, f"magnitudes up to {ONE_SIGN}"
    if not fits:
        return f"its weights go from {low} to {high}; Lava's Dense has {limit}"
    matrix = np.zeros((topology.n_post, topology.n_pre), np.int64)
    matrix[topology.row, topology.col] = weights
    delays = None
    if link.delay.any():
        delays = np.zeros_like(matrix)
        delays[topology.row, topology.col] = np.broadcast_to(link.delay, (topology.size,))
    return NativeSynapses(matrix, delays, exponent, message_bits(part, network), topology.dense)


def message_bits(part: Part, network: IntegerNetwork) -> int:
    """Bits of the payloads that a part's synapses are sent: 0 for spikes without one."""
    owner, variable = next(iter(part.sources.values()))
    if owner in network.inputs:
        format = network.inputs[owner].format
    else:
        format = next(v.format for v in network.groups[owner].program.outputs if v.name == variable)
    return 0 if format == SPIKE else WORD


def as_synapses(network: IntegerNetwork) -> IntegerNetwork:
    """The same network with every message between compartments over static synapses of weight 1.

    On a chip nothing reaches a compartment but through synapses, which also take the step of transport and delay.
    """
    return replace(network, links=tuple(_as_synapses(link, network) for link in network.links))


def _as_synapses(link: Link, network: IntegerNetwork) -> Link:
    if link.kind in ("matrix", "plastic") or link.target[0] in network.learning:
        return link
    target = network.groups[link.target[0]]
    n_pre = network.width(link.source[0])
    every = np.arange(target.size)
    none = np.zeros(target.size, np.int64)
    if link.kind == "total":
        topology = Topology.full(target.size, n_pre)
    else:
        column = {"all": none, "same": every, "rows": every}.get(link.kind)
        if column is None and target.topology is not None:
            column = target.topology.col if link.kind == "pre" else target.topology.row
        if column is None:
            raise ValueError(f"a link of kind {link.kind} leads to synapses: {link.source} to {link.target}")
        topology = Topology.of(target.size, n_pre, every, column)
    weights = np.ones(topology.size, np.int64)
    return Link(link.source, link.target, "matrix", link.delay, topology, weights)


def _is_lif(program: Program) -> bool:
    """Whether a program is the one that the compiler makes of Lava's LIF, for its own input and bias."""
    if len(program.inputs) != 1 or program.inputs[0].name != "a":
        return False
    a = program.inputs[0]
    bias = next((v.format for v in program.constants if v.name == "bias"), None)
    form = neuron.NeuronForm(
        "lif", a.format, (a.low, a.high), z=SPIKE, z_high=1, bias=bias, bias_in_voltage=bias is not None
    )
    return neuron.neuron(program.name, form) == program


def _common_exponent(values: Integers) -> int:
    """The largest power of two (up to 7, three bits) that divides all values."""
    together = int(np.bitwise_or.reduce(np.abs(values), initial=0))
    return min(7, (together & -together).bit_length() - 1) if together else 0
