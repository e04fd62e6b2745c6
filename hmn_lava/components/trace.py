"""Eligibility traces as a piece of program (HMN paper, eq. (2) and appendix 10.1)."""

from __future__ import annotations

from hmn_lava.fixed import Fixed
from hmn_lava.microcode.builder import Builder, Value

DECAY = Fixed(23, signed=False, frac=22)
"""Format of a decay factor: a fraction of [0, 1] that keeps 1 - λ to 2**-23, so that long time constants survive."""


def trace(b: Builder, name: str, coincidence: Value, silent: Value, mode: str, format: Fixed) -> Value:
    """One trace ψ of time constant τ, λ = exp(-1/τ), after this step; state ``name``, constant ``<name>_decay`` = λ.

    * replacing: ψ = c where the coincidence c = x_i z_j is not zero, else λψ (``silent`` is 1 where x_i or z_j is zero)
    * accumulating: ψ = λψ + c, saturated to the format

    The decayed part is rounded towards zero, so that a trace dies out instead of sticking one unit from zero.
    """
    psi = b.state(name, format)
    decay = b.constant(f"{name}_decay", DECAY, (0, 1 << DECAY.frac))
    b.note(f"{name}: {mode} trace")
    decayed = b.mul(psi, decay, frac=format.frac, rounding="zero")
    c = b.convert(coincidence, format)
    after = b.select(silent, decayed, c) if mode == "replacing" else b.convert(b.add(decayed, c), format)
    b.store(psi, after)
    return after
