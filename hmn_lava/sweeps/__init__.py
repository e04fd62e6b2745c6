"""Sweeps: one spec or task with many values of its fields and many seeds, on Dask's workers, into one table."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmn_lava.drive import check_output
from hmn_lava.errors import BackendError, InputError, RunError
from hmn_lava.hardware_profiles import Profile, load_profile
from hmn_lava.spec import Spec, load_spec
from hmn_lava.sweeps.axes import Grid, Random
from hmn_lava.sweeps.job import Outcome
from hmn_lava.sweeps.journal import Journal, journal_path, open_journal
from hmn_lava.sweeps.plan import Plan, Row, waiting

if TYPE_CHECKING:
    import distributed

BACKENDS = ("reference", "interpreter", "fast")
PLASTICITIES = ("neurocore", "engine")
SUFFIX = ".parquet"

__all__ = ["Grid", "Random", "SweepReport", "sweep"]


@dataclass(frozen=True)
class SweepReport:
    """A finished sweep: its table, how many rows were run now and kept from before, and all rows with their outcome."""

    file: Path
    plan: Plan
    outcomes: dict[int, Outcome]
    run: int
    kept: int

    @property
    def failed(self) -> list[tuple[Row, str]]:
        """The rows that failed, with the text of their errors."""
        pairs = [(row, self.outcomes[row.number].error) for row in self.plan.rows]
        return [(row, error) for row, error in pairs if error is not None]

    @property
    def means(self) -> list[dict[str, Any]]:
        """The mean of each metric over the seeds that did not fail: ``{values, seeds, metrics}`` for each setting."""
        found = []
        for first in range(0, len(self.plan.rows), self.plan.seeds):
            rows = self.plan.rows[first : first + self.plan.seeds]
            done = [each for each in (self.outcomes[row.number] for row in rows) if each.error is None]
            names = done[0].metrics if done else ()
            metrics = {name: sum(each.metrics[name] for each in done) / len(done) for name in names}
            found.append({"values": rows[0].setting.values, "seeds": len(done), "metrics": metrics})
        return found


def sweep(
    what: Spec | str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    grid: Sequence[Grid] = (),
    random: Sequence[Random] = (),
    samples: int | None = None,
    seeds: int = 1,
    plasticity: str = "neurocore",
    backend: str = "fast",
    profile: Profile | str = "loihi2",
    steps: int | None = None,
    data: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> SweepReport:
    """Run a spec, or the task of that name, with every point of the grid, every random sample and every seed.

    ``what`` is a Spec, the name of a task, or the path of a spec. Each row of a spec is a run of ``steps`` (1,000) on
    its stimulus, each row of a task its whole protocol, on a user's own ``data`` where given. A field ``without`` takes
    subsystems to switch off, see :mod:`hmn_lava.tasks.subsystems`. Rows run on ``workers`` processes here (one for each
    processor), or on the Dask cluster whose ``scheduler`` has that address. ``progress`` is called with how many rows
    are done, and of how many; ``say`` is told what a user should know meanwhile.

    Each finished row is kept on the disk at once, in a journal beside ``output``. Called again, also after the client
    was killed, only what is not finished runs: rows that are in the journal or the table are taken from there, rows
    that failed are tried again. In the end the table holds exactly the rows of this sweep, in their order.

    Raises InputError for anything wrong with the fields, their values or the files, before anything is run, also for an
    ``output`` with finished rows of another sweep; BackendError without Dask, or where no scheduler answers; RunError
    where the scheduler is lost. A row that goes wrong is reported in the table and stops nothing.
    """
    path = check_output(output)
    if path.suffix != SUFFIX:
        raise InputError("is not named as a Parquet file", where=str(path), remedy=f"end its name with {SUFFIX}")
    plan = _plan(what, grid, random, samples, seeds, plasticity, backend, profile, steps, data)
    where = _where(workers, scheduler)
    _require_dask()
    with open_journal(journal_path(path)) as journal:
        finished = {**_of_table(path), **journal.finished}
        _refuse_other_rows(path, finished, plan)
        todo = waiting(plan.rows, finished)
        outcomes = _run(plan, todo, journal, where, progress, say) if todo else {}
        found = {**finished, **outcomes}
        by_row = {row.number: found[row.key] if row.key else Outcome(error=row.error) for row in plan.rows}
        _write(path, plan, by_row, journal)
    return SweepReport(path, plan, by_row, len(todo), sum(row.key in finished for row in plan.rows))


def _plan(
    what: Spec | str | os.PathLike[str],
    grid: Sequence[Grid],
    random: Sequence[Random],
    samples: int | None,
    seeds: int,
    plasticity: str,
    backend: str,
    profile: Profile | str,
    steps: int | None,
    data: str | os.PathLike[str] | None,
) -> Plan:
    """Check everything about the sweep but where it runs."""
    for name, value, known in (("plasticity", plasticity, PLASTICITIES), ("backend", backend, BACKENDS)):
        if value not in known:
            raise InputError(
                f"no such {name} for a sweep", field=name, value=value, remedy=f"one of: {', '.join(known)}"
            )
    if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int) or steps < 1):
        raise InputError("must be a whole number from 1", field="steps", value=steps, remedy="use 1 or more")
    from hmn_lava.tasks import TASKS, find_task

    task = what if isinstance(what, str) and what in TASKS else None
    if task is None and data is not None:
        raise InputError("only a task takes data", field="data", value=str(data), remedy="leave it out")
    if task is not None and steps is not None:
        raise InputError("a task has its own number of steps", field="steps", value=steps, remedy="leave it out")
    found = None if task is None else find_task(task, data)
    spec = found.spec() if found is not None else what if isinstance(what, Spec) else _load(what)
    chip = profile if isinstance(profile, Profile) else load_profile(profile)
    plan = Plan(
        spec,
        tuple(grid),
        tuple(random),
        samples,
        seeds,
        plasticity,
        backend,
        chip,
        task,
        steps,
        data=None if data is None else str(data),
        start={} if found is None else found.start,
    )
    _ = plan.rows  # everything that is wrong is told now
    return plan


def _load(what: str | os.PathLike[str]) -> Spec:
    from hmn_lava.tasks import TASKS

    if not Path(what).exists():
        remedy = f"give the path of a spec in YAML, or a task: {', '.join(TASKS)}"
        raise InputError("no such file, and no such task", where=str(what), remedy=remedy)
    return load_spec(what)


def _where(workers: int | None, scheduler: str | None) -> Callable[[], AbstractContextManager[distributed.Client]]:
    """How to get workers; nothing is started yet."""
    from hmn_lava.threads import processors

    if scheduler is not None and workers is not None:
        remedy = "leave it out: a running cluster has its own"
        raise InputError("has no meaning with a scheduler", field="workers", value=workers, remedy=remedy)
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
        raise InputError("must be a whole number from 1", field="workers", value=workers, remedy="use 1 or more")

    def connect() -> AbstractContextManager[distributed.Client]:
        from hmn_lava.sweeps.cluster import workers_at, workers_here

        return workers_here(workers or processors()) if scheduler is None else workers_at(scheduler)

    return connect


def _require_dask() -> None:
    for module in ("distributed", "pyarrow"):
        if find_spec(module) is None:
            raise BackendError(f'sweeps need {module}, which is not installed: pip install "hmn-lava[sweep]"')


def _of_table(path: Path) -> dict[str, Outcome]:
    from hmn_lava.sweeps.table import read_finished

    return read_finished(path) if path.exists() else {}


def _refuse_other_rows(path: Path, finished: dict[str, Outcome], plan: Plan) -> None:
    others = len(finished.keys() - {row.key for row in plan.rows})
    if others:
        raise InputError(
            f"holds {others} finished rows that are not of this sweep",
            where=str(path),
            remedy="name another file; one that is there can only grow, by more values, samples or seeds of the same "
            "spec, backend, plasticity, profile, steps and version of hmn-lava",
        )


def _run(
    plan: Plan,
    todo: list[Row],
    journal: Journal,
    where: Callable[[], AbstractContextManager[distributed.Client]],
    progress: Callable[[int, int], None] | None,
    say: Callable[[str], None],
) -> dict[str, Outcome]:
    """Run rows; the outcome of each is kept before the next is looked at."""
    from hmn_lava.sweeps.cluster import run_rows

    outcomes: dict[str, Outcome] = {}
    if progress is not None:
        progress(0, len(todo))
    with where() as client:
        try:
            for key, outcome in run_rows(client, ((row.key, partial(plan.job, row)) for row in todo), say):
                if outcome.error is None:
                    journal.add(key, outcome)
                outcomes[key] = outcome
                if progress is not None:
                    progress(len(outcomes), len(todo))
        except RunError as error:
            raise RunError(
                f"{error}; {len(outcomes)} of {len(todo)} rows are done and kept in {journal.path}: run the same again"
            ) from None
    return outcomes


def _write(path: Path, plan: Plan, outcomes: dict[int, Outcome], journal: Journal) -> None:
    from hmn_lava.sweeps.table import write_table

    try:
        write_table(path, plan, outcomes)
    except OSError as error:
        remedy = f"make room and run the same again: all rows are kept in {journal.path}"
        raise InputError(f"cannot be written: {error.strerror}", where=str(path), remedy=remedy) from None
    journal.remove()
