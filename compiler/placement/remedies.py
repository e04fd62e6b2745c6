"""What to change in a network where a limit of a core is exceeded: only what this network has."""

from __future__ import annotations

from hmn_lava.network import IntegerNetwork
from hmn_lava.placement import INDEX_BITS

SETTINGS = {
    "compartment_configurations": "Use fewer groups: fewer, larger populations and connections.",
    "threshold_configurations": "Give populations equal thresholds.",
    "synapse_configurations": "Give the connections onto a population equal widths of weights, delays and scales.",
    "learning_configurations": "Give the plastic connections onto a population one rule.",
    "input_axons": "Each source of a neuron takes an axon of its core: make the connections onto it sparser.",
    "output_axons": "Each core that hears a compartment takes an axon: make the connections out of it sparser.",
}
"""Remedies that any network has which comes near the limit."""


def remedy(resource: str, network: IntegerNetwork, alone: bool = False) -> str:
    """What makes a network take less of a resource; with ``alone``, what makes one compartment or group do so."""
    if resource in SETTINGS:
        return SETTINGS[resource]
    states = {state.name for group in network.groups.values() for state in group.program.states}
    constants = {name for group in network.groups.values() for name in group.constants}
    plastic = "psi_fast" in states or "psi_slow" in states  # traces of synapses that are compartments
    smaller = "Make populations smaller"
    if resource == "compartments":
        synapses = ", or plastic connections sparser: each plastic synapse is a compartment" if plastic else ""
        return f"{smaller}{synapses}."
    if resource == INDEX_BITS:
        return "Connections that are not dense name their neuron by an index of few bits: make populations smaller."
    if resource == "synaptic_memory":
        shorter = ", or weights shorter" if any(link.weights is not None for link in network.links) else ""
        return f"A neuron's synapses lie on its core: make the connections onto it sparser{shorter}."
    if resource == "program_memory":
        options = ["switch a subsystem off"] * (plastic or bool(network.learning))
        options += ["use fewer kinds of populations"] * (len(network.groups) > 1 and not alone)
    else:
        options = ["drop the slow trace"] * ("psi_slow" in states)
        options += ["lower the attention's dimensions"] * ("c_1" in states or "embedding_1" in constants)
        options += [] if alone else [smaller.lower()]
    options = options or [f"use a profile whose cores have more {resource.replace('_', ' ')}"]
    text = ", or ".join(options)
    return f"{text[0].upper()}{text[1:]}."
