"""The oscillator and the phase gate (HMN paper, eq. (4)).

Φ(t) = 2π t / P + Φ_0. The phase is kept as a counter modulo the period, in fixed point, so that it does not drift for
an integer period.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from hmn_lava.fixed import Fixed
from hmn_lava.microcode.builder import Builder, Value
from hmn_lava.microcode.functions import cosine, sine
from hmn_lava.microcode.ir import WORD, Program

GATE = Fixed(17, signed=False, frac=16)
WAVE = Fixed(18, signed=True, frac=16)


def counter_format(period: float) -> Fixed:
    """The finest format in which the period and one more step fit a word."""
    return Fixed(WORD - 1, signed=False, frac=WORD - 1 - math.frexp(period + 1.0)[1])


def oscillator(name: str, period: float, per_synapse: bool) -> Program:
    """One compartment that counts modulo the period P and emits the gate.

    Or the two waves that a synapse makes its own gate of.

    * one preferred phase φ for all synapses: ``gate`` = max(0, cos(Φ(t) - φ)); φ is folded into the start of the
      counter
    * a phase per synapse: ``cos`` = cos Φ(t) and ``sin`` = sin Φ(t), for cos(Φ - φ) = cos Φ cos φ + sin Φ sin φ

    State ``count`` (in steps), constants ``period`` and ``turns_per_step`` = 1/P.
    """
    b = Builder(name, "oscillator: a counter modulo the period, its cosine")
    format = counter_format(period)
    stored = round(math.ldexp(period, format.frac))
    count = b.state("count", format, (0, stored))
    limit = b.constant("period", format, (stored, stored))
    inverse = b.constant("turns_per_step", Fixed.fitting(0.0, 1.0 / period, WORD - 2))
    # turns = count / P in [0, 1], as a word that wraps at one turn
    turns = b.mul(count, inverse)
    phase = (
        b.raw("shl", turns, WORD - turns.frac, frac=WORD, wraps=True) if turns.frac < WORD else b.rescale(turns, WORD)
    )
    if per_synapse:
        b.emit("cos", b.convert(cosine(b, phase), WAVE))
        b.emit("sin", b.convert(sine(b, phase), WAVE))
    else:
        wave = b.maximum(cosine(b, phase), b.literal(0, 16))
        b.emit("gate", b.convert(wave, GATE))
    # One step, less whole periods, so that one subtraction is enough.
    step = b.raw("add", count, round(math.ldexp(math.fmod(1.0, period), format.frac)))
    over = b.raw("ge", step, limit, frac=0)
    after = b.raw("sel", over, b.raw("sub", step, limit), step, frac=format.frac)
    b.store(count, b.clip(after, 0, stored))
    return b.build()


def own_gate(b: Builder, waves: Sequence[Value], key: str = "") -> Value:
    """max(0, cos Φ cos φ + sin Φ sin φ) of the ``waves`` cos Φ and sin Φ; constants ``cos_phase`` and ``sin_phase``.

    φ belongs to the compartment.

    ``key``, where a compartment has several phases, is appended to their names.
    """
    b.note("phase gate: max(0, cos(Phi - phi))")
    names = (f"{wave}_phase{key and '_'}{key}" for wave in ("cos", "sin"))
    cos_phase, sin_phase = (b.constant(name, WAVE, (-(1 << 16), 1 << 16)) for name in names)
    cosine_wave, sine_wave = waves
    wave = b.add(b.mul(cosine_wave, cos_phase, frac=16), b.mul(sine_wave, sin_phase, frac=16))
    return b.clip(wave, 0, 1 << 16)
