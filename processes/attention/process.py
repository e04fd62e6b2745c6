"""Local attention: the share of each synapse in what its neuron learns."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from hmn_lava.partition import Part
from hmn_lava.parts.given import given_part
from hmn_lava.parts.local_attention import local_attention_part
from hmn_lava.parts.ranges import Range
from hmn_lava.processes.base.process import HMNProcess
from hmn_lava.reference.parts import FloatPart


class LocalAttention(HMNProcess):
    """Local attention: the share of each synapse in what its neuron learns.

    α_ij = exp(β g_ij) / Σ_l exp(β g_lj), g_ij = <x_i r_i, c_j> / (‖x_i r_i‖ ‖c_j‖), c_j ← (1 - κ) c_j + κ z_j k_j

    * x_i, z_j: activity before and behind the synapse; r_i: ``embedding`` (n_pre, D); k_j: ``key`` (n_post, D)
    * c_j: local context, with κ = ``context_rate``; β: ``beta``; g is 0 where a norm is 0

    Ports: ``s_in`` (n_pre,) brings x, ``z_in`` (n_post,) z of the same step; ``alpha_out`` (n_syn,) sends α row by row,
    4 steps after that step: n_post * n_pre shares, or those of the synapses in ``topology``. What it sends in the first
    4 steps means nothing.

    Vars: ``alpha`` (n_post, n_pre), or (n_syn,) where some synapses are missing; ``c_<d>`` (n_post,) the context. In
    fixed point also ``score_1``, ``score_2``, a score on its way, and the constants ``rate``, ``key_<d>``,
    ``embedding_<d>`` (unit vectors) and ``beta_a``, or ``score_opposed`` and ``score_neutral`` where D = 1.

    Formats: ``formats``; x and z as their ranges ask for, c with 22 bits, α without a sign, the finer the smaller it
    must be. α is within e^(2β) (10⁻⁵ + u) + 2⁻¹⁵ of the equation on the same x and z, where u is the unit of a score's
    message: 2⁻²⁰, or 2⁻²¹ times the synapses of a neuron where those are more than two.

    Raises InputError for parameters of a wrong shape or out of range.

    Source: HMN paper, eq. (8), (9) and section 4.4.1. The programs are those of compiled networks.

    >>> import numpy as np
    >>> attention = LocalAttention(embedding=np.eye(3), key=np.ones((2, 3)), beta=1.0)
    >>> attention.s_in.shape, attention.z_in.shape, attention.alpha_out.shape
    ((3,), (2,), (6,))
    """

    def __init__(
        self,
        *,
        embedding: ArrayLike = (),
        key: ArrayLike = (),
        beta: float = 1.0,
        context_rate: float = 0.1,
        topology: ArrayLike | None = None,
        x_range: Range = (0.0, 1.0),
        z_range: Range = (0.0, 1.0),
        name: str | None = None,
        part: Part | None = None,
        equations: FloatPart | None = None,
        **kwargs: Any,
    ) -> None:
        """Attention of n_post neurons on n_pre inputs.

        :param embedding: r, (n_pre, D).
        :param key: k, (n_post, D).
        :param beta: temperature, from 0 to 8.
        :param context_rate: κ, above 0, at most 1.
        :param topology: (n_post, n_pre), not 0 where there is a synapse; None: everywhere.
        :param x_range: what x may be: (low, high), ``"spike"``, a format, or a port of another part.
        :param z_range: what z may be, likewise.
        :param part: a compiled part in place of all these.
        """
        if part is None:
            part, equations = local_attention_part(
                embedding=embedding,
                key=key,
                beta=beta,
                context_rate=context_rate,
                topology=topology,
                x_range=x_range,
                z_range=z_range,
                name=name or "attention",
            )
        super().__init__(part=given_part(part, name or "attention"), equations=equations, name=name, **kwargs)
