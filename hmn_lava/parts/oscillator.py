"""The oscillator alone, and the phase gate that makes a gate of its waves (HMN paper, eq. (4))."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

import hmn_lava as hl
from hmn_lava.components.phase_gate import phase_gate
from hmn_lava.errors import InputError
from hmn_lava.network import Along, Link
from hmn_lava.partition import InPort, OutPort, Part, partition
from hmn_lava.parts.constants import real_constants
from hmn_lava.parts.given import flag, number, numbers, of_component, steps
from hmn_lava.parts.making import constants, group, part_of
from hmn_lava.reference import equations as eq
from hmn_lava.reference.equations import Floats
from hmn_lava.reference.parts import FloatPart

SHORTEST, LONGEST_PERIOD = 1e-6, 1e9
"""Steps: periods that the counter holds."""


@of_component(oscillators__oscillator__="", connection__oscillator="period")
def oscillator_part(
    period: float, phase: float = 0.0, *, waves: bool = False, delay: int = 0, name: str = "oscillator"
) -> tuple[Part, FloatPart]:
    """An oscillator that sends the gate of φ = 0, or its two waves; see ``Oscillator`` for the arguments."""
    period, phase = number("period", period, SHORTEST, LONGEST_PERIOD), number("phase", phase)
    waves, delay = flag("waves", waves), steps("delay", delay)
    net = hl.Network("part")
    source, target = net.input("x", 2), net.hmn("neuron", 1, activation="sigmoid")
    clock = net.oscillator("oscillator", period=period, phase=phase)
    # Two phases let the compiler build the waves that a synapse makes its own gate of.
    gate = {"oscillator": clock, "phase": [[0.0, 1.0 if waves else 0.0]]}
    net.connect(source, target, weights=0.0, rates={"local": 1.0}, phase_gate=gate, name="connection")
    network = hl.lower_part(net.spec(), modulate=0, update=delay + 1)
    part = partition(network).parts["connection.oscillator"]
    return part, FloatPart(part, OscillatorEquations(part, period, phase, waves, delay))


class OscillatorEquations:
    """Φ(t) = 2π t / P + Φ_0 as a ``count`` of steps modulo P; the gate max(0, cos Φ), or cos Φ and sin Φ."""

    def __init__(self, part: Part, period: float, phase: float, waves: bool, delay: int) -> None:
        self.waves = waves
        start = math.fmod(phase / (2.0 * math.pi) * period - delay, period)
        count = np.array([start + period if start < 0.0 else start])
        exact = {"period": period, "turns_per_step": 1.0 / period}
        self.states: dict[str, Floats] = {"count": count, **real_constants(part, exact)}

    def step(self, ports: Mapping[str, Floats], t: int) -> Mapping[str, Floats]:
        """The wave of the count, which then moves by one step."""
        count, period = self.states["count"], float(self.states["period"][0])
        phase = 2.0 * math.pi * float(count[0] * self.states["turns_per_step"][0])
        count[0] = math.fmod(count[0] + 1.0, period)
        if self.waves:
            return {"cos": np.array([math.cos(phase)]), "sin": np.array([math.sin(phase)])}
        return {"gate": eq.phase_gate(phase, np.zeros(1))}


@of_component()
def phase_gate_part(phi: ArrayLike, *, name: str = "phase_gate") -> tuple[Part, FloatPart]:
    """One gate for each preferred phase in ``phi`` (n,), rad; see ``PhaseGate``."""
    phases = numbers("phi", phi)
    if phases.ndim != 1 or not phases.size:
        raise InputError("is no vector of numbers", field="phi", value=phi, remedy="give phases (n,) in rad")
    program = phase_gate(name)
    waves: dict[str, tuple[ArrayLike, Along]] = {"cos_phase": (np.cos(phases), "each")}
    waves["sin_phase"] = np.sin(phases), "each"
    part = part_of(
        name,
        "phase_gate",
        (group(program, phases.size, constants(program, waves)),),
        tuple(Link((f"{wave}_in", "x"), (name, wave), "all") for wave in ("cos", "sin")),
        (InPort("cos_in", 1), InPort("sin_in", 1)),
        (OutPort("gate_out", phases.size, (name, "gate")),),
    )
    return part, FloatPart(part, PhaseGateEquations(phases))


class PhaseGateEquations:
    """max(0, cos(Φ - φ)) of the waves cos Φ and sin Φ."""

    def __init__(self, phi: Floats) -> None:
        self.states: dict[str, Floats] = {"cos_phase": np.cos(phi), "sin_phase": np.sin(phi)}

    def step(self, ports: Mapping[str, Floats], t: int) -> Mapping[str, Floats]:
        """The gates of this step."""
        return {"gate": own_phase_gate(ports["cos"], ports["sin"], self.states)}


def own_phase_gate(cosine: Floats, sine: Floats, states: Mapping[str, Floats]) -> Floats:
    """max(0, cos(Φ - φ)) with Φ and φ given by their waves; 0 before the first wave has come."""
    phase, phi = np.arctan2(sine, cosine), np.arctan2(states["sin_phase"], states["cos_phase"])
    amplitude = np.hypot(cosine, sine) * np.hypot(states["sin_phase"], states["cos_phase"])
    gate: Floats = amplitude * eq.phase_gate(phase, phi)  # type: ignore[arg-type]
    return gate
