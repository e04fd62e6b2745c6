"""Weights that are quantised per channel: each channel's weights have as many bits as its own largest one leaves.

A channel is a post neuron, or an output channel of a convolution. Its weights are stored in the connection's format
after a shift to the left by the channel's extra bits, and what they bring is shifted back by as many on its way to the
accumulator, whose unit stays the same for all neurons. So a threshold and a bias mean what they meant: the shift is
exact, and no neuron is changed by more than the rounding of its weights. Source: per-channel weights of Krishnamoorthi
2018 (arXiv:1806.08342), with scales that are powers of two.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hmn_lava.fixed import Fixed, Integers
from hmn_lava.reference.equations import Floats
from hmn_lava.spec.model import Connection
from hmn_lava.topology import Topology, blocks


def extra_bits(c: Connection, format: Fixed, most: int) -> Integers | None:
    """(n_post,): extra bits of each neuron's weights, the same within a channel; None where all share a scale.

    ``most``: as many as the exponents of a chip's synapses can differ by.
    """
    if c.channel is None:
        return None
    largest = np.zeros(int(c.channel.max(initial=0)) + 1)
    for rows, synapses in c.topology.blocks():
        channel = c.channel[rows][c.topology.rows_of(rows)]
        np.maximum.at(largest, channel, np.abs(c.weights[synapses]))
    own = [Fixed.fitting(-reach, reach, format.bits).frac - format.frac if reach else 0 for reach in largest]
    return np.clip(np.array(own, np.int64), 0, most)[c.channel]


def shifted(c: Connection, extra: Integers | None, part: slice) -> Floats:
    """The weights of some synapses in the units of the connection's format, as if its channel had no scale."""
    weights = c.weights[part]
    if extra is None:
        return weights
    found: Floats = np.ldexp(weights, _of_synapses(c.topology, extra, part))
    return found


def stored_real(c: Connection, format: Fixed, extra: Integers | None, part: slice) -> Floats:
    """The real values of some synapses' stored weights."""
    found = format.real(format.quantise(shifted(c, extra, part)))
    return found if extra is None else np.ldexp(found, -_of_synapses(c.topology, extra, part))


def _of_synapses(topology: Topology, extra: Integers, part: slice) -> Integers:
    first = int(np.searchsorted(topology.starts, part.start or 0, side="right")) - 1
    stop = topology.size if part.stop is None else part.stop
    counts = np.minimum(topology.starts[1:], stop) - np.maximum(topology.starts[:-1], part.start or 0)
    last = int(np.searchsorted(topology.starts, stop, side="left"))
    found: Integers = np.repeat(extra[first:last], np.maximum(counts[first:last], 0))
    return found


def scales(c: Connection, extra: Integers | None) -> list[tuple[int, Topology, NDArray[np.bool_] | None]]:
    """The connection scale by scale: extra bits, the synapses that have them, and which these are (None: all)."""
    if not c.n_syn:  # a window that meets nothing but padding
        return []
    if extra is None:
        return [(0, c.topology, None)]
    found: list[tuple[int, Topology, NDArray[np.bool_] | None]] = []
    for bits in np.unique(extra[c.topology.counts > 0]).tolist():
        rows = extra == bits
        if rows.all():
            return [(bits, c.topology, None)]
        mine = np.empty(c.n_syn, np.bool_)
        for part in blocks(c.n_syn):
            mine[part] = _of_synapses(c.topology, extra, part) == bits
        counts = np.where(rows, c.topology.counts, 0)
        found.append((bits, Topology.counted(c.n_post, c.n_pre, counts, c.topology.col[mine]), mine))
    return found
