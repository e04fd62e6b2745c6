"""Packing again and again, until the output axons that the slices need are within the limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from hmn_lava.compiler.placement.demands import Demand
from hmn_lava.compiler.placement.findings import scattered, too_heavy
from hmn_lava.compiler.placement.pack import pack
from hmn_lava.compiler.placement.packed import Packed
from hmn_lava.compiler.placement.routes import Route
from hmn_lava.compiler.placement.traffic import cuts, outputs
from hmn_lava.errors import FitError
from hmn_lava.network import IntegerNetwork

FILLED, ROUNDS = 3, 32
"""Times that a network is packed, each time with the output axons that it needed before: with gaps filled, and not."""


def repacked(
    network: IntegerNetwork, needed: Mapping[str, Demand], routes: tuple[Route, ...], limit: Mapping[str, int]
) -> Packed:
    """The network in slices, within all limits; ``needed`` has the fewest output axons that are possible.

    How many cores hear a compartment is known once all are placed. So they are packed with what is known to be needed,
    and again with what that packing needs, until it does: axons are only ever added. Filling gaps moves slices from one
    packing to the next, so that there may be no end to it; then gaps are left.

    Raises FitError where a compartment or a group's settings are more than a core has, and where there is no end.
    """
    for rounds, fill in ((FILLED, True), (ROUNDS, False)):
        known = dict(needed)
        for _ in range(rounds):
            if findings := too_heavy(network, known.values(), limit):
                break
            slices = pack(known, limit, fill)
            now = outputs(routes, cuts(slices, known))
            found = Packed({name: replace(demand, outputs=now[name]) for name, demand in known.items()}, slices)
            heard = found.outputs()
            if (heard <= limit["output_axons"]).all():
                return found
            known = {name: replace(d, outputs=np.maximum(d.outputs, now[name])) for name, d in known.items()}
    raise FitError("the network does not fit:", findings or [scattered(network, int(heard.max()), limit)])
