"""Whether a network fits the chips of a profile, before and after it is lowered."""

from __future__ import annotations

from hmn_lava.compiler.place import Placement, synaptic_bits
from hmn_lava.errors import Finding
from hmn_lava.hardware_profiles import Profile
from hmn_lava.network import IntegerNetwork
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
    return [*_compartments(model.name, neurons + synapses, profile), *_periods(model)]


def fit(placement: Placement, network: IntegerNetwork, profile: Profile) -> list[Finding]:
    """Compartments, cores and static synapses of the placed network against the profile's chips."""
    name = network.name
    findings = [*_compartments(name, placement.compartments, profile), *_synapses(network, profile)]
    cores = profile.system.chips.value * profile.chip.cores_per_chip.value
    if not findings and placement.cores > cores:
        findings.append(
            Finding(
                "cores",
                name,
                placement.cores,
                cores,
                "error",
                "Use fewer groups or neurons, or a profile of more chips.",
            )
        )
    return findings


def _compartments(name: str, used: int, profile: Profile) -> list[Finding]:
    limit = profile.system.chips.value * profile.chip.cores_per_chip.value * profile.core.compartments.value
    if used <= limit:
        return []
    remedy = "Each plastic synapse is a compartment: make connections sparser, populations smaller, or use more chips."
    return [Finding("compartments", name, used, limit, "error", remedy)]


def _synapses(network: IntegerNetwork, profile: Profile) -> list[Finding]:
    """Neurons whose static synapses alone are more than the synaptic memory of a core."""
    limit = profile.core.synaptic_memory.value
    heaviest = {name: int(synaptic_bits(network, name, profile).max(initial=0)) for name in network.groups}
    remedy = "A neuron's static synapses lie on its core: make the connections onto it sparser, or weights shorter."
    return [
        Finding("synaptic-memory", group, f"{bits} bits for a neuron", f"{limit} bits", "error", remedy)
        for group, bits in heaviest.items()
        if bits > limit
    ]


def _periods(model: Model) -> list[Finding]:
    remedy = "Choose a period of 1/256 step to 2**22 steps."
    return [
        Finding("period", f"oscillators.{oscillator.name}.period", oscillator.period, PERIODS, "error", remedy)
        for oscillator in model.oscillators.values()
        if not PERIODS[0] <= oscillator.period < PERIODS[1]
    ]
