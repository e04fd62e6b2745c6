"""A model of Lava's Monitor that writes what it sees to a file, step by step.

Lava's own keeps every step in a Var, of which the host then reads one number after another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.monitor.models import PyMonitorModel
from lava.proc.monitor.process import Monitor

from hmn_lava.simulator.probes import Probe


@dataclass(frozen=True)
class Recording:
    """What a Monitor records: samples of ``probe`` to ``file``, a row of a .npy file each.

    Steps of the chip come in frames of ``frame``, and a sample is taken in step ``phase`` of a frame.
    """

    file: str
    probe: Probe
    frame: int
    phase: int

    def row(self, step: int) -> int | None:
        """The row for what is seen in step ``step`` of the chip (from 0); None if it is not recorded."""
        number, phase = divmod(step, self.frame)
        past = number - self.probe.start
        before = self.probe.stop is None or number < self.probe.stop
        if phase != self.phase or past < 0 or not before or past % self.probe.stride:
            return None
        return past // self.probe.stride


@implements(proc=Monitor, protocol=LoihiProtocol)
@requires(CPU)
class FileMonitorModel(PyMonitorModel):
    """Follows ``proc_params["recording"]``, a :class:`Recording`, for the one Var or OutPort that is probed."""

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._rows: Any = None

    def run_spk(self) -> None:
        """Take what a probed OutPort sends."""
        if self.proc_params["n_in_ports"]:
            self._write(getattr(self, self.proc_params["InPorts"][0]).recv)

    def run_post_mgmt(self) -> None:
        """Read a probed Var."""
        if self.proc_params["n_ref_ports"]:
            self._write(getattr(self, self.proc_params["RefPorts"][0]).read)

    def _write(self, look: Any) -> None:
        recording: Recording = self.proc_params["recording"]
        row = recording.row(self.time_step - 1)
        seen = look() if row is not None or look.__name__ == "recv" else None
        if row is None or seen is None:
            return
        if self._rows is None:
            self._rows = np.load(recording.file, mmap_mode="r+")
        self._rows[row] = np.asarray(seen).reshape(self._rows.shape[1:])
