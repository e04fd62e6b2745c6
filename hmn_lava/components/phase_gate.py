"""The phase gate alone (HMN paper, eq. (4)), for compartments that do nothing else."""

from __future__ import annotations

from hmn_lava.components.oscillator import WAVE, own_gate
from hmn_lava.microcode.builder import Builder
from hmn_lava.microcode.ir import Program


def phase_gate(name: str) -> Program:
    """Emits ``gate`` = max(0, cos(Φ - φ)). Inputs ``cos`` = cos Φ and ``sin`` = sin Φ; constants as in ``own_gate``."""
    b = Builder(name, "phase gate: each compartment with its own phase")
    one = 1 << WAVE.frac
    waves = [b.input(wave, WAVE, (-one, one)) for wave in ("cos", "sin")]
    b.emit("gate", own_gate(b, waves))
    return b.build()
