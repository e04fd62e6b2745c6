"""From a spec to a bundle: the passes in order, and what stops them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from hmn_lava.bundle import Bundle
from hmn_lava.compiler.bounds import bounds
from hmn_lava.compiler.fit import fit, fit_size
from hmn_lava.compiler.ignored import ignored
from hmn_lava.compiler.labels import labels
from hmn_lava.compiler.lost import coarse, lost
from hmn_lava.compiler.neurocore import lower
from hmn_lava.compiler.place import place
from hmn_lava.compiler.quantise import quantise
from hmn_lava.compiler.schedule import schedule
from hmn_lava.components.neuron import LIF_DECAY_BITS, LIF_SHIFT
from hmn_lava.errors import Finding, FitError, InputError
from hmn_lava.hardware_profiles import Profile, load_profile
from hmn_lava.microcode.builder import ProgramError
from hmn_lava.proof import prove
from hmn_lava.reference import Reference
from hmn_lava.spec import Spec, load_spec, resolve
from hmn_lava.spec.model import Model

LOSSY_RULES = ("lost-underflow", "lost-clipped", "trace-constant", "lost-update")
"""Findings that ``allow_lossy`` turns into warnings."""


def compile(
    spec: Spec | str | os.PathLike[str],
    *,
    profile: Profile | str = "loihi2",
    plasticity: str = "neurocore",
    seed: int = 0,
    calibration: Mapping[str, ArrayLike] | None = None,
    allow_lossy: bool = False,
) -> Bundle:
    """Compile a spec for a hardware profile.

    ``calibration`` holds input of shape (steps, size) for each input population; the float reference runs on it, and
    the accumulators' formats follow what it saw instead of the worst case. ``allow_lossy`` turns the findings about
    lost parameters into warnings. Raises InputError for a spec that is wrong, FitError, with all findings, for one that
    does not fit.
    """
    bundle, findings = attempt(
        spec, profile=profile, plasticity=plasticity, seed=seed, calibration=calibration, allow_lossy=allow_lossy
    )
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors or bundle is None:
        raise FitError("the network does not fit:", errors)
    return bundle


def attempt(
    spec: Spec | str | os.PathLike[str],
    *,
    profile: Profile | str = "loihi2",
    plasticity: str = "neurocore",
    seed: int = 0,
    calibration: Mapping[str, ArrayLike] | None = None,
    allow_lossy: bool = False,
) -> tuple[Bundle | None, list[Finding]]:
    """Run all passes and all checks; returns the bundle, if one could be built, and every finding.

    Raises InputError for a wrong spec.
    """
    spec = spec if isinstance(spec, Spec) else load_spec(Path(spec))
    profile = profile if isinstance(profile, Profile) else load_profile(profile)
    microcode = _target(profile, plasticity)
    model = resolve(spec, seed)
    findings = fit_size(model, profile)
    if findings:
        return None, findings
    timing, found = schedule(model, microcode["max_delay"])
    findings += found
    formats = quantise(model, profile.lif, _observed(model, calibration))
    findings += formats.findings
    if any(finding.severity == "error" for finding in findings):
        return None, findings
    try:
        network, lowering = lower(model, formats, timing, profile.lif)
    except ProgramError as error:
        remedy = "Give the signals narrower ranges (weights' bounds, inputs, rates), or calibrate on real input."
        return None, [
            *findings,
            Finding("word-overflow", model.name, str(error), f"{microcode['word_bits']} bits", "error", remedy),
        ]
    bound, label = bounds(model, formats, network), labels(model, network.signals)
    signals = {name: replace(s, bound=bound[name], label=label[name]) for name, s in network.signals.items()}
    network = replace(network, signals=signals)
    losses = lost(model, network, lowering)
    if allow_lossy:
        losses = [replace(f, severity="warning") if f.rule in LOSSY_RULES else f for f in losses]
    placement = place(network, profile)
    findings += [*losses, *coarse(model, network), *ignored(model)]
    findings += [*prove(network, microcode), *fit(placement, network, profile)]
    bundle = Bundle(
        network=network,
        spec=spec,
        profile_name=profile.name,
        profile_sha256=profile.sha256,
        plasticity=plasticity,
        seed=seed,
        lowering=lowering.as_list(),
        placement=placement.as_dict(),
        findings=tuple(findings),
    )
    return bundle, findings


def _target(profile: Profile, plasticity: str) -> dict[str, int]:
    """The limits of the profile's microcode.

    Raises InputError for a lowering that does not exist, FitError for a chip without microcode.
    """
    if plasticity != "neurocore":
        problem = (
            "is not built yet; this version lowers to neurocores only" if plasticity == "engine" else "is no lowering"
        )
        raise InputError(problem, field="plasticity", value=plasticity, remedy="use plasticity neurocore")
    if profile.microcode is None:
        remedy = "Use --profile loihi2."
        raise FitError(
            "the network does not fit:",
            [Finding("microcode", profile.name, "plasticity neurocore", "no microcode", "error", remedy)],
        )
    lif = profile.lif
    shifts = (lif.activation_shift.value, lif.vth_shift.value)
    described = (lif.decay_bits.value, lif.u_decay_offset.value, lif.v_decay_offset.value, *shifts)
    built = (LIF_DECAY_BITS, 1, 0, LIF_SHIFT, LIF_SHIFT)
    if described != built:
        remedy = "Use a profile whose LIF has Lava's decay bits, decay offsets and shifts."
        raise FitError("the network does not fit:", [Finding("lif", profile.name, built, described, "error", remedy)])
    return profile.microcode.limits()


def _observed(model: Model, calibration: Mapping[str, ArrayLike] | None) -> dict[str, float] | None:
    """The largest |a| of each population when the float reference runs on the calibration's input."""
    if calibration is None:
        return None
    steps = min((len(np.asarray(values)) for values in calibration.values()), default=0)
    if steps == 0:
        raise InputError("has no steps", field="calibration", remedy="give input of shape (steps, size)")
    names = [f"{name}.a" for name, population in model.populations.items() if population.type != "input"]
    histories = Reference(model).run(calibration, steps, names)
    return {name.removesuffix(".a"): float(np.abs(history).max(initial=0.0)) for name, history in histories.items()}
