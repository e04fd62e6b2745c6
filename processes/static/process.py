"""Static synapses."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from hmn_lava.errors import InputError
from hmn_lava.fixed import Fixed
from hmn_lava.partition import Part
from hmn_lava.parts.given import given_part
from hmn_lava.parts.ranges import Range
from hmn_lava.parts.static import static_part
from hmn_lava.processes.base.component import Component
from hmn_lava.reference.parts import FloatPart


class StaticConnection(Component):
    """``a_j(t + 1) = 2^weight_exp Σ_i w_ij x_i(t - τ_ij)``, for any topology, with graded x.

    Weights are read in one of two ways.

    * Without ``x_range`` they are the integers of Lava's Dense, -256 to 255. ``fixed_pt`` then is Lava's
      PyDenseModelBitAcc, and with delays PyDelayDenseModelBitAcc, bit for bit, where those hold the weights (even ones,
      if their signs differ) and read graded messages (``num_message_bits`` > 0).
    * With ``x_range`` they are real numbers, of which ``fixed_pt`` holds the eight bits of a synapse.

    Ports, with integers in ``formats`` (``floating_pt``: real numbers): ``s_in`` (n_pre,), ``a_out`` (n_post,), a word
    of 24 bits that wraps.

    Vars: ``weights`` (n_post, n_pre), or (n_syn,) of a sparse topology, in the order post, then pre. Setting it takes
    effect in the next step.

    Source: HMN paper, eq. (1); Lava's ``lava.proc.dense``.

    >>> synapses = StaticConnection(weights=[[2, -4, 0], [6, 0, 8]], delays=[[0, 1, 0], [2, 0, 0]])
    >>> synapses.s_in.shape, synapses.a_out.shape
    ((3,), (2,))
    """

    def __init__(
        self,
        *,
        weights: Any = None,
        delays: ArrayLike = 0,
        topology: ArrayLike | None = None,
        weight_exp: int = 0,
        x_range: Range | None = None,
        a_format: Fixed | None = None,
        name: str | None = None,
        part: Part | None = None,
        equations: FloatPart | None = None,
        **kwargs: Any,
    ) -> None:
        """Synapses between all pairs of neurons, or those of a topology.

        :param weights: (n_post, n_pre); a scipy.sparse matrix brings its topology.
        :param delays: steps, a number or (n_post, n_pre), 0 to 62.
        :param topology: 0/1 mask (n_post, n_pre), or list (2, n_syn) of post and pre.
        :param weight_exp: the sum is shifted left by so many bits, right and rounded down if negative.
        :param x_range: for real weights: ``"spike"``, (low, high), a format, or what another Process sends.
        :param a_format: format of a_out, for real weights; None: the finest that the worst case fits.
        :param part: synapses of a compiled network in place of all these.
        :raises InputError: for an argument that is wrong, or too large for the chip's words.
        :raises FitError: for one that is lost in the chip's integers.
        """
        if part is None:
            if weights is None:
                raise InputError("is missing", where=name or "static", field="weights", remedy="give (n_post, n_pre)")
            part, equations = static_part(
                weights,
                delays=delays,
                topology=topology,
                weight_exp=weight_exp,
                x_range=x_range,
                a_format=a_format,
                name=name or "static",
            )
        super().__init__(part=given_part(part, name or "static"), equations=equations, name=name, **kwargs)
