"""CPU models of :class:`HMNNeuron`."""

from __future__ import annotations

from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from hmn_lava.processes.base.floating import FloatModel
from hmn_lava.processes.base.models import FixedModel
from hmn_lava.processes.neuron.process import HMNNeuron


@implements(proc=HMNNeuron, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyHMNNeuronFixed(FixedModel):
    """Runs the program."""


@implements(proc=HMNNeuron, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyHMNNeuronFloat(FloatModel):
    """Computes the equations."""
