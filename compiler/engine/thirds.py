"""The third factors that a population's microcode supplies to the synapses onto it, as y traces."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from hmn_lava.compiler.engine.attention import link_scores, lower_attention, payload_group, scores_port
from hmn_lava.compiler.engine.formats import Coded, Limits
from hmn_lava.compiler.engine.rules import EngineRule, engine_rule
from hmn_lava.compiler.engine.schedule import EngineSchedule
from hmn_lava.compiler.lost import third_factor
from hmn_lava.compiler.neurocore.assembly import Assembly, parameter_format, synapse_group
from hmn_lava.compiler.neurocore.attention import SCORE_BETA, score_values
from hmn_lava.compiler.neurocore.connections import GATE_BETA, trace_values
from hmn_lava.compiler.neurocore.modulation import lower_modulation, rate_values
from hmn_lava.compiler.neurocore.oscillator import lower_oscillator, start_oscillator
from hmn_lava.compiler.tuning import finest
from hmn_lava.components.port import Port
from hmn_lava.components.supply import NeuronGateForm, SupplyForm, ThirdForm, VoltageForm
from hmn_lava.errors import Finding
from hmn_lava.fixed import Fixed
from hmn_lava.learning.engine import Engine
from hmn_lava.network import Constant
from hmn_lava.reference.equations import Floats
from hmn_lava.spec.model import Connection, Model, Phase, Rule

TRACES = ("y2", "y3")
"""The traces that are left for third factors: y1 holds the activity."""

PHASE_TOLERANCE = 0.25
"""Distance in rad of a synapse's phase from its neuron's up to which one stands for the other: the gate errs by as
much."""


@dataclass(frozen=True, eq=False)
class Frame:
    """What a connection's rule is made for, and no learning rate or time constant changes."""

    model: Model
    third: Port
    scores: Port | None
    traces: tuple[tuple[str, int], ...]
    offset: int
    epoch: int
    limits: Limits
    least: float = 0.0
    """Below this bound of |v| the third factor is scaled no finer."""

    def rule(self, coded: Coded) -> tuple[EngineRule, float]:
        """The rule of a connection, and the bound of |v| that its third factor is scaled by."""
        rule = coded.rule
        largest = max(abs(n) for n in self.third.bounds) * self.third.format.unit
        largest = min(largest, abs(rule.eta_local) + abs(rule.eta_global) * third_factor(self.model, rule))
        scores = self.scores
        if scores is not None:
            largest /= scores.bounds[0]
        largest = max(largest, self.least)
        common = largest if scores is None else largest * scores.bounds[0] / scores.bounds[1]
        made = engine_rule(coded, self.traces, self.offset, largest, self.epoch, self.limits, common)
        return made, largest


@dataclass(frozen=True, eq=False)
class Third:
    """The third factor of one connection: its rule, and how its postsynaptic neurons supply it."""

    coded: Coded
    rule: EngineRule
    form: ThirdForm
    largest: float
    """A bound of its magnitude."""
    frame: Frame
    """Makes the rule anew for other meta-parameters."""


def lower_thirds(
    net: Assembly, coded: Sequence[Coded], schedule: EngineSchedule, limits: Limits
) -> tuple[list[Third], list[Finding]]:
    """The third factors of all connections onto one population, with the groups that they are made by."""
    if len(coded) > len(TRACES):
        names = ", ".join(c.connection.name for c in coded)
        remedy = "Two y traces are left for third factors: split the population, or use plasticity neurocore."
        where = f"populations.{coded[0].connection.post}"
        return [], [Finding("third-factors", where, f"{len(coded)} ({names})", len(TRACES), "error", remedy)]
    found: list[Third] = []
    for number, each in enumerate(coded):
        found.append(_lower_third(net, each, number, len(coded), schedule, limits))
    findings = [finding for third in found for finding in third.rule.findings]
    return found, findings + [finding for each in coded for finding in _phase_findings(each)]


def _phase_findings(coded: Coded) -> list[Finding]:
    """Phases of a neuron's synapses that lie so far apart that one for all of them is another rule."""
    c, phase = coded.connection, coded.rule.phase
    if phase is None:
        return []
    _, distance = phase_bins(c, phase)
    if distance <= PHASE_TOLERANCE:
        return []
    remedy = "The engine gates whole neurons: give a neuron's synapses one phase, or use neurocore, or --allow-lossy."
    where, used = f"connections.{c.name}.phase_gate.phase", f"{distance:.3g} rad from their neuron's mean"
    return [Finding("phase-per-synapse", where, used, f"{PHASE_TOLERANCE} rad", "error", remedy)]


def _lower_third(
    net: Assembly,
    coded: Coded,
    number: int,
    count: int,
    schedule: EngineSchedule,
    limits: Limits,
) -> Third:
    c, rule = coded.connection, coded.rule
    lower_modulation(net, c, rule)
    if rule.phase is not None:
        lower_oscillator(net, c, rule)
    third = net.port(f"{c.name}.modulation", "third")
    output = next(v for v in net.groups[f"{c.name}.modulation"].program.outputs if v.name == "third")
    scores = None
    if rule.attention is not None:
        lower_attention(net, c, rule.attention, schedule, coded.high)
        scores = scores_port(net, c, rule.attention, coded.high)
    signed = output.low < 0
    offset = (coded.high + 1) // 2 if signed and count > 1 else 0
    if signed and count == 1:
        traces: tuple[tuple[str, int], ...] = ((TRACES[0], 1), (TRACES[1], -1))
    else:
        traces = ((TRACES[number], 1),)
    frame = Frame(net.model, third, scores, traces, offset, schedule.epoch, limits)
    fine, least = frame.rule(replace(coded, rule=finest(net.model, rule)))
    frame = replace(frame, least=least)
    made, largest = frame.rule(coded)
    # The unit that a staircase sets moves with its heights too, by less than an octave.
    room = 2.0 if made.steps is not None and net.model.meta_learning is not None else 1.0
    form = ThirdForm(
        key=str(number),
        third=third,
        traces=tuple(name for name, _ in traces),
        scale=parameter_format(room / fine.supplied.unit),
        slot=schedule.update[c.name] % schedule.frame,
        offset=offset,
        step=made.supplied.step,
        phase=None if rule.phase is None else _phase_port(net, c, rule.phase),
        phase_per_neuron=rule.phase is not None and not rule.phase.uniform,
        scores=scores,
        gate=_neuron_gate(net, coded, 2.0 * coded.high if scores is not None else 1.0),
    )
    return Third(coded, made, form, largest, frame)


def third_values(third: Third, made: EngineRule) -> Iterator[tuple[str, str, dict[str, float]]]:
    """All constants that follow from the meta-parameters of ``made``: group, field of the connection, values."""
    c, rule, key = third.coded.connection, made.request, third.form.key
    for part, rate in rate_values(rule).items():
        yield f"{c.name}.modulation", part, rate
    yield c.post, "rates", {f"scale_{key}": 1.0 / made.supplied.unit}
    if rule.attention is not None:
        yield payload_group(c), SCORE_BETA, score_values(rule.attention)
    if third.form.gate is not None and rule.gate is not None:
        yield c.post, GATE_BETA, {f"beta_{key}": rule.gate.beta}
        yield from ((c.post, part, decay) for part, decay in gate_decays(rule, key).items())


def gate_decays(rule: Rule, key: str) -> dict[str, dict[str, float]]:
    """The decays of the traces that a neuron's gate keeps, as constants of the neuron, by the spec's field."""
    return {
        part: {f"{name.removesuffix('decay')}{key}_decay": value for name, value in decay.items()}
        for part, decay in trace_values(rule).items()
    }


def supply_form(thirds: Sequence[Third], engine: Engine, voltages: tuple[VoltageForm, ...] = ()) -> SupplyForm:
    """What the neurons of a population supply."""
    trace = Fixed(engine.trace_bits, False, 0)
    activity = thirds[0].coded.activity if thirds else None
    return SupplyForm(trace, activity, tuple(third.form for third in thirds), voltages)


def traces_taken(thirds: Sequence[Third]) -> list[str]:
    """The y traces that the HMN rules of a population take."""
    activity = ["y1"] if any(third.coded.activity is not None for third in thirds) else []
    return [*activity, *(name for third in thirds for name in third.form.traces)]


def link_thirds(net: Assembly, third: Third, schedule: EngineSchedule) -> None:
    """The messages that a third factor is made of, to the neurons; and their constants."""
    c, rule, key = third.coded.connection, third.coded.rule, third.form.key
    at, field = schedule.update[c.name], f"connections.{c.name}"
    constants = dict(net.groups[c.post].constants)
    net.link(
        (f"{c.name}.modulation", "third"),
        schedule.modulate[c.name],
        (c.post, f"third_{key}"),
        at + schedule.third_lag[c.name] * schedule.frame,
        "all",
    )
    net.constants(constants, c.post, f"{field}.rates", {f"scale_{key}": 1.0 / third.rule.supplied.unit})
    if rule.phase is not None:
        ready = start_oscillator(net, c, rule.phase)
        waves = ("gate",) if rule.phase.uniform else ("cos", "sin")
        for wave in waves:
            net.link((f"{c.name}.oscillator", wave), ready, (c.post, f"{wave}_{key}"), at, "all")
        if rule.phase.uniform:
            net.signal(f"{c.name}.gate", f"{c.name}.oscillator", "gate", "output", ready, (1,))
        else:
            phases, _ = phase_bins(c, rule.phase)
            for wave, function in (("cos", np.cos), ("sin", np.sin)):
                values = {f"{wave}_phase_{key}": function(phases)}
                net.constants(constants, c.post, f"{field}.phase_gate.phase", values, "each")
    if rule.attention is not None:
        link_scores(net, c, schedule, f"scores_{key}", synapse_group(c))
    constants[f"offset_{key}"] = Constant(np.array([at], np.int64))
    net.stream(constants, f"level_{key}", f"{c.name}.level")
    _link_gate(net, third, constants)
    net.set_constants(c.post, constants)


def phase_bins(c: Connection, phase: Phase) -> tuple[Floats, float]:
    """One preferred phase for each postsynaptic neuron, the circular mean of its synapses', and the largest distance.

    The distance, in rad, is that between a synapse's own phase and its neuron's.
    """
    cos, sin = (c.topology.row_sums(partial(_wave, phase, end)) for end in (np.real, np.imag))
    mean, most = np.angle(cos + 1j * sin), 0.0
    for rows, synapses in c.topology.blocks():
        off = phase.phi[synapses] - mean[rows][c.topology.rows_of(rows)]
        most = max(most, float(np.abs(np.angle(np.exp(1j * off))).max(initial=0.0)))
    return mean, most


def _wave(phase: Phase, end: Callable[[Any], Floats], part: slice) -> Floats:
    return end(np.exp(1j * phase.phi[part]))


def _phase_port(net: Assembly, c: Connection, phase: Phase) -> Port:
    return net.port(f"{c.name}.oscillator", "gate" if phase.uniform else "cos")


def _neuron_gate(net: Assembly, coded: Coded, gain: float) -> NeuronGateForm | None:
    """The gate that the neuron draws. ``gain``: the largest payload, or 1 without attention."""
    gate, rule = coded.rule.gate, coded.rule
    if gate is None or gate.on_engine != "neuron":
        return None
    pre, post = (net.model.populations[name] for name in (coded.connection.pre, coded.connection.post))
    taus = {"psi_fast": rule.tau_fast} | ({} if rule.tau_slow is None else {"psi_slow": rule.tau_slow})
    reach = {n: post.high * (1.0 if rule.mode == "replacing" else -1.0 / math.expm1(-1.0 / t)) for n, t in taus.items()}
    return NeuronGateForm(
        beta=parameter_format(gate.beta),
        threshold=parameter_format(gate.threshold),
        gain=parameter_format(gain * pre.high),
        traces=tuple(taus),
        mode=rule.mode,
        formats=tuple(Fixed.fitting(0.0, high, 18) for high in reach.values()),
    )


def _link_gate(net: Assembly, third: Third, constants: dict[str, Constant]) -> None:
    """The constants of the neuron's gate."""
    c, rule, key = third.coded.connection, third.coded.rule, third.form.key
    if third.form.gate is None or rule.gate is None:
        return
    field = f"connections.{c.name}.probabilistic_gate"
    gain = net.model.populations[c.pre].high * (1.0 if rule.attention is None else 2.0 * third.coded.high)
    net.constants(constants, c.post, f"connections.{c.name}.{GATE_BETA}", {f"beta_{key}": rule.gate.beta})
    net.constants(constants, c.post, f"{field}.threshold", {f"threshold_{key}": rule.gate.threshold})
    net.constants(constants, c.post, f"{field}.gain", {f"gain_{key}": gain})
    for part, decay in gate_decays(rule, key).items():
        net.constants(constants, c.post, f"connections.{c.name}.{part}", decay)
    net.stream(constants, f"gate_{key}", f"{c.name}.gate")
