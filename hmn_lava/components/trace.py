"""Eligibility traces as a piece of program (HMN paper, eq. (2) and appendix 10.1)."""

from __future__ import annotations

from hmn_lava.components.port import Port
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.builder import Builder, Value
from hmn_lava.microcode.ir import Program

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


def eligibility(b: Builder, x: Value, z: Value, mode: str, fast: Fixed, slow: Fixed | None) -> Value:
    """e = ψ_fast + ψ_slow after this step, of the coincidence x_i z_j; states ``psi_fast`` and ``psi_slow``."""
    b.note("coincidence x z")
    coincidence = b.mul(x, z)
    exact = coincidence.frac == x.frac + z.frac
    silent = b.is_zero(coincidence) if exact else b.raw("or", b.is_zero(x), b.is_zero(z))
    e = trace(b, "psi_fast", coincidence, silent, mode, fast)
    return e if slow is None else b.add(e, trace(b, "psi_slow", coincidence, silent, mode, slow))


def eligibility_trace(name: str, x: Port, z: Port, mode: str, fast: Fixed, slow: Fixed | None) -> Program:
    """A compartment that holds the traces of one synapse and no more. Inputs ``x`` and ``z``, output ``e``."""
    b = Builder(name, "eligibility trace")
    ports = b.input("x", x.format, x.bounds), b.input("z", z.format, z.bounds)
    b.emit("e", eligibility(b, *ports, mode, fast, slow))
    return b.build()
