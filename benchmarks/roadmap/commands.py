"""``python -m benchmarks roadmap``: do the runs behind the page of results, compare them, write the page."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from benchmarks.roadmap.page import PAGE, fill
from benchmarks.roadmap.runs import Run, read_runs

app = typer.Typer(no_args_is_help=True, help="The HMN paper's road map: the runs behind docs/results.md.")

NamesArgument = Annotated[list[str] | None, typer.Argument(help="Names of runs; all, if none is given.")]


@app.command("list")
def list_runs() -> None:
    """Name the runs, and how long each takes."""
    for run in read_runs().values():
        print(f"{run.name:30} {run.minutes:4g} min   hmn-lava {run.command}")


@app.command()
def run(names: NamesArgument = None) -> None:
    """Do runs and keep their results in docs/results."""
    for each in _chosen(names):
        begun = time.monotonic()
        each.keep()
        print(f"{each.name}: {(time.monotonic() - begun) / 60:.1f} min", flush=True)


@app.command()
def check(names: NamesArgument = None) -> None:
    """Do runs and compare with what is kept. Exit code 1 if a figure is not within its tolerance."""
    changed = 0
    for each in _chosen(names):
        changes = each.changes(each.do())
        print(f"{each.name}: {'as kept' if not changes else f'{len(changes)} figures changed'}", flush=True)
        for change in changes:
            print(f"  {change}")
        changed += bool(changes)
    if changed:
        raise typer.Exit(1)


@app.command()
def write() -> None:
    """Make the tables of docs/results.md anew from what is kept."""
    PAGE.write_text(fill(PAGE.read_text(), read_runs()))
    print(f"wrote {PAGE}")


def _chosen(names: list[str] | None) -> list[Run]:
    runs = read_runs()
    for name in names or ():
        if name not in runs:
            raise typer.BadParameter(f"no such run: {name}; one of: {', '.join(runs)}")
    return [runs[name] for name in names or runs]
