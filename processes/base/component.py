"""A Process that a user makes from real numbers: it tells what its ports carry."""

from __future__ import annotations

from typing import Any

from hmn_lava.partition import Part
from hmn_lava.parts.ports import read_ports, sent_ports
from hmn_lava.processes.base.process import HMNProcess


class Component(HMNProcess):
    """An :class:`HMNProcess` that tells what its ports carry.

    ``formats[name]`` is the :class:`hmn_lava.fixed.Fixed` of a port or Var: ``formats["s_out"].real(integers)`` are the
    real numbers that integers stand for, and ``formats["a_in"].quantise(reals)`` the integers to send.
    ``reads[port]`` and ``sends[port]`` add the bounds of the integers; pass one as the range of another component, so
    that the two agree.
    """

    def __init__(self, *, part: Part, **kwargs: Any) -> None:
        super().__init__(part=part, **kwargs)
        self.reads, self.sends = read_ports(part), sent_ports(part)
        self.formats = {**self.formats, **{name: p.format for name, p in {**self.reads, **self.sends}.items()}}
