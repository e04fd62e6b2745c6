"""What a user gave: checked, and told in the user's own words when the spec of a part refuses it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from hmn_lava.errors import InputError
from hmn_lava.reference.equations import Floats

LONGEST = 1 << 12
"""Steps; longest delay of a message inside a part."""


def size_of(shape: Any, where: str) -> int:
    """The number of neurons: of a shape (n,), or n itself."""
    size = shape[0] if isinstance(shape, (tuple, list)) and len(shape) == 1 else shape
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
        remedy = "use (n,), n from 1; reshape a port in Lava where it has more dimensions"
        raise InputError("is no shape of one dimension", where=where, field="shape", value=shape, remedy=remedy)
    return int(size)


def steps_of(value: Any, field: str, where: str) -> int:
    """A whole number of steps from 0."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not 0 <= value <= LONGEST:
        remedy = f"use a whole number from 0 to {LONGEST}"
        raise InputError("is no number of steps", where=where, field=field, value=value, remedy=remedy)
    return int(value)


def matrix_of(weights: Any, where: str) -> tuple[Floats, Any]:
    """Weights (n_post, n_pre), and which synapses there are: the stored ones of a scipy.sparse matrix, else None."""
    topology = None
    if hasattr(weights, "tocoo"):
        entries = weights.tocoo()
        topology = np.zeros(entries.shape)
        topology[entries.row, entries.col] = 1.0
        weights = weights.toarray()
    try:
        found = np.asarray(weights, np.float64)
    except (TypeError, ValueError):
        found = np.zeros(0)
    if found.ndim != 2 or not found.size:
        remedy = "give a matrix (n_post, n_pre)"
        raise InputError("is no matrix of weights", where=where, field="weights", value=weights, remedy=remedy)
    if not np.all(np.isfinite(found)):
        raise InputError("holds NaN or infinity", where=where, field="weights", remedy="replace every such value")
    return found, topology


@contextmanager
def fields_of(where: str, **names: str) -> Iterator[None]:
    """Tell errors in the arguments of a component: ``names`` maps a spec's path, with dots as ``__``, to an argument.

    The longest path that a field begins with is replaced.
    """
    paths = sorted(((path.replace("__", "."), name) for path, name in names.items()), key=lambda p: -len(p[0]))

    def named(text: str) -> str:
        for path, name in paths:
            text = text.replace(path, name)
        return text

    try:
        yield
    except InputError as error:
        raise InputError(
            named(error.problem),
            where=error.where or where,
            field=named(error.field),
            value=error.value,
            remedy=named(error.remedy),
        ) from None
