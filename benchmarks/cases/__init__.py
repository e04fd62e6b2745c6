"""The cases. Each module has NAME, ABOUT (a line) and ``run(options) -> CaseResult``; add a new one to CASES."""

from __future__ import annotations

from typing import Protocol

from benchmarks.cases import activity, batch, bundle, energy, engine, neurocore, scale, startup
from benchmarks.options import Options
from benchmarks.results import CaseResult


class Case(Protocol):
    NAME: str
    ABOUT: str

    def run(self, options: Options) -> CaseResult:
        """Measure, and check what should agree."""


CASES: dict[str, Case] = {
    case.NAME: case for case in (engine, neurocore, bundle, activity, scale, batch, startup, energy)
}
