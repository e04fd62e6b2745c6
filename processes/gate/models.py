"""CPU models of :class:`ProbabilisticGate`."""

from __future__ import annotations

from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from hmn_lava.processes.base.floating import FloatModel
from hmn_lava.processes.base.models import FixedModel
from hmn_lava.processes.gate.process import ProbabilisticGate


@implements(proc=ProbabilisticGate, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyProbabilisticGateFixed(FixedModel):
    """Runs the program."""


@implements(proc=ProbabilisticGate, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyProbabilisticGateFloat(FloatModel):
    """Runs the equations, on the same draws."""
