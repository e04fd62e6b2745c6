"""``hmn-lava run``: run a bundle on a backend."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hmn_lava.cli.options import (
    BundleArgument,
    HostOption,
    InputOption,
    StepsOption,
    ThreadsOption,
    TimeLimitOption,
    TranslatorOption,
    limits,
)
from hmn_lava.cli.output import JsonOption, note, print_json, print_table

if TYPE_CHECKING:
    from hmn_lava.simulator.result import Result


def run(
    bundle: BundleArgument,
    file: InputOption = None,
    steps: StepsOption = None,
    backend: Annotated[
        str, typer.Option("--backend", metavar="B", help="reference, interpreter, fast, lava, rehearsal or board.")
    ] = "fast",
    probe: Annotated[
        list[str] | None,
        typer.Option(
            "--probe", metavar="NAME", help="Record a signal, as NAME or NAME@start:stop:stride; may be repeated."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="OUT.npz", help="Write what was recorded.")
    ] = None,
    threads: ThreadsOption = None,
    time_limit: TimeLimitOption = None,
    host: HostOption = None,
    translator: TranslatorOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a bundle on input from a file, or on its spec's stimulus."""
    from time import perf_counter

    import hmn_lava as hl
    from hmn_lava.drive import check_output, drive, save_result

    if output is not None:
        check_output(output)
    network = hl.load(bundle)
    session = network.session(backend, threads=threads, limits=limits(time_limit), host=host, translator=translator)
    inputs, length = drive(network, file, steps)
    begin = perf_counter()
    result = session.run(inputs, length, probe or ())
    speed = result.steps / max(perf_counter() - begin, 1e-9)
    if output is not None:
        save_result(result, output)
    summary = {name: _summary(result, name) for name in result.raw}
    note(f"{result.backend}: {result.steps} steps, {speed:.4g} steps/s")
    if as_json:
        content = {
            "bundle": str(bundle),
            "backend": result.backend,
            "input": "stimulus" if file is None else str(file),
            "steps": result.steps,
            "steps_per_second": speed,
            "outputs": {name: summary[name] for name in result.output_names},
            "probes": {name: found for name, found in summary.items() if name not in result.output_names},
            "offsets": {name: session.latency(name) for name in result.raw},
            "output": None if output is None else str(output),
        }
        print_json("run", content)
        return
    print_table(
        ["signal", "samples", "mean", "lowest", "highest", "not zero", "offset"],
        [
            (
                name,
                s["samples"],
                _short(s["mean"]),
                _short(s["min"]),
                _short(s["max"]),
                s["nonzero"],
                session.latency(name),
            )
            for name, s in summary.items()
        ],
    )


def _summary(result: Result, name: str) -> dict[str, Any]:
    import numpy as np

    values = result.real(name)
    known = values[np.isfinite(values)]
    return {
        "samples": len(values),
        "shape": values.shape[1:],
        "mean": float(known.mean()) if known.size else None,
        "min": float(known.min()) if known.size else None,
        "max": float(known.max()) if known.size else None,
        "nonzero": int(np.count_nonzero(known)),
    }


def _short(value: float | None) -> str | None:
    return None if value is None else f"{value:.4g}"
