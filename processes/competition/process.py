"""One compartment for each pair of neurons that compete."""

from __future__ import annotations

from hmn_lava.processes.base.process import HMNProcess


class Competition(HMNProcess):
    """One compartment for each pair of neurons that compete."""
