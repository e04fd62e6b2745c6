"""``hmn-lava profile``: what a bundle costs, and the energy of one weight update."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hmn_lava.cli.options import (
    BundleArgument,
    EncoderOption,
    HostOption,
    InputOption,
    StepsOption,
    TextOption,
    ThreadsOption,
    TimeLimitOption,
    TokensOption,
    TranslatorOption,
    check_text,
    limits,
)
from hmn_lava.cli.output import JsonOption, note, print_json, print_table

if TYPE_CHECKING:
    from hmn_lava.bundle import Bundle
    from hmn_lava.energy import Report
    from hmn_lava.energy.lines import Range


def profile(
    bundle: BundleArgument,
    file: InputOption = None,
    steps: StepsOption = None,
    rates: Annotated[
        list[str] | None,
        typer.Option(
            "--rates", metavar="FILE|NAME=RATE", help="Expected counts, without a run: a rate for each population."
        ),
    ] = None,
    worst: Annotated[bool, typer.Option("--worst", help="The largest counts that can be, without a run.")] = False,
    name: Annotated[
        str | None, typer.Option("--profile", metavar="NAME", help="Coefficients of another profile: a name or a file.")
    ] = None,
    text: TextOption = None,
    tokens: TokensOption = None,
    encoder: EncoderOption = None,
    sample: Annotated[
        int | None, typer.Option("--steps-per-sample", metavar="N", min=1, help="Steps that a sample takes. [1]")
    ] = None,
    backend: Annotated[
        str,
        typer.Option("--backend", metavar="B", help="fast, interpreter; board, which also measures, or rehearsal."),
    ] = "fast",
    threads: ThreadsOption = None,
    time_limit: TimeLimitOption = None,
    host: HostOption = None,
    translator: TranslatorOption = None,
    explain: Annotated[
        str | None,
        typer.Option("--explain", metavar="TERM", help="Counts, coefficients and sources of a term, or of 'total'."),
    ] = None,
    alternatives: Annotated[
        bool, typer.Option("--alternatives", help="Beside the other lowering, the other chip and this computer.")
    ] = False,
    measured: Annotated[
        Path | None, typer.Option("--measured", metavar="FILE.json", help="Beside what a board measured of this run.")
    ] = None,
    save_measurement: Annotated[
        Path | None,
        typer.Option("--save-measurement", metavar="FILE.json", help="Keep what the board measured, for --measured."),
    ] = None,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write every line to a CSV file.")] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE.png", help="Draw it; needs matplotlib.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Count what a run, the worst case or given rates do, and what it costs in energy and time."""
    import hmn_lava as hl
    from hmn_lava.drive import drive
    from hmn_lava.energy.alternatives import beside as others
    from hmn_lava.energy.board import beside, check_same_run
    from hmn_lava.energy.explain import check_name, names
    from hmn_lava.energy.explain import explain as explained
    from hmn_lava.energy.measurement import read_measurement
    from hmn_lava.energy.measurement import save_measurement as save
    from hmn_lava.energy.picture import draw
    from hmn_lava.energy.rates import read_rates
    from hmn_lava.energy.table import write_csv
    from hmn_lava.energy.terms import Terms
    from hmn_lava.errors import InputError
    from hmn_lava.pictures import check_picture

    alone: dict[str, Any] = {"--input": file, "--steps": steps}
    alone |= {"--rates": rates, "--worst": worst, "--profile": name, "--csv": csv}
    alone |= {"--explain": explain, "--alternatives": alternatives, "--measured": measured, "--picture": picture}
    alone |= {"--save-measurement": save_measurement, "--threads": threads, "--time-limit": time_limit, "--host": host}
    alone |= {"--translator": translator, "--steps-per-sample": sample}
    check_text(text, alone, {"--tokens": tokens, "--encoder": encoder})
    _check_files([csv, picture, save_measurement], [file, measured])
    if file is not None and (worst or rates):
        remedy = "leave --input out, or --worst and --rates"
        raise InputError("counts without a run have no input", field="--input", value=str(file), remedy=remedy)
    if measured is not None and backend == "board":
        remedy = "leave --measured out, or --backend board"
        raise InputError("two measurements of one run", field="--measured", value=measured, remedy=remedy)
    if save_measurement is not None and backend != "board":
        remedy = "add --backend board: nothing else measures"
        raise InputError("no board measures here", field="--save-measurement", value=save_measurement, remedy=remedy)
    if picture is not None:
        check_picture(picture)
    network = hl.load(bundle)
    if text:
        _of_tokens(bundle, network, text, tokens or 300, encoder, backend, as_json)
        return
    if explain is not None:
        check_name(explain, names(network.network, Terms(network)))
    chosen = read_rates(rates) if rates else None
    inputs: Any = None
    if chosen is None and not worst:
        inputs, steps = drive(network, file, steps)
    options: dict[str, Any] = {"rates": chosen, "worst": worst, "backend": backend, "threads": threads}
    options |= {"steps_per_sample": sample or 1, "profile": name}
    given = None if measured is None else read_measurement(measured)
    if given is not None and steps is not None:
        check_same_run(given, steps, network.network.frame)
    report = hl.profile(network, inputs, steps, **options, limits=limits(time_limit), host=host, translator=translator)
    measurement = report.measured or given
    if save_measurement is not None and measurement is not None:
        save(measurement, save_measurement)
    board = [] if measurement is None else beside(report, measurement)
    found = others(network, report, inputs, options) if alternatives else None
    if csv is not None:
        write_csv(report, csv)
    if picture is not None:
        draw([report, *(found.reports if found is not None else ())], picture)
    explanation = None if explain is None else explained(report, explain)
    for line in [*report.notes, *(found.notes() if found is not None else ())]:
        note(f"note: {line}")
    if as_json:
        content = {"bundle": str(bundle), **report.as_dict(), "measured": [row.as_dict() for row in board]}
        content |= {"alternatives": None if found is None else found.as_dict(), "explanation": explanation}
        print_json("profile", content)
        return
    if explanation is not None:
        print(explanation)
        return
    _tables(report)
    if board:
        _board(board)
    if found is not None:
        print_table(
            ["alternative", f"energy per {'weight update' if report.updates else 'step'}", "time per step", "can run"],
            found.rows(),
            "alternatives",
        )


def _of_tokens(
    where: Path, bundle: Bundle, texts: list[str], tokens: int, encoder: Path | None, backend: str, as_json: bool
) -> None:
    """Price a token of a language model: adapters, host, and the one over the other."""
    import numpy as np

    from hmn_lava.cli.language import print_cost
    from hmn_lava.language.cost import token_cost
    from hmn_lava.language.model import frozen_of
    from hmn_lava.language.texts import read_text
    from hmn_lava.language.tokens import Tokenizer

    frozen = frozen_of(bundle.spec, encoder)
    tokenizer = Tokenizer(frozen.encoder.folder)
    read = np.concatenate([tokenizer.encode(read_text(name))[:tokens] for name in texts])
    cost, report = token_cost(bundle, frozen, read, backend)
    if as_json:
        print_json("profile", {"bundle": str(where), "per_token": cost.as_dict(), **report.as_dict()})
        return
    print_cost(cost.as_dict())


def _check_files(outputs: list[Path | None], inputs: list[Path | None]) -> None:
    """Before a long run: every file can be written, and none twice or over an input. Raises InputError."""
    from hmn_lava.drive import check_output
    from hmn_lava.errors import InputError

    seen = {path.resolve() for path in inputs if path is not None}
    for path in outputs:
        if path is None:
            continue
        if check_output(path).resolve() in seen:
            raise InputError("the same file is named twice", where=str(path), remedy="give each a name of its own")
        seen.add(path.resolve())


def _tables(report: Report) -> None:
    from hmn_lava.energy.explain import joules
    from hmn_lava.energy.lines import Range

    whole, each = report.energy(), report.updates or report.steps
    unit = "weight update" if report.updates else "step"
    rows = [
        (term, _pj(e.times(1 / each)), f"{100 * e.typical / max(whole.typical, 1e-30):.1f} %")
        for term, e in report.by_term().items()
    ]
    rows.append(("total", _pj(whole.times(1 / each)), "100.0 %"))
    print_table(["term", f"pJ per {unit}: typical (low to high)", "share"], rows, "energy by term")
    print_table(["operation", "count", f"per {unit}"],
                [(n, _count(v), f"{v / each:.4g}") for n, v in report.operations().items()], "counts")  # fmt: skip
    totals = [
        ("all", joules(whole)),
        ("per step", joules(report.per_step)),
        ("per inference", joules(report.per_inference)),
        ("per sample learned", joules(report.per_sample)),
        ("per weight update", None if report.per_update is None else joules(report.per_update)),
        ("per changed weight", None if report.per_change is None else joules(report.per_change)),
        ("time per step", _ns(report.time.times(1 / max(1, report.steps)))),
        ("longest step of the chip", _ns(Range.of(report.tally.longest))),
    ]
    print_table(["", "typical (low to high)"], totals, "energy and time")
    if report.tally.metrics is not None:
        metrics = report.tally.metrics.as_dict(report.steps_per_sample)
        flat = {**metrics, **metrics.pop("SynapticOperations")}
        print_table(["metric", "value"], [(n, f"{v:.6g}") for n, v in flat.items() if n != "SynapticOperations"],
                    "NeuroBench")  # fmt: skip
    whose = report.backend or report.origin
    note(f"{whose}: {report.steps} steps, {report.updates} weight updates, {report.cores} cores; --explain total")


def _board(rows: list[Any]) -> None:
    print_table(
        ["quantity", "unit", "estimate: typical (low to high)", "measured", "ratio", "inside"],
        [
            (row.name, row.unit, _pj(row.estimate), None if row.measured is None else f"{row.measured:.4g}",
             None if row.ratio is None else f"{row.ratio:.3g}", None if row.inside is None else row.inside)
            for row in rows
        ],
        "beside the board",
    )  # fmt: skip


def _pj(r: Range) -> str:
    return f"{r.typical:.4g} ({r.low:.3g} to {r.high:.3g})"


def _ns(r: Range) -> str:
    return f"{r.typical / 1e3:.4g} us ({r.low / 1e3:.3g} to {r.high / 1e3:.3g})"


def _count(value: float) -> str:
    return f"{value:d}" if isinstance(value, int) else f"{value:.6g}"
