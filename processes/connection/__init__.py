"""Plastic synapses, each a microcoded compartment."""
