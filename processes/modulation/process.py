"""The third factor of plastic synapses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hmn_lava.partition import Part
from hmn_lava.parts.given import given_part
from hmn_lava.parts.modulation import modulation_part
from hmn_lava.processes.base.component import Component
from hmn_lava.reference.parts import FloatPart


class Neuromodulator(Component):
    """The third factor ``η_l + η_g G'`` of neuromodulators, ``G' = Σ_k γ_k w_k E_k``.

    * E_k: what arrives; for a ``reward`` r it is r - m, with the running mean m ← m + κ (r - m).
    * γ_k: 1, or with attention the softmax over k of ``β g(E_k q_k, C)``, where g(a, b) = <a, b>/(|a| |b|) and C is the
      running mean of the context that arrives, C ← (1 - κ_C) C + κ_C context.

    Ports, all of shape (1,), with integers in ``formats`` (``floating_pt``: real numbers): ``e_<name>_in`` for each
    modulator; with attention ``context_<d>_in`` for each of its dimensions; ``third_out``, one step after what it is
    made of was sent.

    Vars: states ``mean_<name>`` = m, ``C_<d>``; constants ``eta_local``, ``eta_global``, ``weight_<name>``,
    ``mean_rate_<name>``, ``key_<name>_<d>`` (unit vectors), ``beta_g``, ``context_rate``, ``context_gain``.

    ``fixed_pt``: without attention within a few units of the format of ``third_out`` and the rounding of the weights;
    with it as docs/numerics.md says of ``G``.

    Source: HMN paper, eqs. (3), (6), (10) and (11).

    >>> dopamine = {"type": "reward", "range": (-1.0, 1.0), "mean_rate": 0.05, "on": "delivery"}
    >>> modulator = Neuromodulator(modulators={"dopamine": dopamine}, eta_global=0.1)
    >>> modulator.e_dopamine_in.shape, modulator.third_out.shape
    ((1,), (1,))
    """

    def __init__(
        self,
        *,
        modulators: Mapping[str, Mapping[str, Any]] | None = None,
        eta_local: float = 0.0,
        eta_global: float = 1.0,
        attention: Mapping[str, Any] | None = None,
        name: str | None = None,
        part: Part | None = None,
        equations: FloatPart | None = None,
        **kwargs: Any,
    ) -> None:
        """The third factor of these modulators; of none, it is η_l.

        :param modulators: name → ``type`` (``input`` or ``reward``), ``weight`` w_k, ``key`` q_k (D,), ``range`` of
            what arrives ((low, high), a format, or what another Process sends), and of a reward ``mean_rate`` κ and
            ``on`` (``every_step``, or ``delivery``: only where it is not 0).
        :param eta_local: η_l, from 0. ``eta_global``: η_g, from 0.
        :param attention: ``beta``, ``dimensions`` D, ``rate`` κ_C, ``context_range`` of a context's component.
        :param part: the third factor of a compiled network in place of all these.
        :raises InputError: for an argument that is wrong, or too large for the chip's words.
        :raises FitError: for one that is lost in the chip's integers.
        """
        if part is None:
            part, equations = modulation_part(
                modulators,
                eta_local=eta_local,
                eta_global=eta_global,
                attention=attention,
                name=name or "neuromodulator",
            )
        super().__init__(part=given_part(part, name or "neuromodulator"), equations=equations, name=name, **kwargs)
