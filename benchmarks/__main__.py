"""``python -m benchmarks``: run cases, list them, write the page of figures."""

from __future__ import annotations

import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.cases import CASES
from benchmarks.environment import ROOT, environment
from benchmarks.options import Options
from benchmarks.peers.available import PEERS, absence, python_of
from benchmarks.results import Results
from benchmarks.roadmap.commands import app as roadmap

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Measure hmn-lava beside other tools.")
app.add_typer(roadmap, name="roadmap")

FOLDER = ROOT / "build" / "benchmarks"
WIDTH = 140
"""Columns of the tables where there is no terminal."""
PAGE = ROOT / "docs" / "performance.md"


def _numbers(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


@app.command()
def run(
    cases: Annotated[list[str] | None, typer.Argument(help=f"Of: {', '.join(CASES)}. All, if none is named.")] = None,
    sizes: Annotated[str | None, typer.Option(help="Neurons on each side, e.g. 64,256.")] = None,
    rates: Annotated[str | None, typer.Option(help="Input activity, e.g. 0.02,0.1.")] = None,
    rules: Annotated[str | None, typer.Option(help="Rules of the engine case, e.g. three-factor,stdp.")] = None,
    threads: Annotated[str, typer.Option(help="Numbers of threads, each tried.")] = "1,2",
    rounds: Annotated[int, typer.Option(min=1, help="Rounds, in each of which everyone runs in turn.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.001, help="About how long one runs in a round.")] = 1.0,
    steps: Annotated[int, typer.Option(min=2, help="Steps of input, which starts again at its end.")] = 1000,
    check_steps: Annotated[int, typer.Option(min=0, help="Steps that are compared; 0: as the size allows.")] = 0,
    peers: Annotated[str | None, typer.Option(help=f"Only these of: {', '.join(PEERS)}.")] = None,
    peer_python: Annotated[list[str] | None, typer.Option(help="PEER=PYTHON: the interpreter that has it.")] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    out: Annotated[Path, typer.Option(help="Folder for results.json and the picture.")] = FOLDER,
) -> None:
    """Run cases; print tables, write results.json and a picture. Exit code 1 if what should agree does not."""
    from benchmarks.plot import draw
    from benchmarks.table import show

    chosen = cases or list(CASES)
    _known("case", chosen, CASES)
    _known("peer", _numbers(peers), PEERS)
    pythons = dict(entry.split("=", 1) for entry in peer_python or [] if "=" in entry)
    _known("peer", pythons, PEERS)
    errors = Console(stderr=True)
    options = Options(
        sizes=[int(n) for n in _numbers(sizes)],
        rates=[float(n) for n in _numbers(rates)],
        rules=_numbers(rules),
        threads=[int(n) for n in _numbers(threads)],
        rounds=rounds,
        seconds=seconds,
        check_steps=check_steps,
        input_steps=steps,
        peers=_numbers(peers),
        python=pythons,
        seed=seed,
        say=lambda text: errors.print(text, style="dim", highlight=False),
    )
    for peer in PEERS:
        if options.wants(peer) and (why := absence(peer, python_of(peer, options))):
            errors.print(f"{peer} takes no part: {why}", highlight=False)
    told = {name: value for name, value in asdict(options).items() if name not in ("say", "python")}
    results = Results(environment(), told)
    out.mkdir(parents=True, exist_ok=True)
    for name in chosen:
        results.cases.append(CASES[name].run(options))
        results.write(out / "results.json")
    show(results, Console(width=None if sys.stdout.isatty() else WIDTH))
    pictures = draw(results, out / "results")
    errors.print(f"wrote {', '.join(str(path) for path in (out / 'results.json', *pictures))}", highlight=False)
    if not results.agree:
        raise typer.Exit(1)


@app.command("list")
def list_cases() -> None:
    """Name the cases."""
    for name, case in CASES.items():
        print(f"{name:12} {case.ABOUT}")


@app.command()
def record(
    results: Annotated[list[Path] | None, typer.Argument(help="Each a results.json, of one machine.")] = None,
    page: Annotated[Path, typer.Option(help="The page to write.")] = PAGE,
) -> None:
    """Write the page of figures from results; what is by hand on it stays."""
    from benchmarks.record import write_page

    write_page(Results.joined([Results.read(path) for path in results or [FOLDER / "results.json"]]), page)
    print(f"wrote {page}")


def _known(what: str, names: object, known: object) -> None:
    for name in names:  # type: ignore[attr-defined]
        if name not in known:  # type: ignore[operator]
            raise typer.BadParameter(f"no such {what}: {name}; one of: {', '.join(known)}")  # type: ignore[arg-type]


def _end(number: int, frame: object) -> None:
    """Leave in order when told to end, so that the contestants' processes end too."""
    sys.exit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    app()
