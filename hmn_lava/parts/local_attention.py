"""Local attention alone (HMN paper, eq. (8) and (9)): what the synapses of a neuron share among them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hmn_lava.components.attention import (
    ATTENTION_STEPS,
    SCORE_FRAC,
    context,
    normaliser,
    score_bounds,
)
from hmn_lava.components.port import Port
from hmn_lava.components.synapse import AttentionForm, _alpha  # the piece that a plastic synapse is made of
from hmn_lava.errors import InputError
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.builder import Builder, narrowest
from hmn_lava.microcode.ir import WORD, Program
from hmn_lava.network import Group, Link, LinkKind, Topology
from hmn_lava.partition import InPort, OutPort, Part
from hmn_lava.parts.given import number, numbers, of_component, topology_of
from hmn_lava.parts.making import constants, group, parameter_format, part_of
from hmn_lava.parts.ranges import Range, port_of
from hmn_lava.reference import equations as eq
from hmn_lava.reference.equations import Floats
from hmn_lava.reference.parts import FloatPart

LARGEST_BETA = 8.0
"""Beyond it exp(-2 beta) is below the scores' unit."""

LATENCY = 1 + ATTENTION_STEPS
"""Steps from the activities leaving for the component to alpha leaving it."""


@of_component()
def local_attention_part(
    *,
    embedding: ArrayLike,
    key: ArrayLike,
    beta: float = 1.0,
    context_rate: float = 0.1,
    topology: ArrayLike | None = None,
    x_range: Range = (0.0, 1.0),
    z_range: Range = (0.0, 1.0),
    name: str = "attention",
) -> tuple[Part, FloatPart]:
    """The part, and its equations; see ``LocalAttention`` for the arguments.

    Raises InputError for those that are of a wrong shape or out of range.
    """
    r, k = _vectors("embedding", embedding), _vectors("key", key)
    if r.shape[1] != k.shape[1]:
        problem = f"has {k.shape[1]} dimensions, and embedding {r.shape[1]}"
        raise InputError(problem, field="key", value=key, remedy=f"give (n_post, {r.shape[1]})")
    beta = number("beta", beta, 0.0, LARGEST_BETA)
    rate = number("context_rate", context_rate, 2.0**-16, 1.0)
    x, z = port_of(x_range, "x_range"), port_of(z_range, "z_range")
    synapses = _synapses(topology, k.shape[0], r.shape[0])

    reach = max(map(abs, z.format.real(z.bounds))) * float(np.abs(k).max(initial=0.0))
    keys = [parameter_format(k[:, d]) for d in range(k.shape[1])]
    contexts = context(f"{name}.context", z.format, z.bounds, keys, max(reach, 2.0**-8))
    frac, sums = _sums(synapses, beta)
    inverse = normaliser(f"{name}.normaliser", Fixed(WORD, True, frac), sums)
    directions = [_output(contexts, f"direction_{d}") for d in range(k.shape[1])]
    shares = _shares(name, AttentionForm(tuple(directions), beta, frac, _output(inverse, "reciprocal")), x)

    scores = {"score_opposed": math.exp(-2 * beta), "score_neutral": math.exp(-beta), "beta_a": beta}
    unit = eq.unit(r)
    groups = (
        group(
            contexts,
            k.shape[0],
            constants(contexts, {"rate": (rate, "all"), **{f"key_{d}": (k[:, d], "each") for d in range(k.shape[1])}}),
        ),
        group(
            shares,
            synapses.size,
            constants(
                shares,
                {n: (value, "all") for n, value in scores.items()}
                | {f"embedding_{d}": (unit[:, d], "pre") for d in range(k.shape[1])},
            ),
            topology=synapses,
        ),
        group(inverse, k.shape[0], {}),
    )
    part = part_of(
        name,
        "attention",
        groups,
        _links(groups, k.shape[1]),
        (InPort("s_in", synapses.n_pre), InPort("z_in", synapses.n_post)),
        (OutPort("alpha_out", synapses.size, (name, "alpha")),),
        least=LATENCY + 1,
    )
    return part, FloatAttention(part, AttentionEquations(r, k, beta, rate, synapses))


class AttentionEquations:
    """c ← (1 - κ) c + κ z k, then alpha."""

    def __init__(self, embedding: Floats, key: Floats, beta: float, rate: float, synapses: Topology) -> None:
        self._embedding, self._key, self._beta, self._rate = embedding, key, beta, rate
        self._synapses = synapses
        self.states: dict[str, Floats] = {f"c_{d}": np.zeros(len(key)) for d in range(key.shape[1])}
        self.states["alpha"] = np.zeros(synapses.size)

    def step(self, ports: Mapping[str, Floats], t: int) -> Mapping[str, Floats]:
        """One step of both equations, on the activities of one step."""
        synapses = self._synapses
        means = [self.states[f"c_{d}"] for d in range(self._key.shape[1])]
        c = eq.local_context(np.stack(means, axis=1), ports["z_in"], self._key, self._rate)
        for d, mean in enumerate(means):
            mean[:] = c[:, d]
        x = ports["s_in"][synapses.col]
        alpha = eq.local_attention(self._beta, x, self._embedding, c, synapses.row, synapses.col)
        self.states["alpha"][:] = alpha
        return {"alpha": alpha}


class FloatAttention(FloatPart):
    """The equations with the delay that the way through the three groups takes; they read whole ports."""

    def _ports(self) -> dict[str, Floats]:
        slot = (self.time - LATENCY) % self.part.depth
        return {name: ring[slot] for name, ring in self._rings.items()}


def _shares(name: str, form: AttentionForm, x: Port) -> Program:
    """alpha of each synapse, as a state: an output would be summed over the row."""
    b = Builder(name, "local attention: the share of a synapse")
    alpha = _alpha(b, form, x)
    kept = b.state("alpha", narrowest(alpha), (alpha.low, alpha.high))
    b.store(kept, alpha)
    return b.build()


def _links(groups: tuple[Group, ...], dimensions: int) -> tuple[Link, ...]:
    contexts, shares, inverse = (g.name for g in groups)

    def link(source: tuple[str, str], target: tuple[str, str], kind: LinkKind, delay: int = 0) -> Link:
        return Link(source, target, kind, np.full(1, delay, np.int64))

    return (
        link(("z_in", "x"), (contexts, "z"), "same"),
        link(("s_in", "x"), (shares, "x_attention"), "pre", 1),  # waits for the direction of its step
        *(link((contexts, f"direction_{d}"), (shares, f"direction_{d}"), "post") for d in range(dimensions)),
        link((shares, "score"), (inverse, "sum"), "rows"),
        link((inverse, "reciprocal"), (shares, "reciprocal"), "post"),
    )


def _sums(synapses: Topology, beta: float) -> tuple[int, tuple[int, int]]:
    """Fractional bits of a score's message, and the bounds of the sum over a row."""
    counts = synapses.counts
    most, fewest = int(counts.max()), int(counts[counts > 0].min())
    frac = min(SCORE_FRAC, WORD - 2 - most.bit_length())
    low, high = (bound >> (SCORE_FRAC - frac) for bound in score_bounds(beta))
    return frac, (max(1, low * fewest), high * most)


def _output(program: Program, name: str) -> Port:
    """What arrives from an output; 0 before anything was sent."""
    variable = next(v for v in program.outputs if v.name == name)
    return Port(Fixed(WORD, True, variable.format.frac), (min(0, variable.low), max(0, variable.high)))


def _synapses(topology: Any, n_post: int, n_pre: int) -> Topology:
    if topology is None:
        return Topology.full(n_post, n_pre)
    mask = topology_of(topology) != 0
    if mask.shape != (n_post, n_pre):
        problem, remedy = f"has shape {mask.shape}, needs {(n_post, n_pre)}", "give a 0/1 mask (n_post, n_pre)"
        raise InputError(problem, field="topology", value=topology, remedy=remedy)
    if not mask.any():
        raise InputError("has no synapse", field="topology", value=topology, remedy="set some of it to 1")
    return Topology.full(n_post, n_pre) if mask.all() else Topology.of(n_post, n_pre, *np.nonzero(mask))


def _vectors(field: str, values: Any) -> Floats:
    found = numbers(field, values)
    if found.ndim != 2 or not found.size:
        remedy = "rows are neurons, columns dimensions: (n, D), D from 1"
        raise InputError("holds no vectors", field=field, value=values, remedy=remedy)
    return found
