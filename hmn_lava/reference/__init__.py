"""The float reference: the equations in float64, a network made of them, and meta-learning around it."""

from hmn_lava.reference.simulator import Reference

__all__ = ["Reference"]
