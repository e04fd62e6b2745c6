"""The probabilistic gate (HMN paper, eq. (5)) as a piece of program."""

from __future__ import annotations

import math

from hmn_lava.microcode.builder import Builder, Value
from hmn_lava.microcode.functions import sigmoid
from hmn_lava.microcode.random import uniform

SATURATED = 64.0
"""An exponent at which a sigmoid is saturated, also where the temperature is a quarter of its bound."""


def open_gate(b: Builder, dw: Value, beta: Value, threshold: Value, time: Value, stream: str = "gate") -> Value:
    """1 with probability p = σ(β_p (|Δw†| - θ_p)), else 0; one draw per compartment and step from ``stream``.

    The draw U of 16 bits opens the gate where U·2⁻¹⁶ < p.
    """
    b.note("probabilistic gate: p = sigmoid(beta_p (|dw| - theta_p))")
    distance = b.sub(b.absolute(dw), threshold)
    # Beyond this distance the sigmoid is 0 or 1; unlimited, a large dw would leave the exponent no fractional bits.
    limit = max(1, round(math.ldexp(SATURATED / beta.real_bounds[1], distance.frac)))
    if limit < distance.reach:
        distance = b.clip(distance, -limit, limit)
    probability = sigmoid(b, b.mul(distance, beta))
    return b.less(uniform(b, stream, time), probability)
