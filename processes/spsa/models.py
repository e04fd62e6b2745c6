"""CPU models of :class:`SPSA`."""

from __future__ import annotations

from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from hmn_lava.processes.base.floating import FloatModel
from hmn_lava.processes.base.models import FixedModel
from hmn_lava.processes.spsa.process import SPSA


@implements(proc=SPSA, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PySPSAFixed(FixedModel):
    """Runs the program."""


@implements(proc=SPSA, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PySPSAFloat(FloatModel):
    """Runs the outer loop of the float reference, with the same signs."""
