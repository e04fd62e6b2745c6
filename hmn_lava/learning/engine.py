"""The widths, ranges and open questions of a learning engine, as one record: Lava's, or a hardware profile's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from hmn_lava.errors import InputError
from hmn_lava.hardware_profiles import Profile
from hmn_lava.learning.records import SPIKES, TRACES

SignMode = Literal["mixed", "excitatory", "inhibitory"]
SIGN_MODES: tuple[SignMode, ...] = ("mixed", "excitatory", "inhibitory")


@dataclass(frozen=True)
class Levels:
    """The integers that a synaptic variable may hold: low, low + step, ..., high. ``step`` is a power of 2."""

    low: int
    high: int
    step: int = 1


@dataclass(frozen=True)
class Engine:
    """What the integers of :class:`hmn_lava.learning.connection.LearningConnection` are made of.

    The product of the factors is shifted right by ``max(0, sum of factor widths + scaling_mantissa_bits -
    (accumulator_bits - 1))`` (the implicit down-scaling), then left by the exponent, and added to the variable in an
    accumulator whose unit is ``2**-alignment``.
    """

    weights: Mapping[str, Levels]
    """By sign mode."""
    start_step: Mapping[str, int]
    """Starting weights are cut to a multiple of this (by sign mode)."""
    tag_1: Levels
    tag_2: Levels
    accumulator: tuple[int, int]
    accumulator_bits: int = 16
    variable_width: int = 9
    trace_bits: int = 7
    spike_width: int = 1
    fraction_bits: int = 8
    scaling_mantissa_bits: int = 4
    decay: Literal["exponential", "linear"] = "exponential"
    y_range: tuple[int, int] | None = None
    """Supplied y traces are clipped to this range, which their bAP leaves alone; None.

    Not clipped, and to 0..127 by a bAP.
    """
    drops_zeros: bool = False
    """Whether sparse synaptic variables that are zero at the start (once cut to their step) do not exist."""

    @cached_property
    def widths(self) -> dict[str, int]:
        """Bits of each factor."""
        traces = dict.fromkeys(TRACES, self.trace_bits)
        return dict.fromkeys(SPIKES, self.spike_width) | traces | dict.fromkeys(("w", "d", "t"), self.variable_width)

    @property
    def alignment(self) -> int:
        """Fractional bits of the accumulator."""
        return self.accumulator_bits - self.variable_width

    @property
    def trace_high(self) -> int:
        return (1 << self.trace_bits) - 1

    def levels(self, name: str, sign_mode: str) -> Levels:
        """The range of ``weights``, ``tag_1`` or ``tag_2``. Raises InputError for a sign mode that is none."""
        if sign_mode not in self.weights:
            remedy = f"one of: {', '.join(SIGN_MODES)}"
            raise InputError("no such sign mode", field="sign_mode", value=sign_mode, remedy=remedy)
        if name == "weights":
            return self.weights[sign_mode]
        return self.tag_1 if name == "tag_1" else self.tag_2

    @classmethod
    def of(cls, profile: Profile) -> Engine:
        """The engine of a hardware profile: section ``learning``, with its switches."""
        learning = profile.learning
        weight_bits = profile.lif.weight_bits.value
        ranges = dict(
            zip(SIGN_MODES, (learning.weight, learning.weight_excitatory, learning.weight_inhibitory), strict=True)
        )
        weights: dict[str, Levels] = {}
        for mode, entry in ranges.items():
            low, high = entry.value
            weights[mode] = Levels(low, high, max(1, (high - low) // ((1 << weight_bits) - 1)))
        trace_high = (1 << learning.trace_bits.value) - 1
        return cls(
            weights=weights,
            start_step={mode: levels.step for mode, levels in weights.items()},
            tag_1=Levels(*learning.tag_1.value),
            tag_2=Levels(*learning.tag_2.value),
            accumulator=(
                -(1 << (learning.accumulator_bits.value - 1)),
                (1 << (learning.accumulator_bits.value - 1)) - 1,
            ),
            accumulator_bits=learning.accumulator_bits.value,
            variable_width=learning.variable_width.value,
            trace_bits=learning.trace_bits.value,
            spike_width=learning.spike_width.value,
            fraction_bits=learning.trace_fraction_bits.value,
            scaling_mantissa_bits=learning.scaling_mantissa_bits.value,
            decay=learning.trace_decay.value,
            y_range=(-trace_high - 1 if learning.y_signed.value else 0, trace_high),
        )


LAVA = Engine(
    weights={"mixed": Levels(-256, 255), "excitatory": Levels(0, 255), "inhibitory": Levels(-255, 0)},
    start_step={"mixed": 2, "excitatory": 1, "inhibitory": 1},
    tag_1=Levels(-257, 255),
    tag_2=Levels(0, 255),
    accumulator=(-32769, 32767),
    drops_zeros=True,
)
"""lava-nc 0.10.0 as it runs in fixed point.

Mixed weights may become odd, tag 1 and the accumulator reach one below their width.
"""
