"""The same spec in the other lowering, the same counts on the other chip, the same updates on this computer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hmn_lava.bundle import Bundle
from hmn_lava.energy.cpu import OnCpu, measure
from hmn_lava.energy.explain import joules
from hmn_lava.energy.profiling import profile
from hmn_lava.energy.report import Report
from hmn_lava.errors import FitError

CHIPS = ("loihi1", "loihi2")
CANNOT_RUN = "cannot run there"


@dataclass(frozen=True, eq=False)
class Alternatives:
    """``lowering``: the report of the other plasticity, or why there is none. ``chips``: the same counts, priced.

    ``cpu``: measured; None where the counts are not of a run.
    """

    lowering: Report | str
    chips: tuple[Report, ...]
    cpu: OnCpu | None

    @property
    def reports(self) -> list[Report]:
        """All reports that there are."""
        return [*self.chips, *([self.lowering] if isinstance(self.lowering, Report) else [])]

    def as_dict(self) -> dict[str, Any]:
        return {
            "lowering": self.lowering if isinstance(self.lowering, str) else self.lowering.as_dict(),
            "chips": [report.as_dict() for report in self.chips],
            "cpu": None if self.cpu is None else self.cpu.as_dict(),
        }

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Name, energy per update (or step, where nothing learns), time per step, and whether it could run there."""
        found = []
        for report in self.reports:
            energy = report.per_update or report.per_step
            time = report.time.times(1e-3 / max(1, report.steps))
            lasts = f"{time.typical:.4g} us ({time.low:.3g} to {time.high:.3g})"
            found.append((_name(report), joules(energy), lasts, "yes" if report.runs else CANNOT_RUN))
        if isinstance(self.lowering, str):
            found.append((self.lowering, "", "", CANNOT_RUN))
        if self.cpu is not None:
            found.append(("this computer, fast", *self.cpu.texts(), "yes"))
        return found

    def notes(self) -> list[str]:
        """The notes of all reports, each with its name."""
        return [f"{_name(report)}: {note}" for report in self.reports for note in report.notes]


def _name(report: Report) -> str:
    return f"{report.plasticity} on {report.profile}"


def beside(
    bundle: Bundle, report: Report, inputs: Mapping[str, Any] | None, options: Mapping[str, Any]
) -> Alternatives:
    """What else there is to compare ``report`` with; ``options`` are those that it was made with.

    What the other lowering loses of a parameter is accepted. Where ``report`` is of a board, none of them runs there.
    """
    steps = report.steps
    options = {**options, "backend": "interpreter" if report.backend == "interpreter" else "fast"}
    chips = tuple(
        profile(bundle, inputs, steps, **{**options, "profile": name}) for name in CHIPS if name != report.profile
    )
    cpu = measure(bundle, inputs, steps, report.updates, options.get("threads")) if report.origin == "run" else None
    return Alternatives(_lowering(bundle, inputs, steps, options), chips, cpu)


def _lowering(bundle: Bundle, inputs: Mapping[str, Any] | None, steps: int, options: Mapping[str, Any]) -> Report | str:
    import hmn_lava as hl  # the compiler builds on this package: reached through the public face alone

    plasticity = "engine" if bundle.plasticity == "neurocore" else "neurocore"
    try:
        made = hl.compile(
            bundle.spec, profile=bundle.profile, plasticity=plasticity, seed=bundle.seed, allow_lossy=True
        )
    except FitError as error:
        return f"{plasticity} does not fit: {'; '.join(str(f) for f in error.findings[:3])}"
    return profile(made, inputs, steps, **options)
