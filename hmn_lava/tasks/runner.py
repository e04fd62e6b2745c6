"""A task on several seeds: with learning and without, in the float reference, and by its baselines."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import hmn_lava as hl
from hmn_lava.errors import InputError, RunError
from hmn_lava.tasks.base import Chance, Metric, Task, TaskReport, Tick
from hmn_lava.tasks.cost import energy_per_update
from hmn_lava.workers import worker_processes

MAX_SEEDS = 1000
BLIND, EXACT = "learning off", "float reference"
"""Sides of a task beside the learner itself, ``""``, and the names of its baselines."""

Found = dict[str, dict[int, dict[str, float]]]
"""Metrics of each side and seed."""


@dataclass(frozen=True)
class Work:
    """One side of a task on one seed; plain values, so that any process can do it."""

    task: str
    data: str | None
    without: tuple[str, ...]
    plasticity: str
    backend: str
    side: str
    seed: int

    def run(self, tick: Tick) -> dict[str, float]:
        """The metrics; ``tick`` is called after each part of the task."""
        task = find_task(self.task, self.data)
        if self.side in task.baselines:
            found = task.baselines[self.side](self.seed)
            tick()
            return found
        spec = task.spec(learning=self.side != BLIND, without=self.without)
        bundle = hl.compile(spec, plasticity=self.plasticity, seed=self.seed)
        backend = "reference" if self.side == EXACT else self.backend
        return task.run(bundle.session(backend), self.seed, tick)


def run_task(
    name: str,
    *,
    backend: str = "fast",
    plasticity: str = "neurocore",
    seeds: int = 5,
    reference: bool = False,
    baselines: bool = False,
    without: Sequence[str] = (),
    data: str | os.PathLike[str] | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> TaskReport:
    """Run a task on seeds 0 .. ``seeds`` - 1, with learning and with learning off.

    A seed draws the task's data and, as the bundle's seed, the network's own random choices. With ``reference`` the
    float reference, with the latencies of the compiled network, does the same; with ``baselines`` the task's baselines
    do. ``without``: subsystems to switch off, see :mod:`hmn_lava.tasks.subsystems`. ``data``: a user's own data, for a
    task that takes some. ``workers``: processes, which are spawned, so that a script needs ``if __name__ ==
    "__main__":``; no figure depends on them. ``progress`` is called with how many parts of the work are done, and of
    how many.

    Raises InputError for an unknown task, backend, plasticity or subsystem and for a wrong number of seeds or workers;
    BackendError for a backend, or a package, that is not here; FitError if the network does not fit; RunError if a
    worker was ended from outside.
    """
    task = find_task(name, data)
    for field, value, most in (("seeds", seeds, MAX_SEEDS), ("workers", workers, MAX_SEEDS)):
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            remedy = f"use a whole number from 1 to {most}"
            raise InputError(f"not a number of {field}", field=field, value=value, remedy=remedy)
    beside = reference and backend != "reference"
    sides = ["", BLIND, *([EXACT] if beside else []), *(task.baselines if baselines else [])]
    place = None if data is None else str(data)
    works = [
        Work(name, place, tuple(without), plasticity, backend, side, seed) for seed in range(seeds) for side in sides
    ]
    total = sum(1 if work.side in task.baselines else task.parts for work in works)
    found: Found = {side: {} for side in sides}
    for work, values in _results(works, task, workers, total, progress):
        found[work.side][work.seed] = values

    def over_seeds(side: str) -> dict[str, Metric]:
        return {metric: Metric.of([found[side][seed][metric] for seed in range(seeds)]) for metric in task.metrics}

    metrics = over_seeds("")
    return TaskReport(
        task=name,
        backend=backend,
        plasticity=plasticity,
        seeds=seeds,
        metrics=metrics,
        chance={m: Chance(v.mean, v.std, v.per_seed, task.chance[m]) for m, v in over_seeds(BLIND).items()},
        reference=metrics if backend == "reference" else over_seeds(EXACT) if beside else None,
        baselines={side: over_seeds(side) for side in task.baselines} if baselines else {},
        data=place,
        without=tuple(without),
        energy_per_update=energy_per_update(task, plasticity, without),
    )


def find_task(name: str, data: str | os.PathLike[str] | None = None) -> Task:
    """The task of that name, on a user's own data where given. Raises InputError."""
    from hmn_lava.tasks import TASKS

    if name not in TASKS:
        raise InputError("no such task", field="task", value=name, remedy=f"one of: {', '.join(TASKS)}")
    task = TASKS[name]
    if data is None:
        if task.needs_data:
            remedy = f"name {task.needs_data}: --data PATH"
            raise InputError(f"the task {name} needs your data", field="data", remedy=remedy)
        return task
    if task.on is None:
        takers = ", ".join(task.name for task in TASKS.values() if task.on is not None) or "none"
        remedy = f"leave it out; tasks that take data: {takers}"
        raise InputError("the task has its own data", field="data", value=str(data), remedy=remedy)
    return task.on(Path(data))


def _results(
    works: Sequence[Work], task: Task, workers: int, total: int, progress: Callable[[int, int], None] | None
) -> Iterator[tuple[Work, dict[str, float]]]:
    """Each work and its metrics, as they come."""
    done = 0

    def tick(parts: int = 1) -> None:
        nonlocal done
        done += parts
        if progress is not None:
            progress(done, total)

    if workers == 1:
        for work in works:
            yield work, work.run(tick)
        return
    with worker_processes(workers) as pool:
        futures: dict[Future[dict[str, float]], Work] = {pool.submit(_run, work): work for work in works}
        try:
            for future in as_completed(futures):
                work = futures[future]
                yield work, future.result()
                tick(1 if work.side in task.baselines else task.parts)
        except BrokenProcessPool:
            raise RunError("a process that ran a seed was ended: run the same again, with fewer workers") from None
        finally:
            pool.shutdown(cancel_futures=True)


def _run(work: Work) -> dict[str, float]:
    return work.run(lambda: None)
