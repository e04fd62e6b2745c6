"""CPU models of :class:`Compartments`."""

from __future__ import annotations

from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from hmn_lava.processes.base.models import FixedModel
from hmn_lava.processes.compartments.process import Compartments


@implements(proc=Compartments, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyCompartmentsFixed(FixedModel):
    """Runs the program."""
