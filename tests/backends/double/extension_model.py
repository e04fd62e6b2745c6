"""The neurocore model that the double's ``lava.magma.core.model.nc.model`` offers."""

from typing import Any

from extension_calls import record
from extension_cpu import twin
from lava.magma.core.model.nc.model import AbstractNcProcessModel
from lava.magma.core.model.nc.net import NetL2
from lava.magma.core.model.sub.model import AbstractSubProcessModel


class NcProcessModel(AbstractSubProcessModel, AbstractNcProcessModel):
    """A model that allocates what it needs in a net object.

    The double has it allocate in a net object that notes the calls, and then runs the Process's CPU model.
    """

    def __init__(self, process: Any) -> None:
        from extension_part.process import CpuPart

        self.proc_params = process.proc_params
        self.allocate(NetL2())
        self.inner = twin(process, CpuPart)

    def allocate(self, net: Any) -> None:
        """Allocate; the double only notes that it was asked."""
        record("NcProcessModel.allocate", model=type(self).__name__)


class NcLoihiProcessModel(NcProcessModel):
    """The name that Lava's documentation uses."""
