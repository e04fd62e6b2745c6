"""Microcoded compartments that are part of another component: terms of sums, contexts, normalisers."""

from __future__ import annotations

from hmn_lava.processes.base.process import HMNProcess


class Compartments(HMNProcess):
    """Microcoded compartments that are part of another component: terms of sums, contexts, normalisers."""
