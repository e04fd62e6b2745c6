"""The probabilistic gate (HMN paper, eq. (5)) as a piece of program."""

from __future__ import annotations

from hmn_lava.microcode.builder import Builder, Value
from hmn_lava.microcode.functions import sigmoid
from hmn_lava.microcode.random import uniform


def open_gate(b: Builder, dw: Value, beta: Value, threshold: Value, time: Value) -> Value:
    """1 with probability p = σ(β_p (|Δw†| - θ_p)), else 0; one draw per synapse and step from the stream ``gate``.

    The draw U of 16 bits opens the gate where U·2⁻¹⁶ < p.
    """
    b.note("probabilistic gate: p = sigmoid(beta_p (|dw| - theta_p))")
    distance = b.sub(b.absolute(dw), threshold)
    probability = sigmoid(b, b.mul(distance, beta))
    return b.less(uniform(b, "gate", time), probability)
