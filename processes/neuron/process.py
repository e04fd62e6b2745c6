"""The neuron: activation, noise, and what it supplies to the learning engine."""

from __future__ import annotations

from hmn_lava.processes.base.process import HMNProcess


class HMNNeuron(HMNProcess):
    """The neuron: activation, noise, and what it supplies to the learning engine."""
