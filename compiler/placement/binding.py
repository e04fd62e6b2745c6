"""Which limit decides how many cores a network takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from hmn_lava.compiler.placement.demands import ADDED, SHARED, UNLIMITED, Demand, together
from hmn_lava.compiler.placement.packed import Packed
from hmn_lava.errors import FitError
from hmn_lava.fixed import Integers
from hmn_lava.placement import INDEX_BITS, fullest


class Pack(Protocol):
    """Packs demands within limits; raises FitError where that cannot be."""

    def __call__(self, needed: Mapping[str, Demand], *, limit: Mapping[str, int]) -> Packed: ...


@dataclass(frozen=True)
class Binding:
    """``limits``: the one without which the fewest cores are taken; several if no single one of them matters.

    ``without``: the cores that are taken without the first of them.
    """

    limits: tuple[str, ...]
    without: int


def binding(found: Packed, needed: Mapping[str, Demand], limit: Mapping[str, int], pack: Pack) -> Binding:
    """The limit that a packing owes its number of cores to.

    Each limit that some core has come so near to that it may have turned away a compartment or a group is lifted alone,
    and the network packed again (``pack``, of ``needed``). On one core nothing was turned away: then the limit that is
    nearest.
    """
    used = found.used()
    share = [*fullest(used, limit), INDEX_BITS]
    near = _near(found, used, limit) if found.cores > 1 else []
    if not near:
        return Binding((share[0],), found.cores)
    near.sort(key=share.index)
    cores = {name: _without(name, needed, limit, pack, found.cores) for name in near}
    best = min(near, key=lambda name: cores[name])
    return Binding((best,) if cores[best] < found.cores else tuple(near), cores[best])


def _near(found: Packed, used: Mapping[str, Integers], limit: Mapping[str, int]) -> list[str]:
    """The limits that another compartment, or another group's settings, may exceed on some core."""
    demands = found.demands.values()
    alone = [demand.alone().max(axis=1) for demand in demands]
    more = {name: max(int(one[number]) for one in alone) for number, name in enumerate(ADDED)}
    settings = [together([demand.settings]) for demand in demands]
    more |= {name: max(one[name] for one in settings) for name in SHARED}
    near = [name for name, most in limit.items() if more[name] and int(used[name].max()) + more[name] > most]
    cut = (p.last - p.first == found.demands[p.group].longest < found.demands[p.group].size for p in found.slices)
    return [*near, INDEX_BITS] if any(cut) else near


def _without(name: str, needed: Mapping[str, Demand], limit: Mapping[str, int], pack: Pack, cores: int) -> int:
    """The cores that are taken without one limit."""
    try:
        if name == INDEX_BITS:
            return pack({group: replace(d, longest=d.size) for group, d in needed.items()}, limit=limit).cores
        return pack(needed, limit={**limit, name: UNLIMITED}).cores
    except FitError:  # without it, something else cannot be packed
        return cores
