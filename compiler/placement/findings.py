"""What does not fit, and what to change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hmn_lava.compiler.placement.binding import Binding
from hmn_lava.compiler.placement.demands import ADDED, SHARED, UNLIMITED, Demand, together
from hmn_lava.compiler.placement.remedies import remedy
from hmn_lava.errors import Finding
from hmn_lava.hardware_profiles import load_profile, profile_names
from hmn_lava.network import IntegerNetwork


def too_heavy(network: IntegerNetwork, demands: Iterable[Demand], limit: Mapping[str, int]) -> list[Finding]:
    """What cannot be split: a compartment, or the settings of a group, that take more than a core has."""
    findings = []

    def above(resource: str, which: str, used: int) -> None:
        if used > (most := limit.get(resource, UNLIMITED)):
            change = remedy(resource, network, alone=True)
            findings.append(Finding(resource.replace("_", "-"), which, used, most, "error", change))

    for demand in demands:
        alone = demand.alone()
        for number, name in enumerate(ADDED):
            worst = int(alone[number].argmax())
            above(name, f"{demand.group}: compartment {worst}", int(alone[number, worst]))
        settings = together([demand.settings])
        for name in SHARED:
            above(name, demand.group, settings[name])
    return findings


def full(network: IntegerNetwork, used: int, cores: int, bound: Binding) -> Finding:
    """More cores than the system has; names the limit that makes them so many."""
    if len(bound.limits) == 1:
        enough = "would do" if bound.without <= cores else "would still be too many"
        why = f"The binding limit is {bound.limits[0]}: without it, {bound.without} {enough}."
    else:
        why = f"The binding limits are {' and '.join(bound.limits)}: without any single one, as many cores are taken."
    changes = " ".join(remedy(name, network) for name in bound.limits)
    larger = f"Or use a profile of more cores{_such_as(used)}."
    return Finding("cores", network.name, used, cores, "error", f"{why} {changes} {larger}")


def _such_as(cores: int) -> str:
    """The smallest system among the profiles that has microcode and so many cores, if there is one."""
    profiles = [load_profile(name) for name in profile_names()]
    sizes = [(p.system.chips.value * p.chip.cores_per_chip.value, p.name) for p in profiles if p.microcode is not None]
    return next((f", such as {name}" for size, name in sorted(sizes) if size >= cores), "")


def scattered(network: IntegerNetwork, axons: int, limit: Mapping[str, int]) -> Finding:
    """Splitting the senders adds axons to others, and there was no end to it."""
    change = remedy("output_axons", network)
    return Finding("output-axons", network.name, axons, limit["output_axons"], "error", change)
