"""The table of a sweep: one Parquet file, a row of it for each row of the plan.

=====================  ======================================================================================
``row``                number, from 0: the table is sorted by it
``FIELD``              one column for each swept field, under its dotted path; text in JSON where types differ
``seed``               seed of the row
``metrics.NAME``       one column for each metric; null in a row that failed
``error``              what went wrong in a row that failed, else null
``overrides``          the swept values as one JSON object
``spec_sha256``        of the spec with these values and all arrays
``key``                of everything that the row depends on
``plasticity`` ...     ``backend``, ``profile``, ``profile_sha256``, ``task``, ``steps``: how it was run
``hmn_lava`` ...       ``numpy``, ``python``: the versions that it ran with
=====================  ======================================================================================
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hmn_lava.errors import InputError
from hmn_lava.files import write_whole
from hmn_lava.sweeps.job import Outcome
from hmn_lava.sweeps.plan import Plan

MARK = {b"hmn_lava_sweep": b"1"}
"""Metadata of the file's schema: it is the table of a sweep, of this version."""

_METRIC = "metrics."
_VERSIONS = ("hmn_lava", "numpy", "python")


def write_table(path: Path, plan: Plan, outcomes: Mapping[int, Outcome]) -> None:
    """Write the outcome of every row, whole or not at all. Equal outcomes give equal files. Raises OSError."""
    rows = plan.rows
    found = [outcomes[row.number] for row in rows]
    columns: dict[str, Any] = {"row": pa.array([row.number for row in rows], pa.int64())}
    for name in plan.fields:
        columns[name] = _column([row.setting.values[name] for row in rows])
    columns["seed"] = pa.array([row.setting.seed for row in rows], pa.int64())
    for metric in sorted({name for outcome in found for name in outcome.metrics}):
        values = [outcome.metrics.get(metric) for outcome in found]
        columns[f"{_METRIC}{metric}"] = pa.array(values, pa.float64())
    columns["error"] = _texts([outcome.error for outcome in found])
    columns["overrides"] = _texts([json.dumps(row.setting.values) for row in rows])
    columns["spec_sha256"] = _texts([row.spec_sha256 or None for row in rows])
    columns["key"] = _texts([row.key or None for row in rows])
    run = {"plasticity": plan.plasticity, "backend": plan.backend, "profile": plan.profile.name}
    for name, text in {**run, "profile_sha256": plan.profile.sha256, "task": plan.task}.items():
        columns[name] = _texts([text] * len(rows))
    columns["steps"] = pa.array([plan.job_steps] * len(rows), pa.int64())
    for name in _VERSIONS:
        columns[name] = _texts([outcome.versions.get(name) for outcome in found])
    table = pa.table(columns).replace_schema_metadata(MARK)
    write_whole(path, lambda stream: pq.write_table(table, stream))


def read_finished(path: Path) -> dict[str, Outcome]:
    """Key -> outcome of every row of a table that did not fail. Raises InputError if it is no table of a sweep."""
    remedy = "name another file for the sweep, or move this one away"
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException):
        raise InputError("is there and cannot be read as Parquet", where=str(path), remedy=remedy) from None
    needed = {"key", "error", *_VERSIONS}
    if (table.schema.metadata or {}).get(b"hmn_lava_sweep") != b"1" or not needed <= set(table.column_names):
        raise InputError("is there and is no table of a sweep", where=str(path), remedy=remedy)
    metrics = [name for name in table.column_names if name.startswith(_METRIC)]
    found = {}
    for row in table.select([*needed, *metrics]).to_pylist():
        if row["key"] is not None and row["error"] is None:
            values = {name.removeprefix(_METRIC): row[name] for name in metrics if row[name] is not None}
            found[row["key"]] = Outcome(values, None, {name: row[name] for name in _VERSIONS})
    return found


def _texts(values: Sequence[str | None]) -> Any:
    return pa.array(values, pa.string())


def _column(values: Sequence[Any]) -> Any:
    """The column of a swept field: numbers, text or truth values where all are; else, each in JSON."""
    kinds = {type(value) for value in values if value is not None}
    for kind, form in ((bool, pa.bool_()), (int, pa.int64()), (str, pa.string())):
        if kinds == {kind}:
            return pa.array(values, form)
    if kinds in ({float}, {int, float}):
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    return _texts([json.dumps(value) for value in values])
