"""Both lowerings of the plasticity side by side: what each keeps exactly, what it approximates and by how much."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from hmn_lava.bundle import Bundle
from hmn_lava.compiler.engine.attention import least_score
from hmn_lava.compiler.engine.gates import deviation
from hmn_lava.compiler.engine.hebbian import HebbianRule
from hmn_lava.compiler.engine.lower import EngineLowering
from hmn_lava.compiler.engine.schedule import EngineSchedule
from hmn_lava.compiler.engine.thirds import Third, phase_bins
from hmn_lava.compiler.pipeline import attempt, lower_engine, target_limits
from hmn_lava.errors import Finding
from hmn_lava.hardware_profiles import Profile, load_profile
from hmn_lava.spec import Spec, load_spec, resolve
from hmn_lava.spec.model import Attention, Connection, Model

Fidelity = Literal["exact", "approximated", "refused"]

SAME_PHASE = 1e-9
"""Phases in rad that differ by less are one: what the mean of equal angles loses."""


@dataclass(frozen=True)
class Part:
    """One part of the rule of one connection under one lowering.

    ``exact``: as in the equations, but for the last bits of its formats; ``error`` then bounds what these cost in one
    step. ``approximated``: ``error`` says by how much, in ``unit``. ``refused``: ``how`` says why.
    """

    connection: str
    part: str
    lowering: str
    fidelity: Fidelity
    how: str
    error: float | None = None
    unit: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def side_by_side(
    spec: Spec | str | Path, *, profile: Profile | str = "loihi2", seed: int = 0, allow_lossy: bool = False
) -> list[Part]:
    """Every part of every rule of a spec under both lowerings; one that is refused has the reasons alone.

    Raises InputError for a wrong spec, FitError for a profile whose chip has no microcode.
    """
    spec = spec if isinstance(spec, Spec) else load_spec(Path(spec))
    profile = profile if isinstance(profile, Profile) else load_profile(profile)
    model = resolve(spec, seed)
    parts: list[Part] = []
    for plasticity in ("neurocore", "engine"):
        bundle, findings = attempt(spec, profile=profile, plasticity=plasticity, seed=seed, allow_lossy=allow_lossy)
        if bundle is not None and plasticity == "neurocore":
            parts += neurocore_parts(bundle)
        elif bundle is not None:
            lowered = lower_engine(model, profile, target_limits(profile, plasticity), None)
            parts += engine_parts(model, lowered.engine) if lowered.engine is not None else ()
        parts += [_refused(finding, plasticity) for finding in findings if finding.severity == "error"]
    return parts


def neurocore_parts(bundle: Bundle) -> Iterator[Part]:
    """``plasticity: neurocore``: every part is exact to the bound of its signal."""
    network = bundle.network
    for c in bundle.model.connections.values():
        rule = c.rule
        if rule is None or not rule.learning:
            continue
        signals = {"weight": "w", "fast trace": "psi_fast", "update": "dw"}
        signals |= {"slow trace": "psi_slow"} if rule.tau_slow is not None else {}
        signals |= {"attention": "alpha"} if rule.attention is not None else {}
        signals |= {"phase gate": "gate"} if rule.phase is not None else {}
        signals |= {"third factor": "G"} if rule.modulators else {}
        for part, symbol in signals.items():
            signal = network.signals[f"{c.name}.{symbol}"]
            yield Part(c.name, part, "neurocore", "exact", f"{signal.format}", signal.bound, "largest error of a step")
        if rule.gate is not None:
            yield Part(c.name, "probabilistic gate", "neurocore", "exact", "one draw of 16 bits for each synapse")
        lag = network.weight_lag.get(c.name, 0)
        yield Part(
            c.name, "timing", "neurocore", "approximated" if lag else "exact", "weights change late", lag, "steps"
        )


def engine_parts(model: Model, lowered: EngineLowering) -> Iterator[Part]:
    """``plasticity: engine``: from the rules that were made."""
    for third in lowered.thirds:
        yield from _connection(model, third, lowered.schedule)
    for made in lowered.hebbian:
        yield from _hebbian(made, lowered.schedule)


def _refused(finding: Finding, lowering: str) -> Part:
    """A finding that forbids a lowering, as a part."""
    place, _, rest = finding.object.partition(".")
    connection = rest.partition(".")[0] if place == "connections" else ""
    how = f"{finding.rule}: {finding.used} (limit {finding.limit}). {finding.remedy}"
    return Part(connection, finding.object, lowering, "refused", how)


def _connection(model: Model, third: Third, schedule: EngineSchedule) -> Iterator[Part]:
    coded, made = third.coded, third.rule
    c, rule, name = coded.connection, coded.rule, coded.connection.name

    def part(what: str, fidelity: Fidelity, how: str, error: float | None = None, unit: str = "") -> Part:
        return Part(name, what, "engine", fidelity, how, error, unit)

    step = coded.levels.step * coded.weight.unit
    levels = (coded.levels.high - coded.levels.low) // coded.levels.step + 1
    how = f"{levels} levels, stochastic rounding; drifts by up to {made.drift:.2g} levels a step"
    yield part("weight", "approximated", how, step / 2, "largest standard deviation")
    for what, tag, decay in zip(("fast trace", "slow trace"), (coded.fast, coded.slow), made.decays, strict=False):
        if tag is not None:
            _, requested, realised = decay
            how = f"tag {tag.variable}, unit {tag.format.unit:.3g}, decay {requested:.4f} as {realised:.4f}"
            if tag.covers < 1.0:
                how += f", saturates at {tag.covers:.2g} of the largest trace"
            error = abs((1.0 - realised) / (1.0 - requested) - 1.0)
            yield part(what, "approximated", how, error, "relative error of what it loses in a step")
    names = " and ".join(third.form.traces)
    lag = schedule.third_lag[name]
    how = f"{names}, unit {made.supplied.unit * (1 << made.supplied.step):.3g}" + (f", {lag} steps late" if lag else "")
    yield part("third factor", "approximated", how, made.supplied.unit * (1 << made.supplied.step) / 2, "half a unit")
    if rule.attention is not None:
        yield _attention(model, c, rule.attention, coded.high)
    if rule.phase is not None:
        bins, distance = phase_bins(c, rule.phase)
        how = "one phase" if rule.phase.uniform else f"{len(bins)} phases, one for each neuron"
        off = 2.0 * math.sin(min(distance, math.pi) / 2.0)
        one = rule.phase.uniform or distance < SAME_PHASE
        yield part("phase gate", "exact" if one else "approximated", how, 0.0 if one else off, "largest error of cos")
    if rule.gate is not None:
        gate, top = rule.gate, float(coded.fast.format.max)
        share = least_score(rule.attention, True) if rule.attention is not None else 1.0
        slope = (
            third.largest * coded.fast.format.unit * (2.0 * coded.high * share if rule.attention is not None else 1.0)
        )
        error = deviation(gate, slope / 2, int(top), made.steps, gate.on_engine == "neuron")
        stand_in = {"rounding": "stochastic rounding alone", "neuron": "one draw for each neuron", "staircase": "steps"}
        how = stand_in[gate.on_engine]
        yield part("probabilistic gate", "approximated", how, error, "of the largest expected update")
    how = f"{schedule.frame} steps of the chip for one of the model"
    yield part("timing", "exact" if lag == 0 else "approximated", how, lag, "steps")


def _hebbian(made: HebbianRule, schedule: EngineSchedule) -> Iterator[Part]:
    coded, own, name = made.coded, made.coded.rule, made.coded.connection.name

    def part(what: str, how: str, error: float, unit: str) -> Part:
        return Part(name, what, "engine", "approximated" if error else "exact", how, error, unit)

    levels = (coded.levels.high - coded.levels.low) // coded.levels.step + 1
    step = coded.levels.step * coded.weight.unit
    yield part("weight", f"{levels} levels, stochastic rounding", step / 2, "largest standard deviation")
    if own.rate > 0:
        how = f"{made.trace}, {made.levels:.4g} levels for a full voltage, zero at {made.zero}, stochastic rounding"
        yield part("voltage", how, 0.5 / made.levels, "largest standard deviation, as a share of the full voltage")
        yield part("rate", f"{own.rate:.4g} as {made.rate:.4g}", abs(made.rate / own.rate - 1.0), "relative error")
    if made.decay is not None and own.tau_w is not None:
        k, left = made.decay
        asked = math.exp(-(2.0**k) / own.tau_w)
        how = f"every {1 << k} steps {asked:.4f} as {left:.4f}"
        yield part("decay", how, abs((1.0 - left) / (1.0 - asked) - 1.0), "relative error of what is lost")
    yield part("timing", f"{schedule.frame} steps of the chip for one of the model", 0, "steps")


def _attention(model: Model, c: Connection, local: Attention, high: int) -> Part:
    """The rounding of the smallest payload; and, where the neurons' contexts may differ, that they are pooled."""
    one_sign = bool((local.key > 0).all() or (local.key < 0).all())
    one_direction = local.dimensions == 1 and one_sign and model.populations[c.post].activation == "sigmoid"
    smallest = high * least_score(local, z_positive=model.populations[c.post].low >= 0)
    error = 0.5 / smallest if smallest >= 1.0 else 1.0 / smallest - 1.0  # a payload is never below 1
    how = "a payload of 7 bits for each presynaptic neuron"
    if not one_direction:
        how += "; one context, pooled over the postsynaptic neurons, for all of them: as wrong as theirs differ"
    return Part(c.name, "attention", "engine", "approximated", how, error, "relative error of the smallest share")
