"""The finished rows of a sweep that is under way, on the disk before the next is waited for.

One JSON object a line, appended and synced. A client that dies in the middle of a line leaves a torn one at the end,
which is cut off.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from hmn_lava.errors import InputError
from hmn_lava.sweeps.job import Outcome

HEAD = b'{"journal": "hmn-lava sweep", "version": 1}\n'


def journal_path(file: Path) -> Path:
    """Where the journal of the table ``file`` is: beside it."""
    return file.with_name(f"{file.name}.journal")


class Journal:
    """An open journal, which no other sweep can open meanwhile."""

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self.path, self._stream = path, stream
        self.finished = _read(path, stream)
        """Key of a row -> its outcome."""

    def add(self, key: str, outcome: Outcome) -> None:
        """Keep the outcome of a row; it is on the disk when this returns. Raises OSError."""
        line = {"key": key, "metrics": dict(outcome.metrics), "versions": dict(outcome.versions)}
        self._stream.write(json.dumps(line).encode() + b"\n")
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self.finished[key] = outcome

    def remove(self) -> None:
        """Remove the file, once the table holds all of it."""
        self.path.unlink()


@contextmanager
def open_journal(path: Path) -> Iterator[Journal]:
    """Open the journal at ``path``, or begin it; one that holds nothing is removed at the end.

    Raises InputError for a file that is no journal, or that another sweep has open.
    """
    with _open(path) as stream:
        journal = Journal(path, stream)
        try:
            yield journal
        finally:
            if not journal.finished and path.exists():
                journal.remove()


def _open(path: Path) -> BinaryIO:
    while True:
        stream = path.open("a+b")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            stream.close()
            remedy = "wait for it to end, or name another file"
            raise InputError("another sweep is writing it", where=str(path), remedy=remedy) from None
        try:
            if os.path.samestat(os.fstat(stream.fileno()), path.stat()):
                return stream
        except FileNotFoundError:
            pass  # the sweep that had it has just finished and removed it
        stream.close()


def _read(path: Path, stream: BinaryIO) -> dict[str, Outcome]:
    stream.seek(0)
    content = stream.read()
    whole = content[: content.rfind(b"\n") + 1]
    if not HEAD.startswith(content[: len(HEAD)]):
        remedy = "name another file for the sweep, or move this one away"
        raise InputError("is there and is no journal of a sweep", where=str(path), remedy=remedy)
    if len(whole) < len(content):
        stream.truncate(len(whole))
    if not whole:
        stream.write(HEAD)
        stream.flush()
    found = {}
    for number, line in enumerate(whole.splitlines()[1:], 2):
        try:
            record = json.loads(line)
            found[record["key"]] = Outcome(_numbers(record["metrics"]), None, dict(record["versions"]))
        except (ValueError, KeyError, TypeError):
            remedy = "remove this line: its row will run once more"
            raise InputError("is not a row", where=str(path), field=f"line {number}", remedy=remedy) from None
    return found


def _numbers(metrics: dict[str, Any]) -> dict[str, float]:
    return {str(name): float(value) for name, value in metrics.items()}
