"""``hmn-lava task``: learning problems with a known answer."""

from __future__ import annotations

from typing import Annotated

import typer

from hmn_lava.cli.options import PlasticityOption
from hmn_lava.cli.output import JsonOption, print_json, print_table, progress

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
    as_json: JsonOption = False,
) -> None:
    """Run a task over several seeds and report its metrics, next to the same with learning off."""
    from hmn_lava.tasks import run_task

    shown = 0
    with progress(name, 100) as advance:

        def tell(done: int, total: int) -> None:
            nonlocal shown
            percent = 100 * done // max(total, 1)
            advance(percent - shown)
            shown = percent

        report = run_task(name, backend=backend, plasticity=plasticity, seeds=seeds, reference=reference, progress=tell)
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
        )
        for name, m in report.metrics.items()
        for off, exact in [(report.chance[name], beside.get(name))]
    ]
    title = f"{report.task}: {report.backend}, plasticity {report.plasticity}, {report.seeds} seeds"
    print_table(["metric", "mean", "std", "learning off", "by chance", "float reference"], rows, title=title)


def _short(value: float) -> str:
    return f"{value:.4f}"
