"""Plastic synapses: one compartment each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import ArrayLike

from hmn_lava.errors import InputError
from hmn_lava.fixed import Fixed
from hmn_lava.partition import Part
from hmn_lava.parts.connection import connection_part
from hmn_lava.parts.given import given_part
from hmn_lava.parts.ranges import Range
from hmn_lava.processes.base.component import Component
from hmn_lava.reference.parts import FloatPart


class HMNConnection(Component):
    """Synapses that learn by the HMN rule, in the place of Lava's Dense.

    ``a_j = Σ_i w_ij x_i`` leaves one step after x has come, as from Dense. Then, in each step,

    * traces (2): ``ψ ← x_i z_j`` at a coincidence (x_i z_j ≠ 0), else ``λ ψ`` (mode ``replacing``), or ``ψ ← λ ψ +
      x_i z_j`` (``accumulating``), with λ = exp(-1/τ); e = ψ_fast + ψ_slow;
    * attention (8): ``ẽ = α e``, where α = score · ``reciprocal_in``, else ẽ = e;
    * update (3): ``Δw = third · ẽ``, where ``third_in`` brings η_l + η_g G';
    * phase gate (4): times ``gate_in``, or with a phase φ_ij per synapse times max(0, cos Φ cos φ + sin Φ sin φ);
    * probabilistic gate (5): kept with probability σ(β_p (|Δw| - θ_p)), else 0;
    * ``w ← clip(w + Δw, w_min, w_max)``.

    What belongs together. z answers to the x of ``learn_delay`` steps before: 1 for Lava's LIF or an
    :class:`HMNNeuron`, 3 for one that competes. A third factor leaves a :class:`Neuromodulator` one step after its
    messages were sent, and waits here for z. The weights change ``update_delay`` steps after x was read, which is
    ``learn_delay``, and 3 more with attention; an :class:`Oscillator` with that ``delay`` is at the phase of the step
    of x.

    Ports, with integers in ``formats`` (``floating_pt``: real numbers): ``s_in`` (n_pre,), ``z_in`` (n_post,),
    ``third_in`` (1,), ``a_out`` (n_post,). Phase gate ``shared``: ``gate_in`` (1,); ``per_synapse``: ``cos_in`` and
    ``sin_in`` (1,). With attention: ``direction_<d>_in`` and ``reciprocal_in`` (n_post,), ``score_out`` (n_post,).

    Vars: ``weights``, ``psi_fast``, ``psi_slow`` (n_post, n_pre), or (n_syn,) of a sparse topology; constants
    ``psi_fast_decay`` and ``psi_slow_decay`` = λ, ``beta_p``, ``threshold``, ``cos_phase`` and ``sin_phase`` (n_syn,).
    Setting one takes effect in the next step. ``part.group.program`` tells the formats of ``fixed_pt``.

    ``fixed_pt`` runs the program of a compiled network's synapse. One step of it is as near to the equations as
    docs/numerics.md says: traces 1.5 units, Δw half a unit and the rounding of its factors.

    Source: HMN paper, eqs. (2) to (5), (8), (9) and appendix 10.1.

    >>> import numpy as np
    >>> synapses = HMNConnection(weights=np.zeros((2, 3)), bounds=(-1.0, 1.0), tau_fast=10.0, tau_slow=100.0)
    >>> synapses.s_in.shape, synapses.z_in.shape, synapses.a_out.shape, synapses.psi_slow.shape
    ((3,), (2,), (2,), (2, 3))
    """

    def __init__(
        self,
        *,
        weights: Any = None,
        bounds: tuple[float, float] = (-1.0, 1.0),
        tau_fast: float = 5.0,
        tau_slow: float | None = None,
        mode: str = "replacing",
        x_range: Range = "spike",
        z_range: Range = "spike",
        third: Range = (-1.0, 1.0),
        learn_delay: int = 1,
        delays: ArrayLike = 0,
        topology: ArrayLike | None = None,
        phase: str = "none",
        phi: ArrayLike = 0.0,
        beta_p: float | None = None,
        theta_p: float = 0.0,
        attention: Mapping[str, Any] | None = None,
        a_format: Fixed | None = None,
        seed: int = 0,
        name: str | None = None,
        part: Part | None = None,
        equations: FloatPart | None = None,
        **kwargs: Any,
    ) -> None:
        """Synapses between all pairs of neurons, or those of a topology.

        :param weights: starting weights (n_post, n_pre), inside bounds; a scipy.sparse matrix brings its topology.
        :param bounds: (w_min, w_max).
        :param tau_fast: time constant of ψ_fast in steps; ``tau_slow`` that of ψ_slow, None: no slow trace.
        :param mode: ``replacing`` or ``accumulating``.
        :param x_range: what s_in brings: ``"spike"`` (0 or 1), (low, high), a format, or what another Process sends.
        :param z_range: what z_in brings; likewise ``third``, what third_in brings.
        :param learn_delay: steps by which z_in is behind s_in.
        :param delays: steps that x waits, a number or (n_post, n_pre), 0 to 62.
        :param topology: 0/1 mask (n_post, n_pre), or list (2, n_syn) of post and pre.
        :param phase: ``none``, ``shared`` or ``per_synapse``.
        :param phi: preferred phases of ``per_synapse``, rad, broadcastable to (n_post, n_pre).
        :param beta_p: of the probabilistic gate; None: no such gate. ``theta_p`` its threshold.
        :param attention: ``beta``, ``dimensions``, ``embedding`` (n_pre, D); None: no attention.
        :param a_format: format of a_out; None: the finest that the worst case fits.
        :param seed: of the gate's draws. Two Processes with the same seed draw the same numbers.
        :param part: synapses of a compiled network in place of all these.
        :raises InputError: for an argument that is wrong, or too large for the chip's words.
        :raises FitError: for one that is lost in the chip's integers.
        """
        if part is None:
            if weights is None:
                raise InputError(
                    "is missing", where=name or "connection", field="weights", remedy="give (n_post, n_pre)"
                )
            part, equations = connection_part(
                weights,
                bounds,
                tau_fast=tau_fast,
                tau_slow=tau_slow,
                mode=mode,
                x_range=x_range,
                z_range=z_range,
                third=third,
                learn_delay=learn_delay,
                delays=delays,
                topology=topology,
                phase=phase,
                phi=phi,
                beta_p=beta_p,
                theta_p=theta_p,
                attention=attention,
                a_format=a_format,
                seed=seed,
                name=name or "connection",
            )
        super().__init__(part=given_part(part, name or "connection"), equations=equations, name=name, **kwargs)
        self.update_delay = update_delay(part)


def update_delay(part: Part) -> int | None:
    """Steps from x being read to the change of a weight; None where nothing learns, or synapses differ."""
    late = {int(d) for link in part.network.links if link.target[1] == "x_learn" for d in link.delay}
    now = {int(d) for link in part.network.links if link.target[1] == "x" for d in link.delay}
    return max(late) - max(now) if late else None
