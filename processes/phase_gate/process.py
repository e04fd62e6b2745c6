"""The phase gate of the waves of an oscillator."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from hmn_lava.partition import Part
from hmn_lava.parts.given import given_part
from hmn_lava.parts.oscillator import phase_gate_part
from hmn_lava.processes.base.component import Component
from hmn_lava.reference.parts import FloatPart


class PhaseGate(Component):
    """``gate_k = max(0, cos(Φ - φ_k))`` for n preferred phases φ, of the waves cos Φ and sin Φ of an Oscillator.

    Ports, with 16 fractional bits in ``fixed_pt``: ``cos_in`` and ``sin_in`` (1,), ``gate_out`` (n,), one step after
    the waves were sent.

    Vars: constants ``cos_phase`` and ``sin_phase`` (n,). ``fixed_pt`` is within √2 (3.82·10⁻⁶ + 2⁻¹⁶) + 2·2⁻¹⁶ of the
    equation.

    Source: HMN paper, eq. (4).

    >>> gate = PhaseGate(phi=[0.0, 1.5, 3.0])
    >>> gate.cos_in.shape, gate.gate_out.shape
    ((1,), (3,))
    """

    def __init__(
        self,
        *,
        phi: ArrayLike | None = None,
        name: str | None = None,
        part: Part | None = None,
        equations: FloatPart | None = None,
        **kwargs: Any,
    ) -> None:
        """A gate for each phase.

        :param phi: (n,), rad.
        :param part: gates made before, in place of it.
        :raises InputError: for phases that are no vector of finite numbers.
        """
        if part is None:
            part, equations = phase_gate_part([] if phi is None else phi, name=name or "phase_gate")
        super().__init__(part=given_part(part, name or "phase_gate"), equations=equations, name=name, **kwargs)
