"""The ProcessModels' common part: a step of the chip in Lava's spiking phase."""

from __future__ import annotations

import re
from abc import ABCMeta
from typing import Any

import numpy as np
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType

from hmn_lava.microcode.ir import WORD
from hmn_lava.processes.base.variables import Bound, initial_values

IN, OUT = re.compile(r".*_in(_.*)?$"), re.compile(r".*_out(_.*)?$")


class PortsOfProcess(ABCMeta):
    """Declares to Lava whatever ports and Vars the Process of a model has, as they depend on its program.

    Lava asks the model's class for a LavaPyType by the name of each port and Var of the Process. Names with ``_in`` and
    ``_out`` are ports; all others are Vars. ``number`` is the model's type of numbers.
    """

    number: type = np.int32

    def __getattr__(cls, name: str) -> LavaPyType:
        if name.startswith("_"):
            raise AttributeError(name)
        if IN.match(name):
            return LavaPyType(PyInPort.VEC_DENSE, cls.number, precision=WORD)
        if OUT.match(name):
            return LavaPyType(PyOutPort.VEC_DENSE, cls.number, precision=WORD)
        return LavaPyType(np.ndarray, np.int64 if cls.number is np.int32 else float, precision=WORD)


class FixedModel(PyLoihiProcessModel, metaclass=PortsOfProcess):
    """Runs the component's program or rule by :class:`hmn_lava.simulator.part.PartExecutor`, on the Process's Vars."""

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._bound: Bound | None = None

    def run_spk(self) -> None:
        """One step of the chip."""
        if self._bound is None:
            self._bound = self._bind()
        self._bound.load()
        self._bound.executor.step_once(self._receive, self._send, self._bound.observe)
        self._bound.store()

    def post_guard(self) -> bool:
        """Whether this is the step after which the Vars are written to a file."""
        checkpoint = self.proc_params["checkpoint"]
        return checkpoint is not None and self.time_step == checkpoint[1]

    def run_post_mgmt(self) -> None:
        """Write the Vars."""
        if self._bound is not None:
            np.savez(self.proc_params["checkpoint"][0], **self._bound.variables)

    def _bind(self) -> Bound:
        part, observe = self.proc_params["part"], self.proc_params["observe"]
        names = [*initial_values(part, observe), "messages"]
        return Bound(part, {name: getattr(self, name) for name in names}, observe, self.proc_params["start"])

    def _receive(self, port: str) -> Any:
        return getattr(self, port).recv()

    def _send(self, port: str, values: Any) -> None:
        getattr(self, port).send(values.astype(np.int32))
