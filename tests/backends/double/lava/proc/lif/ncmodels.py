"""Stand-in for the neurocore model of LIF: chosen as such, and run by Lava's CPU model."""

from typing import Any

from extension_cpu import RunsOnCpu, twin
from lava.magma.core.decorator import implements, requires
from lava.magma.core.model.nc.model import AbstractNcProcessModel
from lava.magma.core.resources import CPU, Loihi2NeuroCore
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.lif.models import PyLifModelBitAcc
from lava.proc.lif.process import LIF


class CpuLIF(LIF):
    """What runs in place of a LIF."""


@implements(proc=CpuLIF, protocol=LoihiProtocol)
@requires(CPU)
class CpuLifModel(PyLifModelBitAcc):
    """Lava's fixed-point model, freed of the Process that it implements."""

    implements_process = None


@implements(proc=LIF, protocol=LoihiProtocol)
@requires(Loihi2NeuroCore)
class NcModelLif(RunsOnCpu, AbstractNcProcessModel):
    """LIF on the double."""

    cpu_kind = CpuLIF

    def __init__(self, process: Any) -> None:
        self.inner = twin(process, CpuLIF, shape=process.s_out.shape, vth=process.vth.init)
