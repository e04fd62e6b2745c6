"""Plastic synapses of the learning engine."""
