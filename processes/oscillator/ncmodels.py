"""The neurocore model of :class:`Oscillator`, where Intel's extension is."""

from __future__ import annotations

from lava.magma.core.decorator import implements, requires
from lava.magma.core.resources import Loihi2NeuroCore
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from hmn_lava.processes.oscillator.process import Oscillator

try:
    from hmn_lava.processes.base.ncmodels import NeurocoreModel
except ImportError:  # no extension, no neurocore
    pass
else:

    @implements(proc=Oscillator, protocol=LoihiProtocol)
    @requires(Loihi2NeuroCore)
    class NcOscillator(NeurocoreModel):
        """Compartments on the chip."""
