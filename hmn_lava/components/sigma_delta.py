"""The program of a sigma-delta neuron."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hmn_lava.components.restart import restarted
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.builder import Builder, Value
from hmn_lava.microcode.ir import WORD
from hmn_lava.microcode.ranges import WORD_RANGE


@dataclass(frozen=True)
class SigmaDeltaForm:
    """Whether messages are summed up, differences are sent, and the activation between; ``restart`` as a LIF's."""

    sum: bool
    difference: bool
    activation: Literal["relu", "unit"]
    restart: int = 0


def sigma_delta(b: Builder, a: Value, biased: bool, form: SigmaDeltaForm) -> Value:
    """Lava's Sigma, Delta and SigmaDelta in their fixed-point form (lava/proc/sdn/models.py), in words that wrap.

    sigma ← sigma + a;  act' = f(sigma + bias);  delta = act' - act + residue;  returns delta where |delta| ≥ vth, else
    0;  residue ← delta - what is returned. All at the accumulator's binary point.
    """
    word = Fixed(WORD, signed=True, frac=a.frac)
    names = [*(["sigma"] if form.sum else []), "act", *(["residue"] if form.difference else [])]
    states = {name: b.state(name, word, WORD_RANGE) for name in names}
    before = dict(zip(names, restarted(b, form.restart, *states.values()), strict=True))
    now = a
    if form.sum:
        b.note("sigma")
        now = b.raw("add", before["sigma"], a, wraps=True)
        b.store(states["sigma"], now)
    if biased:
        now = b.raw("add", now, b.constant("bias", word), wraps=True)
    if form.activation == "relu":
        now = b.raw("sel", b.raw("lt", now, 0, frac=0), 0, now, frac=a.frac)
    if not form.difference:
        b.store(states["act"], now)
        return now
    vth = b.constant("vth", word, (0, WORD_RANGE[1]))
    b.note("delta")
    change = b.raw("sub", now, before["act"], wraps=True)
    b.store(states["act"], now)
    delta = b.raw("add", change, before["residue"], wraps=True)
    sends = b.raw("or", b.raw("ge", delta, vth, frac=0), b.raw("ge", b.raw("neg", vth), delta, frac=0))
    b.store(states["residue"], b.raw("sel", sends, 0, delta, frac=a.frac))
    return b.raw("sel", sends, delta, 0, frac=a.frac)
