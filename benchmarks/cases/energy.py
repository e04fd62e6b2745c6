"""The estimate of energy and time beside SANA-FE's, on the same static network with the same spikes, for Loihi 1.

What SANA-FE's description of Loihi does not have is free here too: static power, and the host's messages. Both know a
synaptic operation by itself; what a spike costs SANA-FE books partly as the neuron's, so the rest is one row.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import hmn_lava as hl
from benchmarks.cases.common import equal
from benchmarks.child import Job
from benchmarks.contest import Arrays, Child, Contestant, ContestantError
from benchmarks.options import Options
from benchmarks.peers import available
from benchmarks.results import CaseResult, Entry
from benchmarks.work.static import StaticWork
from hmn_lava.bundle import Bundle
from hmn_lava.energy import Report
from hmn_lava.energy.lines import Range
from hmn_lava.hardware_profiles import Profile, load_profile

NAME = "energy"
ABOUT = "energy and time of a static network on Loihi 1, beside SANA-FE's estimate"

SIZES, DENSITIES, RATES, STEPS = (64, 768), (1.0, 0.1), (0.02, 0.1, 0.5), 100
FREE = {
    "energy": ("embedded_message", "static_power_per_chip", "embedded_power_per_chip"),
    "time": ("embedded_message",),
}
"""What the peer leaves out."""
HOPS = ("hop_east_west", "hop_north_south")


def run(options: Options) -> CaseResult:
    result, profile = CaseResult(NAME), _without_host(load_profile("loihi1"))
    steps = min(STEPS, options.input_steps)
    for size in options.sizes or SIZES:
        for density in DENSITIES:
            for rate in options.rates or RATES:
                work = StaticWork(size, rate, density, steps, options.seed)
                options.say(f"{NAME}: {work.title}")
                _beside(work, profile, options, result)
    return result


def _beside(work: StaticWork, profile: Profile, options: Options, result: CaseResult) -> None:
    """Rows of both on one work, and whether their spikes, synaptic operations and hops are the same."""
    bundle = work.bundle("loihi2")  # Loihi 1 has no microcode: its built-in neuron is priced
    inputs = {"x": work.input}
    report = hl.profile(bundle, inputs, work.steps, profile=profile)
    peer, version = _peer(work, bundle, options, result)
    for what, ours, theirs in _rows(report, work.steps):
        result.facts.append(_fact(work.title, what, ours, None if peer is None else theirs(peer) / work.steps, version))
    if peer is None:
        return
    raw, counts = bundle.run(inputs, work.steps).raw, report.operations()
    mine = {
        "one": raw["one.z"],
        "two": raw["two.z"],
        "events": np.array(counts["synaptic_operation"]),
        "hops": np.array(sum(counts.get(name, 0) for name in HOPS)),
    }
    for what, names in (("spikes", ("one", "two")), ("synaptic operations", ("events",)), ("hops", ("hops",))):
        result.checks.append(equal(work.title, f"{what} = SANA-FE's, {work.steps} steps", mine, peer, names))


def _rows(report: Report, steps: int) -> list[tuple[str, Range, Callable[[Arrays], float]]]:
    """Of a step: what it is, ours, and the peer's of all steps."""
    synapses = report.energy(lambda key: key.operation == "synaptic_operation")
    rest = report.energy(lambda key: key.operation != "synaptic_operation")
    return [
        ("energy (pJ)", report.per_step, lambda peer: float(peer["energy_total"])),
        ("synapses (pJ)", synapses.times(1 / steps), lambda peer: float(peer["energy_synapse"])),
        (
            "neurons, spikes, hops (pJ)",
            rest.times(1 / steps),
            lambda peer: float(peer["energy_soma"] + peer["energy_network"] + peer["energy_dendrite"]),
        ),
        ("time (ns)", report.time.times(1 / steps), lambda peer: float(peer["time"])),
    ]


def _fact(work: str, what: str, ours: Range, theirs: float | None, version: str | None) -> dict[str, Any]:
    return {
        "work": work,
        "of a step": what,
        "hmn-lava": ours.typical,
        "low": ours.low,
        "high": ours.high,
        "SANA-FE": theirs,
        "version": version,
        "SANA-FE / hmn-lava": None if theirs is None else theirs / ours.typical,
        "inside": None if theirs is None else ours.holds(theirs),
    }


def _peer(work: StaticWork, bundle: Bundle, options: Options, result: CaseResult) -> tuple[Arrays | None, str | None]:
    """What SANA-FE finds, and its version; None where it cannot run, and an entry of the case says why."""
    if not options.wants("sanafe"):
        return None, None
    one = available.contestant("sanafe", "SANA-FE", "sana_fe", options)
    why = one.absent
    if why is None:
        try:
            return _run(one, work, bundle)
        except (ContestantError, OSError) as error:
            why = f"failed: {error}"
    result.entries.append(Entry(work.title, one.name, absent=why))
    return None, None


def _run(contestant: Contestant, work: StaticWork, bundle: Bundle) -> tuple[Arrays, str]:
    with tempfile.TemporaryDirectory(prefix="hmn-lava-bench-") as folder:
        settings = {"density": work.density, "threshold": work.threshold}
        child = Child(contestant, Job(settings, _arrays(work, bundle), Path(folder)))
        try:
            child.run(work.steps)
            return child.state(), str(child.about["sanafe"])
        finally:
            child.close()


def _arrays(work: StaticWork, bundle: Bundle) -> Arrays:
    post, pre = np.nonzero(work.weights)
    placement = bundle.placement
    places = {name: placement.mesh.places(placement.core_of(name)) for name in ("one", "two")}
    return {
        "input": work.input,
        "post": post,
        "pre": pre,
        "weights": work.weights[post, pre],
        **{f"{name}_places": values[:, 3:] for name, values in places.items()},
    }


def _without_host(profile: Profile) -> Profile:
    """The profile with nothing to pay for what the peer leaves out."""
    zero = {"value": 0.0, "low": 0.0, "high": 0.0}
    sections: dict[str, Any] = {}
    for section, names in FREE.items():
        entries = getattr(profile, section)
        free = {name: getattr(entries, name).model_copy(update=zero) for name in names}
        sections[section] = entries.model_copy(update=free)
    return profile.model_copy(update=sections)
