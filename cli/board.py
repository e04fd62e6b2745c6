"""``hmn-lava board``: what a Loihi 2 board has to be asked before anything is believed of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from hmn_lava.cli.options import ProfileOption
from hmn_lava.cli.output import JsonOption, note, print_json, print_table, progress

if TYPE_CHECKING:
    from hmn_lava.backends.board_checks import Check, Verdict
    from hmn_lava.backends.hosts import Host

app = typer.Typer(no_args_is_help=True)

BACKENDS = ("board", "lava")
ON_LAVA = "Lava's CPU model, not silicon"


@app.callback()
def board(context: typer.Context, as_json: JsonOption = False) -> None:
    """Ask a Loihi 2 board what nobody has published about its learning engine."""
    if as_json and context.invoked_subcommand is not None:  # given before the subcommand, it means that one's output
        context.default_map = {context.invoked_subcommand: {"as_json": True}}


@app.command()
def check(
    names: Annotated[list[str] | None, typer.Argument(metavar="[CHECK]...", help="Which checks; or else, all.")] = None,
    host: Annotated[
        str | None,
        typer.Option(
            "--host",
            metavar="H",
            help="slurm, slurm:partition=P, slurm:board=B or ethernet:ADDRESS, with ,generation=G if it is not N3B3; "
            "or else, what the environment names.",
        ),
    ] = None,
    predict: Annotated[
        bool, typer.Option("--predict", help="Only show what each hypothesis predicts; needs neither board nor Lava.")
    ] = False,
    backend: Annotated[
        str, typer.Option("--backend", metavar="B", help="board, or lava: Lava's CPU model, which is not silicon.")
    ] = "board",
    profile: ProfileOption = "loihi2",
    seconds: Annotated[
        float | None, typer.Option("--limit", metavar="S", min=1.0, help="Seconds that one check may take: 600.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run small networks, for each of which two or three hypotheses predict other integers, and say which one holds.

    Exit code 1 if a check's numbers follow no hypothesis, or if a board did not run one.
    """
    from hmn_lava.backends.board_checks import CHECKS, find_check
    from hmn_lava.errors import InputError
    from hmn_lava.hardware_profiles import load_profile

    if backend not in BACKENDS:
        raise InputError("no such backend", field="--backend", value=backend, remedy=f"one of: {', '.join(BACKENDS)}")
    if host is not None and (predict or backend != "board"):
        raise InputError("no board is asked, so none is needed", field="--host", value=host, remedy="leave it out")
    chosen = tuple(map(find_check, names)) if names else CHECKS
    chip = load_profile(profile)
    if predict:
        _show_predictions(chosen, chip, as_json)
        return
    place = _place(host) if backend == "board" else None
    verdicts = _run(chosen, backend, place, chip, seconds)
    label = ON_LAVA if place is None else f"board behind {place}"
    if as_json:
        rows = [_as_json(one, verdict) for one, verdict in zip(chosen, verdicts, strict=True)]
        print_json("board check", {"backend": backend, "label": label, "host": place and str(place), "checks": rows})
    else:
        print_table(
            ["check", "answer", "numbers", "note"],
            [(v.check, v.says, _numbers(v.numbers, v.observed), v.note) for v in verdicts],
            title=f"What was observed: {label}",
        )
        for verdict in verdicts:
            if verdict.says == "neither":
                note(verdict.sentence)
    if any(v.says == "neither" or (v.observed is None and place is not None) for v in verdicts):
        raise typer.Exit(1)


def _place(host: str | None) -> Host:
    """The board's host; without the extension there is none, whatever the option says, as long as it can be read."""
    from hmn_lava.backends.available import require_board
    from hmn_lava.backends.hosts import parse_host, resolve_host

    if host is not None:
        parse_host(host)
    require_board()
    return resolve_host(host)


def _run(checks: tuple[Check, ...], backend: str, host: Host | None, chip: Any, seconds: float | None) -> list[Verdict]:
    from hmn_lava.backends.board_checks import judge
    from hmn_lava.backends.board_run import SECONDS, observe
    from hmn_lava.errors import BackendError, RunError

    verdicts = []
    with progress("checks", len(checks)) as advance:
        for number, one in enumerate(checks):
            try:
                outcomes, remark = observe(one, "board" if backend == "board" else "lava", host, seconds or SECONDS)
            except (BackendError, RunError) as error:
                if isinstance(error, BackendError) and number == 0:
                    raise  # it will not be better for the others
                outcomes, remark = None, str(error).splitlines()[0]
            verdicts.append(judge(one, outcomes, chip, remark))
            advance(1)
    return verdicts


def _show_predictions(checks: tuple[Check, ...], chip: Any, as_json: bool) -> None:
    from hmn_lava.backends.board_checks import predictions

    predicted = [predictions(one, chip) for one in checks]
    if as_json:
        rows = [_described(one, values) for one, values in zip(checks, predicted, strict=True)]
        print_json("board check", {"backend": None, "label": "predictions; nothing was run", "checks": rows})
        return
    print_table(
        ["check", "hypothesis", "means", "predicts"],
        [
            (one.name, hypothesis.name, hypothesis.meaning, _numbers(one.numbers, values[hypothesis.name]))
            for one, values in zip(checks, predicted, strict=True)
            for hypothesis in one.hypotheses
        ],
        title="What each hypothesis predicts; nothing was run",
    )
    print_table(
        ["check", "question", "switch of the profile", "relies on"],
        [(one.name, one.question, one.switch, one.relies_on) for one in checks],
    )


def _described(one: Check, predicted: Any) -> dict[str, Any]:
    return {
        "check": one.name,
        "question": one.question,
        "switch": one.switch,
        "relies_on": one.relies_on,
        "steps": one.steps,
        "numbers": one.numbers,
        "tolerance": one.tolerance,
        "hypotheses": [
            {"name": hypothesis.name, "meaning": hypothesis.meaning, "predicts": predicted[hypothesis.name]}
            for hypothesis in one.hypotheses
        ],
    }


def _as_json(one: Check, verdict: Verdict) -> dict[str, Any]:
    found = {"observed": verdict.observed, "says": verdict.says, "note": verdict.note, "sentence": verdict.sentence}
    return _described(one, verdict.predicted) | found


def _numbers(names: tuple[str, ...], values: tuple[int, ...] | None) -> str:
    return "" if values is None else ", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True))
