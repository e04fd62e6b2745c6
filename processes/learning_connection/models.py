"""CPU models of :class:`HMNLearningConnection`."""

from __future__ import annotations

from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from hmn_lava.processes.base.floating import FloatModel
from hmn_lava.processes.base.models import FixedModel
from hmn_lava.processes.learning_connection.process import HMNLearningConnection


@implements(proc=HMNLearningConnection, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyHMNLearningConnectionFixed(FixedModel):
    """Runs the rule in the integers of the engine."""


@implements(proc=HMNLearningConnection, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyHMNLearningConnectionFloat(FloatModel):
    """Runs the rule in real numbers."""
