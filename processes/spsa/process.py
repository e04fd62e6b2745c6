"""The meta-learner: constants that an outer loop adapts."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from hmn_lava.partition import Part
from hmn_lava.parts.given import given_part
from hmn_lava.parts.ranges import Range
from hmn_lava.parts.spsa import spsa_part
from hmn_lava.processes.base.process import HMNProcess
from hmn_lava.reference.parts import FloatPart


class SPSA(HMNProcess):
    """The meta-learner: constants that an outer loop adapts by two-point SPSA.

    η ← clip(η - α (L⁺ - L⁻) / (η⁺ - η⁻), low, high), η± = clip(η ± Δ, low, high), Δ = ± ε_0/√m

    * η: the constants, n of them; Δ: one random sign for each and each meta-step m = 1, 2, ...
    * L⁺, L⁻: mean loss with η⁺ and with η⁻; α: ``rate``; ε_0: ``epsilon0``, else ``relative_epsilon`` |η| at the start

    Meta-step m takes 2 ``period`` steps. Counted from 0, in its steps

    * 0 .. period - 1, η⁺ is sent; the loss that is read in steps ``settle`` .. period - 1 counts for L⁺
    * period .. 2 period - 1, η⁻ is sent; the loss that is read from step period + ``settle`` on counts for L⁻
    * at the end of step 2 period - 1, η moves; step 0 of the next meta-step sends the next η⁺

    What is read in a step was sent in the step before. So ``settle`` is 1 where the loss answers in the step in which
    it gets η, and one more for each step that it takes longer.

    Ports: ``loss_in`` (1,), ``eta_out`` (n,).

    Vars: ``eta``, ``meta_step``, ``place`` (the step within the meta-step) and ``difference`` (of the summed losses so
    far), each (n,); in fixed point also the constants ``epsilon0``, ``rate`` (α over the number of losses in a phase),
    ``low``, ``high`` and the key words ``perturbation_k<n>``.

    Formats: η with 22 bits over all bounds, the loss with 16 bits over ``loss_range`` (fewer where a phase is longer
    than 63 steps), at whose ends it saturates. A step is within 2⁻¹⁴ r step + 2⁻²¹ max(span ε_0, α max |L|) / ε + 2
    units of the equation, on the losses that were read (see :mod:`hmn_lava.components.spsa`). The width ε stays as it
    is from m = 4096 on. Constants of very different size belong into SPSAs of their own, with other names and the same
    loss.

    ``floating_pt`` is :mod:`hmn_lava.reference.meta` with the same signs.

    Raises InputError for parameters that are out of range; ``floating_pt`` also for a loss that is NaN.

    Source: Spall 1992; HMN paper, eq. (7) and appendix 10.3.

    >>> tuner = SPSA(eta=[0.01, 0.05], low=0.0, high=0.2, rate=1e-4, period=20, epsilon0=0.005)
    >>> tuner.loss_in.shape, tuner.eta_out.shape, str(tuner.formats["eta_out"])
    ((1,), (2,), 'u22.24')
    """

    def __init__(
        self,
        *,
        eta: ArrayLike = (),
        low: ArrayLike = 0.0,
        high: ArrayLike = 1.0,
        rate: ArrayLike = 0.01,
        period: int = 16,
        settle: int = 1,
        relative_epsilon: float = 0.05,
        epsilon0: ArrayLike | None = None,
        loss_range: Range = (-1.0, 1.0),
        seed: int = 0,
        name: str | None = None,
        part: Part | None = None,
        equations: FloatPart | None = None,
        **kwargs: Any,
    ) -> None:
        """A meta-learner.

        :param eta: the constants to begin with, (n,).
        :param low: least values, finite, one or (n,); ``high``: largest ones.
        :param rate: α, one or (n,).
        :param period: steps in a phase.
        :param settle: steps at the beginning of a phase whose loss does not count.
        :param relative_epsilon: ε_0 as a part of |η|.
        :param epsilon0: ε_0 itself, one or (n,), at most half of the distance of the bounds.
        :param loss_range: what the loss may be: (low, high), a format, or a port of another part.
        :param seed: of the signs; with ``name`` it derives their stream.
        :param part: a compiled part in place of all these.
        """
        if part is None:
            part, equations = spsa_part(
                eta=eta,
                low=low,
                high=high,
                rate=rate,
                period=period,
                settle=settle,
                relative_epsilon=relative_epsilon,
                epsilon0=epsilon0,
                loss_range=loss_range,
                seed=seed,
                name=name or "spsa",
            )
        super().__init__(part=given_part(part, name or "spsa"), equations=equations, name=name, **kwargs)
