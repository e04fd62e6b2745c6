"""The program of a resonate-and-fire neuron."""

from __future__ import annotations

from typing import Literal

from hmn_lava.components.lif import LIF_DECAY_BITS, LIF_SHIFT
from hmn_lava.components.restart import restarted
from hmn_lava.components.words import saturating_sum
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.builder import Builder, Value
from hmn_lava.microcode.ir import WORD
from hmn_lava.microcode.ranges import WORD_RANGE

Spiking = Literal["phase", "izhikevich"]
DECAY = Fixed(LIF_DECAY_BITS + 2, signed=True, frac=LIF_DECAY_BITS)


def resonator(b: Builder, a_re: Value, a_im: Value, spike: Spiking, restart: int = 0) -> Value:
    """Lava's RF and RF_IZ in their fixed-point form (lava/proc/rf/models.py, lava/proc/rf_iz/models.py).

    re' = clip(c re - s im + 64 a_re), im' = clip(s re + c im + 64 a_im), to ±(2²³ - 1);  each product is divided by
    4096 towards zero. Phase: a spike where re' ≥ 64 vth, im' ≥ 0 and im < 0. Izhikevich: where im' ≥ 64 vth, and then
    re' = 0, im' = 64 vth - 1. ``restart`` as a LIF's.
    """
    frac = a_re.frac + LIF_SHIFT
    word, limit, one = Fixed(WORD, signed=True, frac=frac), WORD_RANGE[1], 1 << LIF_DECAY_BITS
    states = b.state("re", word, WORD_RANGE), b.state("im", word, WORD_RANGE)
    re, im = restarted(b, restart, *states)
    c, s = b.constant("decay_re", DECAY, (-one, one)), b.constant("decay_im", DECAY, (-one, one))
    vth = b.constant("vth", word, (1, limit))
    drive_re, drive_im = (b.raw("shl", a, LIF_SHIFT, frac=frac, wraps=not _fits(a)) for a in (a_re, a_im))
    b.note("real part")
    new_re = saturating_sum(b, [_part(b, re, c), _part(b, im, b.raw("neg", s)), drive_re], limit)
    b.note("imaginary part")
    new_im = saturating_sum(b, [_part(b, re, s), _part(b, im, c), drive_im], limit)
    if spike == "phase":
        rises = b.raw("and", b.raw("ge", new_im, 0, frac=0), b.raw("lt", im, 0, frac=0))
        fires = b.raw("and", b.raw("ge", new_re, vth, frac=0), rises)
    else:
        fires = b.raw("ge", new_im, vth, frac=0)
        new_re = b.raw("sel", fires, 0, new_re, frac=frac)
        new_im = b.raw("sel", fires, b.raw("sub", vth, 1), new_im, frac=frac)
    b.store(states[0], new_re)
    b.store(states[1], new_im)
    return fires


def _fits(a: Value) -> bool:
    return a.reach << LIF_SHIFT <= WORD_RANGE[1]


def _part(b: Builder, state: Value, decay: Value) -> Value:
    """state * decay / 4096, towards zero, whatever the signs.

    Marked as wrapping because the analysis cannot see that a state is never -2**23, and that the 1 is added to negative
    numbers only.
    """
    floor = b.raw("mul", state, decay, LIF_DECAY_BITS, frac=state.frac, wraps=True)
    low_bits = b.raw("and", b.raw("mul", state, decay, 0, wraps=True), (1 << LIF_DECAY_BITS) - 1, frac=0)
    inexact = b.raw("and", b.raw("lt", 0, low_bits, frac=0), b.raw("lt", floor, 0, frac=0), frac=state.frac)
    return b.raw("add", floor, inexact, wraps=True)
