"""Work for the energy case: a static network of spiking neurons whose spikes the input alone decides."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

import hmn_lava as hl
from hmn_lava.bundle import Bundle

GRID = 8
"""Weights are whole numbers of 1/GRID, and the threshold lies between two of them: no rounding decides a spike."""
QUIET = 4
"""Steps without input at the end, so that no message is on its way when the run ends."""


@dataclass(frozen=True)
class StaticWork:
    """``steps`` steps of ``x`` -> ``one`` -> ``two``, ``size`` neurons each, without memory from step to step.

    A neuron of ``one`` repeats its input; ``two`` gets them through weights of ``density``, and spikes about as often.
    ``rate``: the probability that an input spikes in a step.
    """

    size: int
    rate: float
    density: float
    steps: int
    seed: int = 0

    @property
    def synapses(self) -> int:
        return int(self._mask.sum()) + self.size

    @property
    def title(self) -> str:
        kind = "dense" if self.density == 1.0 else f"{self.density:.0%} of the pairs"
        return f"{self.size} x {self.size}, {kind}, {self.rate:.2%} active"

    def settings(self) -> dict[str, Any]:
        return asdict(self)

    @cached_property
    def _mask(self) -> NDArray[np.bool_]:
        return np.random.default_rng(self.seed).random((self.size, self.size)) < self.density

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """(n_post, n_pre), 0 where there is no synapse."""
        drawn = np.random.default_rng(self.seed + 1).integers(1, GRID + 1, (self.size, self.size))
        signs = np.random.default_rng(self.seed + 2).choice([-1, 1], (self.size, self.size))
        return np.asarray(drawn * signs * self._mask / GRID)

    @cached_property
    def input(self) -> NDArray[np.int64]:
        """(steps, size), 0 or 1."""
        spikes = np.random.default_rng(self.seed + 3).random((self.steps, self.size)) < self.rate
        spikes[-QUIET:] = False
        return spikes.astype(np.int64)

    @cached_property
    def threshold(self) -> float:
        """Of ``two``: about a share ``rate`` of the sums lies above."""
        sums = self.input[:-QUIET] @ self.weights.T
        return max(0.0, float(np.floor(GRID * np.quantile(sums, 1 - self.rate)))) / GRID + 0.5 / GRID

    def bundle(self, profile: str) -> Bundle:
        """The compiled work."""
        net = hl.Network("static")
        x = net.input("x", self.size, signal="spike")
        one = net.lif("one", self.size, du=1.0, dv=1.0, vth=0.5)
        two = net.lif("two", self.size, du=1.0, dv=1.0, vth=self.threshold)
        net.connect_static(x, one, weights=1.0, topology=np.stack([np.arange(self.size)] * 2))
        topology = "dense" if self.density == 1.0 else self._mask.astype(int)
        weights = self.weights if self.density == 1.0 else self.weights[self._mask]
        net.connect_static(one, two, weights=weights, topology=topology)
        return hl.compile(net.spec(), profile=profile, seed=self.seed)
