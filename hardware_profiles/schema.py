"""What a hardware profile says of a chip: frozen records in which every number states unit, source and basis.

A profile is data. No other file of the project holds a number that describes a chip.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

T = TypeVar("T")

Basis = Literal["published", "measured", "assumed"]
"""``published``: a paper, a manual or public source code says so. ``measured``: found by running a chip or Lava; the
source says which. ``assumed``: nobody has published it, and the source says what the assumption rests on."""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class Record(BaseModel):
    """Immutable, and without room for a misspelt key."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Entry(Record, Generic[T]):
    """One fact. ``source`` begins with the key of a reference; where the basis is ``assumed`` it is a sentence."""

    value: T
    unit: Text
    source: Text
    basis: Basis


def _unit(name: str) -> AfterValidator:
    """The entry's unit must be ``name``; a value in another unit would be read wrongly without a word."""

    def check(entry: Any) -> Any:
        if entry.unit != name:
            raise ValueError(f"the unit must be {name!r}, not {entry.unit!r}")
        return entry

    return AfterValidator(check)


def _ordered(entry: Entry[tuple[int, int]]) -> Entry[tuple[int, int]]:
    low, high = entry.value
    if low > high:
        raise ValueError(f"the range's low end {low} is above its high end {high}")
    return entry


def _rising(entry: Entry[tuple[int, ...]]) -> Entry[tuple[int, ...]]:
    if any(a >= b for a, b in zip(entry.value, entry.value[1:], strict=False)):
        raise ValueError(f"the choices {list(entry.value)} must rise")
    return entry


Positive = Annotated[int, Field(strict=True, gt=0)]
NonNegative = Annotated[int, Field(strict=True, ge=0)]
Whole = Annotated[int, Field(strict=True)]
Real = Annotated[float, Field(strict=True, ge=0)]
Flag = Annotated[bool, Field(strict=True)]

Bits = Annotated[Entry[Positive], _unit("bit")]
Shift = Annotated[Entry[NonNegative], _unit("bit")]
Steps = Annotated[Entry[Positive], _unit("step")]
Level = Annotated[Entry[Whole], _unit("level")]
Levels = Annotated[Entry[tuple[Whole, Whole]], _unit("level"), AfterValidator(_ordered)]
"""An inclusive range (low, high) of stored integers."""
Exponents = Annotated[Entry[tuple[Whole, Whole]], _unit("exponent of 2"), AfterValidator(_ordered)]
BitChoices = Annotated[Entry[tuple[NonNegative, ...]], _unit("bit"), AfterValidator(_rising)]
Switch = Annotated[Entry[Flag], _unit("switch")]


class Estimate(Entry[Real]):
    """An energy, power or time. An assumed one has a ``low`` and a ``high``: nothing made of it is a bare number."""

    low: Real | None = None
    high: Real | None = None

    @model_validator(mode="after")
    def _bounds(self) -> Estimate:
        if self.basis == "assumed" and (self.low is None or self.high is None):
            raise ValueError("an assumed estimate needs both low and high")
        low = self.value if self.low is None else self.low
        high = self.value if self.high is None else self.high
        if not low <= self.value <= high:
            raise ValueError(f"low <= value <= high does not hold: {low}, {self.value}, {high}")
        return self


Energy = Annotated[Estimate, _unit("pJ")]
Power = Annotated[Estimate, _unit("mW")]
Time = Annotated[Estimate, _unit("ns")]


class Reference(Record):
    """Where facts come from; ``note`` says what to keep in mind when reading it."""

    citation: Text
    note: Text | None = None


class Chip(Record):
    """The chip and the board: what a network has in all."""

    chips: Annotated[Entry[Positive], _unit("chip")]
    cores_per_chip: Annotated[Entry[Positive], _unit("core")]
    embedded_processors: Annotated[Entry[NonNegative], _unit("processor")]
    embedded_counters: Annotated[Entry[NonNegative], _unit("counter")]


class Core(Record):
    """Limits of one neurocore, whatever runs on it."""

    compartments: Annotated[Entry[Positive], _unit("compartment")]
    synaptic_memory: Bits
    input_axons: Annotated[Entry[Positive], _unit("axon")]
    output_axons: Annotated[Entry[Positive], _unit("axon")]
    compartment_configurations: Annotated[Entry[Positive], _unit("configuration")]
    threshold_configurations: Annotated[Entry[Positive], _unit("configuration")]
    synapse_configurations: Annotated[Entry[Positive], _unit("configuration")]
    learning_configurations: Annotated[Entry[Positive], _unit("configuration")]


class Synapses(Record):
    """How synapses lie in the synaptic memory."""

    word_bits: Bits
    header_bits: Bits
    weight_bits: BitChoices
    index_bits: BitChoices
    learning_axon_slots: Annotated[Entry[Positive], _unit("axon")]


class Lif(Record):
    """The built-in current-based leaky integrate-and-fire neuron, and the synapses that feed it."""

    u_bits: Bits
    v_bits: Bits
    decay_bits: Bits
    u_decay_offset: Level
    v_decay_offset: Level
    vth_mantissa_bits: Bits
    vth_shift: Shift
    bias_mantissa_bits: Bits
    bias_exponent_bits: Bits
    activation_shift: Shift
    accumulator_bits: Bits
    weight_bits: Bits
    weight_exponent: Exponents
    payload_bits: Bits
    max_delay: Steps

    @model_validator(mode="after")
    def _threshold_fits(self) -> Lif:
        if self.vth_mantissa_bits.value + self.vth_shift.value >= self.v_bits.value:
            raise ValueError(
                f"a threshold of {self.vth_mantissa_bits.value} bits shifted by {self.vth_shift.value} "
                f"does not fit in a signed voltage of {self.v_bits.value} bits"
            )
        return self


class Microcode(Record):
    """The machine that this project's microcode is compiled for. Its sizes are assumptions: Intel publishes none."""

    word_bits: Bits
    product_bits: Bits
    message_bits: Bits
    max_delay: Steps
    instructions_per_program: Annotated[Entry[Positive], _unit("instruction")]
    state_words_per_compartment: Annotated[Entry[Positive], _unit("word")]
    inputs_per_compartment: Annotated[Entry[Positive], _unit("input")]
    outputs_per_compartment: Annotated[Entry[Positive], _unit("output")]
    live_registers: Annotated[Entry[Positive], _unit("register")]
    constants_per_program: Annotated[Entry[Positive], _unit("constant")]

    @model_validator(mode="after")
    def _widths(self) -> Microcode:
        word, product, message = self.word_bits.value, self.product_bits.value, self.message_bits.value
        if not message <= word <= product:
            raise ValueError(f"message_bits <= word_bits <= product_bits does not hold: {message}, {word}, {product}")
        if product < 2 * word:
            raise ValueError(f"a product of two words of {word} bits needs {2 * word} product_bits, not {product}")
        return self

    def limits(self) -> dict[str, int]:
        """The bare numbers by name, as the microcode's verifier takes them."""
        return {name: getattr(self, name).value for name in type(self).model_fields}


class Learning(Record):
    """The on-chip learning engine, ``dz = sum_i D_i * S_i * prod_j F_ij`` for z in w (weight), d (tag 2), t (tag 1).

    ``S = mantissa * 2**exponent``. Before the exponent applies, each product is shifted right by
    ``max(0, sum of its factors' widths + scaling_mantissa_bits - (accumulator_bits - 1))``. A spike (x0, y0) is
    ``spike_width`` wide, a trace ``trace_bits``, and w, d, t and sgn(.) are ``variable_width`` wide.
    """

    weight: Levels
    weight_excitatory: Levels
    weight_inhibitory: Levels
    tag_1: Levels
    tag_2: Levels
    trace_bits: Bits
    trace_fraction_bits: Bits
    x_traces: Annotated[Entry[Positive], _unit("trace")]
    y_traces: Annotated[Entry[Positive], _unit("trace")]
    spike_width: Bits
    variable_width: Bits
    constant_bits: Bits
    mantissa: Levels
    exponent: Exponents
    accumulator_bits: Bits
    max_epoch: Steps
    max_decimation: Annotated[Entry[NonNegative], _unit("exponent of 2")]
    products_per_rule: Annotated[Entry[Positive], _unit("product")]
    factors_per_product: Annotated[Entry[Positive], _unit("factor")]
    # What is not settled, or differs between Lava and a chip, is a switch: a board run may turn it.
    scaling_mantissa_bits: Annotated[Entry[Literal[3, 4]], _unit("bit")]
    rounding_draw: Annotated[Entry[Literal["synapse", "epoch"]], _unit("switch")]
    trace_decay: Annotated[Entry[Literal["exponential", "linear"]], _unit("switch")]
    y_signed: Switch
    even_constants: Switch
    single_decimation: Switch
    tag_2_is_free: Switch
    third_factor: Annotated[Entry[Literal["neuron", "embedded_processor"]], _unit("switch")]

    @model_validator(mode="after")
    def _ranges(self) -> Learning:
        width = self.variable_width.value
        low, high = -(2 ** (width - 1)), 2 ** (width - 1) - 1
        for name in ("weight", "weight_excitatory", "weight_inhibitory", "tag_1", "tag_2"):
            stored = getattr(self, name).value
            if stored[0] < low or stored[1] > high:
                raise ValueError(f"{name} {list(stored)} does not fit in variable_width = {width} signed bits")
        return self


class EnergyTable(Record):
    """Energy of one operation, and the power that flows whether or not anything happens."""

    synaptic_operation: Energy
    synaptic_update: Energy
    neuron_update_active: Energy
    neuron_update_inactive: Energy
    spike_within_tile: Energy
    hop_east_west: Energy
    hop_north_south: Energy
    static_power_per_chip: Power
    embedded_power_per_chip: Power


class TimeTable(Record):
    """Time of one operation; the barrier ends each step, and takes longer the more tiles take part."""

    synaptic_operation: Time
    synaptic_update: Time
    neuron_update_active: Time
    neuron_update_inactive: Time
    spike_within_tile: Time
    hop_east_west: Time
    hop_north_south: Time
    barrier_one_tile: Time
    barrier_32_tiles: Time


class Profile(Record):
    """A chip as this project plans for it; ``microcode``, ``energy`` and ``time`` are None where none is known."""

    hardware_profile: Literal[1]
    name: Name
    title: Text
    retrieved: date
    references: dict[str, Reference]
    chip: Chip
    core: Core
    synapses: Synapses
    lif: Lif
    microcode: Microcode | None
    learning: Learning
    energy: EnergyTable | None
    time: TimeTable | None

    @model_validator(mode="after")
    def _sources(self) -> Profile:
        cited = set()
        for path, entry in self.entries():
            if entry.basis == "assumed":
                continue
            key = entry.source.split(",")[0].strip()
            if key not in self.references:
                raise ValueError(f"{path}: a {entry.basis} source must begin with a key of references, not {key!r}")
            cited.add(key)
        if unused := sorted(set(self.references) - cited):
            raise ValueError(f"references that no entry cites: {', '.join(unused)}")
        return self

    @model_validator(mode="after")
    def _same_delay(self) -> Profile:
        if self.microcode is not None and self.microcode.max_delay.value != self.lif.max_delay.value:
            raise ValueError("lif.max_delay and microcode.max_delay describe the same synapses and must be equal")
        return self

    def entries(self) -> Iterator[tuple[str, Entry[Any]]]:
        """All facts with their dotted paths, e.g. ``core.compartments``, in the file's order."""
        for section in type(self).model_fields:
            record = getattr(self, section)
            if isinstance(record, Record):
                for name in type(record).model_fields:
                    yield f"{section}.{name}", getattr(record, name)

    @property
    def sha256(self) -> str:
        """Hash of the content: the same for files that differ only in layout, comments or the order of keys."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).hexdigest()
