"""A quadratic loss as a Lava Process, and its model: what the meta-learner of a test learns on."""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol


class Quadratic(AbstractProcess):
    """The squared distance of what comes from ``best``, at once; integers with so many fractional bits."""

    def __init__(self, *, best: np.ndarray, eta_frac: int, loss_frac: int) -> None:
        super().__init__(best=best, eta_frac=eta_frac, loss_frac=loss_frac)
        self.eta_in = InPort(shape=best.shape)
        self.loss_out = OutPort(shape=(1,))


class _Model(PyLoihiProcessModel):
    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.best = proc_params["best"]
        self.scales = 2.0 ** proc_params["eta_frac"], 2.0 ** proc_params["loss_frac"]

    def run_spk(self) -> None:
        loss = np.sum((self.eta_in.recv() / self.scales[0] - self.best) ** 2, keepdims=True) * self.scales[1]
        self.loss_out.send(np.rint(loss).astype(np.int32) if self.integer else loss)


@implements(proc=Quadratic, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyQuadraticFixed(_Model):
    """In integers."""

    eta_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    loss_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    integer = True


@implements(proc=Quadratic, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyQuadraticFloat(_Model):
    """In real numbers."""

    eta_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    loss_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    integer = False
