"""The lowering record: for every parameter of a spec, what was asked for and which integer the chip will hold."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hmn_lava.errors import Finding
from hmn_lava.fixed import Fixed, Integers
from hmn_lava.topology import blocks, largest


@dataclass(frozen=True)
class Row:
    """One lowered parameter. For an array, the row describes the worst element and counts the others.

    ``requested`` is the real value that was asked for, ``representable`` the real value of the ``stored`` integer,
    ``relative_error`` their distance over the request (1 where 0 was asked for and something else is stored). ``note``
    is empty, ``clipped`` (beyond the format) or ``underflow`` (a value that is not zero became zero).
    """

    parameter: str
    target: str
    format: str
    count: int
    requested: float
    representable: float
    stored: int
    relative_error: float
    clipped: int
    underflow: int
    note: str


@dataclass
class Lowering:
    """Rows in the order in which parameters were lowered."""

    rows: list[Row] = field(default_factory=list)

    def add(self, parameter: str, requested: ArrayLike, stored: Integers, format: Fixed, target: str) -> None:
        """Record that ``requested`` became the integers ``stored`` of ``format`` in ``target``."""
        asked = np.broadcast_to(np.atleast_1d(np.asarray(requested, np.float64)), stored.shape)
        if asked.size == 0:
            return
        worst, most, clipped, underflow = 0, -1.0, 0, 0
        for part in blocks(asked.size):
            error = np.abs(format.real(stored[part]) - asked[part])
            clipped += int(np.sum(error > 1.5 * format.unit))
            underflow += int(np.sum((stored[part] == 0) & (asked[part] != 0)))
            at = int(np.argmax(error))
            if error[at] > most:
                worst, most = part.start + at, float(error[at])
        scale = most / reach if (reach := largest(asked)) else float(asked.size == 1 and most > 0)
        note = "underflow" if underflow else "clipped" if clipped else ""
        self.rows.append(
            Row(
                parameter,
                target,
                str(format),
                int(asked.size),
                float(asked[worst]),
                float(format.real(stored[worst])),
                int(stored[worst]),
                scale,
                clipped,
                underflow,
                note,
            )
        )

    def updated(self, other: Lowering) -> Lowering:
        """The same rows in their order, those that ``other`` has too in its version."""
        newer = {(row.parameter, row.target): row for row in other.rows}
        return Lowering([newer.get((row.parameter, row.target), row) for row in self.rows])

    def as_list(self) -> list[dict[str, Any]]:
        return [asdict(row) for row in self.rows]

    def lost(self) -> list[Finding]:
        """Parameters whose meaning did not survive: stored as zero, clipped, or a decay that became 0 or 1."""
        found = []
        for row in self.rows:
            # In an array, small values among large ones may vanish; nothing may be clipped.
            if row.clipped or (row.underflow and row.underflow == row.count):
                found.append(
                    Finding(
                        f"lost-{row.note}",
                        row.parameter,
                        row.requested,
                        row.representable,
                        "error",
                        "Choose a value inside the format, widen the format, or pass --allow-lossy.",
                    )
                )
            if ".traces.tau_" in row.parameter and row.representable in (0.0, 1.0):
                found.append(
                    Finding(
                        "trace-constant",
                        row.parameter,
                        row.requested,
                        row.format,
                        "error",
                        "The decay is stored as 0 or 1: change it, or pass --allow-lossy.",
                    )
                )
        return found
