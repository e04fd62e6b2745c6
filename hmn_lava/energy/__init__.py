"""Energy per weight update: exact counts of what a network does, times the coefficients of a hardware profile."""

from hmn_lava.energy.profiling import profile
from hmn_lava.energy.report import Report

__all__ = ["Report", "profile"]
