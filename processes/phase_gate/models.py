"""CPU models of :class:`PhaseGate`."""

from __future__ import annotations

from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from hmn_lava.processes.base.floating import FloatModel
from hmn_lava.processes.base.models import FixedModel
from hmn_lava.processes.phase_gate.process import PhaseGate


@implements(proc=PhaseGate, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyPhaseGateFixed(FixedModel):
    """Runs the program."""


@implements(proc=PhaseGate, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyPhaseGateFloat(FloatModel):
    """Computes the equations."""
