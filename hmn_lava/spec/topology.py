"""Which synapses a connection has, in CSR order: sorted by post, then by pre."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.spec.arrays import NpzArray, Values
from hmn_lava.spec.fields import MAX_SYNAPSES
from hmn_lava.spec.initialise import generator
from hmn_lava.spec.materialise import Cells, Ints, Source
from hmn_lava.spec.problems import Problem
from hmn_lava.spec.records import RandomTopology
from hmn_lava.spec.records import Topology as TopologySpec
from hmn_lava.topology import BLOCK, Topology, blocks


def synapses(topology: TopologySpec, n_post: int, n_pre: int, *, field: str, source: Source) -> Cells:
    """List the synapses of a connection; raises InputError where the topology does not fit the sizes, or is empty."""
    if topology == "one_to_one":
        if n_post != n_pre:
            problem = f"connects {n_pre} neurons to {n_post}"
            raise Problem(field, problem, "use populations of one size, or another topology", topology).error()
        every = np.arange(n_post)
        return Cells(Topology.of(n_post, n_pre, every, every))
    if isinstance(topology, str):
        return Cells(Topology.full(n_post, n_pre))
    if isinstance(topology, RandomTopology):
        cells = Cells(_random(n_post, n_pre, topology.density, generator(source.seed, field)))
    else:
        given = topology.array if isinstance(topology, Values) else _whole(topology, field, source)
        cells = _listed(given, n_post, n_pre, field)
    if cells.topology.size == 0:
        raise Problem(field, "gives no synapse at all", "raise the density, or remove the connection").error()
    return cells


def expected_synapses(topology: TopologySpec, n_post: int, n_pre: int) -> int:
    """Estimate how many synapses there will be, before anything is read or drawn (0: the file decides)."""
    if topology == "dense":
        return n_post * n_pre
    if topology == "one_to_one":
        return n_post
    return round(topology.density * n_post * n_pre) if isinstance(topology, RandomTopology) else 0


def bernoulli_cells(count: int, density: float, rng: np.random.Generator) -> Iterator[Ints]:
    """Draw each of ``count`` cells with probability ``density``, some at a time.

    The gaps are geometric, so the cells come sorted.
    """
    last = -1
    while last < count - 1:
        expected = (count - 1 - last) * density
        gaps = rng.geometric(density, size=min(BLOCK, int(expected + 6 * expected**0.5) + 16))
        chosen = last + np.cumsum(np.minimum(gaps, count + 1))
        last = int(chosen[-1])
        yield chosen[chosen < count]


def _random(n_post: int, n_pre: int, density: float, rng: np.random.Generator) -> Topology:
    counts = np.zeros(n_post, np.int64)
    columns = [np.zeros(0, np.int32)]
    for flat in bernoulli_cells(n_post * n_pre, density, rng):
        row, col = np.divmod(flat, n_pre)
        columns.append(col.astype(np.int32))
        _count(counts, row)
    return Topology.counted(n_post, n_pre, counts, np.concatenate(columns))


def _count(counts: Ints, row: Ints) -> None:
    """Add how often each post neuron is in the sorted list ``row``."""
    if row.size:
        found = np.bincount(row - row[0])
        counts[row[0] : row[0] + found.size] += found


def _whole(topology: NpzArray, field: str, source: Source) -> NDArray[Any]:
    array = source.raw(topology, field)
    if array.dtype.kind not in "biu":
        raise Problem(field, f"is of dtype {array.dtype}", "save bool or integers").error()
    return array


def _listed(given: NDArray[Any], n_post: int, n_pre: int, field: str) -> Cells:
    """Read a 0/1 mask (n_post, n_pre) or a list (2, n_syn) of post and pre; a mask wins where both are possible."""
    if given.shape == (n_post, n_pre) and _is_mask(given):
        counts = np.count_nonzero(given, axis=1)
        columns = [np.flatnonzero(row).astype(np.int32) for row in given]
        return Cells(Topology.counted(n_post, n_pre, counts, np.concatenate(columns)))
    if given.ndim != 2 or given.shape[0] != 2:
        problem = f"has shape {given.shape}, needs a 0/1 mask ({n_post}, {n_pre}) or a list (2, n_syn) of post and pre"
        raise Problem(field, problem, "give an array of such a shape").error()
    if given.shape[1] > MAX_SYNAPSES:
        raise Problem(field, f"has {given.shape[1]} synapses, limit {MAX_SYNAPSES}", "use fewer synapses").error()
    if given.dtype.kind == "f" and (given != np.floor(given)).any():
        raise Problem(field, "neuron numbers must be whole", "give integers").error()
    for numbers, size, side in ((given[0], n_post, "post"), (given[1], n_pre, "pre")):
        wrong = (numbers < 0) | (numbers >= size)
        if wrong.any():
            problem = f"a {side} number is outside 0..{size - 1}"
            raise Problem(field, problem, "count from 0; post first, then pre", int(numbers[wrong][0])).error()
    flat = given[0].astype(np.int64) * n_pre + given[1].astype(np.int64)
    order = None
    if (flat[1:] <= flat[:-1]).any():
        order = np.argsort(flat, kind="stable")
        flat = flat[order]
    if (flat[1:] == flat[:-1]).any():
        raise Problem(field, "names a synapse twice", "list each (post, pre) pair once").error()
    counts, pre = np.zeros(n_post, np.int64), np.empty(flat.size, np.int32)
    for part in blocks(flat.size):
        row, pre[part] = np.divmod(flat[part], n_pre)
        _count(counts, row)
    return Cells(Topology.counted(n_post, n_pre, counts, pre), order)


def _is_mask(given: NDArray[Any]) -> bool:
    """Whether there are but zeros and ones."""
    return all(((row == 0) | (row == 1)).all() for row in given)
