"""Where a network lies on a system of chips: what it needs, which core holds what, and which core lies where."""

from hmn_lava.compiler.placement.place import place

__all__ = ["place"]
