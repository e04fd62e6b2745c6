"""From a spec to a bundle: the passes in order, and what stops them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from numpy.typing import ArrayLike

from hmn_lava.bundle import Bundle
from hmn_lava.compiler import neurocore
from hmn_lava.compiler.bounds import bounds
from hmn_lava.compiler.calibrate import Seen, calibrated, observe
from hmn_lava.compiler.dead import dead, with_scale
from hmn_lava.compiler.engine import lower as engine
from hmn_lava.compiler.engine.formats import Limits, given_formats
from hmn_lava.compiler.engine.lower import EngineLowering, checked
from hmn_lava.compiler.engine.schedule import schedule as engine_schedule
from hmn_lava.compiler.engine.thirds import Third
from hmn_lava.compiler.fit import fit, fit_size
from hmn_lava.compiler.ignored import ignored
from hmn_lava.compiler.labels import labels
from hmn_lava.compiler.lost import coarse, lost
from hmn_lava.compiler.lowering import Lowering
from hmn_lava.compiler.quantise import Formats, quantise
from hmn_lava.compiler.retune import retune
from hmn_lava.compiler.schedule import schedule
from hmn_lava.compiler.tuning import widest
from hmn_lava.components.lif import LIF_DECAY_BITS, LIF_SHIFT
from hmn_lava.errors import Finding, FitError, InputError
from hmn_lava.hardware_profiles import Profile, load_profile
from hmn_lava.microcode.builder import ProgramError
from hmn_lava.network import IntegerNetwork
from hmn_lava.proof import prove
from hmn_lava.spec import Spec, load_spec, resolve
from hmn_lava.spec.model import Connection, Model

PLASTICITIES = ("neurocore", "engine")

LOSSY_RULES = ("lost-underflow", "lost-clipped", "trace-constant", "lost-update", "phase-per-synapse")
"""Findings that ``allow_lossy`` turns into warnings."""


def compile(
    spec: Spec | str | os.PathLike[str],
    *,
    profile: Profile | str = "loihi2",
    plasticity: str = "neurocore",
    seed: int = 0,
    calibration: Mapping[str, ArrayLike] | None = None,
    percentile: float = 100.0,
    scale: str | None = None,
    allow_lossy: bool = False,
) -> Bundle:
    """Compile a spec for a hardware profile.

    ``calibration`` holds input of shape (steps, size), or (samples, steps, size), for each input population; the float
    reference runs on it, and formats follow what it saw instead of the worst case (:mod:`hmn_lava.compiler.calibrate`):
    those of messages have room for ``percentile`` percent of all messages that are not zero. ``scale``: ``tensor`` or
    ``channel``, for the weights of static connections that do not say it themselves. ``allow_lossy`` turns the findings
    about lost parameters into warnings. Raises InputError for a spec that is wrong, FitError, with all findings, for
    one that does not fit.
    """
    bundle, findings = attempt(
        spec,
        profile=profile,
        plasticity=plasticity,
        seed=seed,
        calibration=calibration,
        percentile=percentile,
        scale=scale,
        allow_lossy=allow_lossy,
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
    percentile: float = 100.0,
    scale: str | None = None,
    allow_lossy: bool = False,
) -> tuple[Bundle | None, list[Finding]]:
    """Run all passes and all checks; returns the bundle, if one could be built, and every finding.

    Raises InputError for a wrong spec.
    """
    spec = spec if isinstance(spec, Spec) else load_spec(Path(spec))
    profile = profile if isinstance(profile, Profile) else load_profile(profile)
    microcode = target_limits(profile, plasticity)
    if spec.host is not None and spec.host.plasticity != plasticity:
        problem, remedy = (
            f"the host is for {spec.host.plasticity}",
            f"use {spec.host.plasticity}, or fit for {plasticity}",
        )
        raise InputError(problem, where=spec.file, field="plasticity", value=plasticity, remedy=remedy)
    spec = with_scale(spec, scale)
    model = resolve(spec, seed)
    findings = fit_size(model, profile, plasticity)
    if findings:
        return None, findings
    if calibration is None and percentile != 100.0:
        remedy = "give input to calibrate on as well: --calibrate IN.npz"
        raise InputError("has no meaning alone", field="percentile", value=percentile, remedy=remedy)
    seen = None if calibration is None else observe(model, calibration)
    if seen is not None:
        model, found = calibrated(model, seen, percentile)
        findings += found
    try:
        made = lower(model, profile, plasticity, seen)
    except ProgramError as error:
        remedy = "Give the signals narrower ranges (weights' bounds, inputs, rates), or calibrate on real input."
        return None, [
            Finding("word-overflow", model.name, str(error), f"{microcode['word_bits']} bits", "error", remedy)
        ]
    findings += _tolerated(made.findings, allow_lossy)
    network, lowering, formats = made.network, made.record, made.formats
    if network is None or any(finding.severity == "error" for finding in findings):
        return None, findings
    bound, label = bounds(model, formats, network), labels(model, network.signals, plasticity == "engine")
    signals = {name: replace(s, bound=bound[name], label=label[name]) for name, s in network.signals.items()}
    network = replace(network, signals=signals)
    placement, misfits = fit(network, profile)
    findings += [*_tolerated(lost(model, network, lowering), allow_lossy), *coarse(model, network)]
    findings += [*ignored(model, plasticity), *dead(model, formats)]
    findings += [*prove(network, microcode), *misfits]
    if placement is None:
        return None, findings
    bundle = Bundle(
        network=network,
        spec=spec,
        profile=profile,
        plasticity=plasticity,
        seed=seed,
        lowering=lowering.as_list(),
        placement=placement,
        findings=tuple(findings),
    )
    return bundle, findings


def lower(model: Model, profile: Profile, plasticity: str, seen: Mapping[str, Seen] | None = None) -> Lowered:
    """All passes up to the integer network.

    Programs and formats have room for every value of the meta-parameters that the spec bounds.
    """
    lowered = lower_engine if plasticity == "engine" else lower_neurocore
    made = lowered(widest(model), profile, target_limits(profile, plasticity), seen)
    if model.meta_learning is None or made.network is None:
        return made
    tuned = retune(made.network, model, made.thirds)
    return replace(made, network=tuned.network, record=made.record.updated(tuned.record))


@dataclass(frozen=True, eq=False)
class Lowered:
    """What a lowering made: the integer network, None where a finding forbids it, its formats and its parameters.

    ``engine``: the rules of the learning engine, where it got so far.
    """

    network: IntegerNetwork | None
    record: Lowering
    formats: Formats
    findings: list[Finding]
    engine: EngineLowering | None = None

    @property
    def thirds(self) -> dict[str, Third]:
        """The third factors of the learning engine, by connection."""
        return {} if self.engine is None else {t.coded.connection.name: t for t in self.engine.thirds}


def lower_neurocore(
    model: Model, profile: Profile, microcode: dict[str, int], seen: Mapping[str, Seen] | None
) -> Lowered:
    """The passes of ``plasticity: neurocore``."""
    timing, findings = schedule(model, microcode["max_delay"])
    findings += [_no_compartment(c) for c in model.connections.values() if c.hebbian is not None and c.learns]
    formats = quantise(model, profile.lif, seen)
    findings += formats.findings
    if any(finding.severity == "error" for finding in findings):
        return Lowered(None, Lowering(), formats, findings)
    network, record = neurocore.lower(model, formats, timing, profile.lif)
    return Lowered(network, record, formats, findings)


def _no_compartment(c: Connection) -> Finding:
    """A hebbian connection that learns, outside of the learning engine."""
    remedy = "Use plasticity engine, or learning: false, which keeps the weights as they are."
    where, used = f"connections.{c.name}", "hebbian synapses that learn"
    return Finding("hebbian-neurocore", where, used, "the learning engine", "error", remedy)


def lower_engine(model: Model, profile: Profile, microcode: dict[str, int], seen: Mapping[str, Seen] | None) -> Lowered:
    """The passes of ``plasticity: engine``."""
    timing, findings = engine_schedule(model, microcode["max_delay"])
    given = given_formats(model, Limits.of(profile))
    formats = quantise(model, profile.lif, seen, given)
    findings += formats.findings
    if any(finding.severity == "error" for finding in findings):
        return Lowered(None, Lowering(), formats, findings)
    made = engine.lower(model, formats, given, timing, profile)
    return Lowered(made.network, made.record, formats, [*findings, *made.findings, *checked(made, profile)], made)


def _tolerated(findings: list[Finding], allow_lossy: bool) -> list[Finding]:
    """With ``allow_lossy``, what is lost is a warning."""
    if not allow_lossy:
        return findings
    return [replace(f, severity="warning") if f.rule in LOSSY_RULES else f for f in findings]


def target_limits(profile: Profile, plasticity: str) -> dict[str, int]:
    """The limits of the profile's microcode.

    Raises InputError for a lowering that does not exist, FitError for a chip without microcode.
    """
    if plasticity not in PLASTICITIES:
        raise InputError(
            "is no lowering", field="plasticity", value=plasticity, remedy=f"one of: {', '.join(PLASTICITIES)}"
        )
    if profile.microcode is None:
        used = f"plasticity {plasticity}: a program for all neurons, also those of static networks"
        remedy = (
            "A profile without microcode prices networks and cannot be compiled for: use --profile loihi2, "
            f"then hmn-lava profile BUNDLE --profile {profile.name}."
        )
        raise FitError(
            "the network does not fit:", [Finding("microcode", profile.name, used, "no microcode", "error", remedy)]
        )
    lif = profile.lif
    shifts = (lif.activation_shift.value, lif.vth_shift.value)
    described = (lif.decay_bits.value, lif.u_decay_offset.value, lif.v_decay_offset.value, *shifts)
    built = (LIF_DECAY_BITS, 1, 0, LIF_SHIFT, LIF_SHIFT)
    if described != built:
        remedy = "Use a profile whose LIF has Lava's decay bits, decay offsets and shifts."
        raise FitError("the network does not fit:", [Finding("lif", profile.name, built, described, "error", remedy)])
    return profile.microcode.limits()
