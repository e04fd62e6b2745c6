"""The cases. Each module has NAME, ABOUT (a line) and ``run(options) -> CaseResult``; add a new one to CASES."""

from __future__ import annotations

from benchmarks.cases import engine

CASES = {case.NAME: case for case in (engine,)}
