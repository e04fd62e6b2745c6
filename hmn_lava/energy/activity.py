"""What a network did in some steps of the chip: which messages were not zero, and which instructions were skipped.

Everything that is counted is derived from this and from the network. An entry is True or False where it was observed,
and a probability where a user gives rates: :func:`either`, :func:`both` and :func:`neither` are the logic of both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.topology import Topology

Likely = NDArray[Any]
"""True and False, or probabilities of independent events."""

_CERTAIN = 1.0 - 2.0**-53


@dataclass(frozen=True, eq=False)
class Activity:
    """The chip steps ``start`` to ``start + steps - 1``; a first axis of every array is the steps.

    ``messages``: for each host input and each output of a group, which integers were not zero, (steps, width).
    ``emitted``: the same for each compartment of a group of synapses, whose messages are summed over rows, (steps,
    size). ``skipped``: where the condition of a skip held, by the group's name and the instruction's number, (steps,
    size) or (steps, 1). ``changed``: by learning connection's synapses, how many changed their weight from one step of
    the model to the next, (model steps,). ``values``: the integers themselves, of outputs that share an axon of
    learning synapses with others: a payload is the sum of what arrives, and may be zero.

    ``effective`` and ``unit`` serve NeuroBench's metrics (:mod:`hmn_lava.energy.neurobench`): synapses whose weight is
    not zero, by presynaptic neuron, (model steps, n_pre), and whether all integers of a message stand for -1, 0 or 1,
    (steps,).
    """

    start: int
    steps: int
    messages: Mapping[tuple[str, str], Likely]
    skipped: Mapping[tuple[str, int], Likely]
    emitted: Mapping[tuple[str, str], Likely] = field(default_factory=dict)
    changed: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    values: Mapping[tuple[str, str], NDArray[Any]] = field(default_factory=dict)
    effective: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    unit: Mapping[tuple[str, str], NDArray[Any]] = field(default_factory=dict)


def both(a: Likely, b: Likely) -> Likely:
    """a and b."""
    return a & b if a.dtype == bool and b.dtype == bool else a * b


def either(a: Likely, b: Likely) -> Likely:
    """a or b."""
    return a | b if a.dtype == bool and b.dtype == bool else a + b - np.multiply(a, b)


def neither(a: Likely) -> Likely:
    """Not a."""
    return ~a if a.dtype == bool else 1.0 - a


def any_along(values: Likely, axis: int) -> Likely:
    """Whether there is one at all along an axis."""
    if values.dtype == bool:
        return np.asarray(values.any(axis=axis))
    return np.asarray(1.0 - np.prod(1.0 - values, axis=axis))


def row_sums(values: NDArray[Any], topology: Topology) -> NDArray[Any]:
    """The sums over the synapses of each row, (steps, n_syn) -> (steps, n_post)."""
    return _sums(lambda synapses: values[:, synapses], values, topology)


def row_events(senders: NDArray[Any], topology: Topology) -> NDArray[Any]:
    """For each row, the sum over its synapses of what their presynaptic neuron has, (steps, n_pre) -> (steps, n_post).

    Of messages that were not zero, it is how many came.
    """
    if topology.dense:
        return np.repeat(senders.sum(axis=1, dtype=_sum_type(senders))[:, None], topology.n_post, axis=1)
    return _sums(lambda synapses: senders[:, topology.col[synapses]], senders, topology)


def column_counts(chosen: NDArray[np.bool_], topology: Topology) -> NDArray[np.int64]:
    """How many of the ``chosen`` synapses, (n_syn,), each presynaptic neuron has, (n_pre,)."""
    if topology.dense:
        return np.asarray(chosen.reshape(topology.n_post, topology.n_pre).sum(axis=0, dtype=np.int64))
    return np.asarray(np.bincount(topology.col[chosen], minlength=topology.n_pre))


def _sums(part: Callable[[slice], NDArray[Any]], like: NDArray[Any], topology: Topology) -> NDArray[Any]:
    """Sums over rows of what ``part`` gives for a slice of the synapses, some rows at a time."""
    found: NDArray[Any] = np.zeros((len(like), topology.n_post), _sum_type(like))
    for rows, synapses in topology.blocks():
        total = np.zeros((len(like), synapses.stop - synapses.start + 1), found.dtype)
        np.cumsum(part(synapses), axis=1, dtype=found.dtype, out=total[:, 1:])
        ends = topology.starts[rows.start : rows.stop + 1] - synapses.start
        found[:, rows] = total[:, ends[1:]] - total[:, ends[:-1]]
    return found


def _sum_type(values: NDArray[Any]) -> type:
    return np.float64 if np.issubdtype(values.dtype, np.floating) else np.int64


def any_in_rows(senders: Likely, topology: Topology) -> Likely:
    """Whether a row got at least one, (steps, n_pre) -> (steps, n_post)."""
    if senders.dtype == bool:
        return row_events(senders, topology) > 0
    return any_of(row_events(none_of(senders), topology))


def none_of(likely: Likely) -> Likely:
    """log(1 - p), of which sums belong to products."""
    return np.asarray(np.log1p(-np.minimum(likely, _CERTAIN)))


def any_of(logarithm: Likely) -> Likely:
    """1 - Π (1 - p) from the sum of :func:`none_of`."""
    return np.asarray(-np.expm1(logarithm))
