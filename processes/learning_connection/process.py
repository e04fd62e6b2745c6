"""Plastic synapses of the learning engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from hmn_lava.errors import InputError
from hmn_lava.hardware_profiles import Profile
from hmn_lava.learning.rule import LearningRule
from hmn_lava.partition import Part
from hmn_lava.parts.given import given_part
from hmn_lava.parts.learning_connection import FloatLearning, learning_connection_part
from hmn_lava.processes.base.process import HMNProcess


class HMNLearningConnection(HMNProcess):
    """Plastic synapses of the learning engine, in the place of Lava's LearningDense.

    a_j(t) = 2^weight_exp Σ_i w_ij s_i(t - 1), and at the end of each epoch z ← z + Σ_k D_k S_k Π_l F_kl for the
    weights w, tag 2 (d) and tag 1 (t).

    * s_i: the presynaptic spike, or its payload where ``num_message_bits`` > 0; w_ij of the steps before t, as
      LearningDense sends it: the current of a step meets the weights before they learn in that step.
    * D_k, S_k, F_kl: dependency, coefficient and factors of the products of ``learning_rule``.
    * x1, x2, y1, y2, y3: traces, x ← x exp(-1/τ) + impulse at a spike; with a rule of three factors y1 to y3 are what
      arrives at their ports.

    Ports: ``s_in`` (n_pre,), ``s_in_bap``, ``s_in_y1``, ``s_in_y2``, ``s_in_y3`` (n_post,) and ``a_out`` (n_post,), all
    whole numbers; ``a_out`` has 32 bits. Those left unconnected read 0.

    Vars: ``weights``, ``tag_1``, ``tag_2`` (n_post, n_pre); ``x0``, ``tx``, ``x1``, ``x2`` (n_pre,); ``y0``, ``ty``,
    ``y1``, ``y2``, ``y3``, ``a_buff`` (n_post,), the current that is sent next, before ``weight_exp`` (in Lava: after).
    Weights have eight bits: -256..254 for mixed signs, in steps of 2
    where they begin (on Loihi: always); tag 1 -256..255, tag 2 0..255, traces 0..127. ``messages`` is of no interest
    here.

    ``fixed_pt`` with ``rounding="lava"`` is Lava's PyLearningDenseModelBitApproximate, bit for bit. With
    ``per_synapse`` every synapse rounds by a draw of its own, as in :func:`hmn_lava.learning.simulate`, in the widths
    of ``profile``. ``floating_pt`` is the same without rounding, and without an end for traces. It differs from Lava's
    PyLearningDenseModelFloat in three points: a product is scaled down as in integers (by 2^-max(0, widths - 11)),
    variables end where the integers end, and ``weight_exp`` counts. (A trace whose time constant is 0 is NaN there.)

    All learning happens in the spiking phase. It cannot be told from Lava's learning phase, but by a RefPort that reads
    in the management phase between them. The rule is a parameter, not a Var.

    Source: Davies et al. 2018, "Loihi: A Neuromorphic Manycore Processor with On-Chip Learning", section
    "Learning engine"; as lava-nc 0.10.0 implements it (``lava.proc.dense``).

    >>> import numpy as np
    >>> rule = {"dw": "2^-2*x1*y0 - 2^-2*y1*x0", "x1_impulse": 64, "x1_tau": 20, "y1_impulse": 64, "y1_tau": 20}
    >>> synapses = HMNLearningConnection(weights=np.full((2, 3), 40), learning_rule=rule)
    >>> synapses.s_in.shape, synapses.a_out.shape, synapses.weights.shape
    ((3,), (2,), (2, 3))
    """

    def __init__(
        self,
        *,
        weights: Any = None,
        learning_rule: LearningRule | Mapping[str, Any] | Any = None,
        tag_1: Any = None,
        tag_2: Any = None,
        sign_mode: Any = "mixed",
        weight_exp: int = 0,
        num_weight_bits: int = 8,
        num_message_bits: int = 0,
        graded_spike_cfg: Any = 0,
        rounding: Literal["per_synapse", "lava"] = "per_synapse",
        profile: str | Profile | None = None,
        seed: int | None = None,
        name: str | None = None,
        part: Part | None = None,
        equations: FloatLearning | None = None,
        **kwargs: Any,
    ) -> None:
        """Synapses between all pairs of neurons.

        :param weights: starting weights (n_post, n_pre), whole numbers.
        :param learning_rule: Lava's Loihi2FLearningRule or Loihi3FLearningRule, a
            :class:`hmn_lava.learning.LearningRule`, or a mapping of their keywords (three factors: ``factors=3``).
        :param tag_1: starting tags, likewise; None: 0. ``tag_2`` the same.
        :param sign_mode: ``mixed``, ``excitatory``, ``inhibitory``, or Lava's SignMode.
        :param weight_exp: the current is scaled by 2^weight_exp, rounded down.
        :param num_weight_bits: 8; LearningDense has others.
        :param num_message_bits: 0: spikes, all payloads read 1; else payloads.
        :param graded_spike_cfg: what a payload does to x1, 0 to 3, or Lava's GradedSpikeCfg.
        :param rounding: ``lava`` or ``per_synapse``.
        :param profile: whose widths and ranges hold; None: with ``lava`` those of lava-nc, else the profile of Loihi 2.
        :param seed: of the rounding; None: the rule's.
        :param name: also of the random streams of ``per_synapse``; two connections with one seed and one name draw the
            same numbers.
        :param part: synapses of a compiled network in place of all these; they keep the order of a step of a network.
        :raises InputError: for a malformed rule, and values of a wrong shape, kind or range.
        """
        if part is None:
            if weights is None or learning_rule is None:
                missing = "weights" if weights is None else "learning_rule"
                raise InputError(
                    "is missing", where=name or "learning", field=missing, remedy="give weights and a learning rule"
                )
            if kwargs.get("start") and rounding == "lava":
                raise InputError(
                    "Lava's random numbers cannot be resumed",
                    where=name or "learning",
                    field="start",
                    value=kwargs["start"],
                    remedy='use rounding="per_synapse"',
                )
            part, equations = learning_connection_part(
                weights=weights,
                learning_rule=learning_rule,
                tag_1=tag_1,
                tag_2=tag_2,
                sign_mode=sign_mode,
                weight_exp=weight_exp,
                num_weight_bits=num_weight_bits,
                num_message_bits=num_message_bits,
                graded_spike_cfg=graded_spike_cfg,
                rounding=rounding,
                profile=profile,
                seed=seed,
                name=name or "learning",
            )
        super().__init__(part=given_part(part, name or "learning"), equations=equations, name=name, **kwargs)
