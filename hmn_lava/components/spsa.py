"""Two-point SPSA as a program (HMN paper, eq. (7) and appendix 10.3): constants that an outer loop adapts.

Each compartment holds one constant η. A meta-step m = 1, 2, ... takes two phases of ``period`` steps::

    Δ = ± ε_0/√m                              one draw for each constant and meta-step, from the stream ``perturbation``
    plus  = clip(η + Δ), minus = clip(η - Δ)  sent in each step of the first, and of the second phase
    g = (L⁺ - L⁻) / (plus - minus)            L⁺, L⁻: means of the loss over the phases, but for their first ``settle``
    η ← clip(η - α g)                         at the end of the second phase

Formats. η, plus, minus, low and high are words at one binary point. ε is rounded to it, and at least one unit. The
difference of the summed losses is exact. The step is a quotient of a product, α (L⁺ - L⁻), that is saturated where the
step would leave the whole range of η, and rounded to 2⁻²² of the largest such product::

    error of a step <= 2⁻¹⁴ r step + 2⁻²¹ max(span ε_0, α |L|) / ε + two units of η

with ε = ε_0/√m, span = high - low, |L| the largest loss, and r the largest over the smallest ε_0. So it is the coarser
the later, up to m = 4096, from when on ε stays as it is. A loss beyond its range saturates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hmn_lava.components.port import Port
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.builder import Builder, Value
from hmn_lava.microcode.functions import inverse_square_root, reciprocal
from hmn_lava.microcode.ir import WORD, Program
from hmn_lava.microcode.random import DRAW_BITS, uniform
from hmn_lava.microcode.ranges import WORD_RANGE, Interval

LONGEST_SCHEDULE = 1 << 12
"""Meta-steps after which the exploration's width stays as it is."""

COUNTER = Fixed(WORD - 1, signed=False)


@dataclass(frozen=True)
class SpsaForm:
    """What the program is made of.

    ``eta``: the format of the constants, ``bounds`` those of their integers. ``epsilon``: the bounds of ε_0, in units
    of ``eta``. ``rate``: the format of α over the number of losses in a phase.
    """

    eta: Fixed
    bounds: Interval
    epsilon: Interval
    loss: Port
    rate: Fixed
    period: int
    settle: int


def spsa(name: str, form: SpsaForm) -> Program:
    """One step of the outer loop.

    Input ``loss``; output ``tried``, the point that is to be tried; states ``eta``, ``meta_step`` = m,
    ``place`` in the meta-step, from 0, and ``difference`` of the losses so far; constants ``epsilon0``, ``rate``,
    ``low`` and ``high``, and the key words of the stream ``perturbation``.
    """
    b = Builder(name, "SPSA: constants, and the points to try")
    eta = b.state("eta", form.eta, form.bounds)
    low, high = (b.constant(end, form.eta, form.bounds) for end in ("low", "high"))
    counter = b.state("meta_step", COUNTER, (1, COUNTER.max - 1))
    last = 2 * form.period - 1
    place = b.state("place", COUNTER, (0, last))

    b.note("width of the exploration: epsilon_0 / sqrt(m)")
    root = inverse_square_root(b, b.raw("min", counter, LONGEST_SCHEDULE))
    epsilon0 = b.constant("epsilon0", form.eta, form.epsilon)
    width = b.mul(epsilon0, b.clip(root, 0, 1 << root.frac), frac=form.eta.frac, rounding="nearest")
    width = b.clip(width, _least_width(form), form.epsilon[1])
    above = b.minimum(b.raw("add", eta, width), high)
    below = b.maximum(b.raw("sub", eta, width), low)
    up = b.less(uniform(b, "perturbation", counter), b.literal(1 << (DRAW_BITS - 1), DRAW_BITS))
    first = b.less(place, b.literal(form.period))
    b.emit("tried", b.select(b.raw("eq", up, first, frac=0), above, below), form.eta)

    b.note("sum of the first phase's losses minus that of the second's")
    loss = b.clip(b.input("loss", Fixed(WORD, True, form.loss.format.frac)), *form.loss.bounds)
    most = loss.reach * (form.period - form.settle)
    difference = b.state("difference", Fixed(WORD, True, loss.frac), (-2 * most, 2 * most))
    within = b.raw("sub", place, b.raw("sel", first, 0, form.period, frac=0))
    signed = b.raw("sel", first, loss, b.neg(loss), frac=loss.frac)
    counted = b.raw("sel", b.raw("lt", within, form.settle, frac=0), 0, signed, frac=loss.frac)
    # No more losses are added than the bounds allow for; only they do not know the count.
    total = b.clip(b.raw("add", difference, counted, wraps=True), -2 * most, 2 * most)

    step = _step(b, form, total, b.raw("sub", above, below))
    moved = b.raw("sel", up, b.raw("sub", eta, step), b.raw("add", eta, step), frac=eta.frac)
    done = b.raw("eq", place, last, frac=0)
    b.note("the end of a meta-step")
    b.store(eta, b.clip(b.raw("sel", done, b.maximum(b.minimum(moved, high), low), eta, frac=eta.frac), *form.bounds))
    b.store(difference, b.raw("sel", done, 0, total, frac=total.frac))
    b.store(place, b.clip(b.raw("sel", done, 0, b.raw("add", place, 1), frac=0), 0, last))
    b.store(counter, b.clip(b.raw("add", counter, done), 1, COUNTER.max - 1))
    return b.build()


def _least_width(form: SpsaForm) -> int:
    return max(1, math.floor(form.epsilon[0] / math.sqrt(LONGEST_SCHEDULE)))


def _step(b: Builder, form: SpsaForm, difference: Value, width: Value) -> Value:
    """α (L⁺ - L⁻) / (above - below), within the span of η."""
    b.note("step: rate times difference of the losses, over the distance of the points")
    span = form.bounds[1] - form.bounds[0]
    width = b.clip(width, _least_width(form), 2 * form.epsilon[1])
    # Beyond span * width a step leaves the range of eta anyway; without the limit, a quotient could leave the word.
    largest = span * 2 * form.epsilon[1]
    shift = max(0, largest.bit_length() - (WORD - 2))
    format = Fixed(WORD - 1, True, 2 * form.eta.frac - shift)
    product = b.convert(b.mul(difference, b.constant("rate", form.rate), rounding="nearest"), format)
    limit = b.raw("mul", width, span, shift, frac=format.frac)
    product = b.minimum(b.maximum(product, b.neg(limit)), limit)
    inverse = reciprocal(b, width)
    shift = product.frac + inverse.frac - form.eta.frac
    # At most the span, and a little more by rounding: it never wraps, which the bounds cannot see.
    size = b.raw("mul", b.absolute(product), inverse, shift, frac=form.eta.frac, wraps=True)
    size = b.raw("min", b.raw("and", size, WORD_RANGE[1]), span)
    return b.raw("sel", b.raw("lt", product, 0, frac=0), b.neg(size), size, frac=size.frac)
