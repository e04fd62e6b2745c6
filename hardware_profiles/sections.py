"""What a profile says of the hardware: its limits, its formats and the switches of what is not settled."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import model_validator

from hmn_lava.hardware_profiles.entries import (
    BitChoices,
    Bits,
    Entry,
    Exponents,
    Level,
    Levels,
    Memory,
    NonNegative,
    Positive,
    Record,
    Shift,
    ShiftWidth,
    Steps,
    Switch,
    unit,
)

MOST_CORES, MOST_TILES = 2**24, 2**16
"""Cores of a system (also chips of its mesh, and seats of a chip) and tiles of a chip: placement goes through them all.
Hala Point, the largest system that was built, has 140,544 cores, and Loihi 32 tiles."""


class System(Record):
    """How many chips there are, and the mesh of columns and rows in which they lie; the last row may be incomplete."""

    chips: Annotated[Entry[Positive], unit("chip")]
    chip_columns: Annotated[Entry[Positive], unit("chip")]
    chip_rows: Annotated[Entry[Positive], unit("chip")]

    @model_validator(mode="after")
    def _room(self) -> System:
        columns, rows, chips = self.chip_columns.value, self.chip_rows.value, self.chips.value
        if columns * rows < chips:
            raise ValueError(f"{columns} columns and {rows} rows have room for {columns * rows} chips, not for {chips}")
        if columns * rows > MOST_CORES:
            raise ValueError(
                f"{columns} columns and {rows} rows of chips are more than the {MOST_CORES} that can be planned"
            )
        return self


class Chip(Record):
    """One chip: the cores that a network may use, the mesh of tiles in which they lie, and the embedded processors."""

    cores_per_chip: Annotated[Entry[Positive], unit("core")]
    cores_per_tile: Annotated[Entry[Positive], unit("core")]
    tile_columns: Annotated[Entry[Positive], unit("tile")]
    tile_rows: Annotated[Entry[Positive], unit("tile")]
    embedded_processors: Annotated[Entry[NonNegative], unit("processor")]
    embedded_counters: Annotated[Entry[NonNegative], unit("counter")]

    @model_validator(mode="after")
    def _room(self) -> Chip:
        tiles = self.tile_columns.value * self.tile_rows.value
        room, cores = tiles * self.cores_per_tile.value, self.cores_per_chip.value
        if room < cores:
            raise ValueError(
                f"{tiles} tiles of {self.cores_per_tile.value} cores have room for {room} cores, not for {cores}"
            )
        if tiles > MOST_TILES:
            raise ValueError(f"{tiles} tiles are more than the {MOST_TILES} that can be planned")
        if room > MOST_CORES:
            raise ValueError(
                f"{tiles} tiles of {self.cores_per_tile.value} cores are more than the {MOST_CORES} that can be planned"
            )
        return self


class Core(Record):
    """Limits of one neurocore, whatever runs on it.

    ``state_memory`` holds the state words of its programmed compartments, ``program_memory`` the instructions of all
    its programs. Both are None on a chip without microcode, where a compartment has a fixed place of its own.
    """

    compartments: Annotated[Entry[Positive], unit("compartment")]
    state_memory: Memory | None = None
    program_memory: Annotated[Entry[Positive], unit("instruction")] | None = None
    synaptic_memory: Memory
    input_axons: Annotated[Entry[Positive], unit("axon")]
    output_axons: Annotated[Entry[Positive], unit("axon")]
    compartment_configurations: Annotated[Entry[Positive], unit("configuration")]
    threshold_configurations: Annotated[Entry[Positive], unit("configuration")]
    synapse_configurations: Annotated[Entry[Positive], unit("configuration")]
    learning_configurations: Annotated[Entry[Positive], unit("configuration")]


class Synapses(Record):
    """How synapses lie in the synaptic memory."""

    word_bits: Bits
    header_bits: Bits
    weight_bits: BitChoices
    index_bits: BitChoices
    learning_axon_slots: Annotated[Entry[Positive], unit("axon")]


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
    instructions_per_program: Annotated[Entry[Positive], unit("instruction")]
    state_words_per_compartment: Annotated[Entry[Positive], unit("word")]
    inputs_per_compartment: Annotated[Entry[Positive], unit("input")]
    outputs_per_compartment: Annotated[Entry[Positive], unit("output")]
    live_registers: Annotated[Entry[Positive], unit("register")]
    constants_per_program: Annotated[Entry[Positive], unit("constant")]

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
    x_traces: Annotated[Entry[Positive], unit("trace")]
    y_traces: Annotated[Entry[Positive], unit("trace")]
    spike_width: Bits
    variable_width: Bits
    constant_bits: Bits
    mantissa: Levels
    exponent: Exponents
    accumulator_bits: Bits
    max_epoch: Steps
    max_decimation: Annotated[Entry[ShiftWidth], unit("exponent of 2")]
    products_per_rule: Annotated[Entry[Positive], unit("product")]
    factors_per_product: Annotated[Entry[Positive], unit("factor")]
    # What is not settled, or differs between Lava and a chip, is a switch: a board run may turn it.
    scaling_mantissa_bits: Annotated[Entry[Literal[3, 4]], unit("bit")]
    rounding_draw: Annotated[Entry[Literal["synapse", "epoch"]], unit("switch")]
    trace_decay: Annotated[Entry[Literal["exponential", "linear"]], unit("switch")]
    y_signed: Switch
    even_constants: Switch
    single_decimation: Switch
    tag_2_is_free: Switch
    third_factor: Annotated[Entry[Literal["neuron", "embedded_processor"]], unit("switch")]

    @model_validator(mode="after")
    def _ranges(self) -> Learning:
        width = self.variable_width.value
        low, high = -(2 ** (width - 1)), 2 ** (width - 1) - 1
        for name in ("weight", "weight_excitatory", "weight_inhibitory", "tag_1", "tag_2"):
            stored = getattr(self, name).value
            if stored[0] < low or stored[1] > high:
                raise ValueError(f"{name} {list(stored)} does not fit in variable_width = {width} signed bits")
        return self
