"""A task with fixed constants, on a log-grid, beside the same task with constants that an outer loop found.

Both are judged on episodes that the outer loop never saw. Score: 1 - loss.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import hmn_lava as hl
from hmn_lava.errors import InputError
from hmn_lava.meta.curves import write_curves
from hmn_lava.meta.episodes import Evaluator
from hmn_lava.meta.in_place import Realiser
from hmn_lava.meta.learner import MetaLearner
from hmn_lava.spec.records import MetaLearningSpec
from hmn_lava.tasks import TASKS, Metric
from hmn_lava.tasks.base import Meta, Task

CHECKPOINT, CURVES, PICTURE = "checkpoint.json", "curves.csv", "curves.png"
"""Files of a study's folder."""

GRID = 7
"""Fixed values, from one bound to the other."""


@dataclass(frozen=True)
class Study:
    """What a task scores with fixed and with learned constants, on seeds 0 .. ``seeds`` - 1.

    ``fixed``: value of the first meta-parameter, the others at their start, and its score; ``learned``: the constants
    that the outer loop ended with, ``realised``: what the integers are, and their ``score``. ``reference``: the score
    of the learned constants in the float reference; None where it was not run. ``history``: the outer loop's rows.
    """

    task: str
    backend: str
    plasticity: str
    method: str
    steps: int
    seeds: int
    parameter: str
    start: dict[str, float]
    fixed: list[tuple[float, Metric]]
    learned: dict[str, float]
    realised: dict[str, float | None]
    score: Metric
    baselines: dict[str, Metric]
    reference: Metric | None
    history: list[dict[str, float]]

    @property
    def best(self) -> Metric:
        """The score of the best fixed value."""
        return max((score for _, score in self.fixed), key=lambda score: score.mean)

    @property
    def worst(self) -> Metric:
        """The score of the worst fixed value."""
        return min((score for _, score in self.fixed), key=lambda score: score.mean)

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            **asdict(self),
            "of_best": self.score.mean / self.best.mean,
            "of_worst": self.score.mean / self.worst.mean,
        }


def run_study(
    name: str,
    *,
    plasticity: str = "neurocore",
    backend: str = "fast",
    method: str | None = None,
    steps: int = 30,
    seeds: int = 5,
    workers: int = 1,
    reference: bool = False,
    folder: str | os.PathLike[str] | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> Study:
    """Run a task's outer loop, then score what it found beside a log-grid of fixed values and the baselines.

    With ``folder``, the loop's state is kept there after each meta-step, and a study that was ended goes on from it;
    curves are written there too. ``workers`` as in :class:`hmn_lava.meta.Evaluator`. Raises InputError for a task that
    is none, or has no loss; FitError where the network does not fit.
    """
    task, meta = _task(name)
    spec = meta.spec if method is None else MetaLearningSpec.model_validate(meta.spec.model_dump() | {"method": method})
    bundle = hl.compile(task.spec().model_copy(update={"meta_learning": spec}), plasticity=plasticity)
    place = None if folder is None else Path(folder)
    if place is not None:
        place.mkdir(parents=True, exist_ok=True)
    with Evaluator(bundle, meta.loss, workers=workers, backend=backend) as evaluator:
        learner = _begin(meta, spec, evaluator.realiser, place)
        checkpoint = None if place is None else place / CHECKPOINT
        learner.run(evaluator, steps, checkpoint, lambda row: tell(_line(row, learner.names)))
        parameter = learner.names[0]
        low, high = evaluator.realiser.bounds[parameter]
        grid = [float(value) for value in np.geomspace(low, high, GRID)]
        points: list[Mapping[str, float]] = [{**meta.start, parameter: value} for value in grid]
        tell(f"scoring {len(grid)} fixed values and the learned one on {seeds} seeds")
        losses = evaluator.losses([*points, learner.values], range(seeds))
        scores = [Metric.of(1.0 - row) for row in losses]
        realised = {step.parameter: step.representable for step in evaluator.realise(learner.values).steps}
    study = Study(
        task=name,
        backend=backend,
        plasticity=plasticity,
        method=spec.method,
        steps=steps,
        seeds=seeds,
        parameter=parameter,
        start=dict(meta.start),
        fixed=list(zip(grid, scores[:-1], strict=True)),
        learned=learner.values,
        realised=realised,
        score=scores[-1],
        baselines=_baselines(meta, seeds),
        reference=_reference(bundle, meta, learner.values, seeds, workers) if reference else None,
        history=learner.history,
    )
    if place is not None:
        write_curves(study.history, learner.names, place / CURVES, place / PICTURE)
    return study


def _task(name: str) -> tuple[Task, Meta]:
    if name not in TASKS or TASKS[name].meta is None:
        known = ", ".join(task.name for task in TASKS.values() if task.meta is not None)
        raise InputError("no task with meta-learning", field="task", value=name, remedy=f"one of: {known}")
    task = TASKS[name]
    if task.meta is None:
        raise ValueError("checked above")
    return task, task.meta


def _begin(meta: Meta, spec: MetaLearningSpec, realiser: Realiser, place: Path | None) -> MetaLearner:
    """From the folder's checkpoint, where there is one. Raises InputError if it is of another loop."""
    fresh = MetaLearner.begin(meta.start, realiser.bounds, spec)
    if place is None or not (place / CHECKPOINT).exists():
        return fresh
    found = MetaLearner.resume(place / CHECKPOINT)
    if (found.names, found.meta) != (fresh.names, fresh.meta):
        remedy = "give another folder, or empty this one"
        raise InputError("the checkpoint is of another outer loop", where=str(place / CHECKPOINT), remedy=remedy)
    return found


def _baselines(meta: Meta, seeds: int) -> dict[str, Metric]:
    found = [meta.baselines(seed) for seed in range(seeds)]
    return {name: Metric.of([1.0 - each[name] for each in found]) for name in found[0]}


def _reference(bundle: hl.Bundle, meta: Meta, values: Mapping[str, float], seeds: int, workers: int) -> Metric:
    with Evaluator(bundle, meta.loss, workers=workers, backend="reference") as evaluator:
        return Metric.of(1.0 - evaluator.losses([values], range(seeds))[0])


def _line(row: Mapping[str, float], names: Sequence[str]) -> str:
    values = ", ".join(f"{name} {row[name]:.4g}" for name in names)
    return (
        f"meta-step {row['step']:.0f}: {values}, loss {row['loss']:.4f}{' (rounded to nothing)' if row['lost'] else ''}"
    )
