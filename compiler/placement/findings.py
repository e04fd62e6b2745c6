"""What does not fit, and what to change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hmn_lava.compiler.placement.demands import ADDED, SHARED, UNLIMITED, Demand, together
from hmn_lava.errors import Finding
from hmn_lava.fixed import Integers

REMEDIES = {
    "compartments": "Make populations smaller; in plasticity neurocore, each plastic synapse is a compartment too.",
    "synaptic_memory": "A neuron's synapses lie on its core: make the connections onto it sparser, or weights shorter.",
    "input_axons": "Each source of a neuron takes an axon of its core: make the connections onto it sparser.",
    "output_axons": "Each core that hears a compartment takes an axon: make the connections out of it sparser.",
    "state_memory": "Drop the slow trace, or lower the attention's dimensions.",
    "program_memory": "Switch a subsystem off, or use fewer kinds of populations.",
    "compartment_configurations": "Use fewer groups: fewer, larger populations and connections.",
    "threshold_configurations": "Give populations equal thresholds.",
    "synapse_configurations": "Give the connections onto a population equal widths of weights, delays and scales.",
    "learning_configurations": "Give the plastic connections onto a population one rule.",
}
"""What to change where a resource of a core is the binding limit."""


def too_heavy(demands: Iterable[Demand], limit: Mapping[str, int]) -> list[Finding]:
    """What cannot be split: a compartment, or the settings of a group, that take more than a core has."""
    findings = []
    for demand in demands:
        alone = demand.alone()
        for number, name in enumerate(ADDED):
            worst = int(alone[number].argmax())
            which = f"{demand.group}: compartment {worst}"
            findings += _above(name, which, int(alone[number, worst]), limit)
        settings = together([demand.settings])
        for name in SHARED:
            findings += _above(name, demand.group, settings[name], limit)
    return findings


def full(network: str, cores: int, used: Mapping[str, Integers], limit: Mapping[str, int]) -> Finding:
    """More cores than the system has; names the resource of which the largest share is taken."""
    share = {name: float(used[name].mean()) / most for name, most in limit.items()}
    binding = max(share, key=lambda name: share[name])
    taken = f"The binding limit is {binding}: cores take {100 * share[binding]:.0f} % of theirs on average."
    remedy = f"{taken} {REMEDIES[binding]} Or use a profile of more chips."
    return Finding("cores", network, used[binding].size, cores, "error", remedy)


def scattered(network: str, axons: int, limit: Mapping[str, int]) -> Finding:
    """Splitting the senders adds axons to others, and there was no end to it."""
    return Finding("output-axons", network, axons, limit["output_axons"], "error", REMEDIES["output_axons"])


def _above(resource: str, which: str, used: int, limit: Mapping[str, int]) -> list[Finding]:
    most = limit.get(resource, UNLIMITED)
    return [Finding(resource.replace("_", "-"), which, used, most, "error", REMEDIES[resource])] if used > most else []
