"""A population at run time: its activity, its recent past, and step 1 of the model (activation, competition)."""

from __future__ import annotations

import numpy as np

from hmn_lava.reference import equations as eq
from hmn_lava.reference import neurons
from hmn_lava.reference.draws import Draws, gumbel_of_draw, normal_of_draw
from hmn_lava.reference.equations import Floats, Ints
from hmn_lava.spec.model import Population


class Units:
    """The units of one population; before step 0 all activity is 0.

    ``depth`` is the number of steps of activity to keep: 1 + the longest delay of the connections from here.
    """

    def __init__(self, population: Population, depth: int, seed: int) -> None:
        self.record = population
        n = population.size
        self.a, self.a_im, self.z, *rest = (np.zeros(n) for _ in range(6))
        self.u, self.v, self.rest = rest
        self.voltage = self.v  # of a LIF, before its reset
        self.sigma, self.act, self.residue, self.re, self.im = (np.zeros(n) for _ in range(5))
        self._depth = depth
        self._past = np.zeros((depth, n))
        self._noise = Draws(seed, f"{population.name}.noise", n) if population.noise else None
        self._sample = Draws(seed, f"{population.name}.sample", n) if population.competition == "sample" else None

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols of the signals that :meth:`read` knows."""
        if self.record.type == "input":
            return ("x",)
        own = {"lif": ("u", "v"), "sigma_delta": ("sigma", "act"), "resonator": ("a_im", "re", "im")}
        return ("a", "z", *own.get(str(self.record.activation), ()))

    def read(self, symbol: str) -> Floats:
        """Return the signal with this symbol, (n,)."""
        signal: Floats = getattr(self, "z" if symbol == "x" else symbol)
        return signal

    def feed(self, t: int, x: Floats) -> None:
        """Set the activity of an input population in step ``t``."""
        self.z = x
        self._past[t % self._depth] = x

    def activate(self, t: int, drive: Floats, imaginary: Floats) -> None:
        """Compute the activity of step ``t`` from the weighted sum of all inputs, and of a resonator's imaginary."""
        population = self.record
        lif = population.lif
        if population.restart is not None and t % population.restart[0] == population.restart[1]:
            for state in ("u", "v", "rest", "sigma", "act", "residue", "re", "im"):
                setattr(self, state, np.zeros(population.size))
        if population.type != "hmn":
            self.a, self.a_im = drive, imaginary
        else:
            noise = 0.0 if self._noise is None else population.noise * normal_of_draw()[self._noise.at(t)]
            self.a = eq.activation(drive, population.bias, noise)
        if lif is not None:
            bias = population.bias if population.type == "lif" else np.zeros(1)
            u, self.voltage = neurons.lif_integrate(self.u, self.v, self.rest, self.a, bias, lif)
            z, self.u, self.v, self.rest = neurons.lif_fire(u, self.voltage, self.rest, lif)
        elif population.sigma_delta is not None:
            z, self.sigma, self.act, self.residue = neurons.sigma_delta_step(
                self.sigma, self.act, self.residue, self.a, population.bias, population.sigma_delta
            )
        elif population.resonator is not None:
            z, self.re, self.im = neurons.resonator_step(self.re, self.im, self.a, self.a_im, population.resonator)
        elif population.activation == "relu":
            z = eq.relu(self.a, population.z_max)
        else:
            z = eq.sigmoid(self.a)
        if self._sample is not None:
            z = eq.sample(self.a, z, population.temperature, gumbel_of_draw()[self._sample.at(t)])
        elif population.competition == "winner_take_all":
            z = eq.winner_take_all(self.a, z)
        self.z = z
        self._past[t % self._depth] = z

    def past(self, t: int, delay: int) -> Floats:
        """Return the activity of step ``t - delay``, (n,)."""
        if delay == 0:
            return self.z
        activity: Floats = self._past[(t - delay) % self._depth]
        return activity

    def past_of_each(self, t: int, delay: Ints, unit: Ints) -> Floats:
        """Return the activity of ``unit[s]`` in step ``t - delay[s]``, for each s."""
        activity: Floats = self._past[(t - delay) % self._depth, unit]
        return activity
