"""``hmn-lava rule``: what a learning rule does on a chip, before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hmn_lava.cli.options import ProfileOption, SeedOption
from hmn_lava.cli.output import JsonOption, note, print_json, print_table

if TYPE_CHECKING:
    from hmn_lava.learning import RuleReport, UpdateWindow


def _trace(name: str) -> Any:
    supplied = "" if name[0] == "x" else "; with three factors LOW,HIGH: what the neuron supplies"
    return typer.Option(f"--{name}", metavar="IMPULSE,TAU", help=f"Trace {name}{supplied}.")


Pair = str | None
_LAGS = 21  # rows of a window that are printed


def rule(
    text: Annotated[str, typer.Argument(metavar="RULE", help="E.g. 'dw = 2^-2*x1*y0 - 2^-2*y1*x0, dt = ...'.")],
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE.py", help="Where --lava writes; or else, it prints.")
    ] = None,
    profile: ProfileOption = "loihi2",
    real: Annotated[
        bool, typer.Option("--float", help="RULE is in real units, even without decimals: fit it to the chip.")
    ] = False,
    factors: Annotated[str, typer.Option("--factors", metavar="2|3", help="3: the neuron supplies y1..y3.")] = "2",
    t_epoch: Annotated[str, typer.Option("--t-epoch", metavar="N", help="Steps of a learning epoch.")] = "1",
    x1: Annotated[Pair, _trace("x1")] = None,
    x2: Annotated[Pair, _trace("x2")] = None,
    y1: Annotated[Pair, _trace("y1")] = None,
    y2: Annotated[Pair, _trace("y2")] = None,
    y3: Annotated[Pair, _trace("y3")] = None,
    weights: Annotated[str, typer.Option("--weights", metavar="LOW,HIGH", help="Range of the weights.")] = "-1,1",
    tag_1: Annotated[Pair, typer.Option("--tag-1", metavar="LOW,HIGH", help="Range of t; or else, estimated.")] = None,
    tag_2: Annotated[Pair, typer.Option("--tag-2", metavar="LOW,HIGH", help="Range of d; or else, estimated.")] = None,
    leak: Annotated[
        list[str] | None,
        typer.Option("--leak", metavar="Z=TAU", help="Let t, d or w decay with TAU steps; may be repeated."),
    ] = None,
    window: Annotated[
        Path | None, typer.Option("--window", metavar="FILE.png", help="Plot the change by a pair of spikes.")
    ] = None,
    lava: Annotated[bool, typer.Option("--lava", help="Print Python code that makes this rule in Lava.")] = False,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Explain a learning rule, check it, fit it from real numbers, plot its window, or export it to Lava."""
    from hmn_lava.errors import InputError
    from hmn_lava.files import write_output
    from hmn_lava.learning import plot_window, report_rule, update_window
    from hmn_lava.learning.texts import read_named_numbers, read_number, read_numbers

    if file is not None and not lava:
        raise InputError("a file is only written by --lava", field="FILE.py", value=str(file), remedy="add --lava")
    named = {"x1": x1, "x2": x2, "y1": y1, "y2": y2, "y3": y3}
    report = report_rule(
        text,
        real=real,
        traces={name: read_numbers(f"--{name}", given) for name, given in named.items() if given is not None},
        weights=read_numbers("--weights", weights),
        tag_1=None if tag_1 is None else read_numbers("--tag-1", tag_1),
        tag_2=None if tag_2 is None else read_numbers("--tag-2", tag_2),
        leaks=read_named_numbers("--leak", leak or []),
        t_epoch=read_number("--t-epoch", t_epoch),
        factors=read_number("--factors", factors),
        profile=profile,
    )
    curve = None
    if window is not None:
        curve = update_window(report.fitted or report.rule, profile=profile, sign_mode=report.sign_mode, seed=seed)
        plot_window(curve, window, title=text if len(text) <= 80 else text[:77] + "...")
    if file is not None:
        write_output(file, lambda stream: stream.write(report.lava.encode()))
    if as_json:
        shown = None if curve is None else {"file": str(window), **curve.as_dict()}
        print_json("rule", {**report.as_dict(), "window": shown, "backend": None})
    elif lava and file is None:
        print(report.lava, end="")
    else:
        _print(report, curve)
    if not as_json:
        warnings = sum(finding.severity == "warning" for finding in report.findings)
        note(f"the rule fits {report.profile}: {warnings} warnings, {len(report.findings) - warnings} notes")
        for path in (window, file):
            if path is not None:
                note(f"wrote {path}")


def _print(report: RuleReport, curve: UpdateWindow | None) -> None:
    """Print the tables of a report."""
    from hmn_lava.cli.describe import print_findings

    fitted = report.fitted
    for parsed, line in zip(report.rule.rules, report.algebra, strict=True):
        print(f"{parsed.target} = {parsed}\n  {line}")
    print_table(
        ["variable", "range", "step", "largest change", "smallest", "moves", "noise", "unit"],
        [
            (
                v.variable,
                f"{v.low} to {v.high}",
                v.step,
                _g(v.largest),
                _g(v.smallest),
                _g(v.moves),
                _g(v.noise),
                _g(v.unit),
            )
            for v in report.explanation.variables
        ],
        title="Variables, in levels",
    )
    print_table(
        ["product", "acts", "bits", "shift", "effective", "changes", "smallest", "cut to", "real"],
        [
            (
                f"{p.target}: {p.product}",
                p.acts,
                "+".join(str(bits) for _, bits in p.widths),
                p.down_scaling,
                _g(p.effective),
                f"{p.low:.4g} to {p.high:.4g}",
                _g(p.smallest),
                _g(p.cut or None),
                _g(p.real),
            )
            for p in report.explanation.products
        ],
        title="Products, in levels",
    )
    if fitted is not None:
        print_table(
            ["", "of", "requested", "realised", "error", "within", "by"],
            [
                (
                    r.quantity,
                    r.object,
                    _g(r.requested),
                    _g(r.realised),
                    f"{r.relative_error:.2%}",
                    "yes" if r.within else "no",
                    r.note,
                )
                for r in fitted.report
            ],
            title="Requested and realised, in real units and steps",
        )
    if curve is not None:
        every = -(-curve.lags.size // _LAGS)
        print_table(
            ["post - pre", "real numbers", "integers", "std", "stated error"],
            [(int(lag), *map(_g, row)) for lag, *row in zip(*(v[::every] for v in _curves(curve)), strict=True)],
            title=f"Change of {curve.variable} by one pair of spikes (--json has all lags)",
        )
    if report.findings:
        print_findings(report.findings)


def _curves(curve: UpdateWindow) -> tuple[Any, ...]:
    return curve.lags, curve.requested, curve.mean, curve.std, curve.error


def _g(value: float | None) -> str | None:
    return None if value is None else f"{value:.4g}"
