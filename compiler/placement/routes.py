"""How the messages of a link reach the compartments of a group, whatever the link is for.

Three shapes are enough. Each says what a slice of the target takes (input axons, and words of synaptic memory), on how
many cores each compartment of the source is heard, and how many messages go from slice to slice.

One axon serves one list of synapses: what all compartments of a source do to the same compartment, they do through one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.compiler.placement.packing import Format
from hmn_lava.fixed import Integers
from hmn_lava.topology import BLOCK, Topology

Edges = tuple[Integers, Integers, Integers]
"""(slice of the source, slice of the target, messages), one row for each pair of slices."""


@dataclass(frozen=True, eq=False)
class Route(ABC):
    """Messages from ``source``, a group or None for the host, to the group ``target``.

    ``slots`` is how many input axons an axon counts for; 0 where another route has counted it already.
    """

    source: str | None
    target: str
    format: Format
    slots: int

    @property
    @abstractmethod
    def indexed(self) -> bool:
        """Whether the entries of a run name their compartments."""

    @abstractmethod
    def onto(self, first: int, last: int) -> tuple[Integers, Integers]:
        """(axons, words) of each of the slices [first, first + 1), ..., [first, last) of the target."""

    @abstractmethod
    def runs(self) -> Integers:
        """How many axons each compartment of the target needs if it is alone on its core, each with a run of one entry.

        (target size,), or (1,) where all need as many.
        """

    @abstractmethod
    def fan_out(self, bounds: Integers) -> Integers:
        """The cores that hear each compartment of the source, if slice k of the target is bounds[k] to bounds[k + 1].

        (source size,), or (1,) where all are heard on as many.
        """

    @abstractmethod
    def heard(self) -> Integers:
        """1 for each compartment of the source that anybody hears, else 0: the least that :meth:`fan_out` can be.

        (source size,), or (1,) where all are heard.
        """

    @abstractmethod
    def traffic(self, sources: Integers, targets: Integers) -> Edges:
        """Messages from slice to slice, if each compartment of the source sends one.

        The bounds of the slices of the source and of the target are given as for :meth:`fan_out`.
        """


@dataclass(frozen=True, eq=False)
class Gather(Route):
    """Target e hears the compartments starts[e] to starts[e + 1] - 1 of the source; with None, compartment e alone."""

    starts: Integers | None

    @property
    def indexed(self) -> bool:
        return False

    def onto(self, first: int, last: int) -> tuple[Integers, Integers]:
        targets = np.arange(1, last - first + 1)
        return targets, targets * int(self.format.words(1))

    def runs(self) -> Integers:
        return np.ones(1, np.int64)

    def fan_out(self, bounds: Integers) -> Integers:
        return np.ones(1, np.int64)

    def heard(self) -> Integers:
        return np.ones(1, np.int64)

    def traffic(self, sources: Integers, targets: Integers) -> Edges:
        heard = targets if self.starts is None else self.starts[targets]
        cuts = np.unique(np.concatenate([sources, heard]))
        return _number(sources, cuts[:-1]), _number(heard, cuts[:-1]), np.diff(cuts)


@dataclass(frozen=True, eq=False)
class Scatter(Route):
    """Source j is heard by the compartments starts[j] to starts[j + 1] - 1 of the target."""

    starts: Integers

    @property
    def indexed(self) -> bool:
        return False

    def onto(self, first: int, last: int) -> tuple[Integers, Integers]:
        targets = np.arange(first, last)
        rank = targets - np.maximum(self.starts[_number(self.starts, targets)], first)
        return np.cumsum(rank == 0), np.cumsum(self.format.words(rank + 1) - self.format.words(rank))

    def runs(self) -> Integers:
        return np.ones(1, np.int64)

    def fan_out(self, bounds: Integers) -> Integers:
        first, last = _number(bounds, self.starts[:-1]), _number(bounds, self.starts[1:] - 1)
        return np.where(np.diff(self.starts) > 0, last - first + 1, 0)

    def heard(self) -> Integers:
        return (np.diff(self.starts) > 0).astype(np.int64)

    def traffic(self, sources: Integers, targets: Integers) -> Edges:
        alive = np.flatnonzero(np.diff(self.starts))  # the sources that anybody hears
        first, last = _number(targets, self.starts[alive]), _number(targets, self.starts[alive + 1] - 1)
        heard = last - first + 1
        slices = np.repeat(first, heard) + _counted(heard)
        return _tallied(np.repeat(_number(sources, alive), heard), slices, targets.size - 1)


@dataclass(frozen=True, eq=False)
class Crossing(Route):
    """Synapses: source ``topology.col[k]`` is heard through synapse k.

    By the compartment of its row, or, with ``each``, by a compartment of its own.
    """

    topology: Topology
    each: bool

    @property
    def indexed(self) -> bool:
        return self.each or not self.topology.dense

    def onto(self, first: int, last: int) -> tuple[Integers, Integers]:
        if self.topology.dense and not self.each:
            rows = np.arange(1, last - first + 1)
            return np.full(rows.size, self.topology.n_pre), self.topology.n_pre * self.format.words(rows)
        ends = self._synapses(np.arange(first, last + 1))
        heard, words = np.zeros((2, last - first), np.int64)
        seen = np.zeros(self.topology.n_pre, np.int64) if ends[-1] - ends[0] > BLOCK else None
        row = 0
        while row < last - first:  # some synapses at a time
            stop = max(row + 1, int(np.searchsorted(ends, ends[row] + BLOCK, side="right")) - 1)
            rank = self._ranks(int(ends[0]), int(ends[row]), int(ends[stop]), seen)
            within = ends[row + 1 : stop + 1] - ends[row]
            heard[row:stop] = _sums(rank == 0)[within] + (heard[row - 1] if row else 0)
            more = self.format.words(rank + 1) - self.format.words(rank)
            words[row:stop] = _sums(more)[within] + (words[row - 1] if row else 0)
            row = stop
        return heard, words

    def runs(self) -> Integers:
        return np.ones(1, np.int64) if self.each else self.topology.counts

    def fan_out(self, bounds: Integers) -> Integers:
        n_pre = self.topology.n_pre
        total = np.zeros(n_pre + 1, np.int64)
        if self.topology.dense:
            for first, last in self._intervals(bounds):
                np.add.at(total, first, 1)
                np.add.at(total, last, -1)
            return np.cumsum(total)[:-1]
        for _, columns in self._heard(bounds):
            total[:-1] += np.bincount(columns, minlength=n_pre)
        return total[:-1]

    def heard(self) -> Integers:
        if self.topology.columns is None:
            return np.ones(1, np.int64)
        found = np.zeros(self.topology.n_pre, np.int64)
        found[_met(self.topology.columns, self.topology.n_pre)] = 1
        return found

    def traffic(self, sources: Integers, targets: Integers) -> Edges:
        edges = []
        if self.topology.dense:
            for first, last in self._intervals(targets):
                low = np.maximum(sources[:-1, None], first)
                messages = np.minimum(sources[1:, None], last) - low
                a, b = np.nonzero(messages > 0)
                edges.append((a, b, messages[a, b]))
        else:
            for number, columns in self._heard(targets):
                edges.append(_tallied(_number(sources, columns), number, targets.size - 1))
        return joined(edges)

    def _synapses(self, targets: Integers) -> Integers:
        """The first synapse onto each of ``targets``, which are in order."""
        return targets if self.each else self.topology.starts[targets]

    def _ranks(self, begin: int, first: int, last: int, seen: Integers | None) -> Integers:
        """For each synapse k of [first, last): how many of [begin, k) come from the same source.

        ``seen``: how many of [begin, first) come from each source, to which these are added; None where there are none.
        """
        if self.topology.columns is None:
            return np.arange(first - begin, last - begin) // self.topology.n_pre
        columns = self.topology.columns[first:last]
        order = np.argsort(columns, kind="stable")
        position = np.arange(order.size)
        new = np.diff(columns[order], prepend=-1) != 0
        ranks = np.empty(order.size, np.int64)
        ranks[order] = position - np.maximum.accumulate(np.where(new, position, 0))
        if seen is not None:
            ranks += seen[columns]
            seen += np.bincount(columns, minlength=seen.size)
        return ranks

    def _intervals(self, bounds: Integers) -> Iterator[tuple[Integers, Integers]]:
        """[first, last) of the sources that each slice hears where all pairs are connected, in two parts."""
        n_pre = self.topology.n_pre
        length = np.minimum(np.diff(bounds), n_pre) if self.each else np.full(bounds.size - 1, n_pre)
        first = np.where(length < n_pre, bounds[:-1] % n_pre, 0)
        yield first, np.minimum(first + length, n_pre)
        yield np.zeros_like(first), np.maximum(first + length - n_pre, 0)

    def _heard(self, bounds: Integers) -> Iterator[tuple[Integers, Integers]]:
        """(slice, source) of each axon of a sparse topology, some slices at a time."""
        ends, columns, n_pre = self._synapses(bounds), self.topology.col, self.topology.n_pre
        first = 0
        while first < bounds.size - 1:
            last = int(np.searchsorted(ends, ends[first] + BLOCK, side="right")) - 1
            if last <= first:  # one slice of more synapses than are worked on at once
                one = _met(columns[ends[first] : ends[first + 1]], n_pre)
                yield np.full(one.size, first), one
                first += 1
                continue
            number = np.repeat(np.arange(last - first), np.diff(ends[first : last + 1]))
            pairs = np.unique(number * n_pre + columns[ends[first] : ends[last]])
            yield pairs // n_pre + first, pairs % n_pre
            first = last


def _met(columns: NDArray[Any], n_pre: int) -> Integers:
    """The sources that occur, some synapses at a time."""
    met = np.zeros(n_pre, np.bool_)
    for first in range(0, columns.size, BLOCK):
        met[columns[first : first + BLOCK]] = True
    return np.flatnonzero(met)


def joined(edges: Sequence[Edges]) -> Edges:
    """All of them, one after another."""
    if not edges:
        return (np.zeros(0, np.int64),) * 3
    a, b, count = (np.concatenate(parts) for parts in zip(*edges, strict=True))
    return a, b, count


def _tallied(a: Integers, b: Integers, width: int) -> Edges:
    """Each pair (a, b) once, and how often it is there; b is below ``width``."""
    pairs, count = np.unique(a * width + b, return_counts=True)
    return pairs // width, pairs % width, count


def _number(bounds: Integers, places: Integers) -> Integers:
    """The interval of ``bounds`` that each place lies in."""
    return np.searchsorted(bounds, places, side="right") - 1


def _sums(values: NDArray[Any]) -> Integers:
    """0, and the sum of the first k values for each k."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(values, dtype=np.int64)])


def _counted(counts: Integers) -> Integers:
    """0, 1, ..., n - 1 for each count n."""
    return np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
