"""The constants of the neurons of static networks, resolved: every array read and in its range."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from hmn_lava.spec.arrays import Array
from hmn_lava.spec.materialise import Floats, Source
from hmn_lava.spec.neurons import Z_MAX, LifPopulation, ResonatorPopulation, SigmaDeltaPopulation
from hmn_lava.spec.problems import Problem
from hmn_lava.topology import compact


@dataclass(frozen=True, eq=False)
class Lif:
    """Lava's current-based LIF: u <- (1 - du) u + a; v <- (1 - dv) v + u + bias; a spike and a reset where v > vth.

    Arrays have one value, or one for each neuron.
    """

    du: Floats
    dv: Floats
    vth: Floats
    reset: Literal["value", "subtract"] = "value"
    v_reset: Floats = field(default_factory=lambda: np.zeros(1))
    refractory: int = 0  # steps
    output: Literal["spike", "voltage"] = "spike"
    z_max: float = 1.0  # saturation of a voltage that is sent


@dataclass(frozen=True, eq=False)
class SigmaDelta:
    """A sigma-delta neuron, see :class:`hmn_lava.spec.neurons.SigmaDeltaPopulation`; vth as the arrays of a Lif."""

    sum: bool
    difference: bool
    activation: Literal["relu", "unit"]
    vth: Floats
    z_max: float


@dataclass(frozen=True, eq=False)
class Resonator:
    """A resonate-and-fire neuron, :class:`hmn_lava.spec.neurons.ResonatorPopulation`; arrays as those of a Lif."""

    spike: Literal["phase", "izhikevich"]
    decay_re: Floats
    decay_im: Floats
    vth: Floats


def lif(record: LifPopulation, place: str, source: Source) -> Lif:
    """The constants of a LIF; raises InputError for one that is out of its range."""
    read = _Reader(record.size, place, source)
    found = Lif(
        read("du", record.du, 0.0, 1.0),
        read("dv", record.dv, 0.0, 1.0),
        read("vth", record.vth, above=0.0),
        record.reset,
        read("v_reset", record.v_reset),
        record.refractory,
        record.output,
        record.z_max or Z_MAX,
    )
    if found.output == "spike" and (wrong := found.v_reset > found.vth).any():
        value = float(np.broadcast_to(found.v_reset, wrong.shape)[wrong][0])
        raise Problem(f"{place}.v_reset", "is above the threshold", "use v_reset <= vth", value).error()
    return found


def sigma_delta(record: SigmaDeltaPopulation, place: str, source: Source) -> SigmaDelta:
    """The constants of a sigma-delta neuron; raises InputError for a threshold below 0."""
    vth = _Reader(record.size, place, source)("vth", record.vth, 0.0)
    return SigmaDelta(record.sum, record.difference, record.activation, vth, record.z_max)


def resonator(record: ResonatorPopulation, place: str, source: Source) -> Resonator:
    """The constants of a resonator; raises InputError for a decay that is no decay, or a threshold that is not > 0."""
    read = _Reader(record.size, place, source)
    re, im = (read(name, getattr(record, name), -1.0, 1.0) for name in ("decay_re", "decay_im"))
    return Resonator(record.spike, re, im, read("vth", record.vth, above=0.0))


@dataclass(frozen=True)
class _Reader:
    """Reads the arrays of a population: one value where all are equal, else one for each neuron."""

    size: int
    place: str
    source: Source

    def __call__(
        self, name: str, value: Array, low: float = -np.inf, high: float = np.inf, above: float = -np.inf
    ) -> Floats:
        field = f"{self.place}.{name}"
        found: Floats = compact(self.source.vector(value, field, self.size))
        for wrong, sign, limit in ((found < low, ">=", low), (found > high, "<=", high), (found <= above, ">", above)):
            if wrong.any():
                problem, remedy = f"must be {sign} {limit:g}", f"use a number {sign} {limit:g}"
                raise Problem(field, problem, remedy, float(found[wrong][0])).error()
        return found
