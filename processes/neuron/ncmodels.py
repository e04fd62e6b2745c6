"""The neurocore model of :class:`HMNNeuron`, where Intel's extension is."""

from __future__ import annotations

from lava.magma.core.decorator import implements, requires
from lava.magma.core.resources import Loihi2NeuroCore
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from hmn_lava.processes.neuron.process import HMNNeuron

try:
    from hmn_lava.processes.base.ncmodels import NeurocoreModel
except ImportError:  # no extension, no neurocore
    pass
else:

    @implements(proc=HMNNeuron, protocol=LoihiProtocol)
    @requires(Loihi2NeuroCore)
    class NcHMNNeuron(NeurocoreModel):
        """Compartments on the chip."""
