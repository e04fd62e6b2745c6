"""hmn-lava's own executors, ``fast`` and ``interpreter``, on any work that it can be given."""

from __future__ import annotations

import time
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.child import Job, serve
from benchmarks.work import load
from hmn_lava.simulator.executor import IntegerSession


def session(backend: str, network: Any, threads: int) -> IntegerSession:
    if backend == "fast":
        from hmn_lava.simulator.fast import Fast

        return Fast(network, threads=threads)
    from hmn_lava.simulator.interpreter import Interpreter

    return Interpreter(network)


class Ours:
    """A session, driven again and again with the work's input, through the public ``run``."""

    def __init__(self, job: Job) -> None:
        work = load(job.settings)
        network = work.network()
        self._inputs, self._length = work.inputs, work.steps
        self._session = session(job.settings.get("backend", "fast"), network, job.settings["threads"])
        self._session.run({name: values[:0] for name, values in self._inputs.items()}, 0, outputs=False)
        self.about = {"hmn-lava": version("hmn-lava"), "numpy": np.__version__}

    def run(self, steps: int) -> float:
        started = time.perf_counter()
        while steps > 0:
            now = min(steps, self._length)
            self._session.run(self._inputs, now, outputs=False)
            steps -= now
        return time.perf_counter() - started

    def state(self) -> dict[str, NDArray[Any]]:
        return self._session.snapshot()

    def close(self) -> None:
        pass


if __name__ == "__main__":
    serve(Ours)
