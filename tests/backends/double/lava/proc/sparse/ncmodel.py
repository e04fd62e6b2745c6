"""Stand-in for the neurocore model of Sparse: chosen as such, and run by Lava's CPU model."""

from extension_cpu import RunsOnCpu
from lava.magma.core.decorator import implements, requires
from lava.magma.core.model.nc.model import AbstractNcProcessModel
from lava.magma.core.resources import CPU, Loihi2NeuroCore
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.sparse.models import PySparseModelBitAcc
from lava.proc.sparse.process import Sparse


class CpuSparse(Sparse):
    """What runs in place of a Sparse."""


@implements(proc=CpuSparse, protocol=LoihiProtocol)
@requires(CPU)
class CpuSparseModel(PySparseModelBitAcc):
    """Lava's fixed-point model, freed of the Process that it implements."""

    implements_process = None


@implements(proc=Sparse, protocol=LoihiProtocol)
@requires(Loihi2NeuroCore)
class NcModelSparse(RunsOnCpu, AbstractNcProcessModel):
    """Sparse on the double."""

    cpu_kind = CpuSparse
    kept_as_var = ("weights",)
