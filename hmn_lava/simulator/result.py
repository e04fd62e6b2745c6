"""What a run gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.network import Signal


@dataclass(frozen=True, eq=False)
class Result:
    """Recorded signals of a run of ``steps`` steps that began at step ``start`` of the network's life.

    By the backend that really ran.

    ``raw`` holds what the backend stores: integers, or reals for the float reference; the first axis is the samples.
    """

    backend: str
    steps: int
    start: int
    signals: Mapping[str, Signal]
    raw: Mapping[str, NDArray[Any]]
    output_names: tuple[str, ...]

    def real(self, name: str) -> NDArray[np.float64]:
        """The real values of a recorded signal."""
        data = self.raw[name]
        return (
            self.signals[name].format.real(data)
            if np.issubdtype(data.dtype, np.integer)
            else np.asarray(data, np.float64)
        )

    @property
    def outputs(self) -> dict[str, NDArray[np.float64]]:
        """z of every population that is not an input, (steps, n), real values."""
        return {name: self.real(name) for name in self.output_names if name in self.raw}

    @property
    def probes(self) -> dict[str, NDArray[np.float64]]:
        """Every recorded signal, (samples, ...), real values."""
        return {name: self.real(name) for name in self.raw}

    @property
    def counts(self) -> dict[str, int]:
        """How many messages that are not zero each recorded output sent."""
        return {name: int(np.count_nonzero(self.raw[name])) for name in self.output_names if name in self.raw}
