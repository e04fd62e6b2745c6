"""A small Lava network that fails as told. In a folder of its own: Lava executes every file beside a Process."""

from __future__ import annotations

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.lif.process import LIF

# isort: split
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path


class StubbornError(Exception):
    """Cannot be pickled."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")
        self.lock = lambda: None


class Failing(AbstractProcess):
    """Takes spikes, and does ``how`` in ``phase`` of step ``at``."""

    def __init__(self, size: int, how: str, phase: str, at: int, folder: str) -> None:
        super().__init__(how=how, phase=phase, at=at, folder=folder)
        self.a_in = InPort(shape=(size,))


@implements(proc=Failing, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyFailing(PyLoihiProcessModel):
    """See Failing."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: dict) -> None:
        super().__init__(proc_params)
        self.step = 0
        if proc_params["phase"] == "init":
            self.fail()

    def run_spk(self) -> None:
        self.step += 1
        self.a_in.recv()
        if self.proc_params["phase"] == "spk" and self.step == self.proc_params["at"]:
            self.fail()

    def lrn_guard(self) -> bool:
        return self.proc_params["phase"] == "lrn"

    def run_lrn(self) -> None:
        if self.step == self.proc_params["at"]:
            self.fail()

    def fail(self) -> None:
        (Path(self.proc_params["folder"]) / "event").write_text(str(time.monotonic()))
        how = self.proc_params["how"]
        if how == "raise":
            raise StubbornError(f"{self.proc_params['phase']} of step {self.step}", "done for")
        if how == "exit":
            os._exit(3)
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "sleep":
            time.sleep(1000)


def run(folder: Path, report: Callable[[str, int], None]) -> None:
    """Run the network that ``folder`` describes, in pieces of ``piece`` steps; keep the neurons' voltages."""
    given = json.loads((folder / "given.json").read_text())
    report("building", 0)
    neurons = LIF(shape=(3,), vth=10, bias_mant=2, du=0, dv=0)
    failing = Failing(3, given["how"], given["phase"], given["at"], str(folder))
    neurons.s_out.connect(failing.a_in)
    done = 0
    while done < given["steps"]:
        neurons.run(condition=RunSteps(num_steps=given["piece"]), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
        done += given["piece"]
        report("step", done)
    np.save(folder / "v.npy", neurons.v.get())
    neurons.stop()
