"""A report as rows: for a table on the screen and for a CSV file."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import Any

from hmn_lava.energy.report import Report
from hmn_lava.files import write_output

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
        key, c, energy = line.key, line.coefficient, line.energy
        per_update = energy.typical / report.updates if report.updates else None
        found.append((key.term, key.component, key.part, key.phase, key.operation, key.kind, key.purpose, line.count,
                      line.unit, c.low, c.typical, c.high, energy.low, energy.typical, energy.high, per_update,
                      line.basis, line.source))  # fmt: skip
    return found


def write_csv(report: Report, file: str | os.PathLike[str]) -> None:
    """Write the lines to a CSV file, whole or not at all. Raises InputError where it cannot be written."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows(report))
    write_output(Path(file), lambda stream: stream.write(text.getvalue().encode()))
