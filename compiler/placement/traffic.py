"""Who talks to whom: output axons of compartments, and messages from core to core."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hmn_lava.compiler.placement.demands import Demand
from hmn_lava.compiler.placement.routes import Route
from hmn_lava.fixed import Integers
from hmn_lava.placement import Slice

BATCH = 1 << 22
"""Pairs of cores that are gathered before equal ones are added up."""


@dataclass(frozen=True, eq=False)
class Cut:
    """The slices of a group in order: where they begin and the last one ends, and their cores."""

    bounds: Integers
    cores: Integers


def cuts(slices: Iterable[Slice], demands: Mapping[str, Demand]) -> dict[str, Cut]:
    """The slices of each group."""
    parts: dict[str, list[Slice]] = {name: [] for name in demands}
    for piece in slices:
        parts[piece.group].append(piece)
    found = {}
    for name, own in parts.items():
        own.sort(key=lambda piece: piece.first)
        bounds = np.array([*(piece.first for piece in own), demands[name].size], np.int64)
        found[name] = Cut(bounds, np.array([piece.core for piece in own], np.int64))
    return found


def outputs(routes: Sequence[Route], found: Mapping[str, Cut]) -> dict[str, Integers]:
    """The output axons of each compartment of each group: one for each route and core that hears it there.

    (size,), or (1,) where all compartments have as many.
    """
    total = {name: np.zeros(1, np.int64) for name in found}
    for route in routes:
        if route.source is not None:
            total[route.source] = total[route.source] + route.fan_out(found[route.target].bounds)
    return total


@dataclass(frozen=True, eq=False)
class Traffic:
    """Messages between cores, if each compartment sends one through each of its outputs.

    Pair k of cores ``a[k] < b[k]``, which are numbered from 0, exchanges ``messages[k]``, in either direction.
    """

    cores: int
    a: Integers
    b: Integers
    messages: Integers


def traffic(routes: Sequence[Route], found: Mapping[str, Cut], cores: int) -> Traffic:
    """The messages of all routes; those that stay on their core are left out."""
    keys, counts, waiting = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], 0
    for route in routes:
        if route.source is None:
            continue
        here, there = found[route.source], found[route.target]
        sources, targets, messages = route.traffic(here.bounds, there.bounds)
        a, b = here.cores[sources], there.cores[targets]
        away = a != b
        keys.append((np.minimum(a, b) * cores + np.maximum(a, b))[away])
        counts.append(messages[away])
        waiting += keys[-1].size
        if waiting > BATCH:
            key, count = _added(keys, counts)
            keys, counts, waiting = [key], [count], 0
    key, count = _added(keys, counts)
    return Traffic(cores, key // cores, key % cores, count)


def _added(keys: list[Integers], counts: list[Integers]) -> tuple[Integers, Integers]:
    key, where = np.unique(np.concatenate(keys), return_inverse=True)
    count = np.zeros(key.size, np.int64)
    np.add.at(count, where.reshape(-1), np.concatenate(counts))
    return key, count
