"""Which synapses there are, and how arrays with a value for each of millions of them stay small."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.fixed import Integers

BLOCK = 1 << 18
"""Synapses that are worked on at once: what a computation needs besides its result is some multiple of this."""


@dataclass(frozen=True, eq=False)
class Topology:
    """Synapses row by row: those of post neuron j have the numbers ``starts[j]`` to ``starts[j + 1] - 1``.

    ``columns`` says which pre neuron each comes from, ascending in a row. It is None where all pairs are connected:
    then nothing is kept for a synapse.
    """

    n_post: int
    n_pre: int
    starts: Integers  # (n_post + 1,)
    columns: NDArray[np.int32] | None = None  # (n_syn,)

    @classmethod
    def full(cls, n_post: int, n_pre: int) -> Topology:
        """All pairs."""
        return cls(n_post, n_pre, _read_only(np.arange(n_post + 1, dtype=np.int64) * n_pre))

    @classmethod
    def of(cls, n_post: int, n_pre: int, row: NDArray[Any], col: NDArray[Any]) -> Topology:
        """From the post and pre neurons of all synapses, sorted by post, then by pre."""
        return cls.counted(n_post, n_pre, np.bincount(row, minlength=n_post), col)

    @classmethod
    def counted(cls, n_post: int, n_pre: int, counts: Integers, columns: NDArray[Any]) -> Topology:
        """From the number of synapses of each row, and their pre neurons."""
        starts = np.zeros(n_post + 1, np.int64)
        np.cumsum(counts, out=starts[1:])
        return cls(n_post, n_pre, _read_only(starts), _read_only(np.ascontiguousarray(columns, np.int32)))

    @property
    def dense(self) -> bool:
        """Whether all pairs are connected, and so no columns are kept."""
        return self.columns is None

    @property
    def size(self) -> int:
        return int(self.starts[-1])

    @property
    def counts(self) -> Integers:
        """(n_post,): synapses of each row."""
        return np.diff(self.starts)

    @cached_property
    def row(self) -> Integers:
        """(n_syn,), the post neuron of each synapse. Made when it is first asked for, and kept from then on."""
        return _read_only(np.repeat(np.arange(self.n_post, dtype=np.int64), self.counts))

    @cached_property
    def col(self) -> NDArray[Any]:
        """(n_syn,), the pre neuron of each synapse. Where all pairs are connected, made and kept as ``row`` is."""
        if self.columns is not None:
            return self.columns
        return _read_only(np.tile(np.arange(self.n_pre, dtype=np.int32), self.n_post))

    def blocks(self) -> Iterator[tuple[slice, slice]]:
        """Whole rows and their synapses, about ``BLOCK`` synapses at a time."""
        first = 0
        while first < self.n_post:
            beyond = int(np.searchsorted(self.starts, self.starts[first] + BLOCK, side="right")) - 1
            last = max(first + 1, beyond)
            yield slice(first, last), slice(int(self.starts[first]), int(self.starts[last]))
            first = last

    def rows_of(self, rows: slice) -> Integers:
        """The post neuron of each synapse of ``rows``, counted from the first of them."""
        counts = np.diff(self.starts[rows.start : rows.stop + 1])
        return np.repeat(np.arange(counts.size), counts)

    def row_sums(self, values: Callable[[slice], NDArray[Any]]) -> NDArray[np.float64]:
        """(n_post,): the sum over each row, in order; ``values`` gives those of a slice of the synapses."""
        total = np.zeros(self.n_post)
        for rows, synapses in self.blocks():
            here = rows.stop - rows.start
            total[rows] = np.bincount(self.rows_of(rows), weights=values(synapses), minlength=here)
        return total


def blocks(size: int) -> Iterator[slice]:
    """Slices of about ``BLOCK`` that cover ``size`` elements."""
    for first in range(0, size, BLOCK):
        yield slice(first, min(first + BLOCK, size))


def alike(value: Any, size: int) -> NDArray[Any]:
    """An array of ``size`` times ``value`` that takes the memory of one: read-only, with a stride of 0."""
    return np.broadcast_to(value, (size,))


def compact(values: NDArray[Any]) -> NDArray[Any]:
    """One value where all are equal, else all of them."""
    if values.size and (values.strides == (0,) or bool((values == values[0]).all())):
        return values[:1]
    return values


def largest(values: NDArray[Any]) -> float:
    """The largest magnitude; 0 of none."""
    return max(float(values.max()), -float(values.min())) if values.size else 0.0


def narrow(values: NDArray[Any]) -> NDArray[Any]:
    """The values in the narrowest signed integer type that holds them; those that are in it are not copied."""
    return values.astype(_narrowest(values), copy=False)


def stored(function: Callable[[NDArray[np.float64]], Integers], values: NDArray[np.float64]) -> NDArray[Any]:
    """``function(values)`` in the narrowest signed integer type that holds it.

    The function is called on a part after the other. It treats each element alone, and does not change their order.
    """
    ends = function(np.array([values.min(), values.max()])) if values.size else np.zeros(2, np.int64)
    found = np.empty(values.shape, _narrowest(ends))
    for part in blocks(values.size):
        found[part] = function(values[part])
    return found


def _narrowest(values: NDArray[Any]) -> type[np.signedinteger[Any]]:
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    for dtype in (np.int8, np.int16, np.int32):
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return dtype
    return np.int64


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    array.setflags(write=False)
    return array
