"""Stochastic rounding of traces and synaptic variables: Lava's shared draws, or one draw for each neuron and synapse.

A value between two integers goes up with the probability of its fraction. The two ways differ in who shares a random
number, and in how the decay is computed; both are deterministic in their seed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from hmn_lava.fixed import Integers
from hmn_lava.learning.records import TRACES
from hmn_lava.streams import part, uniform, words

Up = NDArray[np.bool_] | np.bool_

DECAY_BITS = 16
"""Fractional bits of a decay factor and of the draw that rounds a decayed trace, where every neuron draws its own."""

WORDS = "synapses"
"""The stream from which the synaptic variables draw, behind the name of the synapses."""

PARTS = {"weights": 0, "tag_1": 1, "tag_2": 2}
"""Which part of a synapse's word a variable draws from."""


class Rounding(Protocol):
    """Where the random numbers come from. ``step`` counts from 1; ``index`` numbers neurons or synapses."""

    def next_step(self) -> None:
        """A time step begins."""

    def next_epoch(self) -> None:
        """The learning phase begins."""

    def decay(self, trace: str, values: Integers, step: int) -> Integers:
        """Traces one step later, rounded."""

    def impulse(self, trace: str, fraction: int, bits: int, index: Integers, step: int, repeated: bool) -> Up:
        """Whether an impulse's fraction, ``fraction / 2**bits``, adds one; ``repeated``.

        Not the first spike in its epoch.
        """

    def variable(self, name: str, fraction: Integers, bits: int, index: Integers, step: int) -> Up:
        """Which synaptic variables go up, given their fractions ``fraction / 2**bits``."""


def decay_factor(tau: float, form: Literal["exponential", "linear"] = "exponential") -> float:
    """What a trace is multiplied by in a step: exp(-1/tau) or 1 - 1/tau; 0 for tau = 0."""
    if tau == 0:
        return 0.0
    return math.exp(-1 / tau) if form == "exponential" else max(0.0, 1 - 1 / tau)


class LavaRounding:
    """Bit for bit what lava-nc 0.10.0 draws in fixed point.

    Four generators, seeded with ``seed`` to ``seed + 3``, serve decays and impulses of all x and all y traces; each
    draws twice in a step. A number drawn for impulses has 7 bits, although the fraction has 8; a presynaptic neuron's
    further spike in an epoch takes 0 instead. One number from a generator with the fixed seed 2 rounds all synaptic
    variables of an epoch.
    """

    def __init__(self, seed: int, taus: Mapping[str, float]) -> None:
        self._decays = {side: np.random.default_rng(seed + n) for side, n in (("x", 0), ("y", 2))}
        self._impulses = {side: np.random.default_rng(seed + n) for side, n in (("x", 1), ("y", 3))}
        self._variables = np.random.default_rng(2)
        for side in ("x", "y"):  # drawn when the generators are made, and never used
            self._decays[side].random(1)
            self._draw(side, 1)
        self._variables.random(1)
        # As an array: numpy's exponential of arrays need not be that of the C library to the last bit.
        positive = {trace: tau for trace, tau in taus.items() if tau != 0}
        self._factors = dict(zip(positive, np.exp(-1 / np.array(list(positive.values()))), strict=True))

    def _draw(self, side: str, size: int) -> Integers:
        return np.asarray(self._impulses[side].integers(0, 128, size=size))

    def next_step(self) -> None:
        self._decay_draw = {side: generator.random(2)[1] for side, generator in self._decays.items()}
        draws = {side: self._draw(side, 2) for side in ("x", "y")}
        self._impulse_draw = {side: pair[1] for side, pair in draws.items()}
        self._repeated_draw = {"x": np.int64(0), "y": draws["y"][0]}

    def next_epoch(self) -> None:
        self._variable_draw = self._variables.random(1)[0]

    def decay(self, trace: str, values: Integers, step: int) -> Integers:
        if trace not in self._factors:
            return np.zeros_like(values)
        decayed = self._factors[trace] * values
        return np.asarray(np.floor(decayed).astype(np.int64) + (self._decay_draw[trace[0]] < decayed % 1))

    def impulse(self, trace: str, fraction: int, bits: int, index: Integers, step: int, repeated: bool) -> Up:
        draw = (self._repeated_draw if repeated else self._impulse_draw)[trace[0]]
        return np.bool_(draw < fraction)

    def variable(self, name: str, fraction: Integers, bits: int, index: Integers, step: int) -> Up:
        return np.asarray(self._variable_draw < fraction / (1 << bits))


class ElementRounding:
    """Every neuron, synapse, trace and variable draws its own number, from the streams of ``hmn_lava.streams``.

    The streams are called ``<name>.<trace>.decay`` and ``<name>.<trace>.impulse``; the variables of a synapse draw
    from parts 0 to 2 of its word of the stream ``<name>.synapses`` (:func:`hmn_lava.streams.words`). All is
    integer: a decayed trace is ``(trace * D + [U < fraction] * 2**16) >> 16`` with ``D = round(2**16 * factor)`` and U
    of 16 bits.
    """

    def __init__(
        self,
        seed: int,
        taus: Mapping[str, float],
        form: Literal["exponential", "linear"] = "exponential",
        held: bool = False,
        name: str = "learning",
    ) -> None:
        """``held``: the y traces are supplied, and don't decay within an epoch."""
        self.seed, self.name = seed, name
        self.factors = {
            trace: 1 << DECAY_BITS
            if held and trace[0] == "y"
            else round(decay_factor(taus[trace], form) * (1 << DECAY_BITS))
            for trace in TRACES
        }

    def next_step(self) -> None:
        pass

    def next_epoch(self) -> None:
        pass

    def decay(self, trace: str, values: Integers, step: int) -> Integers:
        product = values * self.factors[trace]
        draw = uniform(self.seed, f"{self.name}.{trace}.decay", step, np.arange(values.size), DECAY_BITS)
        return np.asarray((product >> DECAY_BITS) + (draw < (product & ((1 << DECAY_BITS) - 1))))

    def impulse(self, trace: str, fraction: int, bits: int, index: Integers, step: int, repeated: bool) -> Up:
        return np.asarray(uniform(self.seed, f"{self.name}.{trace}.impulse", step, index, bits) < fraction)

    def variable(self, name: str, fraction: Integers, bits: int, index: Integers, step: int) -> Up:
        word = words(self.seed, f"{self.name}.{WORDS}", step, index)
        return np.asarray(part(word, PARTS[name], bits) < fraction)
