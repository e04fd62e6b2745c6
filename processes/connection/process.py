"""Plastic synapses, each a microcoded compartment."""

from __future__ import annotations

from hmn_lava.processes.base.process import HMNProcess


class HMNConnection(HMNProcess):
    """Plastic synapses, each a microcoded compartment."""
