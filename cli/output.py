"""What commands print: results on stdout, as tables or one versioned JSON object; messages and progress on stderr."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer

JSON_VERSION = 1
"""Goes up when a key changes its meaning or goes away; new keys may come at any time."""

_SCREEN = 30  # lines of an error message

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, and nothing else there.")]


def print_json(command: str, content: Mapping[str, Any]) -> None:
    """Print ``content`` as the JSON object of ``command``. Numpy values become plain ones, NaN and infinities null."""
    document = {"json_version": JSON_VERSION, "command": command, **content}
    print(json.dumps(_plain(document), indent=2, allow_nan=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None) -> None:
    """Print a table on stdout; numbers are set to the right, and None is left empty."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    cells = [list(row) for row in rows]
    heading = None if title is None else Text(printable(title))  # as a cell: no markup
    table = Table(title=heading, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        numeric = all(isinstance(row[number], (int, float)) and not isinstance(row[number], bool) for row in cells)
        table.add_column(column, justify="right" if numeric and cells else "left", overflow="fold")
    for row in cells:
        table.add_row(*(Text("" if cell is None else printable(str(cell))) for cell in row))
    # A pipe has no width: do not fold lines that a program will read.
    Console(width=None if sys.stdout.isatty() else 200, soft_wrap=False).print(table)


def printable(text: str) -> str:
    """Show control characters as escapes: names in files that others made must not steer the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def note(message: str) -> None:
    """Tell the user something on stderr."""
    print(message, file=sys.stderr)


@contextmanager
def progress(description: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on stderr, if that is a terminal; yields a function that takes how many more are done."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, total=total)
        yield lambda done: bar.advance(task, done)


@contextmanager
def percent(description: str) -> Iterator[Callable[[int, int], None]]:
    """:func:`progress` of work that tells how much is done, and of how much; yields the function that takes both."""
    shown = 0
    with progress(description, 100) as advance:

        def tell(done: int, total: int) -> None:
            nonlocal shown
            now = 100 * done // max(total, 1)
            advance(now - shown)
            shown = now

        yield tell


def error(problem: Exception, exit_code: int, *, as_json: bool, internal: bool = False) -> None:
    """Tell of an error: one screen on stderr and, with ``as_json``, one object with the key ``error`` on stdout."""
    message = str(problem) or type(problem).__name__
    if internal:
        message = (
            f"internal error, please report it with the command that caused it: {type(problem).__name__}: {message}\n"
            "  Set HMN_LAVA_DEBUG=1 to see where it comes from."
        )
    elif isinstance(problem, MemoryError):
        message = "not enough memory\n  remedy: use fewer steps, fewer probes, or a smaller network"
    elif isinstance(problem, OSError):
        message = ": ".join(str(part) for part in (problem.filename, problem.strerror) if part) or message
    lines = message.splitlines()
    if len(lines) > _SCREEN:
        lines = [*lines[: _SCREEN - 1], f"  ... and {len(lines) - _SCREEN + 1} more lines; --json prints all of them"]
    prefix = "" if internal else "error: "
    print(prefix + "\n".join(printable(line[:500]) for line in lines), file=sys.stderr)
    if as_json:
        details: dict[str, Any] = {"type": type(problem).__name__, "exit_code": exit_code, "message": message}
        for name in ("where", "field", "value", "problem", "remedy"):
            if hasattr(problem, name):
                details[name] = getattr(problem, name)
        if hasattr(problem, "findings"):
            details["findings"] = [finding.as_dict() for finding in problem.findings]
        print(json.dumps(_plain({"json_version": JSON_VERSION, "error": details}), indent=2, allow_nan=False))


def _plain(value: Any) -> Any:
    """Return ``value`` in the types of JSON; what has none is shown as text."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):  # numpy, without importing it
        return _plain(value.tolist())
    return str(value)
