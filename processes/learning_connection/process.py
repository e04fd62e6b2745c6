"""Plastic synapses of the learning engine."""

from __future__ import annotations

from hmn_lava.processes.base.process import HMNProcess


class HMNLearningConnection(HMNProcess):
    """Plastic synapses of the learning engine."""
