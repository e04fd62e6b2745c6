"""Whether a network fits the chips of a profile, before and after it is lowered."""

from __future__ import annotations

import math

from hmn_lava.compiler.placement import place
from hmn_lava.errors import Finding, FitError
from hmn_lava.hardware_profiles import Profile
from hmn_lava.network import IntegerNetwork
from hmn_lava.placement import Placement
from hmn_lava.spec.model import Model

PERIODS = (2.0**-8, 2.0**22)
"""Steps: an oscillator counts steps modulo its period in one word, which has to hold the period, and to resolve it."""


def fit_size(model: Model, profile: Profile, plasticity: str = "neurocore") -> list[Finding]:
    """A bound from the sizes alone, so that what cannot fit is refused before it is built.

    A compartment a neuron and, unless the learning engine has them, a plastic synapse.
    """
    neurons = sum(p.size for p in model.populations.values() if p.type != "input")
    plastic = [c for c in model.connections.values() if c.rule is not None] if plasticity == "neurocore" else []
    synapses = sum(c.n_syn for c in plastic)
    return [*_compartments(model.name, neurons, synapses, profile), *_periods(model)]


def fit(network: IntegerNetwork, profile: Profile) -> tuple[Placement | None, list[Finding]]:
    """The network's placement on the profile's system, None where it does not fit, and what is to be said of it."""
    counters = _counters(network, profile)
    try:
        return place(network, profile), counters
    except FitError as error:
        return None, [*error.findings, *counters]


def _compartments(name: str, neurons: int, synapses: int, profile: Profile) -> list[Finding]:
    limit = profile.system.chips.value * profile.chip.cores_per_chip.value * profile.core.compartments.value
    if neurons + synapses <= limit:
        return []
    remedy = "Make populations smaller, or use a profile of more chips."
    if synapses:
        remedy = f"Each plastic synapse is a compartment: make plastic connections sparser. {remedy}"
    return [Finding("compartments", name, neurons + synapses, limit, "error", remedy)]


def _counters(network: IntegerNetwork, profile: Profile) -> list[Finding]:
    """Outputs that the host reads are counted by embedded processors, a counter each."""
    chip = profile.chip
    limit = profile.system.chips.value * chip.embedded_processors.value * chip.embedded_counters.value
    shown = [network.signals[name] for name in network.outputs]
    used = sum(math.prod(signal.shape) for signal in shown if signal.kind == "output")
    if used <= limit:
        return []
    remedy = "A board cannot read all outputs in every step: read some, make populations smaller, or use more chips."
    return [Finding("embedded-counters", network.name, used, limit, "warning", remedy)]


def _periods(model: Model) -> list[Finding]:
    remedy = "Choose a period of 1/256 step to 2**22 steps."
    return [
        Finding("period", f"oscillators.{oscillator.name}.period", oscillator.period, PERIODS, "error", remedy)
        for oscillator in model.oscillators.values()
        if not PERIODS[0] <= oscillator.period < PERIODS[1]
    ]
