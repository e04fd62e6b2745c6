"""Means over seeds with their intervals."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import BackendError

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds and its interval; the interval is None for one seed."""

    mean: float
    low: float | None
    high: float | None

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Estimate:
        """From one value per seed: mean +- t s / sqrt(n), s the sample standard deviation."""
        mean, n = float(values.mean()), len(values)
        if n < 2:
            return cls(mean, None, None)
        from scipy.stats import t

        half = float(t.ppf((1.0 + CONFIDENCE) / 2.0, n - 1)) * float(values.std(ddof=1)) / n**0.5
        return cls(mean, mean - half, mean + half)

    @property
    def sign(self) -> int:
        """1 or -1 where the interval lies on one side of 0, else 0."""
        if self.low is None or self.high is None:
            return 0
        return int(self.low > 0.0) - int(self.high < 0.0)


def require_intervals(extra: str) -> None:
    """Raise BackendError, with the extra that brings it, where scipy is missing, which intervals need."""
    if find_spec("scipy") is None:
        raise BackendError(f'intervals need scipy, which is not installed: pip install "hmn-lava[{extra}]"')
