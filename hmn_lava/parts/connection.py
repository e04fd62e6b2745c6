"""The plastic synapses alone: each a compartment with its own weight, traces and gates (HMN paper, eqs. (2) to (9))."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

import hmn_lava as hl
from hmn_lava.components.attention import ATTENTION_STEPS
from hmn_lava.components.port import Port
from hmn_lava.errors import InputError
from hmn_lava.fixed import Fixed
from hmn_lava.network import IntegerNetwork, Topology
from hmn_lava.partition import Part, partition
from hmn_lava.parts.constants import real_constants
from hmn_lava.parts.given import (
    choice,
    fields_of,
    format_of,
    keys,
    matrix,
    number,
    numbers,
    of_component,
    pair,
    steps,
    topology_of,
)
from hmn_lava.parts.oscillator import own_phase_gate
from hmn_lava.parts.ranges import Range, port_of, real_bounds, word_at
from hmn_lava.reference import equations as eq
from hmn_lava.reference.draws import LEVELS, Draws
from hmn_lava.reference.equations import Floats
from hmn_lava.reference.parts import FloatPart
from hmn_lava.spec.model import Model, Population, Rule

PHASES = ("none", "shared", "per_synapse")
ATTENTION = ("beta", "context_rate", "dimensions", "embedding", "key")
NAME = "connection"


@dataclass(frozen=True, eq=False)
class Synapses:
    """What a user gave of plastic synapses; see ``HMNConnection`` for the meaning of each."""

    weights: Any
    bounds: tuple[float, float]
    tau_fast: float
    tau_slow: float | None
    mode: str
    x_range: Range
    z_range: Range
    third: Range
    learn_delay: int
    delays: ArrayLike
    topology: ArrayLike | None
    phase: str
    phi: ArrayLike
    beta_p: float | None
    theta_p: float
    attention: Mapping[str, Any] | None
    a_format: Fixed | None
    seed: int
    name: str

    @property
    def update(self) -> int:
        """When weights change, counted from the step in which x was sent."""
        return 1 + self.learn_delay + (ATTENTION_STEPS if self.attention is not None else 0)


@of_component()
def connection_part(
    weights: Any,
    bounds: tuple[float, float] = (-1.0, 1.0),
    *,
    tau_fast: float = 5.0,
    tau_slow: float | None = None,
    mode: str = "replacing",
    x_range: Range = "spike",
    z_range: Range = "spike",
    third: Range = (-1.0, 1.0),
    learn_delay: int = 1,
    delays: ArrayLike = 0,
    topology: ArrayLike | None = None,
    phase: str = "none",
    phi: ArrayLike = 0.0,
    beta_p: float | None = None,
    theta_p: float = 0.0,
    attention: Mapping[str, Any] | None = None,
    a_format: Fixed | None = None,
    seed: int = 0,
    name: str = NAME,
) -> tuple[Part, FloatPart]:
    """Synapses that send w x one step after x has come, and learn when z has; see ``HMNConnection``.

    Raises InputError for an argument that is wrong or does not fit a word, FitError for one that is lost in integers.
    """
    learn_delay = steps("learn_delay", learn_delay, 1)  # z answers to x after a step at the earliest
    beta_p = None if beta_p is None else number("beta_p", beta_p)
    given = Synapses(
        weights,
        pair("bounds", bounds),
        tau_fast,
        tau_slow,
        mode,
        x_range,
        z_range,
        third,
        learn_delay,
        numbers("delays", delays),
        topology_of(topology),
        choice("phase", phase, PHASES),
        numbers("phi", phi),
        beta_p,
        number("theta_p", theta_p),
        None if attention is None else keys("attention", attention, ATTENTION),
        format_of("a_format", a_format),
        seed,
        name,
    )
    _check_used(given)
    lowered = lower_synapses(given)
    part = _from_time_zero(partition(lowered.network).parts[f"{NAME}.synapse"])
    return part, FloatPart(part, SynapseEquations(part, lowered.rule, seed, lowered.weights))


def _check_used(given: Synapses) -> None:
    """Refuse what would be given for a gate that is not there."""
    if given.phase != "per_synapse" and np.any(given.phi):
        remedy = 'use phase="per_synapse", or leave phi out'
        raise InputError(f"has no meaning with phase {given.phase}", field="phi", remedy=remedy)
    if not np.size(given.phi):
        raise InputError("is empty", field="phi", remedy="give phases in rad, one or (n_post, n_pre)")
    if given.beta_p is None and given.theta_p != 0.0:
        raise InputError("has no meaning without beta_p", field="theta_p", remedy="give beta_p as well, or remove it")


@dataclass(frozen=True, eq=False)
class LoweredSynapses:
    """The network of synapses and what surrounds them, with their rule and weights in real numbers."""

    network: IntegerNetwork
    rule: Rule
    weights: Floats


def lower_synapses(given: Synapses) -> LoweredSynapses:
    """Lower the synapses with all that a spec has around them."""
    real, stored = matrix(given.weights)
    paths = {
        "connections__connection__traces__": "",
        "connections__connection__probabilistic_gate__beta": "beta_p",
        "connections__connection__probabilistic_gate__threshold": "theta_p",
        "connections__connection__phase_gate__phase": "phi",
        "connections__connection__delay": "delays",
        "connections__connection__": "",
        "populations__x__range": "x_range",
    }
    kept: list[Model] = []
    with fields_of(given.name, paths):
        x, z, third = (port_of(getattr(given, n), n) for n in ("x_range", "z_range", "third"))
        third = Port(word_at(third.format.frac), third.bounds)
        spec = _spec(given, real, given.topology if given.topology is not None else stored, x, z)

        def adapt(model: Model) -> Model:
            kept.append(_adapted(model, given, z))
            return kept[-1]

        formats: dict[str, Any] = {
            "activity": {"x": x, "neuron": z},
            "messages": {(f"{NAME}.modulation", "third"): third},
        }
        if given.a_format is not None:
            frac = given.a_format.frac
            formats["accumulator"] = {"neuron": Port(word_at(frac), (given.a_format.min, given.a_format.max))}
        emit = given.learn_delay
        network = hl.lower_part(spec, seed=given.seed, adapt=adapt, emit=emit, update=given.update, **formats)
    connection = kept[0].connections[NAME]
    if connection.rule is None:
        raise ValueError("plastic synapses have a rule")
    return LoweredSynapses(network, connection.rule, connection.weights)


def _spec(given: Synapses, weights: Floats, topology: Any, x: Port, z: Port) -> Any:
    """A network of an input, the synapses and the neurons behind them."""
    net = hl.Network("part")
    source = net.input("x", weights.shape[1], range=real_bounds(x))
    target = net.hmn("neuron", weights.shape[0], activation="relu", z_max=max(real_bounds(z)[1], 2.0**-20))
    fields: dict[str, Any] = {"traces": {"tau_fast": given.tau_fast, "tau_slow": given.tau_slow, "mode": given.mode}}
    if topology is not None:
        fields["topology"] = topology
    if given.phase != "none":
        clock = net.oscillator("oscillator", period=4.0)
        fields["phase_gate"] = {"oscillator": clock, "phase": given.phi if given.phase == "per_synapse" else 0.0}
    if given.beta_p is not None:
        fields["probabilistic_gate"] = {"beta": given.beta_p, "threshold": given.theta_p}
    if given.attention is not None:
        fields["attention"] = dict(given.attention)
    return _connected(net, given, source, target, weights, fields)


def _connected(
    net: hl.Network, given: Synapses, source: Any, target: Any, weights: Floats, fields: Mapping[str, Any]
) -> Any:
    late = np.asarray(given.delays)
    delays = late if late.ndim else late.item()
    rates = {"local": 1.0}
    net.connect(source, target, weights=weights, bounds=given.bounds, delay=delays, rates=rates, name=NAME, **fields)
    return net.spec()


def _adapted(model: Model, given: Synapses, z: Port) -> Model:
    """The model with z in its range, also below 0, and one phase for each synapse if that was asked for."""
    low, high = real_bounds(z)
    population: Population = replace(model.populations["neuron"], low=low, high=high)
    connection = model.connections[NAME]
    rule = connection.rule
    if rule is not None and rule.phase is not None:
        rule = replace(rule, phase=replace(rule.phase, uniform=given.phase == "shared"))
    connections = {NAME: replace(connection, rule=rule)}
    return replace(model, populations={**model.populations, "neuron": population}, connections=connections)


def _from_time_zero(part: Part) -> Part:
    """The part with its random draws counted from its first step."""
    group = part.group
    if group is None or "offset" not in group.constants:
        return part
    offset = replace(group.constants["offset"], values=np.zeros(1, np.int64))
    group = replace(group, constants={**group.constants, "offset": offset})
    return replace(part, network=replace(part.network, groups={group.name: group}))


class SynapseEquations:
    """Equations (1) to (5), (8) and (9) of one connection; the third factor η_l + η_g G' is a message."""

    def __init__(self, part: Part, rule: Rule, seed: int, weights: Floats) -> None:
        group = part.group
        if group is None or group.topology is None:
            raise ValueError("synapses have compartments and a topology")
        self.rule, self.topology = rule, group.topology
        states = {s.name: np.zeros(group.size) for s in group.program.states}
        states["weights"] = np.array(weights)
        del states["w"]
        self.states: dict[str, Floats] = {**states, **real_constants(part, _exact(rule, group.topology))}
        self._trace = eq.eligibility_replacing if rule.mode == "replacing" else eq.eligibility_accumulating
        self._draws = Draws(seed, f"{NAME}.gate", group.size)

    def step(self, ports: Mapping[str, Floats], t: int) -> Mapping[str, Floats]:
        """Send w x, then learn."""
        states, rule, synapses = self.states, self.rule, self.topology
        w = states["weights"]
        left = {"a": eq.synaptic_input(w, ports["x"], synapses.row, synapses.n_post)}
        x, z = ports["x_learn"], ports["z"]
        for trace in ("psi_fast", "psi_slow"):
            if trace in states:
                states[trace][...] = self._trace(states[trace], x, z, float(states[f"{trace}_decay"][0]))
        e = eq.eligibility(states["psi_fast"], states.get("psi_slow"))
        if rule.attention is not None:
            score = self._score(ports)
            left["score"] = eq.synaptic_input(score, np.ones(len(score)), synapses.row, synapses.n_post)
            alpha = np.minimum(states["score_2"] * ports["reciprocal"], 1.0)
            states["score_2"][...] = states["score_1"]
            states["score_1"][...] = score
            e = eq.attended_eligibility(alpha, e)
        dw = ports["third"] * e
        if "cos_phase" in states:
            dw = eq.gated_update(dw, own_phase_gate(ports["cos"], ports["sin"], states))
        elif rule.phase is not None:
            dw = eq.gated_update(dw, ports["gate"])
        if rule.gate is not None:
            p = eq.gate_probability(dw, float(states["beta_p"][0]), float(states["threshold"][0]))
            dw = np.where(self._draws.at(t) < p * LEVELS, dw, 0.0)
        states["weights"][...] = eq.apply_update(w, dw, rule.w_min, rule.w_max)
        return left

    def _score(self, ports: Mapping[str, Floats]) -> Floats:
        """exp(β_a (g - 1)) of each synapse, which a normaliser makes α of."""
        attention, states = self.rule.attention, self.states
        if attention is None:
            raise ValueError("a score is one of attention")
        embedding = attention.embedding[self.topology.col]
        direction = np.stack([ports[f"direction_{d}"] for d in range(attention.dimensions)], axis=-1)
        g = eq.similarity(ports["x_attention"][:, None] * embedding, direction)
        if "score_neutral" in states:
            lower = np.where(g < 0.0, states["score_opposed"], states["score_neutral"])
            return np.where(g > 0.0, 1.0, lower)
        score: Floats = np.exp(states["beta_a"] * (g - 1.0))
        return score


def _exact(rule: Rule, synapses: Topology) -> dict[str, ArrayLike]:
    """The constants of a synapse in real numbers."""
    exact: dict[str, ArrayLike] = {"psi_fast_decay": eq.trace_decay(rule.tau_fast)}
    if rule.tau_slow is not None:
        exact["psi_slow_decay"] = eq.trace_decay(rule.tau_slow)
    if rule.phase is not None:
        exact |= {"cos_phase": np.cos(rule.phase.phi), "sin_phase": np.sin(rule.phase.phi)}
    if rule.gate is not None:
        exact |= {"beta_p": rule.gate.beta, "threshold": rule.gate.threshold}
    if rule.attention is not None:
        beta, unit = rule.attention.beta, eq.unit(rule.attention.embedding)
        exact |= {"beta_a": beta, "score_opposed": np.exp(-2.0 * beta), "score_neutral": np.exp(-beta)}
        exact |= {f"embedding_{d}": unit[:, d] for d in range(rule.attention.dimensions)}
    return exact
