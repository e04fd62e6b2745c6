"""``hmn-lava run``: run a bundle on a backend."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hmn_lava.cli.options import (
    BundleArgument,
    EncodeOption,
    EncoderOption,
    HostOption,
    InputOption,
    PopulationOption,
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
    from hmn_lava.session import Session
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
    encode: EncodeOption = None,
    decode: Annotated[
        str | None, typer.Option("--decode", metavar="D", help="Tell each sample's class: count, last or membrane.")
    ] = None,
    population: PopulationOption = None,
    text: TextOption = None,
    tokens: TokensOption = None,
    encoder: EncoderOption = None,
    learn: Annotated[bool, typer.Option("--learn/--no-learn", help="With --text: let the adapters learn.")] = True,
    threads: ThreadsOption = None,
    time_limit: TimeLimitOption = None,
    host: HostOption = None,
    translator: TranslatorOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a bundle on input from a file, on its spec's stimulus or, of a language model, on texts."""
    from time import perf_counter

    import hmn_lava as hl
    from hmn_lava.decoding import Reader
    from hmn_lava.drive import check_output, drive, save_result
    from hmn_lava.encoding import encode as encoded

    alone: dict[str, Any] = {
        "--input": file,
        "--steps": steps,
        "--probe": probe,
        "-o": output,
        "--encode": encode,
        "--decode": decode,
    }
    beside = {"--tokens": tokens, "--encoder": encoder, "--no-learn": not learn}
    check_text(text, {**alone, "--population": population}, beside)
    if output is not None:
        check_output(output)
    network = hl.load(bundle)
    session = network.session(backend, threads=threads, limits=limits(time_limit), host=host, translator=translator)
    if text:
        _read(bundle, network, session, text, tokens or 1000, encoder, learn, as_json)
        return
    inputs, length = drive(network, file, steps, batch=True)
    if encode is not None:
        inputs = {name: encoded(encode, values, steps, network.seed) for name, values in inputs.items()}
        length = min(array.shape[1] for array in inputs.values())
    reader = None if decode is None else Reader(network, decode, population, length)
    if reader is not None:
        inputs, length = reader.prepared(inputs)
        probe = [*(probe or ()), *([reader.signal] if reader.signal not in (probe or ()) else [])]
    runs = next((len(array) for array in inputs.values() if array.ndim == 3), None)
    begin = perf_counter()
    if runs is None:
        result = session.run(inputs, length, probe or ())
    else:
        result = _batch(network, backend, inputs, length, probe or (), threads)
    speed = (1 if runs is None else runs) * result.steps / max(perf_counter() - begin, 1e-9)
    if output is not None:
        save_result(result, output)
    answers = None if reader is None else reader.answers(result)
    summary = {name: _summary(result, name, runs is not None) for name in result.raw}
    times = "" if runs is None else f"{runs} runs of "
    note(f"{result.backend}: {times}{result.steps} steps, {speed:.4g} steps/s")
    if as_json:
        content = {
            "bundle": str(bundle),
            "backend": result.backend,
            "input": "stimulus" if file is None else str(file),
            "steps": result.steps,
            "runs": runs,
            "steps_per_second": speed,
            "outputs": {name: summary[name] for name in result.output_names},
            "probes": {name: found for name, found in summary.items() if name not in result.output_names},
            "offsets": {name: session.latency(name) for name in result.raw},
            "answers": answers,
            "output": None if output is None else str(output),
        }
        print_json("run", content)
        return
    if answers is not None:
        print_table(["sample", "class"], list(enumerate(answers)))
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


def _read(
    where: Path,
    bundle: Bundle,
    session: Session,
    texts: list[str],
    tokens: int,
    encoder: Path | None,
    learn: bool,
    as_json: bool,
) -> None:
    """Read texts with a language model, and show perplexity as it goes."""
    from hmn_lava.language.demo import read_live, seconds
    from hmn_lava.language.model import reader_of

    def tell(point: Any) -> None:
        bar = "#" * round(20 * min(point.ratio, 2.0))
        figures = f"{point.tokens:7d} {point.frozen:9.1f} {point.adapted:9.1f} {point.ratio:7.3f}"
        print(f"{point.text[-24:]:24} {figures}  {bar}", file=sys.stderr if as_json else sys.stdout, flush=True)

    reader = reader_of(bundle, session, encoder)
    note(f"{'text':24} {'tokens':>7} {'frozen':>9} {'adapted':>9} {'ratio':>7}  perplexity, of the last tokens")
    points = read_live(reader, texts, tokens, learn=learn, tell=tell)
    host, adapters = seconds(points)
    speed = 1.0 / (host + adapters)
    if as_json:
        content = {"bundle": str(where), "backend": session.backend, "learn": learn}
        content |= {"points": [p.as_dict() for p in points], "tokens_per_second": speed}
        print_json("run", {**content, "host_seconds_per_token": host, "adapters_seconds_per_token": adapters})
    note(f"{session.backend}: {speed:.0f} tokens/s; host {1e3 * host:.2f} ms, adapters {1e3 * adapters:.2f} ms a token")


def _batch(
    bundle: Bundle, backend: str, inputs: dict[str, Any], steps: int, probes: Iterable[str], threads: int | None
) -> Result:
    """One run for each sample, with a first axis for the samples."""
    from hmn_lava.errors import InputError
    from hmn_lava.simulator.batch import stacked

    if backend != "fast":
        remedy = "leave --backend out, or give arrays of shape (steps, size)"
        raise InputError("a batch runs on fast alone", field="backend", value=backend, remedy=remedy)
    return stacked(bundle.run_batch(inputs, steps, probes, threads=threads))


def _summary(result: Result, name: str, batch: bool) -> dict[str, Any]:
    """Samples and their shape are those of one run, the rest is of all."""
    import numpy as np

    values = result.real(name)
    one = values[0] if batch else values
    known = values[np.isfinite(values)]
    return {
        "samples": len(one),
        "shape": one.shape[1:],
        "mean": float(known.mean()) if known.size else None,
        "min": float(known.min()) if known.size else None,
        "max": float(known.max()) if known.size else None,
        "nonzero": int(np.count_nonzero(known)),
    }


def _short(value: float | None) -> str | None:
    return None if value is None else f"{value:.4g}"
