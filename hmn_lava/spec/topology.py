"""Which synapses a connection has: flat lists of (post, pre) numbers in CSR order, sorted by post, then by pre."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.spec.arrays import NpzArray, Values
from hmn_lava.spec.fields import MAX_SYNAPSES
from hmn_lava.spec.initialise import generator
from hmn_lava.spec.materialise import Cells, Ints, Source
from hmn_lava.spec.problems import Problem
from hmn_lava.spec.records import RandomTopology, Topology


def synapses(topology: Topology, n_post: int, n_pre: int, *, field: str, source: Source) -> Cells:
    """List the synapses of a connection; raises InputError where the topology does not fit the sizes, or is empty."""
    if isinstance(topology, str):
        row, col = np.repeat(np.arange(n_post), n_pre), np.tile(np.arange(n_pre), n_post)
        return Cells(row, col, n_post, n_pre, dense=True)
    if isinstance(topology, RandomTopology):
        flat = bernoulli_cells(n_post * n_pre, topology.density, generator(source.seed, field))
        cells = Cells(flat // n_pre, flat % n_pre, n_post, n_pre)
    else:
        given = topology.array if isinstance(topology, Values) else _whole(topology, field, source)
        cells = _listed(given, n_post, n_pre, field)
    if cells.row.size == 0:
        raise Problem(field, "gives no synapse at all", "raise the density, or remove the connection").error()
    return cells


def expected_synapses(topology: Topology, n_post: int, n_pre: int) -> int:
    """Estimate how many synapses there will be, before anything is read or drawn (0: the file decides)."""
    if topology == "dense":
        return n_post * n_pre
    return round(topology.density * n_post * n_pre) if isinstance(topology, RandomTopology) else 0


def bernoulli_cells(count: int, density: float, rng: np.random.Generator) -> Ints:
    """Draw each of ``count`` cells with probability ``density``: the gaps are geometric, so the cells come sorted."""
    found = []
    last = -1
    while last < count - 1:
        expected = (count - 1 - last) * density
        gaps = rng.geometric(density, size=int(expected + 6 * expected**0.5) + 16)
        chosen = last + np.cumsum(np.minimum(gaps, count + 1))
        last = int(chosen[-1])
        found.append(chosen[chosen < count])
    return np.concatenate(found)


def _whole(topology: NpzArray, field: str, source: Source) -> NDArray[Any]:
    array = source.raw(topology, field)
    if array.dtype.kind not in "biu":
        raise Problem(field, f"is of dtype {array.dtype}", "save bool or integers").error()
    return array


def _listed(given: NDArray[Any], n_post: int, n_pre: int, field: str) -> Cells:
    """Read a 0/1 mask (n_post, n_pre) or a list (2, n_syn) of post and pre; a mask wins where both are possible."""
    if given.shape == (n_post, n_pre) and ((given == 0) | (given == 1)).all():
        row, col = np.nonzero(given)
        return Cells(row.astype(np.int64), col.astype(np.int64), n_post, n_pre)
    if given.ndim != 2 or given.shape[0] != 2:
        problem = f"has shape {given.shape}, needs a 0/1 mask ({n_post}, {n_pre}) or a list (2, n_syn) of post and pre"
        raise Problem(field, problem, "give an array of such a shape").error()
    if given.shape[1] > MAX_SYNAPSES:
        raise Problem(field, f"has {given.shape[1]} synapses, limit {MAX_SYNAPSES}", "use fewer synapses").error()
    if (given != np.floor(given)).any():
        raise Problem(field, "neuron numbers must be whole", "give integers").error()
    for numbers, size, side in ((given[0], n_post, "post"), (given[1], n_pre, "pre")):
        wrong = (numbers < 0) | (numbers >= size)
        if wrong.any():
            problem = f"a {side} number is outside 0..{size - 1}"
            raise Problem(field, problem, "count from 0; post first, then pre", int(numbers[wrong][0])).error()
    row, col = given.astype(np.int64)
    order = np.lexsort((col, row))
    row, col = row[order], col[order]
    if ((np.diff(row) == 0) & (np.diff(col) == 0)).any():
        raise Problem(field, "names a synapse twice", "list each (post, pre) pair once").error()
    return Cells(row, col, n_post, n_pre, order=order)
