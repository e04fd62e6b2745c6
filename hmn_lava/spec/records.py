"""The records of a spec: what a user may write, each field with its range. See `resolve` for what they become.

References between records, and shapes, are not checked here: `check.py` and `model.py` do that, when all records
are read. Symbols are those of the HMN paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Discriminator, Field, PrivateAttr, StrictBool, Tag, model_validator

from hmn_lava.spec.arrays import Array, NpzArray, Text, Values
from hmn_lava.spec.convolution import ConvConnection, PoolConnection
from hmn_lava.spec.fields import (
    Component,
    Dimensions,
    Fraction,
    Interval,
    Name,
    NonNegative,
    Number,
    Positive,
    PositiveFraction,
    PositiveInteger,
    Record,
    Size,
    WeightScale,
    chosen_by,
    fault,
)
from hmn_lava.spec.formats import FormatSpec
from hmn_lava.spec.host import LanguageHost
from hmn_lava.spec.neurons import (
    Z_MAX,
    LifPopulation,
    LifSpec,
    ResonatorPopulation,
    RestartSpec,
    SigmaDeltaPopulation,
)
from hmn_lava.spec.nir import NirSpec

VERSION = 1  # of the spec's format

# ---- populations


class CompetitionSpec(Record):
    """Which neurons of a population keep their z: all, the one with the largest a, or one drawn from softmax(a / T)."""

    type: Literal["none", "winner_take_all", "sample"] = "none"
    temperature: Positive | None = Field(None, description="T of the softmax, only for sample; 1 if left out")

    @model_validator(mode="after")
    def _temperature_of_sample(self) -> CompetitionSpec:
        if self.temperature is not None and self.type != "sample":
            raise fault(f"has no meaning with type {self.type}", "remove it, or use type: sample", "temperature")
        return self


def _named_competition(value: Any) -> Any:
    return {"type": value} if isinstance(value, str) else value


def _or_named(schema: dict[str, Any]) -> None:
    """Let the JSON Schema of a competition allow its plain name."""
    record = dict(schema)
    schema.clear()
    schema["anyOf"] = [record, {"enum": ["none", "winner_take_all", "sample"]}]


class InputPopulation(Record):
    """Values x that come from outside, one per neuron and step."""

    type: Literal["input"]
    size: Size = Field(description="number of neurons")
    signal: Literal["graded", "spike"] = Field("graded", description="graded: any value in range; spike: 0 or 1")
    range: Interval = Field((0.0, 1.0), description="[low, high], bounds of the values")

    @model_validator(mode="after")
    def _range_of_spikes(self) -> InputPopulation:
        if self.signal == "spike" and self.range != (0.0, 1.0):
            raise fault("a spike input has values 0 and 1", "remove range, or use signal: graded", "range")
        return self


class HmnPopulation(Record):
    """Neurons of HMN eq. (1): a = sum_i w_i x_i(t - tau_i) + b + noise, z = f(a)."""

    type: Literal["hmn"]
    size: Size = Field(description="number of neurons")
    activation: Literal["relu", "sigmoid", "lif"] = Field(description="f")
    lif: LifSpec | None = Field(None, description="constants of the LIF, only and always with activation lif")
    bias: Array = Field(0.0, description="b, (n,)")
    noise: NonNegative = Field(0.0, description="sigma of the Gaussian noise on a")
    competition: Annotated[CompetitionSpec, BeforeValidator(_named_competition)] = Field(
        default_factory=lambda: CompetitionSpec.model_validate({}), json_schema_extra=_or_named
    )
    z_max: Positive | None = Field(
        None, description=f"saturation of z, only with activation relu; {Z_MAX:g} if left out"
    )

    @model_validator(mode="after")
    def _fields_of_the_activation(self) -> HmnPopulation:
        if self.activation == "lif" and self.lif is None:
            raise fault("is missing with activation lif", "add lif: {du: 1.0, dv: 0.1, vth: 1.0}", "lif")
        if self.activation != "lif" and self.lif is not None:
            raise fault(f"has no meaning with activation {self.activation}", "remove it, or use activation: lif", "lif")
        if self.activation != "relu" and self.z_max is not None:
            raise fault(
                f"has no meaning with activation {self.activation}", "remove it, or use activation: relu", "z_max"
            )
        return self


PopulationRecord = Annotated[
    Annotated[InputPopulation, Tag("~input")]
    | Annotated[HmnPopulation, Tag("~hmn")]
    | Annotated[LifPopulation, Tag("~lif")]
    | Annotated[SigmaDeltaPopulation, Tag("~sigma_delta")]
    | Annotated[ResonatorPopulation, Tag("~resonator")],
    chosen_by("type", ("input", "hmn", "lif", "sigma_delta", "resonator")),
]

# ---- connections


class RandomTopology(Record):
    """Each pair of neurons is connected with probability ``density``, drawn from the seed."""

    density: PositiveFraction


def _topology_kind(value: Any) -> str:
    if isinstance(value, (Values, list, tuple, np.ndarray)):
        return "~list"
    if isinstance(value, NpzArray) or (isinstance(value, Mapping) and ("npz" in value or "key" in value)):
        return "~npz"
    return "~random" if isinstance(value, (Mapping, RandomTopology)) else "~name"


Topology = Annotated[
    Annotated[Literal["dense", "one_to_one"], Tag("~name")]
    | Annotated[RandomTopology, Tag("~random")]
    | Annotated[Values, Tag("~list")]
    | Annotated[NpzArray, Tag("~npz")],
    Discriminator(_topology_kind),
]

_WEIGHTS = "(n_post, n_pre), one number, or (n_syn,) in the order of a sparse topology"
_TOPOLOGY = "dense, one_to_one, {density: p}, or a 0/1 mask (n_post, n_pre) or list (2, n_syn) of post and pre numbers"


class StaticConnection(Record):
    """Synapses whose weights stay."""

    type: Literal["static"]
    source: Name = Field(description="presynaptic population")
    target: Name = Field(description="postsynaptic population")
    weights: Array = Field(description=f"w, {_WEIGHTS}")
    delay: Array = Field(0.0, description="tau, whole steps 0..63, shaped as the weights")
    topology: Topology = Field("dense", description=_TOPOLOGY)
    component: Component = Field("real", description="of a resonator's input that the synapses bring")
    scale: WeightScale = None


class TracesSpec(Record):
    """Eligibility traces, HMN eq. (2): lambda = exp(-1 / tau)."""

    tau_fast: Positive = Field(5.0, description="time constant of psi_fast, steps")
    tau_slow: Positive | None = Field(50.0, description="time constant of psi_slow, steps; null: no slow trace")
    mode: Literal["replacing", "accumulating"] = "replacing"

    @model_validator(mode="after")
    def _fast_below_slow(self) -> TracesSpec:
        if self.tau_slow is not None and self.tau_fast >= self.tau_slow:
            raise fault(
                f"is not below tau_slow ({self.tau_slow:g})", "use tau_fast < tau_slow, or tau_slow: null", "tau_fast"
            )
        return self


class RatesSpec(Record):
    """Learning rates of HMN eq. (3): dw* = (eta_l + eta_g G') e."""

    local: NonNegative = Field(0.0, description="eta_l")
    global_: NonNegative = Field(0.0, alias="global", description="eta_g")


class AttentionSpec(Record):
    """Local attention, HMN eqs. (8-9): alpha = softmax over i of beta g(h_i, c_j)."""

    beta: NonNegative = Field(1.0, description="beta_a")
    dimensions: Dimensions = Field(1, description="D")
    embedding: Array = Field(1.0, description="r, (n_pre, D)")
    key: Array = Field(1.0, description="k, (n_post, D)")
    context_rate: PositiveFraction = Field(0.1, description="kappa_c")


class PhaseGateSpec(Record):
    """Phase gate: the update is multiplied by max(0, cos(Phi - phi))."""

    oscillator: Name
    phase: Array = Field(0.0, description="phi, rad, broadcastable to (n_post, n_pre)")


class ProbabilisticGateSpec(Record):
    """Probabilistic gate: the update is applied with probability sigmoid(beta (|dw| - threshold))."""

    beta: NonNegative = Field(50.0, description="beta_p")
    threshold: NonNegative = Field(0.01, description="theta_p")
    on_engine: Literal["rounding", "neuron", "staircase"] = Field(
        "rounding", description="what stands for the gate in the learning engine, which draws no number for a synapse"
    )


class HmnConnection(Record):
    """Synapses that learn by the HMN rule."""

    type: Literal["hmn"]
    source: Name = Field(description="presynaptic population")
    target: Name = Field(description="postsynaptic population, hmn or lif")
    weights: Array = Field(description=f"w at the start, {_WEIGHTS}, inside bounds")
    bounds: Interval = Field((-1.0, 1.0), description="[w_min, w_max]")
    delay: Array = Field(0.0, description="tau, whole steps 0..63, shaped as the weights")
    topology: Topology = Field("dense", description=_TOPOLOGY)
    traces: TracesSpec = Field(default_factory=lambda: TracesSpec.model_validate({}))
    rates: RatesSpec
    learning: StrictBool = Field(True, description="false: the whole rule is switched off")
    modulators: tuple[Name, ...] | None = Field(None, description="names of the modulators; all if left out")
    attention: AttentionSpec | None = None
    phase_gate: PhaseGateSpec | None = None
    probabilistic_gate: ProbabilisticGateSpec | None = None


class HebbianConnection(Record):
    """Synapses that learn without a third factor, from spikes and the voltage that they meet (arXiv:2508.13673, W_2).

    In each step w <- clip(w exp(-1/tau_w) + rate S (rho(U) + offset), bounds), rho(U) = clip(U/full, 0, 1). S is 1
    where the presynaptic neuron sends something, and U is the postsynaptic voltage with this step's input, before the
    reset.
    """

    type: Literal["hebbian"]
    source: Name = Field(description="presynaptic population")
    target: Name = Field(description="postsynaptic population, lif")
    weights: Array = Field(description=f"w at the start, {_WEIGHTS}, inside bounds")
    bounds: Interval = Field((-1.0, 1.0), description="[w_min, w_max]")
    delay: Array = Field(0.0, description="tau, whole steps 0..63, shaped as the weights")
    topology: Topology = Field("dense", description=_TOPOLOGY)
    rate: NonNegative = Field(description="eta, what a spike adds at full voltage and without an offset")
    offset: Number = Field(0.0, description="beta, may be negative: a spike then weakens where U is below -beta full")
    tau_w: Positive | None = Field(None, description="time constant of the weights, steps; null: they do not decay")
    full: Positive | None = Field(None, description="voltage at which rho is 1; the target's vth if left out")
    learning: StrictBool = Field(True, description="false: the weights stay")


ConnectionRecord = Annotated[
    Annotated[StaticConnection, Tag("~static")]
    | Annotated[ConvConnection, Tag("~conv")]
    | Annotated[PoolConnection, Tag("~pool")]
    | Annotated[HmnConnection, Tag("~hmn")]
    | Annotated[HebbianConnection, Tag("~hebbian")],
    chosen_by("type", ("static", "conv", "pool", "hmn", "hebbian")),
]

# ---- modulators and their context


class _Modulator(Record):
    weight: Number = Field(1.0, description="w_k")
    key: Array = Field(1.0, description="q_k, (Dg,), for the global attention")


class InputModulator(_Modulator):
    """E is the value of an input population of size 1."""

    type: Literal["input"]
    source: Name


class RewardModulator(_Modulator):
    """E is the reward minus its running mean; the reward is an input population of size 1."""

    type: Literal["reward"]
    source: Name
    mean_rate: PositiveFraction = Field(0.01, description="rate of the running mean")
    on: Literal["every_step", "delivery"] = Field("every_step", description="delivery: only where the reward is not 0")


class UncertaintyModulator(_Modulator):
    """E is the entropy of softmax(z) of an hmn or lif population, in nats."""

    type: Literal["uncertainty"]
    source: Name


class NoveltyModulator(_Modulator):
    """E is the Euclidean distance of an input population from its running mean."""

    type: Literal["novelty"]
    source: Name
    mean_rate: PositiveFraction = Field(0.01, description="rate of the running mean")


ModulatorRecord = Annotated[
    Annotated[InputModulator, Tag("~input")]
    | Annotated[RewardModulator, Tag("~reward")]
    | Annotated[UncertaintyModulator, Tag("~uncertainty")]
    | Annotated[NoveltyModulator, Tag("~novelty")],
    chosen_by("type", ("input", "reward", "uncertainty", "novelty")),
]


class GlobalAttentionSpec(Record):
    """Global attention, HMN eqs. (6, 10-11): gamma = softmax over k of beta g(E_k q_k, C)."""

    beta: NonNegative = Field(1.0, description="beta_g")
    dimensions: Dimensions = Field(1, description="Dg")
    rate: PositiveFraction = Field(0.1, description="kappa_C")
    context: Name = Field(description="an input population of size Dg, or an hmn or lif population (mean of z_j k_j)")
    key: Array = Field(1.0, description="k, (n, Dg), of an hmn or lif context")


class OscillatorSpec(Record):
    """Phi(t) = 2 pi t / period + phase."""

    period: Positive = Field(description="P, steps")
    phase: Number = Field(0.0, description="Phi_0, rad")


# ---- everything else

MetaParameter = Literal["eta_local", "eta_global", "beta_attention", "beta_gate", "tau_fast", "tau_slow"]


class MetaLearningSpec(Record):
    """Meta-learning of the rule's constants, HMN eq. (7) and appendices 10.2 and 10.3."""

    method: Literal["spsa", "reinforce"] = "spsa"
    parameters: Annotated[tuple[MetaParameter, ...], Field(min_length=1)] = ("eta_local", "eta_global")
    every: PositiveInteger = Field(10, description="M, episodes between two steps")
    rate: Positive = Field(0.1, description="alpha_meta")
    rate_decay: Fraction = Field(default=0.0, description="d of alpha_meta / t^d; 0 is the paper's, 0.6 Spall's (1998)")
    epsilon: Positive = Field(0.05, description="epsilon_0, relative to the parameter")
    scale: Literal["linear", "log"] = Field("linear", description="move the parameter, or its logarithm")
    bounds: dict[MetaParameter, Interval] = Field(default_factory=dict, description="[min, max] of a parameter")

    @model_validator(mode="after")
    def _parameters_once(self) -> MetaLearningSpec:
        if len(set(self.parameters)) != len(self.parameters):
            raise fault("names a parameter twice", "name each parameter once", "parameters")
        for name, (low, _) in self.bounds.items():
            if name not in self.parameters:
                raise fault(
                    "is not among the parameters", "add it to parameters, or remove its bounds", f"bounds.{name}"
                )
            if low < 0:
                raise fault("lower bound is negative", "use a lower bound >= 0", f"bounds.{name}")
        return self


class BernoulliStimulus(Record):
    """Each neuron has ``value`` with probability ``rate`` in each step, otherwise 0."""

    type: Literal["bernoulli"]
    rate: Fraction
    value: Number = 1.0


class ConstantStimulus(Record):
    """All neurons have the same value in all steps."""

    type: Literal["constant"]
    value: Number


class NpzStimulus(Record):
    """Values of an npz file beside the spec, (steps, size)."""

    type: Literal["npz"]
    file: Text
    key: Text


StimulusRecord = Annotated[
    Annotated[BernoulliStimulus, Tag("~bernoulli")]
    | Annotated[ConstantStimulus, Tag("~constant")]
    | Annotated[NpzStimulus, Tag("~npz")],
    chosen_by("type", ("bernoulli", "constant", "npz")),
]


def _known_version(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int):
        raise fault("must be the version of the format, a whole number", f"write hmn_lava: {VERSION}")
    if value != VERSION:
        raise fault(
            f"version is not known; this release reads {VERSION}", f"write hmn_lava: {VERSION}, or update hmn-lava"
        )
    return value


class Spec(Record):
    """A whole network as its author writes it. Two specs are equal if they say the same, wherever they are stored."""

    hmn_lava: Annotated[Literal[1], BeforeValidator(_known_version)] = Field(description="version of the spec's format")
    name: Name
    description: Annotated[str, Field(max_length=10_000)] = ""
    extends: Text | None = Field(
        None, description="a spec's file or folder inside this one's folder; its records become part of this spec"
    )
    populations: Annotated[dict[Name, PopulationRecord], Field(min_length=1)]
    connections: dict[Name, ConnectionRecord] = Field(default_factory=dict)
    modulators: dict[Name, ModulatorRecord] = Field(default_factory=dict)
    global_attention: GlobalAttentionSpec | None = None
    oscillators: dict[Name, OscillatorSpec] = Field(default_factory=dict)
    meta_learning: MetaLearningSpec | None = None
    restart: RestartSpec | None = Field(
        None, description="of all neurons of static networks that have none of their own, as late as the input comes"
    )
    formats: dict[str, FormatSpec] = Field(
        default_factory=dict,
        description="bits of a signal by its name object.symbol, or its whole format, such as s24.6",
    )
    stimulus: dict[Name, StimulusRecord] = Field(
        default_factory=dict, description="what is fed where no input is given, by population"
    )
    host: LanguageHost | None = Field(None, description="what the host computes before and after the network")
    nir: NirSpec | None = Field(None, description="what a NIR graph said, for its export; nothing else reads it")

    _folder: Path | None = PrivateAttr(None)
    _file: str = PrivateAttr("")

    @property
    def folder(self) -> Path | None:
        """Folder that npz references are relative to; None where the spec was built without one."""
        return self._folder

    @property
    def file(self) -> str:
        """File that the spec was read from, for messages; empty where it was built."""
        return self._file

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spec) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]
