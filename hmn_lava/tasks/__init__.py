"""Tasks: specs with the protocol that teaches and examines them, on any backend.

>>> sorted(TASKS)
['bandit', 'digits']
"""

from __future__ import annotations

from collections.abc import Callable

import hmn_lava as hl
from hmn_lava.errors import InputError
from hmn_lava.tasks.bandit import BANDIT
from hmn_lava.tasks.base import Chance, Metric, Task, TaskReport
from hmn_lava.tasks.digits import DIGITS

TASKS = {"bandit": BANDIT, "digits": DIGITS}

MAX_SEEDS = 1000

__all__ = ["TASKS", "Chance", "Metric", "Task", "TaskReport", "run_task"]


def run_task(
    name: str,
    *,
    backend: str = "fast",
    plasticity: str = "neurocore",
    seeds: int = 5,
    reference: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> TaskReport:
    """Run a task on seeds 0 .. ``seeds`` - 1, with learning and with learning off.

    A seed draws the task's data and, as the bundle's seed, the network's own random choices. With ``reference`` the
    float reference, with the latencies of the compiled network, does the same. ``progress`` is called with how many
    parts of the work are done, and of how many.

    Raises InputError for an unknown task, backend or plasticity and for a wrong number of seeds; BackendError for a
    backend, or a package, that is not here; FitError if the network does not fit.
    """
    task = _task(name)
    if isinstance(seeds, bool) or not isinstance(seeds, int) or not 1 <= seeds <= MAX_SEEDS:
        remedy = f"use a whole number from 1 to {MAX_SEEDS}"
        raise InputError("not a number of seeds", field="seeds", value=seeds, remedy=remedy)
    beside = reference and backend != "reference"
    done, total = 0, task.parts * seeds * (3 if beside else 2)

    def tick() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    learned, blind, exact = [], [], []
    for seed in range(seeds):
        bundle = hl.compile(task.spec(), plasticity=plasticity, seed=seed)
        learned.append(task.run(bundle.session(backend), seed, tick))
        if beside:
            exact.append(task.run(bundle.session("reference"), seed, tick))
        bundle = hl.compile(task.spec(learning=False), plasticity=plasticity, seed=seed)
        blind.append(task.run(bundle.session(backend), seed, tick))
    metrics = _over_seeds(task, learned)
    return TaskReport(
        task=name,
        backend=backend,
        plasticity=plasticity,
        seeds=seeds,
        metrics=metrics,
        chance={m: Chance(v.mean, v.std, v.per_seed, task.chance[m]) for m, v in _over_seeds(task, blind).items()},
        reference=metrics if backend == "reference" else _over_seeds(task, exact) if beside else None,
    )


def _task(name: str) -> Task:
    if name not in TASKS:
        raise InputError("no such task", field="task", value=name, remedy=f"one of: {', '.join(TASKS)}")
    return TASKS[name]


def _over_seeds(task: Task, values: list[dict[str, float]]) -> dict[str, Metric]:
    return {metric: Metric.of([each[metric] for each in values]) for metric in task.metrics}
