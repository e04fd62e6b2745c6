"""Placing a network: slices on cores, and cores on the mesh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from hmn_lava.compiler.placement.arrange import arrange, hops
from hmn_lava.compiler.placement.demands import ADDED, SHARED, Demand, demands, together
from hmn_lava.compiler.placement.findings import full, scattered, too_heavy
from hmn_lava.compiler.placement.pack import pack
from hmn_lava.compiler.placement.routes import Route
from hmn_lava.compiler.placement.traffic import cuts, outputs, traffic
from hmn_lava.errors import FitError
from hmn_lava.fixed import Integers
from hmn_lava.hardware_profiles import Profile
from hmn_lava.network import IntegerNetwork
from hmn_lava.placement import Mesh, Placement, Slice, limits

FILLED, ROUNDS = 3, 32
"""Times that a network is packed, each time with the output axons that it needed before: with gaps filled, and not."""


def place(network: IntegerNetwork, profile: Profile) -> Placement:
    """Which core of the profile's system holds which compartments: few cores first, then few hops of spikes.

    A group that is too big for a core is split; groups share cores where all limits hold. What the limits are, and how
    demands are counted, is told in docs/placement.md. The result depends on nothing but the network and the profile.

    Raises FitError where a single compartment, or the settings of a group, are more than a core has, or where the
    system has too few cores.
    """
    limit, mesh = limits(profile), Mesh.of(profile)
    needed, routes = demands(network, profile)
    needed, slices = _packed(network.name, needed, routes, limit)
    used = _used(needed, slices)
    cores = 1 + max((piece.core for piece in slices), default=-1)
    if cores > mesh.cores:
        raise FitError("the network does not fit:", [full(network.name, mesh.cores, used, limit)])
    found = traffic(routes, cuts(slices, needed), cores)
    seat = arrange(found, mesh)
    order = np.argsort(seat)
    return Placement(
        slices=tuple(sorted((replace(p, core=int(seat[p.core])) for p in slices), key=lambda p: (p.core, p.group))),
        mesh=mesh,
        limits=limit,
        used={name: used[name][order] for name in limit},
        spike_hops=hops(found, mesh, seat),
    )


def _packed(
    network: str, needed: Mapping[str, Demand], routes: tuple[Route, ...], limit: Mapping[str, int]
) -> tuple[dict[str, Demand], list[Slice]]:
    """The demands with the output axons that the slices need, and the slices, within all limits.

    How many cores hear a compartment is known once all are placed. So they are packed with what is known to be needed,
    and again with what that packing needs, until it does: axons are only ever added. Filling gaps moves slices from one
    packing to the next, so that there may be no end to it; then gaps are left.
    """
    for rounds, fill in ((FILLED, True), (ROUNDS, False)):
        known = dict(needed)
        for _ in range(rounds):
            if findings := too_heavy(known.values(), limit):
                break
            slices = pack(known, limit, fill)
            now = outputs(routes, cuts(slices, known))
            exact = {name: replace(demand, outputs=now[name]) for name, demand in known.items()}
            heard = _heard(exact, slices)
            if (heard <= limit["output_axons"]).all():
                return exact, slices
            known = {name: replace(d, outputs=np.maximum(d.outputs, now[name])) for name, d in known.items()}
    raise FitError("the network does not fit:", findings or [scattered(network, int(heard.max()), limit)])


def _heard(needed: Mapping[str, Demand], slices: list[Slice]) -> Integers:
    """The output axons of each core of a packing."""
    axons = [needed[piece.group].sent(piece.first, piece.last) for piece in slices]
    return np.bincount([piece.core for piece in slices], weights=axons).astype(np.int64)


def _used(needed: Mapping[str, Demand], slices: list[Slice]) -> dict[str, Integers]:
    """What each core of a packing takes of each resource."""
    cores = 1 + max((piece.core for piece in slices), default=-1)
    sums = np.zeros((cores, len(ADDED)), np.int64)
    held: list[list[str]] = [[] for _ in range(cores)]
    for piece in slices:
        sums[piece.core] += needed[piece.group].of(piece.first, piece.last)
        held[piece.core].append(piece.group)
    of_groups = {groups: together(needed[name].settings for name in groups) for groups in map(tuple, held)}
    shared = [of_groups[tuple(groups)] for groups in held]
    used = {name: sums[:, number] for number, name in enumerate(ADDED)}
    return used | {name: np.array([taken[name] for taken in shared], np.int64) for name in SHARED}
