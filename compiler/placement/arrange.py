"""Which core of the system each core of a packing becomes: those that talk much are put near each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hmn_lava.compiler.placement.curve import seats
from hmn_lava.compiler.placement.traffic import Traffic
from hmn_lava.fixed import Integers
from hmn_lava.placement import Mesh

MOST_SWAPPED = 4096
"""Cores of the largest placement that is improved by swaps; larger ones stay as the curve orders them."""

WINDOW, WHOLE = 128, 512
"""Cores among which swaps are looked for: neighbours on the curve, or all where there are no more than ``WHOLE``."""

PASSES = 4


def arrange(traffic: Traffic, mesh: Mesh) -> Integers:
    """(cores,): the core of the system for each core of the packing.

    The first cores along a space-filling curve are used. Along it the cores lie in the order of the packing, or each
    next is the one that exchanges most with those before, whichever takes fewer hops; then pairs are swapped, the best
    first, as long as that saves hops.
    """
    places = seats(mesh, traffic.cores)
    orders = [np.arange(traffic.cores), _by_attraction(traffic)]
    chosen = min((_seated(order, places) for order in orders), key=lambda cores: hops(traffic, mesh, cores))
    if traffic.cores <= MOST_SWAPPED and traffic.a.size:
        chosen = _swapped(traffic, mesh, chosen, places)
    return chosen


def hops(traffic: Traffic, mesh: Mesh, cores: Integers) -> int:
    """Hops of all messages, where core k of the packing is ``cores[k]``."""
    return int((traffic.messages * _distance(mesh, cores[traffic.a], cores[traffic.b])).sum())


def _distance(mesh: Mesh, a: Integers, b: Integers) -> Integers:
    """Hops of all kinds from core to core."""
    east_west, north_south, between_chips = mesh.hops(a, b)
    return east_west + north_south + between_chips


@dataclass(frozen=True, eq=False)
class _Neighbours:
    """The traffic of each core: with ``who[starts[k] : starts[k + 1]]``, ``messages`` likewise."""

    starts: Integers
    who: Integers
    messages: Integers

    @classmethod
    def of(cls, traffic: Traffic) -> _Neighbours:
        one, other = np.concatenate([traffic.a, traffic.b]), np.concatenate([traffic.b, traffic.a])
        order = np.argsort(one, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(one, minlength=traffic.cores))])
        return cls(starts, other[order], np.concatenate([traffic.messages] * 2)[order])

    def of_core(self, core: int) -> tuple[Integers, Integers]:
        part = slice(int(self.starts[core]), int(self.starts[core + 1]))
        return self.who[part], self.messages[part]

    def rows(self, cores: Integers) -> tuple[Integers, NDArray[np.float64]]:
        """The cores that any of ``cores`` talks to, and the messages of each of ``cores`` with each of them."""
        own = [self.of_core(core) for core in cores.tolist()]
        who, column = np.unique(np.concatenate([w for w, _ in own]), return_inverse=True)
        table = np.zeros((cores.size, who.size))
        row = np.repeat(np.arange(cores.size), [w.size for w, _ in own])
        table[row, column.reshape(-1)] = np.concatenate([m for _, m in own])
        return who, table


def _seated(order: Integers, places: Integers) -> Integers:
    cores = np.empty_like(places)
    cores[order] = places
    return cores


def _by_attraction(traffic: Traffic) -> Integers:
    """The busiest core first, then always the one that exchanges most with those before; of equals the first."""
    near = _Neighbours.of(traffic)
    total = np.zeros(traffic.cores, np.int64)
    np.add.at(total, np.concatenate([traffic.a, traffic.b]), np.concatenate([traffic.messages] * 2))
    pull = np.zeros(traffic.cores, np.int64)
    order = np.empty(traffic.cores, np.int64)
    core = int(total.argmax()) if traffic.cores else 0
    for number in range(traffic.cores):
        order[number] = core
        who, messages = near.of_core(core)
        pull[who] += np.where(pull[who] < 0, 0, messages)
        pull[core] = -1
        core = int(pull.argmax())
    return order


def _swapped(traffic: Traffic, mesh: Mesh, cores: Integers, places: Integers) -> Integers:
    """Swap pairs inside windows along the curve, until a pass saves nothing, or ``PASSES`` times."""
    near, cores = _Neighbours.of(traffic), cores.copy()
    who = np.empty(mesh.cores, np.int64)  # who sits on each core of the system
    who[cores] = np.arange(cores.size)
    width = cores.size if cores.size <= WHOLE else WINDOW
    for number in range(PASSES):
        saved = False
        for first in range(-(width // 2) * (number % 2), cores.size, width):
            window = places[max(first, 0) : first + width]
            saved |= _swap_inside(near, mesh, cores, who[window])
            who[cores] = np.arange(cores.size)
        if not saved:
            break
    return cores


def _swap_inside(near: _Neighbours, mesh: Mesh, cores: Integers, some: Integers) -> bool:
    """Swap the pairs of ``some`` that save most hops, one after another; changes ``cores``, says whether it did.

    With T messages, D hops and C[u, p] = sum_w T[u, w] D[p, place of w], swapping u and v at p and q changes the hops
    by C[u, q] - C[u, p] + C[v, p] - C[v, q] + 2 T[u, v] D[p, q].
    """
    partners, messages = near.rows(some)
    if not partners.size:
        return False
    place = cores[some].copy()
    inside = np.zeros((some.size, some.size))
    column = np.minimum(np.searchsorted(partners, some), partners.size - 1)
    known = partners[column] == some
    inside[:, known] = messages[:, column[known]]
    distance = _distance(mesh, place[:, None], place).astype(np.float64)
    cost = messages @ _distance(mesh, cores[partners][:, None], place)
    at = np.arange(some.size)  # the place of each of ``some``
    done = 0
    for _ in range(some.size):
        moved = cost[:, at]
        own = moved.diagonal()
        change = moved - own[:, None] + (moved - own[:, None]).T + 2 * inside * distance[np.ix_(at, at)]
        u, v = divmod(int(change.argmin()), some.size)
        if change[u, v] >= 0:
            break
        step = distance[at[v]] - distance[at[u]]
        cost += np.outer(inside[:, u] - inside[:, v], step)
        at[[u, v]] = at[[v, u]]
        done += 1
    cores[some] = place[at]
    return done > 0
