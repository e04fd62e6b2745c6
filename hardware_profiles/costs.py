"""What one operation costs: energy in pJ, time in ns, and the powers in mW that flow whatever happens."""

from __future__ import annotations

from typing import Annotated

from pydantic import model_validator

from hmn_lava.hardware_profiles.entries import Entry, Real, Record, unit


class Estimate(Entry[Real]):
    """An energy, power or time. An assumed one has a ``low`` and a ``high``: nothing made of it is a bare number."""

    low: Real | None = None
    high: Real | None = None

    @model_validator(mode="after")
    def _bounds(self) -> Estimate:
        if self.basis == "assumed" and (self.low is None or self.high is None):
            raise ValueError("an assumed estimate needs both low and high")
        low, value, high = self.span
        if not low <= value <= high:
            raise ValueError(f"low <= value <= high does not hold: {low}, {value}, {high}")
        return self

    @property
    def span(self) -> tuple[float, float, float]:
        """(low, value, high); an end that is not given is the value."""
        low, high = self.low, self.high
        return self.value if low is None else low, self.value, self.value if high is None else high


Energy = Annotated[Estimate, unit("pJ")]
Power = Annotated[Estimate, unit("mW")]
Time = Annotated[Estimate, unit("ns")]


class EnergyTable(Record):
    """Energy of one operation, and the power that flows whether or not anything happens.

    A built-in neuron takes ``neuron_update_*``; a programmed one takes ``microcode_instruction`` for each instruction
    instead. Learning takes ``learning_*``; ``synaptic_update`` is the published whole for pairwise STDP, which is two
    products and a write.
    """

    synaptic_operation: Energy
    synaptic_update: Energy
    neuron_update_active: Energy
    neuron_update_inactive: Energy
    spike_within_tile: Energy
    hop_east_west: Energy
    hop_north_south: Energy
    hop_between_chips: Energy
    microcode_instruction: Energy | None = None
    learning_trace_update: Energy
    learning_product: Energy
    learning_write: Energy
    embedded_message: Energy
    static_power_per_chip: Power
    embedded_power_per_chip: Power


class TimeTable(Record):
    """Time of one operation, in the unit that does it; the barrier that ends each step; the management phase.

    The barrier takes longer the more tiles take part; ``barrier_between_chips`` is added if more than one chip does.
    """

    synaptic_operation: Time
    synaptic_update: Time
    neuron_update_active: Time
    neuron_update_inactive: Time
    spike_within_tile: Time
    hop_east_west: Time
    hop_north_south: Time
    hop_between_chips: Time
    microcode_instruction: Time | None = None
    learning_trace_update: Time
    learning_product: Time
    learning_write: Time
    embedded_message: Time
    barrier_one_tile: Time
    barrier_32_tiles: Time
    barrier_between_chips: Time
    management: Time
