"""One board check in a child of its own, so that one that never ends does not take the others with it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hmn_lava.backends.available import require_board, require_lava
from hmn_lava.backends.board_checks import Check, Outcome
from hmn_lava.backends.contained import Limits, run_contained
from hmn_lava.backends.hosts import Host

Backend = Literal["board", "lava"]

TARGET = "hmn_lava.processes.jobs.board_check:run"
ASKED, ANSWERED = "check.json", "outcomes.json"

SECONDS = 600.0
"""Time limit of a check: a queue for boards may take its time."""

NOT_ON_CPU = "Lava's CPU model has no learning engine whose time could be measured"


def observe(
    check: Check, backend: Backend, host: Host | None = None, seconds: float = SECONDS
) -> tuple[list[Outcome] | None, str]:
    """Run ``check`` in a child, and return an outcome for each of its rules, with a note.

    Without outcomes, and with the reason, where the backend cannot show what the check reads.
    Raises BackendError where the backend is not available, and RunError where the run fails or takes more than
    ``seconds``.
    """
    if backend == "lava":
        require_lava()
        if "learning_time" in check.reads:
            return None, NOT_ON_CPU
    else:
        require_board()
        if host is None:
            raise ValueError("a board has a host")
    with tempfile.TemporaryDirectory(prefix="hmn-lava-") as folder:
        asked = {"check": check.name, "backend": backend, "host": None if host is None else str(host)}
        (Path(folder) / ASKED).write_text(json.dumps(asked))
        run_contained(TARGET, Path(folder), Limits(wall=seconds, silence=seconds), own_folder=True)
        answered = json.loads((Path(folder) / ANSWERED).read_text())
    return [_outcome(run) for run in answered["outcomes"]], "; ".join(answered["notes"])


def _outcome(shown: Mapping[str, Any]) -> Outcome:
    """An outcome from the child's plain values; what is not a number was not seen."""
    values: dict[str, Any] = dict(shown)
    for name in ("weights", "tag_2", "first_output"):
        if name in values:
            array = np.asarray(values[name], np.float64)
            values[name] = np.rint(array).astype(np.int64) if np.isfinite(array).all() else None
    return Outcome(**values)
