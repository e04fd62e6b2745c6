"""Its CPU model."""

from lava.magma.core.decorator import implements, requires
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from extension_part.process import CpuPart
from hmn_lava.processes.base.models import FixedModel


@implements(proc=CpuPart, protocol=LoihiProtocol)
@requires(CPU)
class CpuPartModel(FixedModel):
    """The component's program."""
