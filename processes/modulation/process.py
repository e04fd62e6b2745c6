"""The third factor of a plastic connection."""

from __future__ import annotations

from hmn_lava.processes.base.process import HMNProcess


class Neuromodulation(HMNProcess):
    """The third factor of a plastic connection."""
