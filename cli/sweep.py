"""``hmn-lava sweep``: a spec or a task with many values of its fields and many seeds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hmn_lava.cli.options import (
    DataOption,
    PlasticityOption,
    ProfileOption,
    RowWorkersOption,
    SchedulerOption,
    StepsOption,
)
from hmn_lava.cli.output import JsonOption, note, percent, print_json, print_table

if TYPE_CHECKING:
    from hmn_lava.sweeps import SweepReport

SHOWN = 20  # settings, and errors, that are shown


def sweep(
    what: Annotated[str, typer.Argument(metavar="SPEC|TASK", help="A spec in YAML, or a task's name.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE.parquet", help="The table; a sweep that is there goes on.")
    ],
    grid: Annotated[
        list[str] | None,
        typer.Option("--grid", metavar="FIELD=V1,V2,...", help="A field of the spec and its values; may be repeated."),
    ] = None,
    random: Annotated[
        list[str] | None,
        typer.Option("--random", metavar="FIELD=LOW:HIGH[:log][:int]", help="A field to draw; may be repeated."),
    ] = None,
    samples: Annotated[
        int | None, typer.Option("--samples", metavar="N", help="Draws of the random fields, all together.")
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", help="Each with the seeds 0 to N-1.")] = 1,
    plasticity: PlasticityOption = "neurocore",
    backend: Annotated[str, typer.Option("--backend", metavar="B", help="reference, interpreter or fast.")] = "fast",
    profile: ProfileOption = "loihi2",
    steps: StepsOption = None,
    data: DataOption = None,
    workers: RowWorkersOption = None,
    scheduler: SchedulerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a spec or a task with many values of its fields and many seeds, into one table.

    Killed in between, it goes on where it was when the same command runs again.

    Example: hmn-lava sweep bandit --grid connections.policy.rates.global=1,2,4,8 --seeds 5 -o rates.parquet
    """
    from hmn_lava.sweeps import Grid, Random
    from hmn_lava.sweeps import sweep as run

    with percent("rows") as tell:
        report = run(
            what,
            output,
            grid=[Grid.parse(text) for text in grid or ()],
            random=[Random.parse(text) for text in random or ()],
            samples=samples,
            seeds=seeds,
            plasticity=plasticity,
            backend=backend,
            profile=profile,
            steps=steps,
            data=data,
            workers=workers,
            scheduler=scheduler,
            progress=tell,
            say=note,
        )
    if as_json:
        print_json("sweep", _content(report))
    else:
        _print(report)
    if report.failed:
        raise typer.Exit(1)


def _content(report: SweepReport) -> dict[str, object]:
    plan = report.plan
    return {
        "output": str(report.file),
        "spec": plan.spec.name,
        "task": plan.task,
        "backend": plan.backend,
        "plasticity": plan.plasticity,
        "profile": {"name": plan.profile.name, "sha256": plan.profile.sha256},
        "steps": plan.job_steps,
        "fields": plan.fields,
        "samples": plan.samples,
        "seeds": plan.seeds,
        "rows": len(plan.rows),
        "run": report.run,
        "kept": report.kept,
        "failed": [
            {"row": row.number, "values": row.setting.values, "seed": row.setting.seed, "error": error}
            for row, error in report.failed
        ],
        "means": report.means,
    }


def _print(report: SweepReport) -> None:
    means, failed = report.means, report.failed
    names = sorted({name for mean in means for name in mean["metrics"]})
    rows = [
        [*mean["values"].values(), mean["seeds"], *(_short(mean["metrics"].get(name)) for name in names)]
        for mean in means[:SHOWN]
    ]
    print_table([*report.plan.fields, "seeds", *names], rows, title="means over seeds")
    if len(means) > SHOWN:
        note(f"{len(means) - SHOWN} more settings are in the table")
    for row, error in failed[:SHOWN]:
        note(f"row {row.number} failed: {row.setting.values}, seed {row.setting.seed}: {error}")
    if len(failed) > SHOWN:
        note(f"{len(failed) - SHOWN} more rows failed: see the column error")
    note(f"wrote {report.file}: {len(report.plan.rows)} rows, {report.run} run now, {len(failed)} failed")


def _short(value: float | None) -> str | None:
    return None if value is None else f"{value:.4g}"
