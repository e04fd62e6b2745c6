"""The child's side of a measurement: builds a runner from a job, then runs it as often as the parent asks.

A job is a folder with ``job.json`` and ``arrays.npz``. The parent writes one JSON object a line to the child's standard
input, the child answers each with one line; what else it prints goes to standard error. Only numpy is needed, so that a
peer may live in a Python of its own.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

PR_SET_PDEATHSIG = 1
"""Of Linux' prctl: a signal for this process when the thread that started it ends."""


@dataclass(frozen=True)
class Job:
    """What is to be run: ``settings`` (plain values) and ``arrays``; ``folder`` is the child's to use."""

    settings: dict[str, Any]
    arrays: dict[str, NDArray[Any]]
    folder: Path

    def write(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "job.json").write_text(json.dumps(self.settings))
        np.savez(self.folder / "arrays.npz", **self.arrays)

    @classmethod
    def read(cls, folder: Path) -> Job:
        with np.load(folder / "arrays.npz") as file:
            arrays = {name: file[name] for name in file.files}
        return cls(json.loads((folder / "job.json").read_text()), arrays, folder)


class Runner(Protocol):
    """The work, ready to run."""

    @property
    def about(self) -> dict[str, Any]:
        """Versions and whatever else is worth knowing. ``steps``: it runs these at once, and no other number."""

    def run(self, steps: int) -> float:
        """Go on by ``steps`` steps; the seconds that the simulation alone took."""

    def state(self) -> dict[str, NDArray[Any]]:
        """The variables as they are now, under the names of ``LearningSynapses``' states."""

    def close(self) -> None:
        """Leave nothing behind."""


def serve(build: Callable[[Job], Runner]) -> None:
    """Answer the parent until it closes the pipe or something fails; then end, whatever threads are left."""
    if sys.platform == "linux":  # a stopped process would not notice that its parent is gone
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(**values: Any) -> None:
        values["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps(values), file=answers, flush=True)

    try:
        _serve(build, answer)
    except BaseException as error:
        traceback.print_exc()
        answer(error=f"{type(error).__name__}: {error}"[:500])
    sys.stderr.flush()
    os._exit(0)


def _serve(build: Callable[[Job], Runner], answer: Callable[..., None]) -> None:
    job = Job.read(Path(sys.argv[1]))
    started = time.perf_counter()
    runner = build(job)
    answer(ready=time.perf_counter() - started, about=runner.about)
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["do"] == "run":
            answer(seconds=runner.run(asked["steps"]))
        else:
            np.savez(job.folder / "state.npz", **runner.state())
            answer()
    runner.close()
