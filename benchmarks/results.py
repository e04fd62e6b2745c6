"""What was measured, as records that go to the table, to the plot and to a JSON file and back."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FORMAT = 1
"""Of the JSON file."""

OURS = "hmn-lava fast"
"""How a contestant's name begins that is measured against the others."""


@dataclass
class Entry:
    """One contestant on one piece of work: ``amounts`` of ``unit`` work in ``seconds``, one pair for each round.

    ``ready`` is the time in s that it took before the first step could run. ``absent`` says why there is nothing.
    """

    work: str
    contestant: str
    threads: int = 1
    unit: str = "updates"
    amounts: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    ready: float | None = None
    memory: float | None = None
    about: dict[str, Any] = field(default_factory=dict)
    absent: str | None = None

    @property
    def rates(self) -> list[float]:
        """Work per second, for each round."""
        return [amount / seconds for amount, seconds in zip(self.amounts, self.seconds, strict=True)]

    @property
    def rate(self) -> float | None:
        """The median over the rounds."""
        return statistics.median(self.rates) if self.seconds else None

    @property
    def ours(self) -> bool:
        return self.contestant.startswith(OURS)


@dataclass
class Check:
    """Whether two that should compute the same did."""

    work: str
    what: str
    equal: bool
    detail: str = ""


@dataclass
class CaseResult:
    """All of one case. ``facts`` are further rows of its own: columns by name."""

    name: str
    entries: list[Entry] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    facts: list[dict[str, Any]] = field(default_factory=list)

    def best(self, work: str, ours: bool) -> Entry | None:
        """The fastest of ours on this work (over its numbers of threads), or the fastest of another."""
        entries = [e for e in self.entries if e.work == work and e.ours is ours and e.rate is not None]
        return max(entries, key=lambda e: e.rate or 0.0, default=None)

    def ratio(self, entry: Entry) -> float | None:
        """How many times as fast as ``entry`` ours is on the same work, with as many threads; else with one."""
        same = [e for e in self.entries if e.work == entry.work and e.ours and e.rate is not None]
        if entry.rate is None or entry.ours or not same:
            return None
        chosen = next((e for e in same if e.threads == entry.threads), same[0])
        return (chosen.rate or 0.0) / entry.rate

    @property
    def works(self) -> list[str]:
        return list(dict.fromkeys(entry.work for entry in self.entries))


@dataclass
class Results:
    """A whole run of the benchmarks."""

    environment: dict[str, Any]
    options: dict[str, Any]
    cases: list[CaseResult] = field(default_factory=list)

    @property
    def agree(self) -> bool:
        return all(check.equal for case in self.cases for check in case.checks)

    def write(self, path: Path) -> None:
        """As JSON, with the medians besides what they are of."""
        data = {"format": FORMAT, **asdict(self)}
        for case, written in zip(self.cases, data["cases"], strict=True):
            for entry, row in zip(case.entries, written["entries"], strict=True):
                row |= {"rate": entry.rate, "ours_is_faster_by": case.ratio(entry)}
        path.write_text(json.dumps(data, indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Results:
        """Raises ValueError for a file of another format."""
        data = json.loads(path.read_text())
        if data.get("format") != FORMAT:
            raise ValueError(f"{path}: results of format {FORMAT} are read here, not {data.get('format')}")
        return cls(data["environment"], data["options"], [_case(case) for case in data["cases"]])

    @classmethod
    def joined(cls, parts: Sequence[Results]) -> Results:
        """Runs on one machine as one; ValueError if they are not. Cases of the same name become one.

        Where environments or options differ, all that occur are told.
        """
        first = parts[0].environment
        for part in parts[1:]:
            wrong = [n for n in ("processor", "processors", "python") if part.environment.get(n) != first.get(n)]
            if wrong:
                raise ValueError(f"these results are of another {wrong[0]}: {part.environment.get(wrong[0])}")
        cases: dict[str, CaseResult] = {}
        for case in (case for part in parts for case in part.cases):
            whole = cases.setdefault(case.name, CaseResult(case.name))
            whole.entries += case.entries
            whole.checks += case.checks
            whole.facts += case.facts
        environments, options = ([getattr(part, name) for part in parts] for name in ("environment", "options"))
        return cls(_together(environments), _together(options), list(cases.values()))


def _together(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Every name with its value, or with all values where they differ."""
    found = {}
    for name in dict.fromkeys(name for record in records for name in record):
        values = [record[name] for record in records if record.get(name) is not None]
        different = [value for n, value in enumerate(values) if value not in values[:n]]
        found[name] = different[0] if len(different) == 1 else ", ".join(map(str, different)) or None
    return found


def _case(data: dict[str, Any]) -> CaseResult:
    entries = [Entry(**_without(row, ("rate", "ours_is_faster_by"))) for row in data["entries"]]
    return CaseResult(data["name"], entries, [Check(**row) for row in data["checks"]], data["facts"])


def _without(row: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}
