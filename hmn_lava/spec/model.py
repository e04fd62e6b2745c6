"""The resolved network: every array drawn or read, every shape checked, every default filled in.

What the float reference and the compiler both read. Synapses are flat lists in CSR order (sorted by post neuron, then
by pre neuron). Arrays are read-only float64 or int64. Symbols are those of the HMN paper.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from hmn_lava.errors import InputError
from hmn_lava.spec.arrays import ConstantInit, NpzArray, UniformInit, Values
from hmn_lava.spec.check import check
from hmn_lava.spec.convolution import ConvConnection, PoolConnection, kernel_of, window, window_delays
from hmn_lava.spec.fields import Component
from hmn_lava.spec.materialise import Cells, Floats, Ints, Source, read_only
from hmn_lava.spec.neurons import (
    Z_MAX,
    LifPopulation,
    LifSpec,
    ResonatorPopulation,
    SigmaDeltaPopulation,
    StaticNeurons,
)
from hmn_lava.spec.order import topological_order
from hmn_lava.spec.problems import Problem, error_of
from hmn_lava.spec.records import (
    AttentionSpec,
    ConnectionRecord,
    HebbianConnection,
    HmnConnection,
    HmnPopulation,
    InputPopulation,
    MetaLearningSpec,
    ModulatorRecord,
    NoveltyModulator,
    PhaseGateSpec,
    PopulationRecord,
    RewardModulator,
    Spec,
    StaticConnection,
)
from hmn_lava.spec.restart import restarted
from hmn_lava.spec.sizes import refuse_huge
from hmn_lava.spec.static_neurons import Lif as Lif
from hmn_lava.spec.static_neurons import Resonator as Resonator
from hmn_lava.spec.static_neurons import SigmaDelta as SigmaDelta
from hmn_lava.spec.static_neurons import lif, resonator, sigma_delta
from hmn_lava.spec.topology import synapses
from hmn_lava.topology import Topology, alike, compact

# The dataclasses hold arrays, so that they are compared by identity (eq=False).


@dataclass(frozen=True, eq=False)
class Population:
    """Neurons; ``low`` and ``high`` bound the values x of an input, and z of the others."""

    name: str
    type: Literal["input", "hmn", "lif", "sigma_delta", "resonator"]
    size: int
    signal: Literal["graded", "spike"]
    low: float
    high: float
    activation: Literal["relu", "sigmoid", "lif", "sigma_delta", "resonator"] | None  # f; None: input
    bias: Floats  # (n,), b of hmn; type lif: added to the voltage; sigma_delta: to the sum
    noise: float = 0.0  # sigma
    competition: Literal["none", "winner_take_all", "sample"] = "none"
    temperature: float = 1.0  # T of competition sample
    z_max: float = 1.0  # saturation of z
    lif: Lif | None = None
    sigma_delta: SigmaDelta | None = None
    resonator: Resonator | None = None
    restart: tuple[int, int] | None = None  # every, at: states are 0 again where t mod every = at


@dataclass(frozen=True, eq=False)
class Attention:
    """Local attention, eqs. (8-9)."""

    beta: float  # beta_a
    dimensions: int  # D
    embedding: Floats  # r, (n_pre, D)
    key: Floats  # k, (n_post, D)
    rate: float  # kappa_c


@dataclass(frozen=True, eq=False)
class Phase:
    """Phase gate max(0, cos(Phi - phi)); ``uniform``: all phi are equal."""

    oscillator: str
    phi: Floats  # (n_syn,), rad
    uniform: bool


@dataclass(frozen=True, eq=False)
class Gate:
    """Probabilistic gate: applied with probability sigmoid(beta (|dw| - threshold)).

    ``on_engine``: what stands for it in the learning engine: only its stochastic ``rounding``, one draw of the
    ``neuron`` for all of its synapses, or the expected update as a ``staircase``.
    """

    beta: float  # beta_p
    threshold: float  # theta_p
    on_engine: Literal["rounding", "neuron", "staircase"] = "rounding"


@dataclass(frozen=True, eq=False)
class Rule:
    """The HMN rule of a connection, eqs. (2-5)."""

    w_min: float
    w_max: float
    tau_fast: float  # steps
    tau_slow: float | None  # steps; None: no slow trace
    mode: Literal["replacing", "accumulating"]
    eta_local: float
    eta_global: float
    learning: bool
    modulators: tuple[str, ...]
    attention: Attention | None
    phase: Phase | None
    gate: Gate | None


@dataclass(frozen=True, eq=False)
class Hebbian:
    """w <- clip(w exp(-1/tau_w) + rate S (clip(U/full, 0, 1) + offset), w_min, w_max) in each step.

    ``learning``: whether this moves any weight.
    """

    w_min: float
    w_max: float
    rate: float  # eta
    offset: float  # beta
    tau_w: float | None  # steps; None: no decay
    full: float  # voltage
    learning: bool


@dataclass(frozen=True, eq=False)
class Connection:
    """Synapses from ``pre`` to ``post``, flat in CSR order; neither rule nor hebbian: static."""

    name: str
    pre: str
    post: str
    topology: Topology
    weights: Floats  # (n_syn,)
    delay: Ints  # (n_syn,), steps
    rule: Rule | None
    component: Component = "real"  # of a resonator's input
    channel: Ints | None = None  # (n_post,), whose weights share a scale; None: all do
    hebbian: Hebbian | None = None

    @property
    def learns(self) -> bool:
        """Whether weights move."""
        rule = self.rule or self.hebbian
        return rule is not None and rule.learning

    @property
    def n_pre(self) -> int:
        return self.topology.n_pre

    @property
    def n_post(self) -> int:
        return self.topology.n_post

    @property
    def n_syn(self) -> int:
        return self.topology.size

    @property
    def dense(self) -> bool:
        return self.topology.dense

    @property
    def row(self) -> Ints:
        """(n_syn,), post neuron."""
        return self.topology.row

    @property
    def col(self) -> Ints:
        """(n_syn,), pre neuron."""
        return self.topology.col


@dataclass(frozen=True, eq=False)
class Modulator:
    """A source of the third factor; ``mean_rate`` is 0 where there is no running mean."""

    name: str
    type: Literal["input", "reward", "uncertainty", "novelty"]
    source: str
    weight: float  # w_k
    key: Floats  # q_k, (Dg,)
    mean_rate: float
    on: Literal["every_step", "delivery"]


@dataclass(frozen=True, eq=False)
class GlobalAttention:
    """Global attention, eqs. (6, 10-11); ``from_input``: C follows an input population, ``key`` is empty, (0, Dg)."""

    beta: float  # beta_g
    dimensions: int  # Dg
    rate: float  # kappa_C
    context: str
    from_input: bool
    key: Floats  # k, (n, Dg)


@dataclass(frozen=True, eq=False)
class Oscillator:
    """Phi(t) = 2 pi t / period + phase."""

    name: str
    period: float  # P, steps
    phase: float  # Phi_0, rad


@dataclass(frozen=True, eq=False)
class Model:
    """A whole network; ``order``: populations in topological order of the synapses without delay."""

    name: str
    populations: dict[str, Population]
    connections: dict[str, Connection]
    modulators: dict[str, Modulator]
    global_attention: GlobalAttention | None
    oscillators: dict[str, Oscillator]
    formats: dict[str, int | str]
    seed: int
    order: tuple[str, ...]
    meta_learning: MetaLearningSpec | None = None


def resolve(spec: Spec, seed: int = 0) -> Model:
    """Resolve a spec: read its files, draw its initialisers from ``seed``, check all shapes.

    Raises InputError for a reference, shape, value or loop that is not allowed, and for more synapses than memory.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**63:
        raise InputError("must be a whole number from 0", field="seed", value=seed, remedy="use a seed such as 0")
    if problems := check(spec):
        raise error_of(problems, spec.file)
    try:
        refuse_huge(spec)
        return _resolve(spec, Source(spec.folder, int(seed)))
    except InputError as error:
        where = error.where or spec.file
        raise InputError(
            error.problem, where=where, field=error.field, value=error.value, remedy=error.remedy
        ) from None
    except MemoryError:
        raise Problem("connections", "do not fit in memory", "use smaller populations").error(spec.file) from None


def _resolve(spec: Spec, source: Source) -> Model:
    populations = {name: _population(name, record, source) for name, record in spec.populations.items()}
    connections = {name: _connection(name, record, spec, source) for name, record in spec.connections.items()}
    no_delay = ((link.pre, link.post, link.name) for link in connections.values() if (compact(link.delay) == 0).any())
    return Model(
        name=spec.name,
        populations=restarted(populations, connections, spec.restart),
        connections=connections,
        modulators={name: _modulator(name, record, spec, source) for name, record in spec.modulators.items()},
        global_attention=_global_attention(spec, source),
        oscillators={name: Oscillator(name, record.period, record.phase) for name, record in spec.oscillators.items()},
        formats=dict(spec.formats),
        seed=source.seed,
        order=topological_order(populations, no_delay),
        meta_learning=spec.meta_learning,
    )


def _population(name: str, record: PopulationRecord, source: Source) -> Population:
    if isinstance(record, InputPopulation):
        low, high = record.range
        bias = source.vector(0.0, "", record.size)
        return Population(name, "input", record.size, record.signal, low, high, None, bias, z_max=high)
    if not isinstance(record, HmnPopulation):
        return _static(name, record, source)
    bias = source.vector(record.bias, f"populations.{name}.bias", record.size)
    high = (record.z_max or Z_MAX) if record.activation == "relu" else 1.0
    return Population(
        name=name,
        type="hmn",
        size=record.size,
        signal="spike" if record.activation == "lif" else "graded",
        low=0.0,
        high=high,
        activation=record.activation,
        bias=bias,
        noise=record.noise,
        competition=record.competition.type,
        temperature=record.competition.temperature or 1.0,
        z_max=high,
        lif=None if record.lif is None else _lif(record.lif),
    )


def _static(name: str, record: StaticNeurons, source: Source) -> Population:
    """A population of one of the neurons of static networks."""
    restart = None if record.restart is None else (record.restart.every, record.restart.at)
    return replace(_without_restart(name, record, source), restart=restart)


def _without_restart(name: str, record: StaticNeurons, source: Source) -> Population:
    field, n = f"populations.{name}", record.size
    if isinstance(record, ResonatorPopulation):
        bias = source.vector(0.0, "", n)
        return Population(
            name, "resonator", n, "spike", 0.0, 1.0, "resonator", bias, resonator=resonator(record, field, source)
        )
    bias = source.vector(record.bias, f"{field}.bias", n)
    if isinstance(record, SigmaDeltaPopulation):
        form, top = sigma_delta(record, field, source), record.z_max
        low = 0.0 if record.activation == "relu" and not record.difference else -top
        return Population(name, "sigma_delta", n, "graded", low, top, "sigma_delta", bias, z_max=top, sigma_delta=form)
    own = lif(record, field, source)
    if own.output == "voltage":
        return Population(name, "lif", n, "graded", -own.z_max, own.z_max, "lif", bias, z_max=own.z_max, lif=own)
    return Population(name, "lif", n, "spike", 0.0, 1.0, "lif", bias, lif=own)


def _lif(record: LifSpec) -> Lif:
    du, dv, vth = (np.array([value]) for value in (record.du, record.dv, record.vth))
    return Lif(du, dv, vth)


def _connection(name: str, record: ConnectionRecord, spec: Spec, source: Source) -> Connection:
    field = f"connections.{name}"
    n_pre, n_post = spec.populations[record.source].size, spec.populations[record.target].size
    if isinstance(record, (ConvConnection, PoolConnection)):
        return _window(name, record, n_post, n_pre, source)
    cells = synapses(record.topology, n_post, n_pre, field=f"{field}.topology", source=source)
    weights = source.per_synapse(record.weights, f"{field}.weights", cells)
    if isinstance(record, (HmnConnection, HebbianConnection)):
        weights = _inside(weights, record, f"{field}.weights")
    return Connection(
        name=name,
        pre=record.source,
        post=record.target,
        topology=cells.topology,
        weights=weights,
        delay=source.delay(record.delay, f"{field}.delay", cells),
        rule=_rule(field, record, spec, source, cells) if isinstance(record, HmnConnection) else None,
        component=record.component if isinstance(record, StaticConnection) else "real",
        channel=np.arange(n_post) if isinstance(record, StaticConnection) and record.scale == "channel" else None,
        hebbian=_hebbian(record, spec.populations[record.target]) if isinstance(record, HebbianConnection) else None,
    )


def _window(name: str, record: ConvConnection | PoolConnection, n_post: int, n_pre: int, source: Source) -> Connection:
    field = f"connections.{name}"
    cells, weights, channels = window(record, n_post, n_pre, field, source)
    delay = window_delays(record, f"{field}.delay", cells, channels, source)
    own = None
    if isinstance(record, ConvConnection) and record.scale == "channel":
        kernels = kernel_of(record, field, source).output[0]
        own = np.repeat(np.arange(kernels), n_post // kernels)
    return Connection(
        name, record.source, record.target, cells.topology, weights, delay, None, record.component, channel=own
    )


def _inside(weights: Floats, record: HmnConnection | HebbianConnection, field: str) -> Floats:
    """Weights inside the bounds: what an author wrote must be, what an unbounded distribution gave is clipped."""
    low, high = record.bounds
    if low <= weights.min() and weights.max() <= high:
        return weights
    if isinstance(record.weights, (float, Values, NpzArray, ConstantInit, UniformInit)):
        problem = f"a weight is outside bounds [{low:g}, {high:g}]"
        outside = float(weights[(weights < low) | (weights > high)][0])
        raise Problem(field, problem, "widen bounds, or use smaller weights", outside).error()
    return read_only(np.clip(weights, low, high))


def _hebbian(record: HebbianConnection, target: PopulationRecord) -> Hebbian:
    full = record.full
    if full is None and isinstance(target, LifPopulation) and isinstance(target.vth, float):
        full = target.vth
    if full is None:
        raise ValueError("a spec that was checked says which voltage is full")
    moves = record.rate > 0 or record.tau_w is not None
    low, high = record.bounds
    return Hebbian(low, high, record.rate, record.offset, record.tau_w, full, record.learning and moves)


def _rule(field: str, record: HmnConnection, spec: Spec, source: Source, cells: Cells) -> Rule:
    gate = record.probabilistic_gate
    return Rule(
        w_min=record.bounds[0],
        w_max=record.bounds[1],
        tau_fast=record.traces.tau_fast,
        tau_slow=record.traces.tau_slow,
        mode=record.traces.mode,
        eta_local=record.rates.local,
        eta_global=record.rates.global_,
        learning=record.learning,
        modulators=tuple(spec.modulators) if record.modulators is None else record.modulators,
        attention=_attention(f"{field}.attention", record.attention, source, cells),
        phase=_phase(f"{field}.phase_gate", record.phase_gate, source, cells),
        gate=None if gate is None else Gate(gate.beta, gate.threshold, gate.on_engine),
    )


def _attention(field: str, record: AttentionSpec | None, source: Source, cells: Cells) -> Attention | None:
    if record is None:
        return None
    return Attention(
        beta=record.beta,
        dimensions=record.dimensions,
        embedding=source.matrix(record.embedding, f"{field}.embedding", (cells.topology.n_pre, record.dimensions)),
        key=source.matrix(record.key, f"{field}.key", (cells.topology.n_post, record.dimensions)),
        rate=record.context_rate,
    )


def _phase(field: str, record: PhaseGateSpec | None, source: Source, cells: Cells) -> Phase | None:
    if record is None:
        return None
    if isinstance(record.phase, float):
        return Phase(record.oscillator, alike(np.float64(record.phase), cells.topology.size), uniform=True)
    phi = source.per_synapse(record.phase, f"{field}.phase", cells, broadcast=True)
    return Phase(record.oscillator, phi, uniform=bool((phi == phi[0]).all()))


def _modulator(name: str, record: ModulatorRecord, spec: Spec, source: Source) -> Modulator:
    field, attention = f"modulators.{name}.key", spec.global_attention
    if attention is not None:
        key = source.vector(record.key, field, attention.dimensions, "the dimensions of global_attention")
    else:  # a key may stay, so that global attention can be switched off alone
        key = source.vector(record.key, field, record.key.array.size if isinstance(record.key, Values) else 1)
    return Modulator(
        name=name,
        type=record.type,
        source=record.source,
        weight=record.weight,
        key=key,
        mean_rate=record.mean_rate if isinstance(record, (RewardModulator, NoveltyModulator)) else 0.0,
        on=record.on if isinstance(record, RewardModulator) else "every_step",
    )


def _global_attention(spec: Spec, source: Source) -> GlobalAttention | None:
    record = spec.global_attention
    if record is None:
        return None
    context = spec.populations[record.context]
    from_input = isinstance(context, InputPopulation)
    shape = (0 if from_input else context.size, record.dimensions)
    key = source.matrix(1.0 if from_input else record.key, "global_attention.key", shape)
    return GlobalAttention(record.beta, record.dimensions, record.rate, record.context, from_input, key)
