"""Sparse synapses by their presynaptic neurons: what few neurons send concerns few synapses, which are looked up.

To gather what each synapse's presynaptic neuron has costs more than most of what is then computed. So each row is cut
into blocks, the vectors of synapses that are computed together, and a block has a flag that says whether one of its
neurons sends anything. Each thread sets the flags of its own rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.fixed import Integers
from hmn_lava.simulator.compiled.table import Table
from hmn_lava.simulator.compiled.writer import Array, Value, Writer
from hmn_lava.topology import Topology

FEW = 32
"""Senders are looked up one by one where they are at most one in this many neurons; else everything is taken."""

ROLES = ("column starts", "column rows", "column synapses")
"""Of the arrays of synapses by presynaptic neuron, in a function's table."""

AHEAD = 32
"""Synapses by which what is to be touched is brought near, before it is."""

Sent = Callable[[Value, int, Value | None], Value]
"""Loads what neurons send: (the first of them, how many, which of these)."""


class Columns:
    """The synapses of each presynaptic neuron, in the function that ``w`` writes."""

    def __init__(self, w: Writer, table: Table, row_bits: int) -> None:
        self.w = w
        self.n_pre = table.value("n_pre")
        self.starts, self.rows, self.synapses = (
            table.array(width, role, signed=False) for width, role in zip((64, row_bits, 32), ROLES, strict=True)
        )

    @contextmanager
    def synapses_of(self, neuron: Value, touched: Array | None = None) -> Iterator[tuple[Value, Value]]:
        """Row and number of each synapse of a neuron that lies in the rows [lo, hi).

        ``touched`` has an element for each synapse, which is about to be read.
        """
        w = self.w
        with w.loop(w.load(self.starts, neuron), w.load(self.starts, w.add(neuron, 1))) as place:
            if touched is not None:
                w.prefetch(touched, w.resize(w.load(self.synapses, w.add(place, AHEAD)), 64))
            row = w.resize(w.load(self.rows, place), 64)
            with w.when(w.both(w.compare("sge", row, w.lo), w.compare("slt", row, w.hi))):
                yield row, w.resize(w.load(self.synapses, place), 64)

    def mark(
        self, flags: Array, blocks: Array, starts: Array, sent: Callable[[Value, int, Value | None], Value]
    ) -> None:
        """Set the flag of each block of the rows [lo, hi) in which a synapse's neuron sends something.

        ``blocks``: the number of each row's first block; ``starts``: of its first synapse.
        """
        w = self.w
        count = w.variable(0, 64)
        with w.loop(0, self.n_pre, w.lanes) as i:
            found = w.nonzero(sent(i, w.lanes, w.below(w.sub(self.n_pre, i))))
            w.set(count, w.add(w.get(count), w.resize(w.total(w.resize(found, 32, False)), 64)))
        few = w.compare("sle", w.mul(w.get(count), FEW), self.n_pre)
        with w.loop(w.load(blocks, w.lo), w.load(blocks, w.hi)) as block:
            w.store(flags, block, w.resize(w.invert(few), 8, False))
        shift = w.lanes.bit_length() - 1
        with w.when(few), w.loop(0, self.n_pre, w.lanes) as i:
            some = w.any(w.nonzero(sent(i, w.lanes, w.below(w.sub(self.n_pre, i)))))
            neurons = w.loop(i, w.smallest(w.add(i, w.lanes), self.n_pre))
            with w.when(some), neurons as one:
                sends = w.nonzero(sent(one, 1, None))
                with w.when(sends), self.synapses_of(one) as (row, synapse):
                    block = w.add(w.load(blocks, row), w.shr(w.sub(synapse, w.load(starts, row)), shift))
                    w.store(flags, block, w.constant(1, 8))


def sorted_by_column(topology: Topology) -> dict[str, NDArray[Any]]:
    """The arrays of :class:`Columns` by role."""
    columns = topology.col
    order = np.argsort(columns.astype(f"uint{bits(topology.n_pre)}"), kind="stable")
    starts = np.zeros(topology.n_pre + 1, np.int64)
    np.cumsum(np.bincount(columns, minlength=topology.n_pre), out=starts[1:])
    rows = np.repeat(np.arange(topology.n_post, dtype=f"uint{bits(topology.n_post)}"), topology.counts)
    synapses = np.concatenate([order.astype(np.int32), np.zeros(AHEAD, np.int32)])  # so many are read beyond
    return dict(zip(ROLES, (starts, rows[order], synapses), strict=True))


def bits(neurons: int) -> int:
    """Bits in which neurons are numbered: few, since there is a number for each synapse."""
    return 16 if neurons <= 1 << 16 else 32


def neuron_bits(topology: Topology) -> tuple[int, int]:
    """Bits of the numbers of presynaptic and of postsynaptic neurons."""
    return bits(topology.n_pre), bits(topology.n_post)


def first_blocks(topology: Topology, lanes: int) -> Integers:
    """(n_post + 1,): the number of each row's first block."""
    starts = np.zeros(topology.n_post + 1, np.int64)
    np.cumsum(-(-topology.counts // lanes), out=starts[1:])
    return starts
