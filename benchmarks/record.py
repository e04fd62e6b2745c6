"""The page of figures: its tables are written from results, the text around them stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.results import CaseResult, Results
from benchmarks.table import cells, text

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
"""What is between these lines of the page is replaced."""


def write_page(results: Results, page: Path) -> None:
    """Replace the figures of ``page``. Raises ValueError for a page without the place for them."""
    whole = page.read_text()
    before, begin, rest = whole.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page}: it has no lines {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n\n{figures(results)}\n{END}{after}")


def figures(results: Results) -> str:
    """All figures in Markdown."""
    parts = [
        _rows([("", ""), *((name, text(value)) for name, value in results.environment.items() if value is not None)])
    ]
    told = ", ".join(f"{name} {value}" for name, value in results.options.items() if value)
    parts.append(f"Options: {told}.\n")
    for case in results.cases:
        parts.append(f"## {case.name}\n")
        parts += [_work(case, work) for work in case.works]
        if case.facts:
            names = list(case.facts[0])
            parts.append(_rows([names, *([text(fact.get(name)) for name in names] for fact in case.facts)]))
        if case.checks:
            bad = [f"{check.work}: {check.what}" for check in case.checks if not check.equal]
            parts.append(f"{len(case.checks) - len(bad)} of {len(case.checks)} agreement checks hold.{''.join(bad)}\n")
    return "\n".join(parts)


def _work(case: CaseResult, work: str) -> str:
    header = ("contestant", "rate", "spread over the rounds", "ready", "hmn-lava is faster by")
    entries = [entry for entry in case.entries if entry.work == work]
    return f"**{work}**\n\n{_rows([header, *(cells(case, entry) for entry in entries)])}"


def _rows(rows: Sequence[Sequence[str]]) -> str:
    """A table; the first row is its header."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]]) + "\n"
