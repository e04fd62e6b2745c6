"""Lowering to ``plasticity: neurocore``: the whole HMN rule as groups of microcoded compartments.

Each plastic synapse becomes a compartment with its own weight, traces and gates; what belongs to a neuron (context,
attention's normaliser) or to a connection (third factor, oscillator) becomes a group of its own. The schedule says when
each message leaves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from hmn_lava import streams
from hmn_lava.compiler.lowering import Lowering
from hmn_lava.compiler.quantise import Formats, lif_decays
from hmn_lava.compiler.schedule import Schedule, context_ready, modulator_ready
from hmn_lava.components import attention, modulation, neuron, oscillator, synapse
from hmn_lava.components.modulation import GlobalAttentionForm, ModulatorForm, Port
from hmn_lava.fixed import Fixed, Integers
from hmn_lava.microcode.ir import WORD, Program
from hmn_lava.network import Along, Constant, Group, Input, IntegerNetwork, Link, LinkKind, Signal, SignalKind, Topology
from hmn_lava.reference.equations import Floats
from hmn_lava.spec.model import Connection, Model, Population, Rule

PARAMETER_BITS = 18
"""Significant bits of a scalar parameter: a relative error of at most 2**-18."""


def lower(model: Model, formats: Formats, schedule: Schedule) -> tuple[IntegerNetwork, Lowering]:
    """The integer network of a model, and the record of every parameter's lowering."""
    lowering = _Neurocore(model, formats, schedule)
    return lowering.network(), lowering.record


class _Neurocore:
    """Builds the groups, links and signals of one network."""

    def __init__(self, model: Model, formats: Formats, schedule: Schedule) -> None:
        self.model, self.formats, self.schedule = model, formats, schedule
        self.record = Lowering()
        self.inputs: dict[str, Input] = {}
        self.groups: dict[str, Group] = {}
        self.links: list[Link] = []
        self.signals: dict[str, Signal] = {}

    def network(self) -> IntegerNetwork:
        for population in self.model.populations.values():
            if population.type == "input":
                self._input(population)
            else:
                self._neurons(population)
        for connection in self.model.connections.values():
            if connection.rule is None:
                self._static(connection)
            else:
                self._plastic(connection, connection.rule)
        outputs = tuple(f"{name}.z" for name, p in self.model.populations.items() if p.type != "input")
        return IntegerNetwork(
            self.model.name,
            self.inputs,
            self.groups,
            tuple(self.links),
            self.signals,
            outputs,
            dict(self.schedule.weight_lag),
            dict(self.schedule.delay),
        )

    # building blocks

    def _group(
        self, program: Program, size: int, topology: Topology | None = None, initial: dict[str, Integers] | None = None
    ) -> dict[str, Constant]:
        """Register a group under its program's name; returns the dictionary to fill with its constants."""
        constants: dict[str, Constant] = {}
        states = {v.name: np.zeros(1, np.int64) for v in program.states} | (initial or {})
        self.groups[program.name] = Group(program.name, program, size, constants, states, topology)
        return constants

    def _link(
        self,
        source: tuple[str, str],
        ready: int,
        target: tuple[str, str],
        at: int,
        kind: LinkKind,
        extra: Integers | None = None,
        topology: Topology | None = None,
    ) -> None:
        """A link that carries what leaves its source at offset ``ready`` so that it arrives at offset ``at``."""
        delay = np.full(1, at - 1 - ready, np.int64) if extra is None else at - 1 - ready + extra
        if delay.size and int(delay.min()) < 0:
            raise ValueError(f"the schedule is wrong: {source} leaves at {ready}, {target} needs it at {at}")
        self.links.append(Link(source, target, kind, _compact(delay)))

    def _signal(
        self,
        name: str,
        owner: str,
        variable: str,
        kind: SignalKind,
        offset: int,
        shape: tuple[int, ...],
        label: str = "defined",
    ) -> None:
        if kind == "input":
            format = self.inputs[owner].format
        else:
            program = self.groups[owner].program
            formats = {o.name: o.format for o in program.observables}
            if kind != "observable":
                formats = {v.name: v.format for v in program.states + program.outputs}
            format = formats[variable]
        self.signals[name] = Signal(owner, variable, kind, format, offset, shape, label)

    def _port(self, group: str, output: str, count: int = 1) -> Port:
        """The port that reads an output, or the sum of ``count`` of them.

        Zero is always possible, before anything arrived.
        """
        variable = next(v for v in self.groups[group].program.outputs if v.name == output)
        return Port(
            Fixed(WORD, True, variable.format.frac), (min(0, variable.low * count), max(0, variable.high * count))
        )

    def _source(self, population: str) -> tuple[str, str]:
        return (population, "x" if self.model.populations[population].type == "input" else "z")

    def _fixed(self, value: float, bits: int = PARAMETER_BITS) -> Fixed:
        """The format of a scalar parameter, at its own scale."""
        return Fixed.fitting(min(value, 0.0), max(abs(value), 2.0**-20), bits)

    def _constants(
        self, constants: dict[str, Constant], group: str, field: str, values: dict[str, ArrayLike], along: Along = "all"
    ) -> None:
        """Quantise the constants ``values`` of a group to their declared formats and record how well they fit."""
        program = self.groups[group].program
        for name, requested in values.items():
            variable = next((v for v in program.constants if v.name == name), None)
            if variable is None:
                continue
            stored = np.clip(variable.format.quantise(np.atleast_1d(requested)), variable.low, variable.high)
            constants[name] = Constant(stored, along)
            self.record.add(field, requested, stored, variable.format, f"{group}.{name}")

    def _stream(self, constants: dict[str, Constant], draw: str, name: str) -> None:
        for n, key in enumerate(streams.keys(self.model.seed, name)):
            constants[f"{draw}_k{n}"] = Constant(np.array([key], np.int64))

    # populations

    def _input(self, population: Population) -> None:
        port = self.formats.activity[population.name]
        low, high = (int(n) for n in port.format.quantise([population.low, population.high]))
        self.inputs[population.name] = Input(population.name, population.size, port.format, low, high)
        self._signal(f"{population.name}.x", population.name, "x", "input", 0, (population.size,), "exact")

    def _neurons(self, p: Population) -> None:
        name, size = p.name, p.size
        a = self.formats.accumulator[name]
        in_voltage = p.type == "lif"
        has_bias = bool(np.any(p.bias))
        bias_frac = a.format.frac + (neuron.LIF_SHIFT if in_voltage else 0)
        form = neuron.NeuronForm(
            activation=str(p.activation),
            a=a.format,
            a_bounds=a.bounds,
            z=self.formats.activity[name].format,
            z_high=self.formats.activity[name].bounds[1],
            bias=Fixed(WORD - 1, True, bias_frac) if has_bias else None,
            bias_in_voltage=in_voltage,
            noise=self._fixed(p.noise) if p.noise > 0 else None,
            competition=p.competition,
            inverse_temperature=self._fixed(1.0 / p.temperature) if p.competition == "sample" else None,
        )
        program = neuron.neuron(name, form)
        start, emit = self.schedule.arrive[name], self.schedule.emit[name]
        constants = self._group(program, size, initial={"hold": np.array([start], np.int64)})
        field = f"populations.{name}"
        constants["offset"] = Constant(np.array([start], np.int64))
        if has_bias and p.lif is not None and in_voltage:
            stored = _lava_bias(p.bias, bias_frac)
            constants["bias"] = Constant(stored, "each")
            self.record.add(f"{field}.bias", p.bias, stored, Fixed(WORD - 1, True, bias_frac), f"{name}.bias")
        elif has_bias:
            self._constants(constants, name, f"{field}.bias", {"bias": p.bias}, "each")
        self._constants(constants, name, f"{field}.noise", {"noise": p.noise})
        if p.competition == "sample":
            self._constants(
                constants, name, f"{field}.competition.temperature", {"inverse_temperature": 1.0 / p.temperature}
            )
        if p.lif is not None:
            keep_u, keep_v = lif_decays(p.lif)
            one = 1 << neuron.LIF_DECAY_BITS
            constants["keep_u"], constants["keep_v"] = (Constant(np.array([k], np.int64)) for k in (keep_u, keep_v))
            decay = Fixed(neuron.LIF_DECAY_BITS + 1, False, neuron.LIF_DECAY_BITS)
            self.record.add(f"{field}.du", p.lif.du, np.array([one - keep_u]), decay, f"{name}.keep_u")
            self.record.add(f"{field}.dv", p.lif.dv, np.array([one - keep_v]), decay, f"{name}.keep_v")
            mantissa = min(round(math.ldexp(p.lif.vth, a.format.frac)), (1 << 17) - 1)
            constants["vth"] = Constant(np.array([mantissa << neuron.LIF_SHIFT], np.int64))
            self.record.add(
                f"{field}.vth", p.lif.vth, np.array([mantissa]), Fixed(17, False, a.format.frac), f"{name}.vth"
            )
        for draw, stream in (("noise_draw", "noise"), ("sample_draw", "sample")):
            if any(v.name == f"{draw}_k0" for v in program.constants):
                self._stream(constants, draw, f"{name}.{stream}")
        self._compete(p)
        random = "statistical" if p.noise > 0 or p.competition == "sample" else "defined"
        exact = "exact" if in_voltage else random
        self._signal(f"{name}.a", name, "a", "observable", start, (size,), exact)
        self._signal(f"{name}.z", name, "z", "output", emit, (size,), exact)
        if p.activation == "lif":
            self._signal(f"{name}.u", name, "u", "state", start, (size,), exact)
            self._signal(f"{name}.v", name, "v", "state", start, (size,), exact)

    def _compete(self, p: Population) -> None:
        """The group that compares all pairs of neurons."""
        if p.competition == "none":
            return
        key = next(v for v in self.groups[p.name].program.outputs if v.name == "key")
        name = f"{p.name}.competition"
        bounds = (min(0, key.low), max(0, key.high))
        topology = Topology.full(p.size, p.size)
        constants = self._group(
            neuron.competition(name, Fixed(WORD, True, key.format.frac), bounds), topology.size, topology
        )
        constants["first"] = Constant((topology.col < topology.row).astype(np.int64), "each")
        start = self.schedule.arrive[p.name]
        self._link((p.name, "key"), start, (name, "mine"), start + 1, "post")
        self._link((p.name, "key"), start, (name, "other"), start + 1, "pre")
        self._link((name, "beaten"), start + 1, (p.name, "beaten"), start + neuron.COMPETITION_STEPS, "rows")

    # connections

    def _topology(self, c: Connection) -> Topology:
        return Topology(c.n_post, c.n_pre, c.row, c.col, c.dense)

    def _static(self, c: Connection) -> None:
        """Static synapses: integer weights of few bits, and a shift to the accumulator's binary point."""
        format, x, a = self.formats.weight[c.name], self.formats.activity[c.pre], self.formats.accumulator[c.post]
        stored = format.quantise(c.weights)
        self.record.add(f"connections.{c.name}.weights", c.weights, stored, format, f"{c.name}.weights")
        delay = _compact(self.schedule.message_delay[c.name])
        shift = a.format.frac - format.frac - x.format.frac
        self.links.append(Link(self._source(c.pre), (c.post, "a"), "matrix", delay, self._topology(c), stored, shift))

    def _plastic(self, c: Connection, rule: Rule) -> None:
        name, topology = c.name, self._topology(c)
        group, field = _synapses(c), f"connections.{name}"
        w, x, a = self.formats.weight[name], self.formats.activity[c.pre], self.formats.accumulator[c.post]
        low, high = (int(n) for n in w.quantise([rule.w_min, rule.w_max]))
        form = synapse.SynapseForm(w=w, w_bounds=(low, high), x=x, a_frac=a.format.frac)
        stored = np.clip(w.quantise(c.weights), low, high)
        self.record.add(f"{field}.weights", c.weights, stored, w, f"{group}.w")
        arrive, emit = self.schedule.arrive[c.post], self.schedule.emit[c.post]
        shape = (c.n_post, c.n_pre) if c.dense else (c.n_syn,)
        if rule.learning:
            form = self._learning_form(c, rule, form)
        program = synapse.synapse(group, form)
        constants = self._group(program, c.n_syn, topology, {"w": stored})
        source = self._source(c.pre)
        ready = self.schedule.emit[c.pre]
        self.links.append(Link(source, (group, "x"), "pre", _compact(self.schedule.message_delay[name])))
        self.links.append(Link((group, "a"), (c.post, "a"), "rows"))
        if not rule.learning:
            self._signal(f"{name}.w", group, "w", "state", arrive - 1, shape)
            return
        update = self.schedule.update[name]
        late = self.schedule.delay[name]
        self._link(source, ready, (group, "x_learn"), update, "pre", late)
        self._link((c.post, "z"), emit, (group, "z"), update, "post")
        self._link((f"{name}.modulation", "third"), self.schedule.modulate[name], (group, "third"), update, "all")
        decays = {
            f"psi_{s}_decay": math.exp(-1.0 / tau)
            for s, tau in (("fast", rule.tau_fast), ("slow", rule.tau_slow))
            if tau
        }
        for constant, decay in decays.items():
            self._constants(constants, group, f"{field}.traces.tau_{constant.split('_')[1]}", {constant: decay})
        random = "statistical" if rule.gate is not None else "defined"
        kinds: dict[str, SignalKind] = {"w": "state", "psi_fast": "state", "psi_slow": "state", "dw": "observable"}
        for symbol, kind in kinds.items():
            if symbol != "psi_slow" or rule.tau_slow is not None:
                self._signal(
                    f"{name}.{symbol}",
                    group,
                    symbol,
                    kind,
                    update,
                    shape,
                    random if symbol in ("w", "dw") else "defined",
                )
        if rule.attention is not None:
            self._attention_links(c, rule, constants, shape)
        if rule.phase is not None:
            self._phase_links(c, rule, constants, shape)
        if rule.gate is not None:
            self._constants(constants, group, f"{field}.probabilistic_gate.beta", {"beta_p": rule.gate.beta})
            self._constants(
                constants, group, f"{field}.probabilistic_gate.threshold", {"threshold": rule.gate.threshold}
            )
            constants["offset"] = Constant(np.array([update], np.int64))
            self._stream(constants, "gate", f"{name}.gate")

    def _learning_form(self, c: Connection, rule: Rule, form: synapse.SynapseForm) -> synapse.SynapseForm:
        """Build the groups that a learning synapse listens to, and describe their messages to it."""
        name = c.name
        self._modulation(c, rule)
        gate = None
        if rule.gate is not None:
            gate = synapse.GateForm(self._fixed(rule.gate.beta), self._fixed(rule.gate.threshold))
        phase = None
        if rule.phase is not None:
            wave = "gate" if rule.phase.uniform else "cos"
            self._oscillator(c, rule)
            phase = self._port(f"{name}.oscillator", wave)
        return synapse.SynapseForm(
            w=form.w,
            w_bounds=form.w_bounds,
            x=form.x,
            a_frac=form.a_frac,
            learning=True,
            z=self.formats.activity[c.post],
            mode=rule.mode,
            psi_fast=self.formats.trace_fast[name],
            psi_slow=self.formats.trace_slow.get(name),
            third=self._port(f"{name}.modulation", "third"),
            attention=self._attention(c, rule) if rule.attention is not None else None,
            phase=phase,
            phase_per_synapse=rule.phase is not None and not rule.phase.uniform,
            gate=gate,
        )

    # local attention

    def _attention(self, c: Connection, rule: Rule) -> synapse.AttentionForm:
        """The groups ``<c>.context`` and ``<c>.attention`` of each post neuron."""
        local = rule.attention
        if local is None:
            raise ValueError("the connection has no attention")
        z = self.formats.activity[c.post]
        keys = [self._key_format(local.key[:, d]) for d in range(local.dimensions)]
        reach = self.model.populations[c.post]
        bound = float(np.abs(local.key).max(initial=0.0)) * max(abs(reach.low), abs(reach.high))
        context = f"{c.name}.context"
        constants = self._group(attention.context(context, z.format, z.bounds, keys, max(bound, 2.0**-8)), c.n_post)
        field = f"connections.{c.name}.attention"
        self._constants(constants, context, f"{field}.context_rate", {"rate": local.rate})
        for d in range(local.dimensions):
            self._constants(constants, context, f"{field}.key", {f"key_{d}": local.key[:, d]}, "each")
        most = int(np.bincount(c.row, minlength=c.n_post).max(initial=1))
        frac = min(attention.SCORE_FRAC, WORD - 2 - most.bit_length())
        low, high = (bound >> (attention.SCORE_FRAC - frac) for bound in attention.score_bounds(local.beta))
        fewest = np.bincount(c.row, minlength=c.n_post)
        fewest_synapses = int(fewest[fewest > 0].min(initial=1))
        normaliser = f"{c.name}.attention"
        program = attention.normaliser(
            normaliser, Fixed(WORD, True, frac), (max(1, low * fewest_synapses), high * most)
        )
        self._group(program, c.n_post)
        return synapse.AttentionForm(
            directions=tuple(self._port(context, f"direction_{d}") for d in range(local.dimensions)),
            beta=local.beta,
            message_frac=frac,
            reciprocal=self._port(normaliser, "reciprocal"),
        )

    def _attention_links(
        self, c: Connection, rule: Rule, constants: dict[str, Constant], shape: tuple[int, ...]
    ) -> None:
        local, name, group = rule.attention, c.name, _synapses(c)
        if local is None:
            return
        emit, update = self.schedule.emit[c.post], self.schedule.update[name]
        score = update - synapse.SCORE_STEPS
        context, normaliser = f"{name}.context", f"{name}.attention"
        self._link((c.post, "z"), emit, (context, "z"), emit + 1, "same")
        for d in range(local.dimensions):
            self._link((context, f"direction_{d}"), emit + 1, (group, f"direction_{d}"), score, "post")
        self._link(
            self._source(c.pre),
            self.schedule.emit[c.pre],
            (group, "x_attention"),
            score,
            "pre",
            self.schedule.delay[name],
        )
        self._link((group, "score"), score, (normaliser, "sum"), score + 1, "rows")
        self._link((normaliser, "reciprocal"), score + 1, (group, "reciprocal"), update, "post")
        field = f"connections.{name}.attention"
        norms = np.linalg.norm(local.embedding, axis=1, keepdims=True)
        unit = np.divide(local.embedding, norms, out=np.zeros_like(local.embedding), where=norms > 0)
        for d in range(local.dimensions):
            self._constants(constants, group, f"{field}.embedding", {f"embedding_{d}": unit[:, d]}, "pre")
        scores = {
            "score_opposed": math.exp(-2.0 * local.beta),
            "score_neutral": math.exp(-local.beta),
            "beta_a": local.beta,
        }
        self._constants(constants, group, f"{field}.beta", dict(scores))
        self._signal(f"{name}.alpha", group, "alpha", "observable", update, shape)
        for d in range(local.dimensions):
            self._signal(f"{name}.c_{d}", context, f"c_{d}", "state", emit + 1, (c.n_post,))

    def _key_format(self, values: ArrayLike) -> Fixed:
        reach = float(np.abs(values).max(initial=0.0))
        return Fixed.fitting(-reach, max(reach, 2.0**-8), PARAMETER_BITS)

    # oscillator

    def _oscillator(self, c: Connection, rule: Rule) -> None:
        if rule.phase is None:
            return
        name = f"{c.name}.oscillator"
        period = self.model.oscillators[rule.phase.oscillator].period
        self._group(oscillator.oscillator(name, period, not rule.phase.uniform), 1)

    def _phase_links(self, c: Connection, rule: Rule, constants: dict[str, Constant], shape: tuple[int, ...]) -> None:
        """Start the oscillator so that its message of model step t arrives at the update of step t."""
        if rule.phase is None:
            return
        name, group, update = f"{c.name}.oscillator", _synapses(c), self.schedule.update[c.name]
        source = self.model.oscillators[rule.phase.oscillator]
        ready = update - 1
        own = 0.0 if not rule.phase.uniform else float(rule.phase.phi[0]) if rule.phase.phi.size else 0.0
        start = ((source.phase - own) / (2.0 * math.pi) * source.period - ready) % source.period
        program = self.groups[name].program
        count = program.variable("count")
        # A start that rounds to a whole period is a start at 0.
        turn = program.variable("period").low
        nearest = int(count.format.quantise(start))
        stored = nearest % turn
        asked = start - source.period if nearest >= turn else start
        initial, oscillator_constants = dict(self.groups[name].initial), dict(self.groups[name].constants)
        initial["count"] = np.array([stored], np.int64)
        field = f"oscillators.{source.name}"
        self._constants(
            oscillator_constants,
            name,
            f"{field}.period",
            {"period": source.period, "turns_per_step": 1.0 / source.period},
        )
        self.groups[name] = replace(self.groups[name], initial=initial, constants=oscillator_constants)
        asked = 0.0 if abs(asked) < count.format.unit / 2.0 else asked
        self.record.add(f"{field}.phase", asked, np.array([stored]), count.format, f"{name}.count")
        if rule.phase.uniform:
            self._link((name, "gate"), ready, (group, "gate"), update, "all")
            self._signal(f"{c.name}.gate", name, "gate", "output", ready, (1,))
            return
        for wave, function in (("cos", np.cos), ("sin", np.sin)):
            self._link((name, wave), ready, (group, wave), update, "all")
            self._constants(
                constants,
                group,
                f"connections.{c.name}.phase_gate.phase",
                {f"{wave}_phase": function(rule.phase.phi)},
                "each",
            )
        self._signal(f"{c.name}.gate", group, "gate", "observable", update, shape)

    # neuromodulation

    def _modulation(self, c: Connection, rule: Rule) -> None:
        """The group ``<c>.modulation`` that computes the third factor, and the groups behind its messages."""
        model, name = self.model, f"{c.name}.modulation"
        at = self.schedule.modulate[c.name]
        modulators = [model.modulators[m] for m in rule.modulators]
        forms, sources = [], []
        for m in modulators:
            source, port, kind = self._modulator(m.name)
            sources.append((source, modulator_ready(model, m, self.schedule.emit), kind))
            forms.append(ModulatorForm(m.name, m.type, port, self._fixed(m.weight), m.on == "delivery"))
        form, context = None, None
        global_attention = model.global_attention if modulators else None
        if global_attention is not None:
            form, context = self._global_context()
        program = modulation.modulation(name, forms, form, self._fixed(rule.eta_local), self._fixed(rule.eta_global))
        constants = self._group(program, 1)
        field = f"connections.{c.name}.rates"
        self._constants(constants, name, f"{field}.local", {"eta_local": rule.eta_local})
        self._constants(constants, name, f"{field}.global", {"eta_global": rule.eta_global})
        for m, (source, ready, kind) in zip(modulators, sources, strict=True):
            self._link(source, ready, (name, f"e_{m.name}"), at, kind)
            self._constants(constants, name, f"modulators.{m.name}.weight", {f"weight_{m.name}": m.weight})
            self._constants(constants, name, f"modulators.{m.name}.mean_rate", {f"mean_rate_{m.name}": m.mean_rate})
            self._signal(f"{m.name}.E", name, f"E_{m.name}", "observable", at, (1,))
        if global_attention is not None and context is not None:
            for d, (source, scale, kind) in enumerate(context):
                if kind == "matrix":  # one element of a host input
                    element = Topology(1, global_attention.dimensions, np.zeros(1, np.int64), np.array([d]), False)
                    self.links.append(
                        Link(source, (name, f"context_{d}"), kind, np.full(1, at - 1), element, np.ones(1, np.int64))
                    )
                else:
                    self._link(source, context_ready(model, self.schedule.emit), (name, f"context_{d}"), at, kind)
                self._constants(constants, name, "global_attention.context", {"context_gain": scale})
                self._signal(f"global.C_{d}", name, f"C_{d}", "state", at, (1,))
            self._constants(constants, name, "global_attention.rate", {"context_rate": global_attention.rate})
            self._constants(constants, name, "global_attention.beta", {"beta_g": global_attention.beta})
            for m in modulators:
                norm = float(np.linalg.norm(m.key))
                for d in range(global_attention.dimensions):
                    unit = float(m.key[d]) / norm if norm > 0 else 0.0
                    self._constants(constants, name, f"modulators.{m.name}.key", {f"key_{m.name}_{d}": unit})
        if modulators:
            self._signal(f"{c.name}.G", name, "G", "observable", at, (1,))

    def _modulator(self, name: str) -> tuple[tuple[str, str], Port, LinkKind]:
        """Where a modulator's value comes from; builds the groups of a computed one, once."""
        m = self.model.modulators[name]
        if m.type in ("input", "reward"):
            return self._source(m.source), self.formats.activity[m.source], "all"
        group, terms, size = f"{name}.modulator", f"{name}.terms", self.model.populations[m.source].size
        activity, emit = self.formats.activity[m.source], self.schedule.emit[m.source]
        if group not in self.groups:
            if m.type == "uncertainty":
                self._group(modulation.entropy_terms(terms, activity, size), size)
                ports = [self._port(terms, output, size) for output in ("exp", "zexp")]
                bound = activity.bounds[1] * activity.format.unit
                least = size * next(v.low for v in self.groups[terms].program.outputs if v.name == "exp")
                self._group(modulation.entropy(group, ports[0], ports[1], bound, least), 1)
                outputs: Sequence[tuple[str, str]] = (("exp", "exp"), ("zexp", "zexp"))
            else:
                constants = self._group(modulation.novelty_terms(terms, activity, size), size)
                self._constants(constants, terms, f"modulators.{name}.mean_rate", {"rate": m.mean_rate})
                self._group(modulation.novelty(group, self._port(terms, "square", size)), 1)
                outputs = (("square", "sum"),)
            source, port = self._source(m.source)
            self._link((source, port), emit, (terms, "z" if m.type == "uncertainty" else "x"), emit + 1, "same")
            for output, target in outputs:
                self._link((terms, output), emit + 1, (group, target), emit + 2, "total")
        return (group, "E"), self._port(group, "E"), "all"

    def _global_context(self) -> tuple[GlobalAttentionForm, list[tuple[tuple[str, str], float, LinkKind]]]:
        """The messages that carry the context.

        The host's input itself, or the sums of z_j k_j over a population, and their gain.
        """
        form = self.model.global_attention
        if form is None:
            raise ValueError("the network has no global attention")
        population = self.model.populations[form.context]
        activity = self.formats.activity[form.context]
        if form.from_input:
            port = Port(activity.format, activity.bounds)
            direct: list[tuple[tuple[str, str], float, LinkKind]] = [
                (self._source(form.context), 1.0, "matrix")
            ] * form.dimensions
            return GlobalAttentionForm((port,) * form.dimensions, self._fixed(1.0), form.beta), direct
        terms = "global.terms"
        if terms not in self.groups:
            keys = [self._key_format(form.key[:, d]) for d in range(form.dimensions)]
            constants = self._group(modulation.context_terms(terms, activity, keys), population.size)
            for d in range(form.dimensions):
                self._constants(constants, terms, "global_attention.key", {f"key_{d}": form.key[:, d]}, "each")
            emit = self.schedule.emit[form.context]
            self._link(self._source(form.context), emit, (terms, "z"), emit + 1, "same")
        gain = 1.0 / population.size
        ports = tuple(self._port(terms, f"term_{d}", population.size) for d in range(form.dimensions))
        context: list[tuple[tuple[str, str], float, LinkKind]] = [
            ((terms, f"term_{d}"), gain, "total") for d in range(form.dimensions)
        ]
        return GlobalAttentionForm(ports, self._fixed(gain), form.beta), context


def _synapses(c: Connection) -> str:
    """The group of a plastic connection's synapses."""
    return f"{c.name}.synapse"


def _compact(delay: Integers) -> Integers:
    """One value where all are equal."""
    return delay[:1] if delay.size and bool((delay == delay[0]).all()) else delay


def _lava_bias(bias: Floats, frac: int) -> Integers:
    """Biases as Lava holds them: a mantissa of 13 bits with its sign, times two to an exponent of 3 bits."""
    integers = np.rint(np.ldexp(np.asarray(bias, np.float64), frac))
    reach = float(np.abs(integers).max(initial=0.0))
    exponent = min(max(0, math.ceil(math.log2(reach / 4095.0)) if reach > 4095 else 0), 7)
    mantissa = np.clip(np.rint(np.ldexp(integers, -exponent)), -4095, 4095)
    return np.asarray(np.ldexp(mantissa, exponent), np.int64)
