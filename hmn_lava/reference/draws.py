"""The float reference's random numbers: the same named draws as the integers make, turned into float variates.

A draw U is one of ``2**16`` integers and stands for the uniform number ``u = (U + 1/2) / 2**16``. So float and integers
choose alike: the same sample, the same open gates, the same noise up to its rounding.
"""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist

import numpy as np

from hmn_lava.reference.equations import Floats, Ints
from hmn_lava.streams import uniform

BITS = 16  # of a draw
LEVELS = 1 << BITS
_BLOCK = 4096  # draws made at once


class Draws:
    """The stream ``name`` under ``seed``: one draw from [0, 2**16) for each of ``size`` indices in each step.

    A draw depends on nothing but seed, name, step and index. Small streams are therefore drawn for many steps at once:
    one call in place of many.
    """

    def __init__(self, seed: int, name: str, size: int) -> None:
        self._seed, self._name, self._indices = seed, name, np.arange(size)
        self._steps = max(1, _BLOCK // max(1, size))
        self._start = -self._steps
        self._block: Ints = np.zeros((0, size), dtype=np.int64)

    def at(self, t: int) -> Ints:
        """Return the draws of step ``t``, shape (size,)."""
        if not self._start <= t < self._start + self._steps:
            self._start = t - t % self._steps
            times = np.arange(self._start, self._start + self._steps)
            self._block = uniform(self._seed, self._name, times[:, None], self._indices, BITS)
        draws: Ints = self._block[t - self._start]
        return draws

    def of(self, t: int, index: Ints) -> Ints:
        """Return the draws of step ``t`` at ``index`` only, which is cheaper than all where the stream is large."""
        if self._steps > 1:
            draws: Ints = self.at(t)[index]
            return draws
        return uniform(self._seed, self._name, t, index, BITS)


@lru_cache(maxsize=1)
def normal_of_draw() -> Floats:
    """Return the standard normal variate of each draw: the inverse normal distribution at u, shape (2**16,)."""
    inverse = NormalDist().inv_cdf
    return np.array([inverse((draw + 0.5) / LEVELS) for draw in range(LEVELS)])


@lru_cache(maxsize=1)
def gumbel_of_draw() -> Floats:
    """Return the standard Gumbel variate of each draw: ``-log(-log u)``, shape (2**16,)."""
    gumbel: Floats = -np.log(-np.log((np.arange(LEVELS) + 0.5) / LEVELS))
    return gumbel
