"""What a profile says: counts, energy and time of a network, and the energy of one weight update."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from hmn_lava.backends.profiler import BoardMeasurement
from hmn_lava.energy.coefficients import Coefficients
from hmn_lava.energy.ledger import Key
from hmn_lava.energy.lines import Line, Range, lines, total
from hmn_lava.energy.tally import Tally
from hmn_lava.energy.terms import TERMS
from hmn_lava.fixed import Integers

Origin = Literal["run", "worst", "rates"]


@dataclass(frozen=True, eq=False)
class Report:
    """Energies are in pJ, times in ns; all are ranges from low over typical to high.

    ``updates``: one plastic synapse through one step of the model each, whether its weight changes or not. ``origin``:
    what the counts are of. ``places``: where the cores in use lie, (cores, 6), as a placement's mesh says.
    ``backend``: who ran, None without a run. ``steps_per_sample``: steps of the model. ``notes``: what to keep in mind.
    ``measured``: what a board measured of the same run, None without a board.
    ``names``: the network's components and parts.
    """

    name: str
    plasticity: str
    profile: str
    profile_sha256: str
    origin: Origin
    backend: str | None
    tally: Tally
    coefficients: Coefficients
    plastic_synapses: int
    frame: int
    places: Integers
    steps_per_sample: int
    notes: tuple[str, ...] = field(default_factory=tuple)
    measured: BoardMeasurement | None = None
    names: frozenset[str] = frozenset()

    @property
    def steps(self) -> int:
        """Steps of the model."""
        return self.tally.steps

    @property
    def cores(self) -> int:
        """Cores in use."""
        return len(self.places)

    @property
    def updates(self) -> int:
        """Plastic synapses times steps of the model."""
        return self.plastic_synapses * self.steps

    @property
    def counts(self) -> dict[Key, Any]:
        """Every operation that was counted, also those that this profile does not charge."""
        return self.tally.counts

    @cached_property
    def lines(self) -> list[Line]:
        """Counts with their coefficients, and the energy of each."""
        return lines(self.tally, self.coefficients)

    def energy(self, only: Callable[[Key], bool] = lambda key: True) -> Range:
        """pJ of all lines whose key ``only`` accepts."""
        return total(line.energy for line in self.lines if only(line.key))

    @property
    def time(self) -> Range:
        """ns, of all steps."""
        return Range.of(self.tally.total(self.tally.time))

    @property
    def per_step(self) -> Range:
        """pJ for a step of the model."""
        return self.energy().times(1.0 / max(1, self.steps))

    @property
    def per_update(self) -> Range | None:
        """pJ for a weight update, None where nothing is plastic."""
        return self.energy().times(1.0 / self.updates) if self.updates else None

    @property
    def per_sample(self) -> Range:
        """pJ for a sample that is learned."""
        return self.per_step.times(self.steps_per_sample)

    @property
    def per_inference(self) -> Range:
        """pJ for a sample without what serves learning alone."""
        kept = self.energy(lambda key: key.purpose == "inference")
        return kept.times(self.steps_per_sample / max(1, self.steps))

    @property
    def per_change(self) -> Range | None:
        """pJ for each weight that was another after a step than before; None where none was, or nobody knows."""
        return self.energy().times(1.0 / self.tally.changed) if self.tally.changed else None

    def by_term(self) -> dict[str, Range]:
        """pJ by term, in the order of :data:`TERMS`, of those that there are."""
        found: dict[str, list[Range]] = {}
        for line in self.lines:
            found.setdefault(line.key.term, []).append(line.energy)
        return {term: total(found[term]) for term in TERMS if term in found}

    @property
    def runs(self) -> bool:
        """Whether the profile's chip can run the network at all: every network has programs (microcode)."""
        return self.coefficients.profile.microcode is not None

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON has it."""
        steps = max(1, self.steps)
        return {
            "network": self.name,
            "plasticity": self.plasticity,
            "profile": self.profile,
            "profile_sha256": self.profile_sha256,
            "can_run": self.runs,
            "origin": self.origin,
            "backend": self.backend,
            "steps": self.steps,
            "chip_steps_per_step": self.frame,
            "steps_per_sample": self.steps_per_sample,
            "updates": self.updates,
            "plastic_synapses": self.plastic_synapses,
            "weights_changed": self.tally.changed,
            "energy_per_update": None if not self.updates else {
                **self._range(self.per_update),
                "learning_only": self._range(
                    self.energy(lambda key: key.purpose == "learning").times(1.0 / self.updates)
                ),
                "terms": [line.per(self.updates) for line in self.lines],
            },
            "energy_per_changed_weight": self._range(self.per_change),
            "energy_per_step": self._range(self.per_step),
            "energy_per_inference": self._range(self.per_inference),
            "energy_per_sample": self._range(self.per_sample),
            "energy": self._range(self.energy()),
            "energy_by_term": {term: self._range(energy) for term, energy in self.by_term().items()},
            "time": {**self.time.as_dict(), "unit": "ns"},
            "time_per_step": {**self.time.times(1.0 / steps).as_dict(), "unit": "ns"},
            "longest_chip_step": {**Range.of(self.tally.longest).as_dict(), "unit": "ns"},
            "cores": self.cores,
            "chips": self.coefficients.chips,
            "energy_by_core": [float(value) for value in self.tally.by_core],
            "counts": [
                {"component": k.component, "part": k.part, "phase": k.phase, "term": k.term,
                 "operation": k.operation, "kind": k.kind, "purpose": k.purpose, "count": count}
                for k, count in self.counts.items()
            ],
            "neurobench": None if self.tally.metrics is None else self.tally.metrics.as_dict(self.steps_per_sample),
            "notes": list(self.notes),
        }  # fmt: skip

    @staticmethod
    def _range(value: Range | None) -> Any:
        return None if value is None else {**value.as_dict(), "unit": "pJ"}

    def operations(self) -> dict[str, Any]:
        """Counts by operation alone."""
        found: dict[str, Any] = {}
        for key, count in self.counts.items():
            found[key.operation] = found.get(key.operation, 0) + count
        return found
