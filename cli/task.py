"""``hmn-lava task``: learning problems with a known answer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hmn_lava.cli.options import DataOption, PlasticityOption, RowWorkersOption, SchedulerOption
from hmn_lava.cli.output import JsonOption, note, percent, print_json, print_table

if TYPE_CHECKING:
    from hmn_lava.estimate import Estimate
    from hmn_lava.tasks.ablation import Ablation

WithoutOption = Annotated[
    list[str] | None, typer.Option("--without", metavar="SUBSYSTEM", help="Switch a subsystem off; may be repeated.")
]
WorkersOption = Annotated[int, typer.Option("--workers", metavar="N", min=1, help="Processes that share the seeds.")]

app = typer.Typer(help="List the tasks, or run one over several seeds.")


@app.callback(invoke_without_command=True)
def task(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the tasks, or run one over several seeds."""
    if context.invoked_subcommand is None:
        tasks(as_json)
    elif as_json:  # given before the subcommand, it means the subcommand's output
        context.default_map = {context.invoked_subcommand: {"as_json": True}}


@app.command("list")
def tasks(as_json: JsonOption = False) -> None:
    """List the tasks."""
    from hmn_lava.tasks import TASKS

    rows = [(name, task.title) for name, task in TASKS.items()]
    if as_json:
        print_json("task list", {"tasks": [{"name": name, "title": title} for name, title in rows], "backend": None})
    else:
        print_table(["task", "what is learned"], rows)


@app.command()
def run(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A task of `hmn-lava task list`.")],
    backend: Annotated[str, typer.Option("--backend", metavar="B", help="reference, interpreter or fast.")] = "fast",
    plasticity: PlasticityOption = "neurocore",
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", min=1, help="Run with the seeds 0 to N-1.")] = 5,
    reference: Annotated[
        bool, typer.Option("--reference/--no-reference", help="Also run the float reference, on the same seeds.")
    ] = True,
    baselines: Annotated[
        bool, typer.Option("--baselines/--no-baselines", help="Also run the task's baselines, on the same seeds.")
    ] = True,
    without: WithoutOption = None,
    data: DataOption = None,
    workers: WorkersOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Run a task over several seeds and report its metrics, next to the same with learning off."""
    from hmn_lava.tasks import run_task

    with percent(name) as tell:
        report = run_task(
            name,
            backend=backend,
            plasticity=plasticity,
            seeds=seeds,
            reference=reference,
            baselines=baselines,
            without=without or (),
            data=data,
            workers=workers,
            progress=tell,
        )
    if as_json:
        print_json("task run", report.as_dict())
        return
    beside = report.reference or {}
    rows = [
        (
            name,
            _short(m.mean),
            _short(m.std),
            _short(off.mean),
            _short(off.expected),
            _short(exact.mean) if exact else None,
            *(_short(baseline[name].mean) for baseline in report.baselines.values()),
        )
        for name, m in report.metrics.items()
        for off, exact in [(report.chance[name], beside.get(name))]
    ]
    cut = f", without {', '.join(report.without)}" if report.without else ""
    title = f"{report.task}: {report.backend}, plasticity {report.plasticity}, {report.seeds} seeds{cut}"
    columns = ["metric", "mean", "std", "learning off", "by chance", "float reference", *report.baselines]
    print_table(columns, rows, title=title)
    if report.energy_per_update:
        note(f"energy per weight update: {_energy(report.energy_per_update)}")


@app.command()
def ablate(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A task of `hmn-lava task list`.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE.parquet", help="All rows; one that is there goes on.")
    ],
    pairs: Annotated[bool, typer.Option("--pairs", help="Also each two of the paper's six subsystems.")] = False,
    backend: Annotated[str, typer.Option("--backend", metavar="B", help="reference, interpreter or fast.")] = "fast",
    plasticity: PlasticityOption = "neurocore",
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", min=1, help="Run with the seeds 0 to N-1.")] = 5,
    data: DataOption = None,
    workers: RowWorkersOption = None,
    scheduler: SchedulerOption = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE.png", help="Draw the effects and synergies of the score.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run a task with each of its subsystems switched off, alone and in pairs, and say which help.

    Example: hmn-lava task ablate bandit --pairs --seeds 10 -o bandit.parquet --picture bandit.png
    """
    from hmn_lava.pictures import check_picture
    from hmn_lava.tasks.ablation import ablate as run
    from hmn_lava.tasks.ablation_picture import draw

    if picture is not None:
        check_picture(picture)
    with percent("rows") as tell:
        ablation = run(
            name,
            output,
            seeds=seeds,
            pairs=pairs,
            plasticity=plasticity,
            backend=backend,
            data=data,
            workers=workers,
            scheduler=scheduler,
            progress=tell,
            say=note,
        )
    if picture is not None:
        draw(ablation, picture)
    if as_json:
        print_json("task ablate", ablation.as_dict())
    else:
        _print_ablation(ablation)
    if any(cut.error for cut in ablation.cuts):
        raise typer.Exit(1)


def _print_ablation(ablation: Ablation) -> None:
    verdicts = {1: "helps", -1: "hurts", 0: "not shown to help"}
    rows = []
    for cut in ablation.cuts:
        effect, synergy = cut.effects.get(ablation.score), cut.synergies.get(ablation.score)
        value = cut.metrics.get(ablation.score)
        verdict = verdicts[effect.sign] if effect is not None and len(cut.without) == 1 else None
        rows.append(
            (
                " + ".join(cut.without) or "nothing",
                cut.seeds,
                _short(value.mean) if value else None,
                _interval(effect),
                _interval(synergy),
                _energy(cut.energy_per_update),
                "failed" if cut.error else verdict,
            )
        )
    title = f"{ablation.task}: {ablation.score}, {ablation.backend}, plasticity {ablation.plasticity}"
    print_table(
        ["without", "seeds", ablation.score, "effect [95 %]", "synergy [95 %]", "energy per update", ""],
        rows,
        title=title,
    )
    for cut in ablation.cuts:
        if cut.error:
            left_out = " + ".join(cut.without) or "nothing"
            note(f"without {left_out}: {ablation.seeds - cut.seeds} seeds failed: {cut.error}")


def _energy(energy: Mapping[str, Any] | None) -> str | None:
    """The range of an energy per weight update."""
    if not energy:
        return None
    low, typical, high = (energy[key] / 1000.0 for key in ("low", "typical", "high"))  # of pJ
    return f"{typical:.3g} ({low:.3g} to {high:.3g}) nJ"


def _interval(estimate: Estimate | None) -> str | None:
    if estimate is None:
        return None
    if estimate.low is None or estimate.high is None:
        return f"{estimate.mean:+.4f}"
    return f"{estimate.mean:+.4f} [{estimate.low:+.4f}, {estimate.high:+.4f}]"


def _short(value: float) -> str:
    return f"{value:.4f}"
