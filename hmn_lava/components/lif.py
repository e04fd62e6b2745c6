"""The programs of Lava's current-based LIF and of its kin: per-neuron constants, resets, refractory time, voltages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hmn_lava.components.restart import restarted
from hmn_lava.components.words import saturating_sum
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.builder import Builder, Value
from hmn_lava.microcode.ir import WORD
from hmn_lava.microcode.ranges import WORD_RANGE

LIF_DECAY_BITS = 12
"""Bits of a decay: x * (4096 - d) / 4096, in Lava and on Loihi.

Source: lava/proc/lif/models.py, AbstractPyLifModelFixed.
"""

LIF_SHIFT = 6
"""Lava aligns synaptic input and threshold by 6 bits to the left before they meet the 24-bit state (same file)."""


@dataclass(frozen=True)
class LifForm:
    """What of a LIF differs from Lava's: nothing by default. ``restart``: steps after which all states are 0 again.

    ``holds``: some neuron's current does not decay at all, which Lava's integers have as du = -1.
    """

    reset: Literal["value", "subtract"] = "value"
    v_reset: bool = False
    refractory: int = 0
    output: Literal["spike", "voltage"] = "spike"
    holds: bool = False
    restart: int = 0


LAVA_LIF = LifForm()


def lif(b: Builder, a: Value, biased: bool, form: LifForm, voltage: bool = False) -> tuple[Value, Value]:
    """Lava's current-based LIF in its fixed-point form (lava/proc/lif/models.py, PyLifModelBitAcc), bit for bit.

    u ← u (4096 - du - 1)/4096 + 64 a, wrapped to 24 bits;  v ← clip(v (4096 - dv)/4096 + u + bias, ±(2²³ - 1));  both
    decays towards zero;  spike where v > 64 vth, and then v ← v_reset, or v ← v - 64 vth. The state ``rest`` counts the
    refractory steps that are left: v stays, and nothing fires. Returns the spike, or with output ``voltage`` v itself;
    and, where the ``voltage`` is wanted, v before the reset.
    """
    frac = a.frac + LIF_SHIFT
    word = Fixed(WORD, signed=True, frac=frac)
    limit = WORD_RANGE[1]
    decay = Fixed(LIF_DECAY_BITS + 1, signed=False, frac=LIF_DECAY_BITS)
    spikes = form.output == "spike"
    states = {"u": b.state("u", word, WORD_RANGE), "v": b.state("v", word, WORD_RANGE)}
    if form.refractory:
        states["rest"] = b.state("rest", Fixed(form.refractory.bit_length(), False), (0, form.refractory))
    u, v, *resting = restarted(b, form.restart, *states.values())
    keep_u = b.constant("keep_u", decay, (0, (1 << LIF_DECAY_BITS) - (not form.holds)))
    keep_v = b.constant("keep_v", decay, (0, 1 << LIF_DECAY_BITS))
    vth = b.constant("vth", word, (0, limit)) if spikes else b.literal(0, frac)
    bias = [b.constant("bias", word)] if biased else []
    b.note("current")
    decayed = _decay(b, u, keep_u)
    u_after = b.raw("add", decayed, b.raw("shl", a, LIF_SHIFT, frac=frac, wraps=True), wraps=True)
    b.store(states["u"], u_after)
    b.note("voltage")
    decayed = _decay(b, v, keep_v)
    v_after = saturating_sum(b, [decayed, u_after, *bias], limit)
    if not spikes:
        b.store(states["v"], v_after)
        return v_after, v_after
    spike = b.less(vth, v_after)
    if form.reset == "subtract":
        # Marked as wrapping because the analysis cannot see that it counts only where v is above the threshold.
        after = b.raw("sub", v_after, vth, wraps=True)
    else:
        after = b.constant("v_reset", word, WORD_RANGE) if form.v_reset else b.literal(0, frac)
    if not resting:
        b.store(states["v"], b.select(spike, after, v_after))
        return spike, v_after
    b.note("refractory time")
    rest = resting[0]
    rests = b.less(b.literal(0), rest)
    spike = b.raw("sel", rests, 0, spike, frac=0)
    before = b.raw("sel", rests, v, v_after, frac=frac) if voltage else v_after
    b.store(states["v"], b.raw("sel", rests, v, b.select(spike, after, v_after), frac=frac))
    fewer = b.clip(b.raw("sub", rest, 1), 0, form.refractory)
    b.store(states["rest"], b.raw("sel", spike, form.refractory, fewer, frac=0))
    return spike, before


def _decay(b: Builder, state: Value, keep: Value) -> Value:
    """state * keep / 4096, towards zero.

    -2**23 has no magnitude in a word, so the sign is handled by adding what the floor took.
    """
    floor = b.raw("mul", state, keep, LIF_DECAY_BITS, frac=state.frac)
    low_bits = b.raw("and", b.raw("mul", state, keep, 0, wraps=True), (1 << LIF_DECAY_BITS) - 1, frac=0)
    inexact = b.raw("lt", 0, low_bits, frac=0)
    negative = b.raw("lt", state, 0, frac=0)
    # Marked as wrapping because the analysis cannot see that the 1 is added to negative numbers only.
    return b.raw("add", floor, b.raw("and", inexact, negative, frac=state.frac), wraps=True)
