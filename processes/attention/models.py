"""CPU models of :class:`LocalAttention`."""

from __future__ import annotations

from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from hmn_lava.processes.attention.process import LocalAttention
from hmn_lava.processes.base.floating import FloatModel
from hmn_lava.processes.base.models import FixedModel


@implements(proc=LocalAttention, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyLocalAttentionFixed(FixedModel):
    """Runs the programs of context, score and normaliser."""


@implements(proc=LocalAttention, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyLocalAttentionFloat(FloatModel):
    """Runs the equations."""
