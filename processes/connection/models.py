"""CPU models of :class:`HMNConnection`."""

from __future__ import annotations

from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from hmn_lava.processes.base.floating import FloatModel
from hmn_lava.processes.base.models import FixedModel
from hmn_lava.processes.connection.process import HMNConnection


@implements(proc=HMNConnection, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyHMNConnectionFixed(FixedModel):
    """Runs the program."""


@implements(proc=HMNConnection, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyHMNConnectionFloat(FloatModel):
    """Computes the equations."""
