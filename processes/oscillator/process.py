"""The oscillator of a phase gate."""

from __future__ import annotations

from hmn_lava.processes.base.process import HMNProcess


class Oscillator(HMNProcess):
    """The oscillator of a phase gate."""
