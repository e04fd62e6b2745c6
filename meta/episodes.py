"""Episodes for an outer loop: many runs of one bundle with other meta-parameters, each from the initial state.

Points and seeds are shared out among processes, since a closed loop spends its time in Python. A worker sets the
parameters in the bundle that it holds and runs the episodes one after the other; no figure depends on who ran what.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np

from hmn_lava.bundle import Bundle, load
from hmn_lava.errors import InputError, RunError
from hmn_lava.meta.in_place import Realised, Realiser
from hmn_lava.reference.equations import Floats
from hmn_lava.session import Session
from hmn_lava.workers import worker_processes

Episode = Callable[[Session, int], float]
"""Drives a fresh session with the data of a seed and returns the loss, L_meta. It is pickled: no lambda."""

Point = Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Work:
    """What a worker holds."""

    realiser: Realiser
    episode: Episode
    backend: str

    def run(self, point: Point, seeds: Sequence[int]) -> list[float]:
        """The losses of a point, one for each seed."""
        bundle = self.realiser.realise(point).bundle
        threads = 1 if self.backend == "fast" else None
        return [float(self.episode(bundle.session(self.backend, threads=threads), seed)) for seed in seeds]


class Evaluator:
    """Losses of points; a context manager, which ends its processes.

    ``workers``: processes, which are spawned, so that a script needs ``if __name__ == "__main__":``; with 1 all is run
    in this process. ``backend``: reference, interpreter or fast.
    """

    def __init__(self, bundle: Bundle, episode: Episode, *, workers: int = 1, backend: str = "fast") -> None:
        if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
            raise InputError("not a number of processes", field="workers", value=workers, remedy="use 1 or more")
        self.realiser = Realiser(bundle)
        self.workers = workers
        self._work = Work(self.realiser, episode, backend)
        self._pool: Executor | None = None
        if workers > 1:
            self._folder = tempfile.TemporaryDirectory(prefix="hmn-lava-")
            held = (bundle.save(Path(self._folder.name) / "bundle"), episode, backend)
            self._pool = worker_processes(workers, _hold, held)

    def __enter__(self) -> Evaluator:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._folder.cleanup()

    def losses(self, points: Sequence[Point], seeds: Sequence[int]) -> Floats:
        """L of each point and seed, (points, seeds). Raises RunError if a process was ended from outside."""
        if self._pool is None:
            return np.array([self._work.run(point, seeds) for point in points])
        parts = min(len(seeds), -(-self.workers // len(points)))
        shares = [list(map(int, share)) for share in np.array_split(np.asarray(seeds), parts)]
        try:
            futures = [[self._pool.submit(_run, dict(point), share) for share in shares] for point in points]
            return np.array([[loss for future in row for loss in future.result()] for row in futures])
        except BrokenProcessPool:
            raise RunError("a process of the outer loop was ended: resume from the checkpoint") from None

    def realise(self, point: Point) -> Realised:
        """The bundle of a point, and what the steps to it were."""
        return self.realiser.realise(point)


_held: list[Work] = []
"""Of a worker process: what it was made with."""


def _hold(folder: Path, episode: Episode, backend: str) -> None:
    _held[:] = [Work(Realiser(load(folder)), episode, backend)]


def _run(point: Point, seeds: Sequence[int]) -> list[float]:
    return _held[0].run(point, seeds)
