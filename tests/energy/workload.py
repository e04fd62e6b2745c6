"""A workload that is told by its counts, as one reads them in a paper: priced by the same ledger and lines as a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from hmn_lava.energy.coefficients import POWERS, Coefficients
from hmn_lava.energy.ledger import Key, Ledger
from hmn_lava.energy.lines import Line, Range, lines, total
from hmn_lava.energy.tally import Tally
from hmn_lava.hardware_profiles import load_profile

LEARNING = ("learning_trace_update", "learning_product", "learning_write")


@dataclass(frozen=True)
class Workload:
    """``steps`` steps of the chip, in each of which ``counts`` happen, evenly spread over ``cores``.

    ``epochs``: in how many of the steps a learning epoch ends; what is learned happens in these. ``once``: what happens
    once in all steps, one after the other, on an embedded processor.
    """

    profile: str
    steps: int
    cores: int
    counts: Mapping[str, float]
    chips: int = 1
    epochs: int = 0
    once: Mapping[str, float] = field(default_factory=dict)

    def lines(self) -> tuple[list[Line], Range]:
        """The lines of energy, and the time in ns."""
        profile = load_profile(self.profile)
        tiles = min(-(-self.cores // self.chips // profile.chip.cores_per_tile.value), 32)
        coefficients = Coefficients(profile, tiles, self.chips)
        ledger = Ledger(self.cores, coefficients)
        ledger.open(self.steps)
        ends = np.arange(self.steps) >= self.steps - self.epochs
        where = np.arange(self.cores)
        for operation, n in self.counts.items():
            learned = operation in LEARNING
            values = np.full((self.steps, self.cores), n / self.cores) * (ends[:, None] if learned else 1.0)
            phase, add = ("learning", ledger.add) if learned else ("spike", ledger.add)
            if operation.startswith(("hop", "spike")):
                add = ledger.send
            add(Key("", "", phase, "", operation), values, where)
        for operation, n in self.once.items():
            ledger.add(Key("", "", "host", "", operation), np.full((self.steps, 1), n / self.steps))
        ledger.close(np.zeros((3, self.steps)), ends)
        tally = Tally(self.steps, dict(ledger.counts), ledger.energy, ledger.time, ledger.spiking,
                      ledger.time.max(axis=1), ledger.by_core)  # fmt: skip
        return lines(tally, coefficients), Range.of(ledger.time.sum(axis=1))

    def energy(self) -> Range:
        """pJ, of everything."""
        return total(line.energy for line in self.lines()[0])

    def dynamic(self) -> Range:
        """pJ, without what flows anyway."""
        return total(line.energy for line in self.lines()[0] if line.key.operation not in POWERS)

    def time(self) -> Range:
        """ns."""
        return self.lines()[1]
