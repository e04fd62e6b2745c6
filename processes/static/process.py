"""Static synapses."""

from __future__ import annotations

from hmn_lava.processes.base.process import HMNProcess


class StaticConnection(HMNProcess):
    """Static synapses."""
