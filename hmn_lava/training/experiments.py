"""Variants that are trained over seeds on the same samples at the same budget, and tested.

Each network is kept in a folder of its own, so that an experiment that was stopped goes on.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hmn_lava.errors import RunError
from hmn_lava.estimate import Estimate, require_intervals
from hmn_lava.training.data import samples_at
from hmn_lava.training.fit import train
from hmn_lava.training.perturbations import PERTURBATIONS
from hmn_lava.training.robustness import CLEAN, accuracy_under
from hmn_lava.training.settings import MECHANISMS, Settings
from hmn_lava.training.variants import BY_HAND, variants
from hmn_lava.workers import worker_processes

Levels = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Row:
    """One variant under one perturbation: test accuracies by seed, their mean, and how far above it the first one is.

    ``behind``: accuracy of the first variant minus this one's, within a seed; None for the first one itself.
    """

    variant: str
    perturbation: str
    level: float
    per_seed: tuple[float, ...]
    accuracy: Estimate
    behind: Estimate | None


@dataclass(frozen=True)
class Found:
    """What an experiment found. ``shares``: of each variant, the mean of |λ_n W_n| over their sum, by mechanism."""

    experiment: str
    data: str
    settings: Settings
    seeds: int
    rows: tuple[Row, ...]
    shares: Mapping[str, Mapping[str, float]]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as ``hmn-lava mpsl experiment --json`` prints them."""
        kept = {name: value for name, value in self.__dict__.items() if name not in ("rows", "settings")}
        return {**kept, "settings": self.settings.model_dump(mode="json"), "rows": [asdict(row) for row in self.rows]}


def run_experiment(
    experiment: str,
    data: str,
    settings: Settings,
    folder: Path,
    *,
    seeds: int = 3,
    by_hand: Sequence[float] = BY_HAND,
    levels: Levels | None = None,
    only: Sequence[str] = (),
    workers: int = 1,
    tell: Callable[[int, int], None] = lambda done, total: None,
    say: Callable[[str], None] = lambda text: None,
) -> Found:
    """Train each variant with the seeds 0 .. ``seeds`` - 1, and test it; all of a seed see the same split.

    ``levels``: of each perturbation, for the experiment on robustness, or else those that it has by default.
    ``only``: the variants to train, if not all. ``workers``: processes that train, each on its share of the processors.
    Raises as :func:`hmn_lava.training.fit.train` and :func:`samples_at`; BackendError where scipy is missing.
    """
    require_intervals("training")
    chosen = variants(experiment, settings, by_hand, only)
    tests = _tests(experiment, levels)
    runs = [
        (each.model_copy(update={"seed": seed}), folder / f"{name.replace(' ', '-')}-{seed}")
        for seed in range(seeds)
        for name, each in chosen.items()
    ]
    if workers > 1:
        _train_in_processes(data, runs, workers, tell)
    accuracies: dict[tuple[str, str, float], list[float]] = {}
    shares: dict[str, list[list[float]]] = {name: [] for name in chosen}
    total = seeds * len(chosen)
    for seed in range(seeds):
        samples = samples_at(data, settings.steps, seed)
        for number, name in enumerate(chosen):
            done = seed * len(chosen) + number
            say(f"{name}, seed {seed} ({done + 1} of {total})")
            trained = train(samples, *runs[done], partial(_part_of, tell, done, total), data)
            shares[name].append(_shares(trained.history[-1]["norm"]))
            for perturbation, level in tests:
                found = accuracy_under(trained.network, samples, perturbation, level, seed)
                accuracies.setdefault((name, perturbation, level), []).append(found)
    first = next(iter(chosen))
    rows = []
    for (name, perturbation, level), values in accuracies.items():
        ahead = np.array(accuracies[first, perturbation, level]) - np.array(values)
        behind = None if name == first else Estimate.of(ahead)
        rows.append(Row(name, perturbation, level, tuple(values), Estimate.of(np.array(values)), behind))
    return Found(
        experiment,
        data,
        settings,
        seeds,
        tuple(rows),
        {name: dict(zip(MECHANISMS, np.mean(values, 0).tolist(), strict=True)) for name, values in shares.items()},
    )


def _train_in_processes(
    data: str, runs: Sequence[tuple[Settings, Path]], workers: int, tell: Callable[[int, int], None]
) -> None:
    """Train all runs into their folders. Raises what a run raised first; the others are then not begun."""
    with worker_processes(workers, _begin, (max(1, torch.get_num_threads() // workers),)) as pool:
        waiting = {pool.submit(_train_one, data, *run) for run in runs}
        try:
            for done, future in enumerate(as_completed(waiting), 1):
                future.result()
                tell(done, len(runs))
        except BrokenProcessPool:
            remedy = "use fewer --workers; the same command goes on"
            raise RunError(f"a process that trained has died\n  remedy: {remedy}") from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _begin(threads: int) -> None:
    """An interrupt ends a process at once: what it raised would be the outcome of one run, and the next would begin."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    torch.set_num_threads(threads)


def _train_one(data: str, settings: Settings, place: Path) -> None:
    train(samples_at(data, settings.steps, settings.seed), settings, place, data=data)


def _tests(experiment: str, levels: Levels | None) -> list[tuple[str, float]]:
    """Perturbations and levels to test under, the clean samples first."""
    clean = [(CLEAN, 0.0)]
    if experiment != "robustness":
        return clean
    wanted = {name: each.levels for name, each in PERTURBATIONS.items()} if levels is None else levels
    return clean + [(name, level) for name, of_it in wanted.items() for level in dict.fromkeys(of_it) if level]


def _shares(norms: Sequence[Sequence[float]]) -> list[float]:
    """The mean over layers of |λ_n W_n| / Σ |λ_n W_n|."""
    each = np.array(norms)
    whole = np.maximum(each.sum(1, keepdims=True), np.finfo(float).tiny)  # all λ may be 0
    shares: list[float] = (each / whole).mean(0).tolist()
    return shares


def _part_of(tell: Callable[[int, int], None], run: int, runs: int, done: int, total: int) -> None:
    """Tell of one run of several."""
    tell(run * total + done, runs * total)
