"""The plastic HMN synapse: one microcoded compartment with its own weight, traces, attention and gates.

HMN paper, equations (1) to (9).
"""

from __future__ import annotations

from dataclasses import dataclass

from hmn_lava.components.attention import SCORE_FRAC, score
from hmn_lava.components.gate import open_gate
from hmn_lava.components.oscillator import own_gate
from hmn_lava.components.port import Port
from hmn_lava.components.trace import eligibility
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.builder import Builder, Value
from hmn_lava.microcode.ir import WORD, Program
from hmn_lava.microcode.ranges import Interval

SCORE_STEPS = 2
"""Steps from a synapse's score leaving for the normaliser to the reciprocal's arrival."""


@dataclass(frozen=True)
class AttentionForm:
    """Attention as the synapse sees it.

    D directions, temperature, format of the score's message, and the reciprocal that comes back.
    """

    directions: tuple[Port, ...]
    beta: float
    message_frac: int
    reciprocal: Port


@dataclass(frozen=True)
class GateForm:
    """Formats of β_p and θ_p."""

    beta: Fixed
    threshold: Fixed


@dataclass(frozen=True)
class SynapseForm:
    """What a synapse program is made of.

    ``phase`` is the format of ``gate``, or of the two waves where each synapse has its own phase.
    """

    w: Fixed
    w_bounds: Interval
    x: Port
    a_frac: int
    learning: bool = False
    z: Port | None = None
    mode: str = "replacing"
    psi_fast: Fixed | None = None
    psi_slow: Fixed | None = None
    third: Port | None = None
    attention: AttentionForm | None = None
    phase: Port | None = None
    phase_per_synapse: bool = False
    gate: GateForm | None = None


def message(b: Builder, w: Value, x: Value, frac: int) -> Value:
    """w_ij x_i at the accumulator's binary point, rounded to nearest."""
    return b.mul(w, x, frac=frac, rounding="nearest")


def synapse(name: str, form: SynapseForm) -> Program:
    """One step of a plastic synapse.

    Send w x, then learn from the coincidence that is old enough to have all its factors.

    Inputs: ``x`` for the message; for learning ``x_learn`` and ``z`` of the same model step, ``third`` = η_l + η_g G',
    ``gate`` or the waves ``cos`` and ``sin``; for attention ``x_attention``, ``direction_<d>`` and, two steps later,
    ``reciprocal``. Output ``a``, and ``score`` to the normaliser. States ``w``, ``psi_fast``, ``psi_slow``, and the
    score's delay line. Observables ``alpha``, ``gate`` (phase per synapse) and ``dw``.
    """
    b = Builder(name, "plastic synapse")
    w = b.state("w", form.w, form.w_bounds)
    b.note("message")
    b.emit("a", message(b, w, b.input("x", form.x.format, form.x.bounds), form.a_frac))
    if not form.learning:
        return b.build()
    if form.z is None or form.psi_fast is None or form.third is None:
        raise ValueError("a learning synapse needs z, a fast trace and a third factor")
    x = b.input("x_learn", form.x.format, form.x.bounds)
    z = b.input("z", form.z.format, form.z.bounds)
    e = eligibility(b, x, z, form.mode, form.psi_fast, form.psi_slow)
    if form.attention is not None:
        alpha = _alpha(b, form.attention, form.x)
        b.observe("alpha", alpha)
        e = b.mul(alpha, e, rounding="nearest")
    b.note("dw* = third factor times eligibility")
    # To nearest: a product that is rounded down would let every small negative update take a whole unit.
    dw = b.mul(b.input("third", form.third.format, form.third.bounds), e, rounding="nearest")
    if form.phase is not None:
        if form.phase_per_synapse:
            waves = [b.input(wave, form.phase.format, form.phase.bounds) for wave in ("cos", "sin")]
            phase = own_gate(b, waves)
            b.observe("gate", phase)
        else:
            phase = b.input("gate", form.phase.format, form.phase.bounds)
        dw = b.mul(dw, phase, rounding="nearest")
    low, high = form.w_bounds
    span = high - low  # a step beyond the span cannot matter, and bounding it keeps the sum in a word
    step = b.clip(b.convert(dw, Fixed(WORD, True, w.frac)), -span, span)
    if form.gate is not None:
        time = b.raw("sub", b.raw("time"), b.constant("offset", Fixed(8, signed=False)), wraps=True)
        opened = open_gate(
            b, dw, b.constant("beta_p", form.gate.beta), b.constant("threshold", form.gate.threshold), time
        )
        step = b.raw("sel", opened, step, 0, frac=step.frac)
    b.observe("dw", step)
    b.note("w = clip(w + dw)")
    b.store(w, b.clip(b.raw("add", w, step), low, high))
    return b.build()


def _alpha(b: Builder, form: AttentionForm, x_port: Port) -> Value:
    """α_ij = score · reciprocal, where the score waits in the synapse until the reciprocal of its row's sum is back."""
    x = b.input("x_attention", x_port.format, x_port.bounds)
    directions = [b.input(f"direction_{d}", port.format, port.bounds) for d, port in enumerate(form.directions)]
    value = b.convert(score(b, x, directions, form.beta), Fixed(WORD - 1, False, SCORE_FRAC))
    value = b.clip(value, 0, 1 << SCORE_FRAC)
    b.emit("score", b.rescale(value, form.message_frac))
    value = b.delayed("score", value, SCORE_STEPS)
    reciprocal = b.input("reciprocal", form.reciprocal.format, form.reciprocal.bounds)
    alpha = b.mul(value, reciprocal, rounding="nearest")
    one = 1 << alpha.frac if 0 <= alpha.frac < WORD - 1 else alpha.high
    return b.clip(alpha, 0, min(one, alpha.high))
