"""The estimate beside what a board measured, line by line, with the ratio."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hmn_lava.backends.profiler import BoardMeasurement
from hmn_lava.energy.coefficients import POWERS
from hmn_lava.energy.lines import Range, total
from hmn_lava.energy.report import Report
from hmn_lava.errors import InputError

NS = 1e9
PJ = 1e12
MW = 1e3


@dataclass(frozen=True)
class Compared:
    """One quantity, estimated and measured, in ``unit``; ``ratio`` is measured over typical. None: not measured."""

    name: str
    unit: str
    estimate: Range
    measured: float | None

    @property
    def ratio(self) -> float | None:
        if self.measured is None or self.estimate.typical == 0:
            return None
        return self.measured / self.estimate.typical

    @property
    def inside(self) -> bool | None:
        """Whether the measured value lies in the estimated range."""
        return None if self.measured is None else self.estimate.holds(self.measured)

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio, "inside": self.inside}


def beside(report: Report, measured: BoardMeasurement) -> list[Compared]:
    """The report of a run beside the measurement of the same run.

    Times are of the whole run in ns, energies in pJ, powers in mW. A static energy is the static power times the time.
    Of a profile whose steps take no time no power can be estimated: it is left out. Raises InputError for another
    number of steps.
    """
    check_same_run(measured, report.steps, report.frame)
    spiking = Range.of(report.tally.total(report.tally.spiking))
    learning = Range.of(report.tally.total(report.tally.time - report.tally.spiking))
    flows = report.energy(lambda key: key.operation in POWERS)
    moves = report.energy(lambda key: key.operation not in POWERS)
    seconds = measured.total("execution_time")

    def energy(kind: str) -> float | None:
        """pJ: what was measured as energy, else as power times time."""
        given = _sum(getattr(measured, f"{kind}energy"))
        power = _mean(getattr(measured, f"{kind}power"))
        if given is not None:
            return given * PJ
        return None if power is None or seconds is None else power * seconds * PJ

    phases = [measured.total(name) for name in ("management_time", "pre_learning_management_time", "learning_time")]
    late = [value for value in phases if value is not None]
    rows = [
        ("execution time", "ns", report.time, _scaled(seconds, NS)),
        ("spiking time", "ns", spiking, _scaled(measured.total("spiking_time"), NS)),
        ("learning and management time", "ns", learning, sum(late) * NS if late else None),
        ("energy", "pJ", flows + moves, energy("")),
        ("static energy", "pJ", flows, energy("static_")),
        ("dynamic energy", "pJ", moves, energy("dynamic_")),
    ]
    found = [Compared(*row) for row in rows]
    time = report.time
    if time.low > 0:
        power = Range(moves.low / time.high, moves.typical / time.typical, moves.high / time.low) + _power(report)
        found.append(Compared("power", "mW", power, _scaled(_mean(measured.power), MW)))
    if report.updates and energy("") is not None:
        found.append(Compared("energy per weight update", "pJ", (flows + moves).times(1.0 / report.updates),
                              (energy("") or 0.0) / report.updates))  # fmt: skip
    return found


def check_same_run(measured: BoardMeasurement, steps: int, frame: int) -> None:
    """Raise InputError if a measurement is not one of ``steps`` steps of the model, of ``frame`` of the chip each."""
    if measured.steps != steps * frame:
        remedy = f"profile as many steps as the board ran: {measured.steps / frame:g}"
        raise InputError("not the same run", field="steps", value=steps, remedy=remedy)


def _sum(value: Any) -> float | None:
    """An energy over all steps: the sum of an array, or the number as it is."""
    return None if value is None or not np.size(value) else float(np.sum(value))


def _mean(value: Any) -> float | None:
    return None if value is None or not np.size(value) else float(np.mean(value))


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _power(report: Report) -> Range:
    """mW that flow whatever happens."""
    each = (Range.of(report.coefficients.entry(operation).span) for operation in POWERS)
    return total(each).times(report.coefficients.chips)
