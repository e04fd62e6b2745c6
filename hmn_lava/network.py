"""The integer network: groups of microcoded compartments, and the links that carry messages between them.

This is what a bundle holds and what every executor runs.

Semantics
---------
At each step s, every group reads its ports, runs its program once for each compartment, and emits. A message that is
emitted at step s arrives at step s + 1 + delay; the host's input of step s counts as emitted at step s. A port reads
the sum of what arrives, wrapped to a word; it reads zero before anything can have arrived. So no order among groups
matters, and none is defined.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from hmn_lava.fixed import Fixed, Integers
from hmn_lava.microcode.ir import Program

Along = Literal["all", "each", "pre", "post"]
LinkKind = Literal["same", "all", "pre", "post", "rows", "total", "matrix"]
SignalKind = Literal["input", "state", "output", "observable"]

LONGEST_DELAY = 1 << 12
"""Steps; far above any profile's limit, which the compiler checks. Message buffers are as long as the longest delay."""


@dataclass(frozen=True, eq=False)
class Topology:
    """Synapses as a sorted list: synapse k goes from neuron ``col[k]`` of n_pre to neuron ``row[k]`` of n_post."""

    n_post: int
    n_pre: int
    row: Integers
    col: Integers
    dense: bool

    @property
    def size(self) -> int:
        return int(self.row.size)

    @property
    def starts(self) -> Integers:
        """(n_post + 1,): the synapses of row j are starts[j] to starts[j+1] - 1."""
        counts = np.bincount(self.row, minlength=self.n_post)
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    @classmethod
    def full(cls, n_post: int, n_pre: int) -> Topology:
        """All pairs, row by row."""
        row, col = np.divmod(np.arange(n_post * n_pre, dtype=np.int64), max(1, n_pre))
        return cls(n_post, n_pre, row, col, True)


@dataclass(frozen=True, eq=False)
class Constant:
    """A constant of a group.

    One value for all compartments, one for each, or for synapses one for each pre or post neuron.
    """

    values: Integers
    along: Along = "all"


@dataclass(frozen=True, eq=False)
class Input:
    """A population that the host drives: ``size`` integers of ``format`` in [low, high] at each step."""

    name: str
    size: int
    format: Fixed
    low: int
    high: int


@dataclass(frozen=True, eq=False)
class Group:
    """``size`` compartments that run the same program.

    A group of synapses has a topology; its outputs are summed over rows.
    """

    name: str
    program: Program
    size: int
    constants: Mapping[str, Constant]
    initial: Mapping[str, Integers]  # one value, or one for each compartment
    topology: Topology | None = None


@dataclass(frozen=True, eq=False)
class Link:
    """Messages from an output (or a host input) to a port.

    ``source`` is (group or input, output); ``target`` is (group, port). Kinds, for the compartment e of the target:

    * ``same``: from compartment e of the source; ``all``: from the only compartment of the source
    * ``pre``: synapse e reads its pre neuron; ``post``: it reads its post neuron
    * ``rows``: neuron e reads the sum over the synapses of its row
    * ``total``: the only compartment reads the sum over the whole source
    * ``matrix``: static synapses; neuron e reads Σ_k weights[k] x[col[k]] over its row, shifted left by ``shift``
      (right if negative)

    ``delay`` has one value, or for ``pre`` and ``matrix`` one for each synapse.
    """

    source: tuple[str, str]
    target: tuple[str, str]
    kind: LinkKind
    delay: Integers = field(default_factory=lambda: np.zeros(1, np.int64))
    topology: Topology | None = None
    weights: Integers | None = None
    shift: int = 0


@dataclass(frozen=True, eq=False)
class Signal:
    """A named quantity of the model and where the integers of it are.

    ``owner`` and ``variable`` name a host input, or a state, output or observable of a group. ``offset``: at step s the
    executors show the value of model step s - offset. ``shape`` is the shape of one sample. ``label`` is the fidelity:
    exact, defined or statistical. ``bound`` bounds the error of one step against the model's equation; None where there
    is no bound (see docs/numerics.md).
    """

    owner: str
    variable: str
    kind: SignalKind
    format: Fixed
    offset: int
    shape: tuple[int, ...]
    label: str = "defined"
    bound: float | None = None


@dataclass(frozen=True, eq=False)
class IntegerNetwork:
    """A compiled network. ``weight_lag`` and ``delay`` are its latencies in model time (see ``hmn_lava.latency``).

    A delay is one value for a connection, or one for each of its synapses.
    """

    name: str
    inputs: Mapping[str, Input]
    groups: Mapping[str, Group]
    links: tuple[Link, ...]
    signals: Mapping[str, Signal]
    outputs: tuple[str, ...]  # signals that a run returns without being asked
    weight_lag: Mapping[str, int]
    delay: Mapping[str, Integers]

    def links_to(self, group: str) -> tuple[Link, ...]:
        """The links into the ports of a group, in order."""
        return tuple(link for link in self.links if link.target[0] == group)

    @property
    def depth(self) -> int:
        """How many steps of messages must be kept: the longest delay and the step of transport."""
        return 1 + max((int(link.delay.max()) for link in self.links), default=0)

    @property
    def bytes(self) -> int:
        """About how much memory an executor takes: states, observables and messages in flight, eight bytes each."""
        slots = self.depth + 1
        total = sum(slots * source.size for source in self.inputs.values())
        for group in self.groups.values():
            program, width = group.program, group.size if group.topology is None else group.topology.n_post
            total += group.size * (len(program.states) + len(program.observables)) + slots * width * len(
                program.outputs
            )
        return 8 * total
