"""Stand-in for the neurocore models of Dense and LearningDense: chosen as such, and run by Lava's CPU models.

``NcModelDense`` is a public name. How the extension calls its model of LearningDense is not public.
"""

import os

from extension_cpu import RunsOnCpu
from lava.magma.core.decorator import implements, requires
from lava.magma.core.model.nc.model import AbstractNcProcessModel
from lava.magma.core.resources import CPU, Loihi2NeuroCore
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.dense.models import PyDelayDenseModelBitAcc, PyDenseModelBitAcc, PyLearningDenseModelBitApproximate
from lava.proc.dense.process import DelayDense, Dense, LearningDense


class CpuDense(Dense):
    """What runs in place of a Dense."""


class CpuLearningDense(LearningDense):
    """What runs in place of a LearningDense."""


@implements(proc=CpuDense, protocol=LoihiProtocol)
@requires(CPU)
class CpuDenseModel(PyDenseModelBitAcc):
    """Lava's fixed-point model, freed of the Process that it implements."""

    implements_process = None


@implements(proc=CpuLearningDense, protocol=LoihiProtocol)
@requires(CPU)
class CpuLearningDenseModel(PyLearningDenseModelBitApproximate):
    """Lava's fixed-point model, freed of the Process that it implements."""

    implements_process = None


@implements(proc=Dense, protocol=LoihiProtocol)
@requires(Loihi2NeuroCore)
class NcModelDense(RunsOnCpu, AbstractNcProcessModel):
    """Dense on the double."""

    cpu_kind = CpuDense


@implements(proc=LearningDense, protocol=LoihiProtocol)
@requires(Loihi2NeuroCore)
class NcModelLearningDense(RunsOnCpu, AbstractNcProcessModel):
    """LearningDense on the double."""

    cpu_kind = CpuLearningDense


class CpuDelayDense(DelayDense):
    """What runs in place of a DelayDense."""


@implements(proc=CpuDelayDense, protocol=LoihiProtocol)
@requires(CPU)
class CpuDelayDenseModel(PyDelayDenseModelBitAcc):
    """Lava's fixed-point model, freed of the Process that it implements."""

    implements_process = None


if os.environ.get("HMN_LAVA_DOUBLE_LACKS") != "DelayDense":  # an extension need not have a model of everything

    @implements(proc=DelayDense, protocol=LoihiProtocol)
    @requires(Loihi2NeuroCore)
    class NcModelDelayDense(RunsOnCpu, AbstractNcProcessModel):
        """DelayDense on the double."""

        cpu_kind = CpuDelayDense
        kept_as_var = ("delays",)
