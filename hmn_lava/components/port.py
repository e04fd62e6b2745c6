"""A port of a program: what may arrive there."""

from __future__ import annotations

from dataclasses import dataclass

from hmn_lava.fixed import Fixed
from hmn_lava.microcode.ranges import Interval


@dataclass(frozen=True)
class Port:
    """A message format with the proven bounds of its integers."""

    format: Fixed
    bounds: Interval
