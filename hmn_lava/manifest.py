"""The schema of a bundle's manifest, and an integer network as JSON values and named arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from hmn_lava.errors import InputError
from hmn_lava.fixed import Fixed, Integers
from hmn_lava.learning.engine import Engine, Levels, SignMode
from hmn_lava.learning.rule import MAX_EPOCH, MAX_IMPULSE, LearningRule
from hmn_lava.memory import refuse_above_memory
from hmn_lava.microcode.ir import Program
from hmn_lava.network import (
    LONGEST_DELAY,
    LONGEST_FRAME,
    Along,
    Constant,
    Group,
    Input,
    IntegerNetwork,
    LearningSynapses,
    Link,
    LinkKind,
    Signal,
    SignalKind,
    SynapticVariable,
)
from hmn_lava.topology import Topology, alike, compact, narrow

SCHEMA_VERSION = 4
"""Goes up when an older program could no longer read a bundle rightly."""

ARRAYS = "arrays.npz"
SPEC_ARRAYS = "spec.npz"
FILES = (ARRAYS, "rules.json", "lowering.json", "placement.json", "profile.json")

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}(\.[A-Za-z_][A-Za-z0-9_]{0,63})?$")]
ProfileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
FormatText = Annotated[str, StringConstraints(pattern=r"^[su]([1-9]|[1-3][0-9]|4[0-8])\.-?[0-9]{1,3}$")]
Count = Annotated[int, Field(ge=0, le=1 << 31)]
Size = Annotated[int, Field(ge=0, lt=1 << 53)]
Steps = Annotated[int, Field(ge=0, le=LONGEST_DELAY)]
Seed = Annotated[int, Field(ge=0, lt=1 << 63)]
Bits = Annotated[int, Field(ge=0, le=32)]
Level = Annotated[int, Field(ge=-(1 << 31), lt=1 << 31)]
Step = Annotated[int, Field(ge=1, le=1 << 16)]
Impulse = Annotated[float, Field(ge=0, le=MAX_IMPULSE, allow_inf_nan=False)]
TimeConstant = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class TopologyRecord(_Record):
    """Synapses: sizes, and the arrays of ``hmn_lava.topology.Topology``; a dense one has none."""

    n_post: Count
    n_pre: Count
    starts: Name | None
    col: Name | None


class InputRecord(_Record):
    """A host input."""

    size: Count
    format: FormatText
    low: int
    high: int


class ConstantRecord(_Record):
    """A constant: the array with its values, and along what they lie."""

    array: Name
    along: Along


class GroupRecord(_Record):
    """A group; its program is a file of its own."""

    size: Count
    topology: int | None
    constants: dict[Name, ConstantRecord]
    initial: dict[Name, Name]


class LinkRecord(_Record):
    """A link; ``topology`` is a number of the list of topologies."""

    source: list[Name]
    target: list[Name]
    kind: LinkKind
    delay: Name
    topology: int | None
    weights: Name | None
    shift: int


class LearningRecord(_Record):
    """Learning synapses, less their rule and engine, which rules.json holds."""

    neuron: Name
    topology: int
    initial: dict[SynapticVariable, Name]
    seed: Seed
    sign_mode: SignMode
    graded: Annotated[int, Field(ge=0, le=3)]


class SignalRecord(_Record):
    """A signal."""

    owner: Name
    variable: Name
    kind: SignalKind
    format: FormatText
    offset: Steps
    shape: Annotated[list[Count], Field(max_length=2)]
    label: Literal["exact", "defined", "statistical"]
    bound: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None


class NetworkRecord(_Record):
    """An integer network. ``arrays`` maps the arrays of arrays.npz to their shapes."""

    arrays: dict[Name, list[Count]]
    inputs: dict[Name, InputRecord]
    topologies: list[TopologyRecord]
    groups: dict[Name, GroupRecord]
    links: list[LinkRecord]
    signals: dict[Name, SignalRecord]
    outputs: list[Name]
    weight_lag: dict[Name, Steps]
    delay: dict[Name, Name]
    learning: dict[Name, LearningRecord] = {}
    frame: Annotated[int, Field(ge=1, le=LONGEST_FRAME)] = 1


class ProfileRecord(_Record):
    """The hardware profile that a bundle was compiled for."""

    name: ProfileName
    sha256: Hash


class FindingRecord(_Record):
    """A finding of the compiler."""

    rule: str
    object: str
    used: Any
    limit: Any
    severity: Literal["error", "warning", "info"]
    remedy: str
    margin: int | float | None


class Manifest(_Record):
    """manifest.json, less its own hash."""

    schema_version: Literal[4]
    name: Name
    profile: ProfileRecord
    plasticity: Literal["neurocore", "engine"]
    seed: Seed
    spec: dict[str, Any]
    network: NetworkRecord
    findings: list[FindingRecord]
    files: dict[str, Hash]


class RowRecord(_Record):
    """A row of lowering.json; see ``hmn_lava.compiler.lowering.Row``."""

    parameter: str
    target: str
    format: FormatText
    count: Count
    requested: float
    representable: float
    stored: int
    relative_error: float
    clipped: Count
    underflow: Count
    note: Literal["", "clipped", "underflow"]


class LoweringRecord(_Record):
    """lowering.json."""

    schema_version: Literal[4]
    rows: list[RowRecord]


class SliceRecord(_Record):
    """Compartments [first, last) of a group on one core."""

    group: Name
    first: Count
    last: Count
    core: Count


class UtilisationRecord(_Record):
    """How much a core has of a resource, and how much of it each used core takes, by their numbers."""

    limit: Size
    used: list[Size]


class PlacementRecord(_Record):
    """placement.json; see ``hmn_lava.placement.Placement``."""

    schema_version: Literal[4]
    cores: Count
    chips: Count
    compartments: Count
    binding: str
    spike_hops: Annotated[int, Field(ge=0, lt=1 << 63)]
    slices: list[SliceRecord]
    utilisation: dict[str, UtilisationRecord]


class ProfileFile(_Record):
    """profile.json, less the check of the profile itself."""

    schema_version: Literal[4]
    profile: dict[str, Any]


class LevelsRecord(_Record):
    """The levels of a synaptic variable; see ``hmn_lava.learning.engine.Levels``."""

    low: Level
    high: Level
    step: Step


class EngineRecord(_Record):
    """Widths, ranges and switches of a learning engine; see ``hmn_lava.learning.engine.Engine``."""

    weights: Annotated[dict[SignMode, LevelsRecord], Field(min_length=3)]
    start_step: Annotated[dict[SignMode, Step], Field(min_length=3)]
    tag_1: LevelsRecord
    tag_2: LevelsRecord
    accumulator: Annotated[list[Level], Field(min_length=2, max_length=2)]
    accumulator_bits: Bits
    variable_width: Bits
    trace_bits: Bits
    spike_width: Bits
    fraction_bits: Bits
    scaling_mantissa_bits: Bits
    decay: Literal["exponential", "linear"]
    y_range: Annotated[list[Level], Field(min_length=2, max_length=2)] | None
    drops_zeros: bool


class LearningRuleRecord(_Record):
    """A learning rule; see ``hmn_lava.learning.LearningRule``."""

    factors: Literal[2, 3]
    dw: str | None
    dd: str | None
    dt: str | None
    x1_impulse: Impulse
    x1_tau: TimeConstant
    x2_impulse: Impulse
    x2_tau: TimeConstant
    y1_impulse: Impulse
    y1_tau: TimeConstant
    y2_impulse: Impulse
    y2_tau: TimeConstant
    y3_impulse: Impulse
    y3_tau: TimeConstant
    t_epoch: Annotated[int, Field(ge=1, le=MAX_EPOCH)]
    rng_seed: Seed | None


class RuleRecord(_Record):
    """What one set of learning synapses learns by."""

    rule: LearningRuleRecord
    engine: EngineRecord


class RulesRecord(_Record):
    """rules.json: the rule of each set of learning synapses, by its name; plasticity neurocore has none."""

    schema_version: Literal[4]
    rules: dict[Name, RuleRecord]


class _Arrays:
    """Arrays by name; one that several users share is kept once."""

    def __init__(self) -> None:
        self.named: dict[str, NDArray[Any]] = {}
        self._names: dict[int, str] = {}
        self._kept: list[NDArray[Any]] = []  # an identity is one only as long as its object lives

    def name(self, array: NDArray[Any]) -> str:
        if id(array) not in self._names:
            self._kept.append(array)
            self._names[id(array)] = f"a{len(self.named)}"
            self.named[self._names[id(array)]] = narrow(array[:1] if array.strides == (0,) else array)
        return self._names[id(array)]


def encode(network: IntegerNetwork) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The network as the manifest's JSON values, and its arrays in the narrowest integer types."""
    arrays = _Arrays()
    topologies: list[Topology] = []

    def number(topology: Topology | None) -> int | None:
        if topology is None:
            return None
        for position, known in enumerate(topologies):
            if known is topology:
                return position
        topologies.append(topology)
        return len(topologies) - 1

    content: dict[str, Any] = {
        "inputs": {
            i.name: {"size": i.size, "format": str(i.format), "low": i.low, "high": i.high}
            for i in network.inputs.values()
        },
        "groups": {
            group.name: {
                "size": group.size,
                "topology": number(group.topology),
                "constants": {
                    name: {"array": arrays.name(c.values), "along": c.along} for name, c in group.constants.items()
                },
                "initial": {name: arrays.name(values) for name, values in group.initial.items()},
            }
            for group in network.groups.values()
        },
        "links": [
            {
                "source": list(link.source),
                "target": list(link.target),
                "kind": link.kind,
                "delay": arrays.name(link.delay),
                "topology": number(link.topology),
                "weights": None if link.weights is None else arrays.name(link.weights),
                "shift": link.shift,
            }
            for link in network.links
        ],
        "signals": {
            name: {
                "owner": s.owner,
                "variable": s.variable,
                "kind": s.kind,
                "format": str(s.format),
                "offset": s.offset,
                "shape": list(s.shape),
                "label": s.label,
                "bound": s.bound,
            }
            for name, s in network.signals.items()
        },
        "outputs": list(network.outputs),
        "weight_lag": dict(network.weight_lag),
        "delay": {name: arrays.name(compact(delay)) for name, delay in network.delay.items()},
        "learning": {
            synapses.name: {
                "neuron": synapses.neuron,
                "topology": number(synapses.topology),
                "initial": {name: arrays.name(values) for name, values in synapses.initial.items()},
                "seed": synapses.seed,
                "sign_mode": synapses.sign_mode,
                "graded": synapses.graded,
            }
            for synapses in network.learning.values()
        },
        "frame": network.frame,
    }
    content["topologies"] = [
        {
            "n_post": t.n_post,
            "n_pre": t.n_pre,
            "starts": None if t.columns is None else arrays.name(t.starts),
            "col": None if t.columns is None else arrays.name(t.columns),
        }
        for t in topologies
    ]
    content["arrays"] = {name: list(array.shape) for name, array in arrays.named.items()}
    return content, arrays.named


def encode_rules(network: IntegerNetwork) -> dict[str, Any]:
    """The rules and engines of the network's learning synapses as the JSON values of rules.json."""
    return {
        synapses.name: {
            "rule": {f.name: getattr(synapses.rule, f.name) for f in fields(synapses.rule) if f.init},
            "engine": asdict(synapses.engine),
        }
        for synapses in network.learning.values()
    }


def decode_rules(record: RulesRecord, where: str) -> dict[str, tuple[LearningRule, Engine]]:
    """What :func:`encode_rules` wrote. Raises InputError for the text of a rule that is none."""
    return {name: (_rule(name, r.rule, where), _engine(r.engine)) for name, r in record.rules.items()}


def _rule(name: str, record: LearningRuleRecord, where: str) -> LearningRule:
    try:
        return LearningRule(**record.model_dump())
    except InputError as error:
        field = ".".join(part for part in ("rules", name, "rule", error.where, error.field) if part)
        raise InputError(error.problem, where=where, field=field, value=error.value, remedy=error.remedy) from None


def _engine(record: EngineRecord) -> Engine:
    values = record.model_dump()
    values["weights"] = {mode: Levels(**levels) for mode, levels in values["weights"].items()}
    values |= {name: Levels(**values[name]) for name in ("tag_1", "tag_2")}
    values["accumulator"] = (record.accumulator[0], record.accumulator[1])
    values["y_range"] = None if record.y_range is None else (record.y_range[0], record.y_range[1])
    return Engine(**values)


def decode(
    name: str,
    record: NetworkRecord,
    arrays: Mapping[str, NDArray[Any]],
    programs: Mapping[str, Program],
    rules: Mapping[str, tuple[LearningRule, Engine]],
    where: str,
) -> IntegerNetwork:
    """The network that :func:`encode` wrote.

    Raises InputError for a reference to nothing; ``proof`` checks the rest.
    """

    def array(key: str | None) -> NDArray[Any]:
        if key is None or key not in arrays:
            raise InputError("no such array", where=where, field="network", value=key, remedy="compile the spec again")
        return arrays[key]

    def wide(key: str) -> Integers:
        return array(key).astype(np.int64)

    def each(key: str, topology: Topology) -> NDArray[Any]:
        """Values of synapses; one for all of them stays one in memory."""
        values = narrow(array(key))
        return alike(values, topology.size) if values.shape == (1,) else values

    def synapses(t: TopologyRecord) -> Topology:
        if t.starts is None:
            return Topology.full(t.n_post, t.n_pre)
        starts, columns = wide(t.starts), narrow(array(t.col))
        if starts.shape != (t.n_post + 1,):
            raise InputError(
                "needs one start for each post neuron, and the end",
                where=where,
                field="network.topologies",
                value=starts.shape,
                remedy="compile the spec again",
            )
        # What no 32 bits hold is no neuron's number: the proof says so.
        return Topology(t.n_post, t.n_pre, starts, columns if columns.itemsize > 4 else columns.astype(np.int32))

    def topology(number: int) -> Topology:
        if not 0 <= number < len(topologies):
            raise InputError(
                "no such topology", where=where, field="network", value=number, remedy="compile the spec again"
            )
        return topologies[number]

    if record.learning.keys() != rules.keys():
        raise InputError(
            "not the learning synapses that rules.json has rules for",
            where=where,
            field="network.learning",
            value=sorted(record.learning.keys() ^ rules.keys())[0],
            remedy="compile the spec again",
        )
    compartments = sum(group.size for group in record.groups.values() if group.topology is None)
    need = 64 * (compartments + sum(source.size for source in record.inputs.values()))
    need += sum(64 * (t.n_post + t.n_pre) + (t.n_post * t.n_pre if t.starts is None else 0) for t in record.topologies)
    refuse_above_memory(
        need, where=where, field="network", remedy="run it on a larger machine, or compile the spec again"
    )
    topologies = [synapses(t) for t in record.topologies]
    inputs = {n: Input(n, i.size, Fixed.parse(i.format), i.low, i.high) for n, i in record.inputs.items()}
    groups = {
        n: Group(
            n,
            programs[n],
            g.size,
            {
                key: Constant(wide(c.array) if g.topology is None else narrow(array(c.array)), c.along)
                for key, c in g.constants.items()
            },
            {key: narrow(array(a)) for key, a in g.initial.items()},
            None if g.topology is None else topology(g.topology),
        )
        for n, g in record.groups.items()
    }
    links = tuple(
        Link(
            _pair(k.source, where),
            _pair(k.target, where),
            k.kind,
            wide(k.delay),
            None if k.topology is None else topology(k.topology),
            None if k.weights is None or k.topology is None else each(k.weights, topology(k.topology)),
            k.shift,
        )
        for k in record.links
    )
    signals = {
        n: Signal(s.owner, s.variable, s.kind, Fixed.parse(s.format), s.offset, tuple(s.shape), s.label, s.bound)
        for n, s in record.signals.items()
    }
    delay = {n: wide(key) for n, key in record.delay.items()}
    learning = {
        n: LearningSynapses(
            n,
            s.neuron,
            *rules[n],
            topology(s.topology),
            {key: each(a, topology(s.topology)) for key, a in s.initial.items()},
            s.seed,
            s.sign_mode,
            s.graded,
        )
        for n, s in record.learning.items()
    }
    outputs = tuple(record.outputs)
    return IntegerNetwork(
        name, inputs, groups, links, signals, outputs, record.weight_lag, delay, learning, record.frame
    )


def _pair(words: list[str], where: str) -> tuple[str, str]:
    if len(words) != 2:
        raise InputError(
            "a link's end has two names",
            where=where,
            field="network.links",
            value=words,
            remedy="compile the spec again",
        )
    return words[0], words[1]
