"""Eligibility traces, without the synapses that have them."""

from __future__ import annotations

from typing import Any

from hmn_lava.partition import Part
from hmn_lava.parts.given import given_part
from hmn_lava.parts.ranges import Range
from hmn_lava.parts.trace import trace_part
from hmn_lava.processes.base.component import Component
from hmn_lava.reference.parts import FloatPart


class EligibilityTrace(Component):
    """Traces of the coincidence of x and z, for each of n pairs: ``e = ψ_fast + ψ_slow``.

    ``replacing``: ``ψ ← x z`` where x z ≠ 0, else ``λ ψ``. ``accumulating``: ``ψ ← λ ψ + x z``. λ = exp(-1/τ).

    Ports, all of shape (n,), with integers in ``formats`` (``floating_pt``: real numbers): ``s_in`` reads x, ``z_in``
    reads z, and ``e_out`` sends e, one step after z was sent.

    Vars: states ``psi_fast`` and ``psi_slow`` (n,), constants ``psi_fast_decay`` and ``psi_slow_decay`` = λ.

    ``fixed_pt`` has the integers of a synapse's traces. One step is within 1.5 units of the equation and the rounding
    of λ, as a decay rounds towards zero.

    Source: HMN paper, eq. (2) and appendix 10.1.

    >>> trace = EligibilityTrace(shape=(8,), tau_fast=10.0, tau_slow=100.0)
    >>> trace.s_in.shape, trace.e_out.shape
    ((8,), (8,))
    """

    def __init__(
        self,
        *,
        shape: tuple[int] | int | None = None,
        tau_fast: float = 5.0,
        tau_slow: float | None = None,
        mode: str = "replacing",
        x_range: Range = "spike",
        z_range: Range = "spike",
        learn_delay: int = 0,
        name: str | None = None,
        part: Part | None = None,
        equations: FloatPart | None = None,
        **kwargs: Any,
    ) -> None:
        """Traces of ``shape`` pairs.

        :param shape: (n,).
        :param tau_fast: time constant of ψ_fast in steps; ``tau_slow`` that of ψ_slow, None: no slow trace.
        :param mode: ``replacing`` or ``accumulating``.
        :param x_range: what s_in brings: ``"spike"`` (0 or 1), (low, high), a format, or what another Process sends;
            ``z_range`` what z_in brings.
        :param learn_delay: steps by which z_in is behind s_in.
        :param part: traces made before, in place of all these.
        :raises InputError: for an argument that is wrong, or too large for the chip's words.
        :raises FitError: for one that is lost in the chip's integers.
        """
        if part is None:
            part, equations = trace_part(
                shape,
                tau_fast,
                tau_slow,
                mode,
                x_range=x_range,
                z_range=z_range,
                learn_delay=learn_delay,
                name=name or "trace",
            )
        super().__init__(part=given_part(part, name or "trace"), equations=equations, name=name, **kwargs)
