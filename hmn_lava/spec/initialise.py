"""Named initialisers. Each array has a generator of its own, seeded by (seed, field), so that no field changes another.

The generator is numpy's PCG64, seeded by the sha256 of ``"<seed>:<field path>"``; the paths are those of error
messages, such as ``connections.readout.weights``.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
from numpy.typing import NDArray

from hmn_lava.spec.arrays import ConstantInit, IdentityInit, Init, KaimingInit, NormalInit, OrthogonalInit, UniformInit
from hmn_lava.spec.problems import Problem
from hmn_lava.topology import Topology

MAX_ORTHOGONAL = 2**24  # elements: the decomposition takes n_post * n_pre * min(n_post, n_pre) steps


def generator(seed: int, field: str) -> np.random.Generator:
    """Make the random generator of one field."""
    digest = hashlib.sha256(f"{seed}:{field}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))


def fill(
    init: Init,
    seed: int,
    field: str,
    shape: tuple[int, ...],
    cells: Topology | None = None,
) -> NDArray[np.float64]:
    """Draw an array of ``shape``; with ``cells``, only these cells of a matrix of that shape, flat.

    kaiming takes fan_in = columns, or the mean number of cells in a row. Raises InputError where the initialiser needs
    a full matrix.
    """
    size: tuple[int, ...] = shape if cells is None else (cells.size,)
    rng = generator(seed if init.seed is None else init.seed, field)
    if isinstance(init, ConstantInit):
        return np.full(size, init.value)
    if isinstance(init, UniformInit):
        return rng.uniform(init.low, init.high, size)
    if isinstance(init, NormalInit):
        return rng.normal(init.mean, init.std, size)
    if isinstance(init, KaimingInit):
        fan_in = shape[-1] if cells is None else cells.size / shape[0]
        return rng.normal(0.0, init.gain / math.sqrt(fan_in), size)
    if len(shape) != 2:
        raise Problem(field, f"{init.init} needs a matrix", "use constant, uniform or normal").error()
    if isinstance(init, IdentityInit):
        return init.gain * (np.eye(*shape) if cells is None else _diagonal(cells))
    return _orthogonal(init, rng, field, shape, cells is not None)


def _diagonal(cells: Topology) -> NDArray[np.float64]:
    found = np.empty(cells.size)
    for rows, synapses in cells.blocks():
        found[synapses] = rows.start + cells.rows_of(rows) == cells.col[synapses]
    return found


def fill_whole(init: Init, seed: int, field: str, size: int) -> NDArray[np.int64]:
    """Draw ``size`` whole numbers: constant, or uniform over low, ..., high. Raises InputError for the others."""
    values: tuple[float, ...] = ()
    if isinstance(init, ConstantInit):
        values = (init.value,)
    elif isinstance(init, UniformInit):
        values = (init.low, init.high)
    if not values:
        raise Problem(field, f"{init.init} draws no whole numbers", "use constant or uniform", init.init).error()
    if any(value != int(value) for value in values):
        raise Problem(field, "must be whole numbers", "use whole numbers for value, low and high", values).error()
    rng = generator(seed if init.seed is None else init.seed, field)
    return rng.integers(int(values[0]), int(values[-1]), size, dtype=np.int64, endpoint=True)


def _orthogonal(
    init: OrthogonalInit, rng: np.random.Generator, field: str, shape: tuple[int, ...], sparse: bool
) -> NDArray[np.float64]:
    if sparse:
        raise Problem(field, "orthogonal needs a dense topology", "use topology: dense, or normal").error()
    if shape[0] * shape[1] > MAX_ORTHOGONAL:
        limit = f"orthogonal is limited to {MAX_ORTHOGONAL} elements"
        raise Problem(field, limit, "use normal or kaiming", shape[0] * shape[1]).error()
    tall = (max(shape), min(shape))
    q, r = np.linalg.qr(rng.normal(size=tall))
    q *= np.where(np.diagonal(r) < 0, -1.0, 1.0)  # makes the draw uniform over all orthonormal matrices
    return np.ascontiguousarray(init.gain * (q if shape == tall else q.T))
