"""A report as rows: for a table on the screen and for a CSV file."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import Any

from hmn_lava.energy.report import Report
from hmn_lava.files import write_whole

COLUMNS = (
    "term", "component", "part", "phase", "operation", "kind", "purpose", "count", "unit",
    "coefficient_low", "coefficient", "coefficient_high", "energy_low_pJ", "energy_pJ", "energy_high_pJ",
    "energy_per_update_pJ", "basis", "source",
)  # fmt: skip
"""Columns of the CSV file, one row for each line of the report."""


def rows(report: Report) -> list[tuple[Any, ...]]:
    """The lines in full."""
    found = []
    for line in report.lines:
        key, c, known = line.key, line.coefficient, line.coefficient is not None
        coefficient = (c.low, c.typical, c.high) if c is not None else (None, None, None)
        energy = (line.energy.low, line.energy.typical, line.energy.high) if known else (None, None, None)
        per_update = line.energy.typical / report.updates if known and report.updates else None
        found.append((key.term, key.component, key.part, key.phase, key.operation, key.kind, key.purpose, line.count,
                      line.unit, *coefficient, *energy, per_update, line.basis, line.source))  # fmt: skip
    return found


def write_csv(report: Report, file: str | os.PathLike[str]) -> None:
    """Write the lines to a CSV file, whole or not at all."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows(report))
    write_whole(Path(file), lambda stream: stream.write(text.getvalue().encode()))
