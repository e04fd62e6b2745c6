"""From what a spec says of an array to the array: shapes, broadcasting, delays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import PydanticCustomError

from hmn_lava.spec.arrays import Array, ConstantInit, NpzArray, UniformInit, Values, finite
from hmn_lava.spec.fields import MAX_DELAY
from hmn_lava.spec.initialise import fill, fill_whole
from hmn_lava.spec.npz import NpzError, read_npz
from hmn_lava.spec.problems import Problem
from hmn_lava.topology import Topology, alike

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Cells:
    """Synapses in CSR order; ``order`` sorts the author's own list into it (None: no list, or one that is sorted)."""

    topology: Topology
    order: Ints | None = None


@dataclass(frozen=True)
class Source:
    """Where arrays come from: a folder and a seed. Each method takes the dotted path of the field that it reads.

    All raise InputError for a wrong shape, a wrong value, or a file that cannot be read. Arrays are read-only.
    """

    folder: Path | None
    seed: int

    def given(self, value: Values | NpzArray, field: str) -> Floats:
        """Read a literal array, or one of a file; its values are finite."""
        if isinstance(value, Values):
            return value.array
        try:
            return finite(self.raw(value, field))
        except PydanticCustomError as error:
            context: dict[str, Any] = error.context or {}
            raise Problem(field, context["problem"], context["remedy"]).error() from None

    def raw(self, value: NpzArray, field: str) -> NDArray[Any]:
        """Read an array of a file, in its own dtype."""
        try:
            return read_npz(self.folder, value.npz, value.key)
        except NpzError as error:
            raise error.at(field).error() from None

    def vector(self, value: Array, field: str, size: int, meaning: str = "one per neuron") -> Floats:
        """Make (size,), from a number or (size,)."""
        if isinstance(value, float):
            return read_only(np.full(size, value))
        if not isinstance(value, (Values, NpzArray)):
            return read_only(fill(value, self.seed, field, (size,)))
        array = self.given(value, field)
        if array.shape != (size,):
            problem = f"has shape {array.shape}, needs ({size},), {meaning}"
            raise Problem(field, problem, f"give {size} values, or one number").error()
        return read_only(array)

    def matrix(self, value: Array, field: str, shape: tuple[int, int]) -> Floats:
        """Make (n, D), from a number, (n, D), (D,) for all alike, or (n,) where D = 1."""
        if isinstance(value, float):
            return read_only(np.full(shape, value))
        if not isinstance(value, (Values, NpzArray)):
            return read_only(fill(value, self.seed, field, shape))
        array = self.given(value, field)
        if array.shape == shape[:1] and shape[1] == 1:
            array = array[:, None]
        if array.shape not in (shape, shape[1:]):
            problem = f"has shape {array.shape}, needs {shape}: neurons, dimensions"
            raise Problem(field, problem, f"give an array of shape {shape}, or one number").error()
        return read_only(np.broadcast_to(array, shape))

    def per_synapse(self, value: Array, field: str, cells: Cells, *, broadcast: bool = False) -> Floats:
        """Make (n_syn,), from a number, (n_post, n_pre), or (n_syn,) of a sparse topology.

        With ``broadcast``, also from what numpy broadcasts to (n_post, n_pre). (n_syn,) values follow the author's list
        of synapses, or CSR order where there is none.
        """
        topology = cells.topology
        shape, count, dense = (topology.n_post, topology.n_pre), topology.size, topology.dense
        if isinstance(value, float):
            return read_only(np.full(count, value))
        if not isinstance(value, (Values, NpzArray)):
            return read_only(fill(value, self.seed, field, shape, None if dense else topology).reshape(-1))
        array = self.given(value, field)
        if array.shape == shape or (broadcast and _broadcasts(array.shape, shape)):
            full = np.broadcast_to(array, shape)
            return read_only(full.reshape(-1) if dense else _chosen(full, topology))
        if array.shape == (count,) and not dense:
            return read_only(array if cells.order is None else array[cells.order])
        needs = f"{shape}: post, pre" + ("" if dense else f", or ({count},), the synapses")
        problem = f"has shape {array.shape}, needs {needs}"
        raise Problem(field, problem, f"give an array of shape {shape}, or one number").error()

    def delay(self, value: Array, field: str, cells: Cells) -> Ints:
        """Make the delays of the synapses, (n_syn,), whole steps 0..63; with a stride of 0 where the spec gives one."""
        size = cells.topology.size
        if isinstance(value, float):
            steps: NDArray[Any] = np.full(1, value)
        elif isinstance(value, (Values, NpzArray)):
            steps = self.per_synapse(value, field, cells)
        elif isinstance(value, (ConstantInit, UniformInit)):
            steps = fill_whole(value, self.seed, field, 1 if isinstance(value, ConstantInit) else size)
        else:
            raise Problem(field, f"{value.init} draws no whole numbers", "use constant or uniform", value.init).error()
        wrong = (steps < 0) | (steps > MAX_DELAY) | (steps != np.floor(steps))
        if wrong.any():
            problem = f"delays are whole steps 0..{MAX_DELAY}"
            remedy = f"use whole numbers from 0 to {MAX_DELAY}"
            raise Problem(field, problem, remedy, float(steps[wrong][0])).error()
        whole = steps.astype(np.int64)
        return alike(whole, size) if isinstance(value, (float, ConstantInit)) else read_only(whole)


def _chosen(matrix: Floats, topology: Topology) -> Floats:
    """The elements of a matrix where there are synapses."""
    found = np.empty(topology.size)
    for rows, synapses in topology.blocks():
        found[synapses] = matrix[rows][topology.rows_of(rows), topology.col[synapses]]
    return found


def _broadcasts(shape: tuple[int, ...], target: tuple[int, int]) -> bool:
    return len(shape) <= 2 and all(
        have in (1, need) for have, need in zip(reversed(shape), reversed(target), strict=False)
    )


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Protect an array from being written to; it is contiguous."""
    array = np.ascontiguousarray(array)
    array.setflags(write=False)
    return array
