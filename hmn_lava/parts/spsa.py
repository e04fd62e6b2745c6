"""The meta-learner alone (HMN paper, eq. (7) and appendix 10.3): an outer loop adapts constants by two-point SPSA."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike

from hmn_lava.components.spsa import LONGEST_SCHEDULE, SpsaForm, spsa
from hmn_lava.errors import InputError
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.ir import WORD
from hmn_lava.network import Constant, Link
from hmn_lava.partition import InPort, OutPort, Part
from hmn_lava.parts.given import above_zero, number, numbers, of_component, steps, whole
from hmn_lava.parts.making import constants, group, parameter_format, part_of, stream
from hmn_lava.parts.ranges import BITS, Range, port_of, real_bounds
from hmn_lava.reference.draws import LEVELS, Draws
from hmn_lava.reference.equations import Floats
from hmn_lava.reference.meta import MetaState, spsa_propose, spsa_update, start
from hmn_lava.reference.parts import FloatPart

ETA_BITS = WORD - 2
"""One bit of headroom for a perturbation, one for the sign of a difference."""

LONGEST_PERIOD = 1 << 18
TOO_LONG = "the sum of a phase's losses fits a word"


@of_component()
def spsa_part(
    *,
    eta: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    rate: ArrayLike,
    period: int,
    settle: int = 1,
    relative_epsilon: float = 0.05,
    epsilon0: ArrayLike | None = None,
    loss_range: Range = (-1.0, 1.0),
    seed: int = 0,
    name: str = "spsa",
) -> tuple[Part, FloatPart]:
    """The part, and its equations; see ``SPSA`` for the arguments. Raises InputError for those that are wrong."""
    size = numbers("eta", eta).size
    if not size or np.ndim(eta) > 1:
        raise InputError("is no vector of constants", field="eta", value=eta, remedy="give the first values (n,)")
    first, least, most = (numbers(f, v, (size,)) for f, v in (("eta", eta), ("low", low), ("high", high)))
    if np.any((first < least) | (first > most)):
        raise InputError("lies outside its bounds", field="eta", value=eta, remedy="begin between low and high")
    if np.any(least >= most):
        raise InputError(f"is not above low, {low!r}", field="high", value=high, remedy="use low < high")
    alpha = above_zero("rate", rate, (size,))
    period, settle, seed = whole("period", period, 1, LONGEST_PERIOD), steps("settle", settle), whole("seed", seed)
    if settle >= period:
        remedy = f"use less than {period}, or longer phases"
        raise InputError("a phase is longer than what is ignored of it", field="settle", value=settle, remedy=remedy)
    width = None if epsilon0 is None else above_zero("epsilon0", epsilon0, (size,))
    relative = number("relative_epsilon", relative_epsilon)
    if relative <= 0.0:
        raise InputError("is not above 0", field="relative_epsilon", value=relative, remedy="use e.g. 0.05")
    exploration = "relative_epsilon" if epsilon0 is None else "epsilon0"
    begin = start(first, least, most, relative, width)
    if np.any(2 * begin.epsilon0 > most - least):
        remedy = "use a smaller epsilon, or wider bounds"
        raise InputError("two points do not fit between low and high", field=exploration, remedy=remedy)

    losses = period - settle
    form = _form(begin, alpha / losses, loss_range, period, settle, exploration)
    program = spsa(name, form)
    values = {"epsilon0": begin.epsilon0, "rate": alpha / losses, "low": least, "high": most}
    given = constants(program, {n: (v, "each") for n, v in values.items()})
    held = np.clip(form.eta.quantise(first), given["low"].values, given["high"].values)
    initial = {"eta": held, "meta_step": np.ones(1, np.int64)}
    part = part_of(
        name,
        "spsa",
        (group(program, size, _each(given) | stream("perturbation", seed, name), initial),),
        (Link(("loss_in", "x"), (name, "loss"), "all"),),
        (InPort("loss_in", 1),),
        (OutPort("eta_out", size, (name, "tried")),),
    )
    draws = Draws(seed, name, size)
    return part, FloatPart(part, SpsaEquations(begin, alpha, period, settle, real_bounds(form.loss), draws))


class SpsaEquations:
    """The same phases with the outer loop of :mod:`hmn_lava.reference.meta`, and the same signs."""

    def __init__(
        self,
        begin: MetaState,
        rate: Floats,
        period: int,
        settle: int,
        bounds: tuple[float, float],
        draws: Draws,
    ) -> None:
        self._begin, self._rate, self._period, self._settle, self._bounds = begin, rate, period, settle, bounds
        self._draws = draws
        zeros = np.zeros(begin.eta.size)
        self.states: dict[str, Floats] = {
            "eta": begin.eta.copy(),
            "meta_step": zeros + 1,
            "place": zeros.copy(),
            "difference": zeros.copy(),
        }

    def step(self, ports: Mapping[str, Floats], t: int) -> Mapping[str, Floats]:
        """The point that is tried in this step; the loss that arrives counts for the phase."""
        eta, difference = self.states["eta"], self.states["difference"]
        m, place = int(self.states["meta_step"][0]), int(self.states["place"][0])
        held = np.clip(eta, self._begin.low, self._begin.high)
        state = replace(self._begin, eta=held, t=min(m, LONGEST_SCHEDULE))
        plus, minus = spsa_propose(state, cast(np.random.Generator, _Signs(self._draws, m)))
        first = place < self._period
        if place % self._period >= self._settle:
            loss = np.clip(ports["loss"], *self._bounds)
            difference += loss if first else -loss
        if place == 2 * self._period - 1:
            mean = float(difference[0]) / (self._period - self._settle)
            eta[:] = spsa_update(state, plus, minus, mean, 0.0, self._rate).eta  # the difference is what counts
            difference[:] = 0.0
            self.states["meta_step"] += 1
        self.states["place"][:] = (place + 1) % (2 * self._period)
        return {"tried": plus if first else minus}


class _Signs:
    """In the place of numpy's generator: the signs that the program draws in meta-step ``m``."""

    def __init__(self, draws: Draws, m: int) -> None:
        self._drawn = draws.at(m)

    def choice(self, values: Any, size: Any) -> Floats:
        """The second of two values where the draw is in the lower half."""
        return np.where(self._drawn < LEVELS // 2, values[1], values[0])


def _form(begin: MetaState, rate: Floats, loss_range: Range, period: int, settle: int, exploration: str) -> SpsaForm:
    """Formats: eta over all bounds, losses so that the sum of a phase fits a word."""
    eta = Fixed.fitting(min(0.0, float(begin.low.min())), float(np.abs([begin.low, begin.high]).max()), ETA_BITS)
    room = WORD - 2 - (period - settle).bit_length()
    if room < 4:
        raise InputError(TOO_LONG, field="period", value=period, remedy="send averages, in shorter phases")
    loss = port_of(loss_range, "loss_range", min(BITS, room))
    if 2 * max(map(abs, loss.bounds)) * (period - settle) >= 1 << (WORD - 1):
        remedy = "use a format of fewer bits, or a shorter period"
        raise InputError(TOO_LONG, field="loss_range", value=loss_range, remedy=remedy)
    bounds = (int(eta.quantise(begin.low.min())), int(eta.quantise(begin.high.max())))
    widths = eta.quantise(begin.epsilon0)
    if widths.min() < 1:
        problem = "the exploration is below the resolution of the constants"
        remedy = "put constants of another size into an SPSA of their own, with the same loss"
        raise InputError(problem, field=exploration, remedy=remedy)
    return SpsaForm(eta, bounds, (int(widths.min()), int(widths.max())), loss, parameter_format(rate), period, settle)


def _each(given: Mapping[str, Constant]) -> dict[str, Constant]:
    return {name: Constant(c.values, "each" if c.values.size > 1 else "all") for name, c in given.items()}
