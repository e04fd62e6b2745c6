"""A placement that was read from a file: refused unless it is one of this network on this profile's system."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from hmn_lava.errors import InputError
from hmn_lava.hardware_profiles import Profile
from hmn_lava.manifest import PlacementRecord
from hmn_lava.network import IntegerNetwork
from hmn_lava.placement import INDEX_BITS, Mesh, Placement, Slice, fullest, limits


def decode_placement(record: PlacementRecord, network: IntegerNetwork, profile: Profile, where: str) -> Placement:
    """What :meth:`hmn_lava.placement.Placement.as_dict` wrote.

    Each compartment is on one core, which the system has; a core has one slice of a group at most; what is used of a
    core is within the profile's limits, and the compartments used are those of the slices. Cores, chips and
    compartments are as the slices say, and on one core the binding limit as the utilisation says. Raises InputError
    else.

    Believed, since only placing the network again would tell: what is used of all resources but compartments, the hops
    of spikes, and, on several cores, which limit binds. Nothing is counted from them: they are shown.
    """

    def refuse(field: str, problem: str, value: Any) -> NoReturn:
        raise InputError(problem, where=where, field=field, value=value, remedy="compile the spec again")

    mesh, ends, seen = Mesh.of(profile), dict.fromkeys(network.groups, 0), set()
    slices = tuple(Slice(part.group, part.first, part.last, part.core) for part in record.slices)
    for part in sorted(slices, key=lambda part: (part.group, part.first)):
        if ends.get(part.group) != part.first or part.last <= part.first:
            refuse("slices", "not all compartments of a group once", part.group)
        if part.core >= mesh.cores:
            refuse("slices", f"the profile's system has {mesh.cores} cores", part.core)
        if (part.group, part.core) in seen:
            refuse("slices", "two slices of a group on one core", part.core)
        ends[part.group] = part.last
        seen.add((part.group, part.core))
    for name, end in ends.items():
        if end != network.groups[name].size:
            refuse("slices", "not all compartments of a group once", name)
    limit = limits(profile)
    if {name: found.limit for name, found in record.utilisation.items()} != limit:
        refuse("utilisation", "not the limits of the profile", sorted(record.utilisation))
    used = {name: np.array(record.utilisation[name].used, np.int64) for name in limit}
    placement = Placement(slices, mesh, limit, used, record.binding, record.spike_hops)
    for name, found in used.items():
        if found.size != placement.cores or (found > limit[name]).any():
            refuse(f"utilisation.{name}", f"one number up to {limit[name]} for each used core", found.size)
    cores = np.searchsorted(placement.core_numbers, [part.core for part in slices])
    lengths = [part.last - part.first for part in slices]
    if (np.bincount(cores, weights=lengths, minlength=placement.cores) != used["compartments"]).any():
        refuse("utilisation.compartments", "not those of the slices", None)
    for field in ("cores", "chips", "compartments"):
        if getattr(record, field) != getattr(placement, field):
            refuse(field, "does not follow from the slices", getattr(record, field))
    possible = [*limit, INDEX_BITS] if placement.cores > 1 else fullest(used, limit)[:1]
    if record.binding not in possible:
        refuse("binding", f"must be {' or '.join(possible)}", record.binding)
    return placement
