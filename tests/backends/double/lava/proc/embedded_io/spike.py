"""Stand-in for the adapters between host and chip: they pass on, in the same step, what they receive.

On a board the way through the embedded processor takes time; the double's adapters take none.
"""

import numpy as np
from extension_calls import record
from lava.magma.core.decorator import implements, requires
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

MESSAGE_BITS = range(0, 25)


class _Adapter(AbstractProcess):
    def __init__(self, shape: tuple[int, ...], num_message_bits: int = 0, **kwargs) -> None:
        if num_message_bits not in MESSAGE_BITS:
            raise ValueError(f"num_message_bits is 0 to 24, not {num_message_bits}")
        super().__init__(shape=shape, num_message_bits=num_message_bits, **kwargs)
        record(type(self).__name__, shape=shape, num_message_bits=num_message_bits)
        self.inp = InPort(shape=shape)
        self.out = OutPort(shape=shape)


class PyToNxAdapter(_Adapter):
    """From the host to the chip."""


class NxToPyAdapter(_Adapter):
    """From the chip to the host."""


class PyToN3ConvAdapter(_Adapter):
    """From the host to a convolution on the chip."""


class _PassOn(PyLoihiProcessModel):
    inp: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def run_spk(self) -> None:
        received = self.inp.recv()
        if self.proc_params["num_message_bits"] == 0:  # spikes without a payload
            received = (received != 0).astype(np.int32)
        self.out.send(received)


@implements(proc=PyToNxAdapter, protocol=LoihiProtocol)
@requires(CPU)
class PyToNxModel(_PassOn):
    """The way to the chip, on the CPU."""


@implements(proc=NxToPyAdapter, protocol=LoihiProtocol)
@requires(CPU)
class NxToPyModel(_PassOn):
    """The way from the chip, on the CPU."""
