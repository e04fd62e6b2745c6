"""Ablation: a task with each subsystem switched off, alone and in pairs (the paper's road map, phase P3).

Every cut meets the same seeds, so that effects are differences within a seed:

    effect(A) = m(full) - m(without A)
    synergy(A, B) = effect(A) + effect(B) - effect(A and B)

of a metric m, each with the 95 % interval of Student's t over the seeds. Synergy is what two are worth together beyond
what each is worth without the other; below 0, each does the other's work. Rows run, and are kept, as those of
a sweep.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import InputError
from hmn_lava.estimate import Estimate, require_intervals
from hmn_lava.tasks.cost import Energy, energy_per_update
from hmn_lava.tasks.runner import find_task
from hmn_lava.tasks.subsystems import cuts, name_cut, present


@dataclass(frozen=True)
class Cut:
    """One cut: its subsystems, how many seeds ran and, by metric, its value, the effect and, of a pair, the synergy.

    ``energy_per_update`` as :func:`hmn_lava.tasks.cost.energy_per_update`; None where no seed ran. ``error``: why seeds
    did not run; None where all did.
    """

    without: tuple[str, ...]
    seeds: int
    metrics: dict[str, Estimate]
    effects: dict[str, Estimate]
    synergies: dict[str, Estimate]
    energy_per_update: Energy | None
    error: str | None


@dataclass(frozen=True)
class Ablation:
    """All cuts of a task; the first is of nothing. ``metrics``: their names and meaning, the score first."""

    task: str
    backend: str
    plasticity: str
    seeds: int
    data: str | None
    metrics: dict[str, str]
    cuts: tuple[Cut, ...]

    @property
    def score(self) -> str:
        """The metric of which more is better."""
        return next(iter(self.metrics))

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def ablate(
    name: str,
    output: str | os.PathLike[str],
    *,
    seeds: int = 5,
    pairs: bool = False,
    plasticity: str = "neurocore",
    backend: str = "fast",
    data: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Ablation:
    """Run a task whole and with each of its subsystems off; with ``pairs``, with each two of the paper's six off.

    ``output``: the table of the rows, as :func:`hmn_lava.sweep` writes it: killed in between, an ablation goes on where
    it was. Other arguments and errors as there; BackendError where scipy is missing.
    """
    from hmn_lava.sweeps import Grid, sweep

    require_intervals("sweep")
    task = find_task(name, data)
    chosen = cuts(present(task.spec(), task.start), pairs)
    if len(chosen) < 2:
        raise InputError("has no subsystem to switch off", field="task", value=name, remedy="run another task")
    grid = [Grid("without", tuple(name_cut(cut) for cut in chosen))]
    report = sweep(
        name,
        output,
        grid=grid,
        seeds=seeds,
        plasticity=plasticity,
        backend=backend,
        data=data,
        workers=workers,
        scheduler=scheduler,
        progress=progress,
        say=say,
    )
    found: dict[tuple[str, ...], dict[int, Mapping[str, float]]] = {cut: {} for cut in chosen}
    errors: dict[tuple[str, ...], str] = {}
    for row in report.plan.rows:
        cut, outcome = chosen[row.number // seeds], report.outcomes[row.number]
        if outcome.error is None:
            found[cut][row.setting.seed] = outcome.metrics
        else:
            errors.setdefault(cut, outcome.error)
    costs = {cut: energy_per_update(task, plasticity, cut) for cut in chosen if found[cut]}
    return Ablation(
        task=name,
        backend=backend,
        plasticity=plasticity,
        seeds=seeds,
        data=None if data is None else str(data),
        metrics=dict(task.metrics),
        cuts=tuple(_cut(cut, found, list(task.metrics), costs.get(cut), errors) for cut in chosen),
    )


Found = Mapping[tuple[str, ...], Mapping[int, Mapping[str, float]]]


def _cut(
    cut: tuple[str, ...],
    found: Found,
    metrics: Sequence[str],
    energy: Energy | None,
    errors: Mapping[tuple[str, ...], str],
) -> Cut:
    singles = [(name,) for name in cut] if len(cut) == 2 else []
    alone, together = _seeds(found, [cut]), _seeds(found, [(), cut])
    three = _seeds(found, [(), cut, *singles])

    def values(which: tuple[str, ...], metric: str, seeds: Sequence[int]) -> NDArray[np.float64]:
        return np.array([found[which][seed][metric] for seed in seeds])

    def effect(which: tuple[str, ...], metric: str, seeds: Sequence[int]) -> NDArray[np.float64]:
        return values((), metric, seeds) - values(which, metric, seeds)

    def synergy(metric: str) -> NDArray[np.float64]:
        parts = [effect(single, metric, three) for single in singles]
        return parts[0] + parts[1] - effect(cut, metric, three)

    return Cut(
        without=cut,
        seeds=len(alone),
        metrics={m: Estimate.of(values(cut, m, alone)) for m in metrics} if alone else {},
        effects={m: Estimate.of(effect(cut, m, together)) for m in metrics} if cut and together else {},
        synergies={m: Estimate.of(synergy(m)) for m in metrics} if singles and three else {},
        energy_per_update=energy,
        error=errors.get(cut),
    )


def _seeds(found: Found, which: Sequence[tuple[str, ...]]) -> list[int]:
    """The seeds that ran with all of these cuts."""
    return sorted(set.intersection(*(set(found[cut]) for cut in which)))
