"""CPU models of :class:`EligibilityTrace`."""

from __future__ import annotations

from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from hmn_lava.processes.base.floating import FloatModel
from hmn_lava.processes.base.models import FixedModel
from hmn_lava.processes.trace.process import EligibilityTrace


@implements(proc=EligibilityTrace, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyEligibilityTraceFixed(FixedModel):
    """Runs the program."""


@implements(proc=EligibilityTrace, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyEligibilityTraceFloat(FloatModel):
    """Computes the equations."""
