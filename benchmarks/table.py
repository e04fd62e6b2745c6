"""Results as tables on the terminal."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.results import CaseResult, Entry, Results


def show(results: Results, console: Console) -> None:
    """The environment, then each case: who was how fast, what agrees, and the case's own rows."""
    console.print("  ".join(f"{name} {value}" for name, value in results.environment.items() if value is not None))
    for case in results.cases:
        show_case(case, console)


def show_case(case: CaseResult, console: Console) -> None:
    console.rule(f"[bold]{case.name}")
    for work in case.works:
        table = _table(work, "contestant", "rate", "spread over the rounds", "ready", "hmn-lava is faster by")
        for entry in (e for e in case.entries if e.work == work):
            table.add_row(*cells(case, entry))
        console.print(table)
    if case.facts:
        rows = _table("", *case.facts[0])
        for fact in case.facts:
            rows.add_row(*(text(fact.get(name)) for name in case.facts[0]))
        console.print(rows)
    if case.checks:
        good = sum(check.equal for check in case.checks)
        console.print(f"{good} of {len(case.checks)} agreement checks hold", highlight=False)
    for check in (check for check in case.checks if not check.equal):
        console.print(f"[red]differs: {check.work}: {check.what} {check.detail}", highlight=False)


def _table(title: str, *columns: str) -> Table:
    return Table(*columns, title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)


def cells(case: CaseResult, entry: Entry) -> tuple[str, ...]:
    """The row of an entry."""
    if entry.rate is None:
        return entry.contestant, entry.absent or "not run", "", "", ""
    spread = f"{quantity(min(entry.rates))} to {quantity(max(entry.rates))}"
    ready = "" if entry.ready is None else f"{entry.ready:.2f} s"
    ratio = case.ratio(entry)
    return (
        entry.contestant,
        f"{quantity(entry.rate)} {entry.unit}/s",
        spread,
        ready,
        "" if ratio is None else times(ratio),
    )


def quantity(value: float) -> str:
    """Three digits and a prefix: 1.23 G, 45.6 M, 789 k."""
    for size, prefix in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{prefix}"
    return f"{value:.3g} "


def times(ratio: float) -> str:
    return f"{ratio:.0f} x" if ratio >= 100 else f"{ratio:.3g} x"


def text(value: Any) -> str:
    """A fact as it is shown."""
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
