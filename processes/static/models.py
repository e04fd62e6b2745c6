"""CPU models of :class:`StaticConnection`."""

from __future__ import annotations

from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from hmn_lava.processes.base.floating import FloatModel
from hmn_lava.processes.base.models import FixedModel
from hmn_lava.processes.static.process import StaticConnection


@implements(proc=StaticConnection, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyStaticConnectionFixed(FixedModel):
    """Multiplies the integers."""


@implements(proc=StaticConnection, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyStaticConnectionFloat(FloatModel):
    """Computes the equations."""
