"""CPU models of :class:`Oscillator`."""

from __future__ import annotations

from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from hmn_lava.processes.base.floating import FloatModel
from hmn_lava.processes.base.models import FixedModel
from hmn_lava.processes.oscillator.process import Oscillator


@implements(proc=Oscillator, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyOscillatorFixed(FixedModel):
    """Runs the program."""


@implements(proc=Oscillator, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyOscillatorFloat(FloatModel):
    """Computes the equations."""
