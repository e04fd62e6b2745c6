"""Lava's Monitor with a model that writes to a file."""
