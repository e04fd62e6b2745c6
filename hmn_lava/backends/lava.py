"""The backend ``lava``: a bundle's parts as Lava Processes, in Lava's runtime, in a child that can be killed."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hmn_lava.backends.available import require_lava
from hmn_lava.backends.contained import Limits, run_contained
from hmn_lava.backends.job import Job, collect
from hmn_lava.fixed import Integers
from hmn_lava.simulator.executor import Drive, IntegerSession
from hmn_lava.simulator.probes import Recorder

if TYPE_CHECKING:
    from hmn_lava.bundle import Bundle


class LavaSession(IntegerSession):
    """A bundle in Lava's runtime on the CPU.

    Every call of :meth:`run` builds the Lava network in a fresh child from the state that the last one left, so that
    nothing of Lava is left between calls. A child takes about two seconds to come up: give many steps to one call.
    Raises BackendError where Lava is not installed, RunError for whatever goes wrong in Lava.
    """

    backend = "lava"
    job = "hmn_lava.processes.jobs.lava:run"
    """What the child calls."""

    def __init__(self, bundle: Bundle, limits: Limits | None = None) -> None:
        require_lava()
        self.bundle, self.limits = bundle, limits or Limits()
        super().__init__(bundle.network)

    def allocate(self) -> None:
        super().allocate()
        self.states |= {s.name: s.states() for s in self.network.learning.values()}

    def execute(self, drive: Drive, steps: int, recorder: Recorder, observe: Mapping[str, set[str]]) -> None:
        if steps == 0:
            return
        observed = {group: tuple(sorted(names)) for group, names in observe.items()}
        driven = drive(0, steps)
        job = Job(self.bundle, steps, driven, self.snapshot(), tuple(recorder.probes), observed, self.settings())
        with tempfile.TemporaryDirectory(prefix="hmn-lava-") as folder:
            job.write(Path(folder))
            run_contained(self.job, Path(folder), self.limits, own_folder=True)
            after = collect(Path(folder), job, recorder)
        self._feed(driven, steps)
        after |= {name: value for name, value in self.snapshot().items() if name not in after}
        self.restore(after)

    def settings(self) -> Mapping[str, object]:
        """What the job needs to know besides."""
        return {}

    def _feed(self, driven: Mapping[str, Integers], steps: int) -> None:
        """The host's messages that may still be on their way."""
        end = self.time + steps * self.network.frame
        for time in range(max(self.time, end - self.depth), end):
            frame, phase = divmod(time - self.time, self.network.frame)
            for name, values in driven.items():
                silent = np.zeros(values.shape[1], np.int64)
                self.buffers[name, "x"][time % self.depth] = values[frame] if phase == 0 else silent
