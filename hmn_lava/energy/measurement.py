"""A bundle on a board, measured; and measurements as JSON, to be compared again without a board."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hmn_lava.backends.board import BoardSession
from hmn_lava.backends.hosts import parse_host
from hmn_lava.backends.profiler import BoardMeasurement
from hmn_lava.errors import BackendError, InputError
from hmn_lava.files import write_output

if TYPE_CHECKING:
    from hmn_lava.backends.contained import Limits
    from hmn_lava.bundle import Bundle

BACKENDS = ("board", "rehearsal")
"""Backends that run what goes on a board."""

_REMEDY = "give a file that `hmn-lava profile --backend board --save-measurement FILE` wrote"


def open_board(
    bundle: Bundle, backend: str, limits: Limits | None, host: str | None, translator: str | None
) -> BoardSession:
    """A session on a board that measures, or its rehearsal.

    Raises BackendError where one is missing, and for a chip of the first generation, which Lava cannot measure;
    FitError where a part of the bundle cannot be put on a board.
    """
    session = BoardSession(bundle, limits, rehearsal=backend == "rehearsal", host=host, translator=translator)
    if session.host is not None and parse_host(session.host).generation.startswith("N2"):
        raise BackendError(
            f"the host {session.host} has chips of the first generation, and Lava's profiler measures runs of "
            "Loihi2HwCfg alone; nothing was run."
        )
    return session


def measure(session: BoardSession, inputs: Mapping[str, Any], steps: int | None) -> BoardMeasurement | None:
    """Run ``steps`` steps of the model; what the board measured, None in a rehearsal.

    No signal is recorded meanwhile, for what the host reads takes time. Parts of a network that nothing wires together
    run one after the other on a board; of them only dynamic energy adds up, and the rest is None, with a note.
    """
    session.run(inputs, steps, outputs=False)
    if session.measured is None:
        return None
    runs = [_measurement(island) for island in session.measured["islands"]]
    if len(runs) == 1:
        return runs[0]
    energies = [run.dynamic_energy for run in runs]
    known = [float(np.sum(energy)) for energy in energies if energy is not None]
    note = f"{len(runs)} parts that nothing wires together ran one after the other: only their dynamic energy adds up"
    notes = (note, *dict.fromkeys(note for run in runs for note in run.notes))
    whole = sum(known) if len(known) == len(runs) else None
    return BoardMeasurement(runs[0].interface, runs[0].steps, dynamic_energy=whole, notes=notes)


def save_measurement(measured: BoardMeasurement, file: str | os.PathLike[str]) -> None:
    """Write the fields of a measurement as JSON, arrays as lists. Raises InputError if it cannot be written."""
    text = json.dumps(asdict(measured), indent=1, default=lambda array: array.tolist())
    write_output(Path(file), lambda stream: stream.write(text.encode() + b"\n"))


def read_measurement(file: str | os.PathLike[str]) -> BoardMeasurement:
    """A measurement that :func:`save_measurement` wrote.

    A time or an energy is one number, or one for each step; a power may have been sampled as often as the board likes.
    Raises InputError for a file that holds anything else.
    """
    path = Path(file)
    try:
        found = _measurement(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        raise InputError("cannot be read as a measurement", where=str(path), remedy=_REMEDY) from None
    if type(found.steps) is not int or found.steps < 1:
        raise InputError("not a number of steps", where=str(path), field="steps", value=found.steps, remedy=_REMEDY)
    for name in (f.name for f in fields(found) if f.name not in ("interface", "steps", "notes")):
        value = getattr(found, name)
        if value is None:
            continue
        if not _is_quantity(value):
            raise InputError("holds something else than numbers", where=str(path), field=name, remedy=_REMEDY)
        size = np.size(value)
        if np.ndim(value) > 1 or size == 0 or (np.ndim(value) and size != found.steps and "power" not in name):
            problem = f"has {size} values for {found.steps} steps"
            raise InputError(problem, where=str(path), field=name, remedy=f"{_REMEDY}: one value, or one for each step")
    return found


def _measurement(content: Mapping[str, Any]) -> BoardMeasurement:
    """Of plain values: lists stand for arrays."""
    values: dict[str, Any] = {
        name: np.array(value, np.float64) if isinstance(value, list) and name != "notes" else value
        for name, value in content.items()
    }
    values["notes"] = tuple(values.get("notes", ()))
    return BoardMeasurement(**values)


def _is_quantity(value: Any) -> bool:
    array = np.asarray(value)
    return array.dtype.kind in "if" and bool((np.isfinite(array) & (array >= 0)).all())
