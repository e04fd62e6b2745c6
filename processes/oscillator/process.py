"""The oscillator of a phase gate."""

from __future__ import annotations

from typing import Any

from hmn_lava.errors import InputError
from hmn_lava.partition import Part
from hmn_lava.parts.given import given_part
from hmn_lava.parts.oscillator import oscillator_part
from hmn_lava.processes.base.component import Component
from hmn_lava.reference.parts import FloatPart


class Oscillator(Component):
    """A wave of phase ``Φ(t) = 2π (t - delay) / period + phase``, in rad; t counts Lava's steps from 0.

    Ports, of shape (1,), with 16 fractional bits in ``fixed_pt``: ``gate_out`` sends max(0, cos Φ); with ``waves``
    instead ``cos_out`` and ``sin_out`` send cos Φ and sin Φ, of which a :class:`PhaseGate`, or synapses with a phase
    each, make their own gates.

    Vars: the state ``count`` (1,), steps modulo the period; constants ``period`` and ``turns_per_step`` = 1/period.

    ``fixed_pt`` is within 3.9·10⁻⁶ of the wave plus 2π times the rounding of the count; a period that the counter does
    not hold exactly (12.3, but not 12.5) drifts by its rounding in each turn.

    Source: HMN paper, eq. (4).

    >>> oscillator = Oscillator(period=20.0)
    >>> oscillator.gate_out.shape, str(oscillator.formats["gate_out"])
    ((1,), 'u17.16')
    """

    def __init__(
        self,
        *,
        period: float | None = None,
        phase: float = 0.0,
        waves: bool = False,
        delay: int = 0,
        name: str | None = None,
        part: Part | None = None,
        equations: FloatPart | None = None,
        **kwargs: Any,
    ) -> None:
        """An oscillator.

        :param period: P in steps, above 0.
        :param phase: Φ(delay), rad.
        :param waves: send cos Φ and sin Φ.
        :param delay: steps by which it is late, so as to meet an update that is (``HMNConnection.update_delay``).
        :param part: the oscillator of a compiled network in place of all these.
        :raises InputError: for an argument that is wrong.
        """
        if part is None:
            if period is None:
                raise InputError("is missing", where=name or "oscillator", field="period", remedy="give it, in steps")
            part, equations = oscillator_part(period, phase, waves=waves, delay=delay, name=name or "oscillator")
        super().__init__(part=given_part(part, name or "oscillator"), equations=equations, name=name, **kwargs)
