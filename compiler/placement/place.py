"""Placing a network: slices on cores, and cores on the mesh."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from hmn_lava.compiler.placement.arrange import arrange, hops
from hmn_lava.compiler.placement.binding import binding
from hmn_lava.compiler.placement.demands import demands
from hmn_lava.compiler.placement.findings import full
from hmn_lava.compiler.placement.rounds import repacked
from hmn_lava.compiler.placement.traffic import cuts, traffic
from hmn_lava.errors import FitError
from hmn_lava.hardware_profiles import Profile
from hmn_lava.network import IntegerNetwork
from hmn_lava.placement import Mesh, Placement, limits


def place(network: IntegerNetwork, profile: Profile) -> Placement:
    """Which core of the profile's system holds which compartments: few cores first, then few hops of spikes.

    A group that is too big for a core is split; groups share cores where all limits hold. What the limits are, and how
    demands are counted, is told in docs/placement.md. The result depends on nothing but the network and the profile.

    Raises FitError where a single compartment, or the settings of a group, are more than a core has, or where the
    system has too few cores.
    """
    limit, mesh = limits(profile), Mesh.of(profile)
    needed, routes = demands(network, profile)
    packed = repacked(network, needed, routes, limit)
    bound = binding(packed, needed, limit, partial(repacked, network, routes=routes))
    if packed.cores > mesh.cores:
        raise FitError("the network does not fit:", [full(network, packed.cores, mesh.cores, bound)])
    found = traffic(routes, cuts(packed.slices, packed.demands), packed.cores)
    seat = arrange(found, mesh)
    order, used = np.argsort(seat), packed.used()
    return Placement(
        slices=tuple(
            sorted((replace(p, core=int(seat[p.core])) for p in packed.slices), key=lambda p: (p.core, p.group))
        ),
        mesh=mesh,
        limits=limit,
        used={name: used[name][order] for name in limit},
        binding=bound.limits[0],
        spike_hops=hops(found, mesh, seat),
    )
