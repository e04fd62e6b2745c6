"""``hmn-lava compare``: two backends side by side, signal by signal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    from hmn_lava.comparison import Divergence


def compare(
    bundle: BundleArgument,
    backends: Annotated[str, typer.Option("--backends", metavar="A,B", help="The two backends.")] = "reference,fast",
    file: InputOption = None,
    steps: StepsOption = None,
    tolerance: Annotated[
        float, typer.Option("--tolerance", metavar="X", help="Allowed error against the float reference, as a share.")
    ] = 1.0 / 64.0,
    signals: Annotated[
        str | None,
        typer.Option("--signals", metavar="A,B,...", help="Compare only these signals, separated by commas."),
    ] = None,
    threads: ThreadsOption = None,
    time_limit: TimeLimitOption = None,
    host: HostOption = None,
    translator: TranslatorOption = None,
    record: Annotated[
        Path | None,
        typer.Option(
            "--record", metavar="FILE.json", help="Keep the outcome; for a board, by default, DIR-on-board.json."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run a bundle on two backends and say where they part first. Exit code 1 if they do."""
    import hmn_lava as hl
    from hmn_lava.comparison import keep_record
    from hmn_lava.drive import check_output, drive
    from hmn_lava.errors import InputError

    pair = _names(backends)
    if len(pair) != 2:
        raise InputError(
            "two backends are compared",
            field="backends",
            value=backends,
            remedy="write, for example, --backends reference,fast",
        )
    network = hl.load(bundle)
    inputs, length = drive(network, file, steps)
    chosen = None if signals is None else _names(signals)
    if record is None and "board" in pair:
        record = bundle.with_name(f"{bundle.name}-on-board.json")
    if record is not None:
        check_output(record)
    found = hl.compare(
        network,
        *pair,
        inputs=inputs,
        steps=length,
        signals=chosen,
        tolerance=tolerance,
        threads=threads,
        limits=limits(time_limit),
        host=host,
        translator=translator,
    )
    if record is not None:
        keep_record(record, bundle, found)
        note(f"the record is in {record}")
    if as_json:
        print_json("compare", found.as_dict())
    else:
        print_table(
            ["signal", "largest error", "counts from", "SNR (dB)", "unit", "label"],
            [
                (
                    name,
                    f"{s.max_abs_error:.4g}",
                    f"{s.bound:.4g}",
                    "" if s.snr_db is None else f"{s.snr_db:.1f}",
                    f"{s.unit:.3g}",
                    s.label,
                )
                for name, s in found.signals.items()
            ],
        )
        first = found.first_divergence
        agreed = f"{' and '.join(found.backends)} agree over {found.steps} steps"
        note(agreed if first is None else _sentence(first, found.backends))
    if not found.equal:
        raise typer.Exit(1)


def _names(text: str) -> list[str]:
    return [name for name in (part.strip() for part in text.split(",")) if name]


def _sentence(first: Divergence, backends: tuple[str, str]) -> str:
    place = f"{first.signal}{list(first.index) if first.index else ''}"
    touched = f"; lowered parameters behind it: {', '.join(first.lowering[:6])}" if first.lowering else ""
    values = f"{backends[0]} has {first.a:.6g}, {backends[1]} has {first.b:.6g}"
    return f"{place} parts first, at step {first.step}: {values}{touched}"
