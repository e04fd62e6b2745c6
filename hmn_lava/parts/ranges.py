"""What a port may carry, as a user says it: a range of real numbers, spikes, a format, or what another part sends."""

from __future__ import annotations

import math
from typing import Literal

from hmn_lava.components.neuron import Z_SPIKE
from hmn_lava.components.port import Port
from hmn_lava.errors import InputError
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.ir import WORD
from hmn_lava.microcode.ranges import WORD_RANGE

Range = tuple[float, float] | Literal["spike"] | Fixed | Port
"""(low, high): real bounds, in the finest format of 16 bits. ``"spike"``: 0 or 1. A format: all that it holds. A port:
exactly the integers that another part sends (``neuron.sends["s_out"]``)."""

BITS = 16
SPIKE = Port(Z_SPIKE, (0, 1))


def port_of(given: Range, field: str, bits: int = BITS) -> Port:
    """The format of a port and the bounds of its integers; zero is among them, as a port reads 0 if nothing is sent.

    Raises InputError for anything that is no range.
    """
    if isinstance(given, Port):
        return given
    if isinstance(given, Fixed):
        top = min(given.max, WORD_RANGE[1])
        return Port(given, (-top if given.signed else 0, top))
    if isinstance(given, str):
        if given == "spike":
            return SPIKE
        raise InputError("is no range", field=field, value=given, remedy='use (low, high), or "spike"')
    low, high = _pair(given, field)
    format = Fixed.fitting(low, high, bits)
    ends = [int(n) for n in format.quantise([low, high])]
    return Port(format, (min(0, ends[0]), max(0, ends[1])))


def real_bounds(port: Port) -> tuple[float, float]:
    """The bounds of a port in real numbers."""
    low, high = port.format.real(port.bounds)
    return float(low), float(high)


def word_at(frac: int) -> Fixed:
    """The format of a word with ``frac`` fractional bits."""
    return Fixed(WORD, True, frac)


def _pair(given: object, field: str) -> tuple[float, float]:
    try:
        low, high = (float(end) for end in given)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise InputError("is no range", field=field, value=given, remedy="use (low, high)") from None
    if not (math.isfinite(low) and math.isfinite(high)):
        raise InputError("is not finite", field=field, value=(low, high), remedy="use two finite numbers")
    if low >= high:
        raise InputError(
            "lower bound is not below the upper bound", field=field, value=(low, high), remedy="use low < high"
        )
    return low, high
