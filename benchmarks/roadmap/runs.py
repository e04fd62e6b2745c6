"""The runs behind the page: what they are, doing one, and comparing two of the same."""

from __future__ import annotations

import json
import math
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.environment import ROOT
from hmn_lava.files import write_whole
from hmn_lava.yaml_text import parse_yaml

FILE = Path(__file__).with_name("runs.yaml")
KEPT = ROOT / "docs" / "results"
BUILD = ROOT / "build" / "roadmap"

UNTOLD = ("json_version", "command", "history", "output")
"""Keys of a result that are no figures of the page."""


@dataclass(frozen=True)
class Run:
    """A command of hmn-lava whose JSON is kept; ``tolerance``: largest difference of a figure that is no change."""

    name: str
    command: str
    minutes: float
    tolerance: float

    @property
    def kind(self) -> str:
        """What command it is: ``task run``, ``task ablate`` or ``meta``."""
        words = self.command.split()
        return words[0] if words[0] != "task" else " ".join(words[:2])

    @property
    def file(self) -> Path:
        """Where its result is kept."""
        return KEPT / f"{self.name}.json"

    @property
    def picture(self) -> Path | None:
        """Where its picture is kept; None for a command that draws none."""
        return KEPT / f"{self.name}.png" if self.kind == "task ablate" else None

    @property
    def kept(self) -> dict[str, Any]:
        """The result that is kept."""
        found: dict[str, Any] = json.loads(self.file.read_text())
        return found

    def do(self, picture: Path | None = None) -> dict[str, Any]:
        """Run the command and return its JSON. One that was ended before goes on."""
        place = BUILD / self.name
        place.mkdir(parents=True, exist_ok=True)
        words = [sys.executable, "-m", "hmn_lava.cli", *shlex.split(self.command), "--json"]
        if self.kind == "task ablate":
            words += ["-o", str(place / "rows.parquet")]
            words += [] if picture is None else ["--picture", str(picture)]
        if self.kind == "meta":
            words += ["-o", str(place)]
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False, cwd=ROOT)
        found: dict[str, Any] = json.loads(done.stdout)
        if done.returncode:
            raise RuntimeError(f"{self.name}: exit code {done.returncode}: {found.get('error', 'see above')}")
        shutil.rmtree(place)
        return found

    def keep(self) -> None:
        """Run the command and keep its result, and its picture."""
        found = self.do(self.picture)
        text = json.dumps({key: value for key, value in found.items() if key not in UNTOLD}, indent=1)
        write_whole(self.file, lambda stream: stream.write(text.encode() + b"\n"))

    def changes(self, found: dict[str, Any]) -> list[str]:
        """Where a new result is not the kept one: figures beyond the tolerance, everything else that differs."""
        new = {key: value for key, value in found.items() if key not in UNTOLD}
        return list(differences(self.kept, new, self.tolerance))


def read_runs() -> dict[str, Run]:
    """All runs, by name."""
    content = parse_yaml(FILE.read_text(), str(FILE))
    return {name: Run(name, **fields) for name, fields in content["runs"].items()}


def differences(kept: Any, new: Any, tolerance: float, at: str = "") -> Iterator[str]:
    """Paths of values that differ by more than the tolerance, relative for numbers above 1."""
    if isinstance(kept, dict) and isinstance(new, dict):
        for key in sorted(kept.keys() | new.keys()):
            yield from differences(kept.get(key), new.get(key), tolerance, f"{at}.{key}" if at else key)
    elif isinstance(kept, list) and isinstance(new, list) and len(kept) == len(new):
        for number, (one, other) in enumerate(zip(kept, new, strict=True)):
            yield from differences(one, other, tolerance, f"{at}[{number}]")
    elif _numbers(kept, new):
        if not math.isclose(kept, new, rel_tol=tolerance, abs_tol=tolerance):
            yield f"{at}: kept {kept:.6g}, now {new:.6g}"
    elif kept != new:
        yield f"{at}: kept {kept!r}, now {new!r}"


def _numbers(*values: Any) -> bool:
    return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
