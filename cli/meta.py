"""``hmn-lava meta``: learn the constants of a task's rule, and compare with fixed ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hmn_lava.cli.options import PlasticityOption
from hmn_lava.cli.output import JsonOption, note, print_json, print_table


def meta(
    name: Annotated[str, typer.Argument(metavar="TASK", help="A task that has a loss, such as bandit.")],
    backend: Annotated[str, typer.Option("--backend", metavar="B", help="reference, interpreter or fast.")] = "fast",
    plasticity: PlasticityOption = "neurocore",
    method: Annotated[
        str | None, typer.Option("--method", metavar="M", help="spsa or reinforce; or else, the task's own.")
    ] = None,
    steps: Annotated[int, typer.Option("--steps", metavar="N", min=1, help="Meta-steps in all.")] = 30,
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", min=1, help="Score on the seeds 0 to N-1.")] = 5,
    workers: Annotated[int, typer.Option("--workers", metavar="N", min=1, help="Processes.")] = 1,
    reference: Annotated[
        bool, typer.Option("--reference/--no-reference", help="Score what was learned in the float reference too.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="DIR", help="For curves, and a checkpoint that a rerun goes on from."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Learn a rule's constants around a compiled bundle, and compare them with fixed ones on a log-grid."""
    from hmn_lava.meta.study import run_study

    study = run_study(
        name,
        plasticity=plasticity,
        backend=backend,
        method=method,
        steps=steps,
        seeds=seeds,
        workers=workers,
        reference=reference,
        folder=out,
        tell=note,
    )
    if as_json:
        print_json("meta", study.as_dict())
        return
    rows = [(f"{study.parameter} {value:.4g}", score) for value, score in study.fixed]
    rows.append((", ".join(f"{key} {value:.4g}" for key, value in study.learned.items()) + " (learned)", study.score))
    if study.reference is not None:
        rows.append(("the same in the float reference", study.reference))
    rows += list(study.baselines.items())
    title = f"{name}: {backend}, plasticity {plasticity}, {study.method}, {steps} meta-steps, {seeds} seeds"
    print_table(["constants", "score", "std"], [(k, f"{m.mean:.4f}", f"{m.std:.4f}") for k, m in rows], title=title)
