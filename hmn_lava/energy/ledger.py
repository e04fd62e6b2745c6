"""The ledger: every operation that is counted, its energy by core and step, and the time that a step takes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.energy.coefficients import Coefficients
from hmn_lava.fixed import Integers

PHASES = ("spike", "management", "learning", "host")


@dataclass(frozen=True, order=True)
class Key:
    """What is counted.

    ``component``: an object of the spec. ``part``: its group, synapses or input. ``phase``: one of :data:`PHASES`.
    ``term``: one of :data:`hmn_lava.energy.terms.TERMS`. ``operation``: the name of its coefficient. ``kind`` parts
    one operation further: products by dependency, synaptic operations by port. ``purpose``: ``inference``, or
    ``learning`` for what a network whose weights are fixed would not need.
    """

    component: str
    part: str
    phase: str
    term: str
    operation: str
    kind: str = ""
    purpose: str = "learning"


class Ledger:
    """Counts, and what is made of them step by step.

    ``counts``: by key. ``by_core``: typical energy of each core, pJ. ``energy`` (pJ, typical, without what flows
    anyway) and ``time`` (ns; low, typical and high) have one entry for each step of the chip that is closed;
    ``spiking`` is the time without what learning adds at the end of epochs.
    """

    def __init__(self, cores: int, coefficients: Coefficients) -> None:
        self.coefficients = coefficients
        self.counts: dict[Key, Any] = defaultdict(int)
        self.by_core = np.zeros(max(1, cores))
        self._cores = max(1, cores)
        self._energy: list[NDArray[np.float64]] = []
        self._time: list[NDArray[np.float64]] = []
        self._spiking: list[NDArray[np.float64]] = []

    def open(self, steps: int) -> None:
        """Begin ``steps`` steps of the chip."""
        self._now = np.zeros(steps)
        self._busy = {phase: np.zeros((3, steps, self._cores)) for phase in ("spike", "learning")}
        self._alone = np.zeros((3, steps))

    def add(self, key: Key, values: NDArray[Any], cores: Integers | None = None) -> None:
        """Count ``values``, (steps, len(cores)): on these cores, or on no core but one after the other.

        A core may be named more than once.
        """
        if not self._charge(key, values, cores):
            return
        time = self.coefficients.time(key.operation)
        if cores is None:
            self._alone += np.multiply.outer(time, values.sum(axis=1))
            return
        busy = self._busy["learning" if key.phase == "learning" else "spike"]
        for end in range(3):
            np.add.at(busy[end].T, cores, time[end] * values.T)

    def send(self, key: Key, values: NDArray[Any], cores: Integers | None = None) -> None:
        """Count what takes energy, and whose time is a way through the mesh (see :meth:`close`)."""
        self._charge(key, values, cores)

    def _charge(self, key: Key, values: NDArray[Any], cores: Integers | None) -> bool:
        """Count and charge the energy; whether there was anything that the chip is charged for."""
        total = values.sum()
        if not total:
            return False
        self.counts[key] += total.item()
        if key.operation in self.coefficients.unused:
            return False
        _, typical, _ = self.coefficients.energy(key.operation)
        self._now += typical * values.sum(axis=1)
        if cores is not None:
            np.add.at(self.by_core, cores, typical * values.sum(axis=0))
        return True

    def close(self, ways: NDArray[np.float64], ends: NDArray[np.bool_]) -> None:
        """End these steps. ``ways``: the longest way of a message, (3, steps); ``ends``: where an epoch ends.

        A step takes the busiest core's operations, the longest way, what is done one after the other, and a barrier;
        where an epoch ends, also the busiest core's learning, the management and a barrier of its own.
        """
        spike, learning = (self._busy[phase].max(axis=2) for phase in ("spike", "learning"))
        barrier, management = self.coefficients.barrier(), self.coefficients.management()
        spiking = spike + ways + self._alone + barrier[:, None]
        self._spiking.append(spiking)
        self._time.append(spiking + np.where(ends, learning + (barrier + management)[:, None], 0.0))
        self._energy.append(self._now)

    @property
    def energy(self) -> NDArray[np.float64]:
        return np.concatenate(self._energy) if self._energy else np.zeros(0)

    @property
    def time(self) -> NDArray[np.float64]:
        return np.concatenate(self._time, axis=1) if self._time else np.zeros((3, 0))

    @property
    def spiking(self) -> NDArray[np.float64]:
        return np.concatenate(self._spiking, axis=1) if self._spiking else np.zeros((3, 0))
