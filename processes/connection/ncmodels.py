"""The neurocore model of :class:`HMNConnection`, where Intel's extension is."""

from __future__ import annotations

from lava.magma.core.decorator import implements, requires
from lava.magma.core.resources import Loihi2NeuroCore
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from hmn_lava.processes.connection.process import HMNConnection

try:
    from hmn_lava.processes.base.ncmodels import NeurocoreModel
except ImportError:  # no extension, no neurocore
    pass
else:

    @implements(proc=HMNConnection, protocol=LoihiProtocol)
    @requires(Loihi2NeuroCore)
    class NcHMNConnection(NeurocoreModel):
        """Compartments on the chip."""
