"""The integer network: groups of microcoded compartments, synapses of the learning engine, and the links between them.

This is what a bundle holds and what every executor runs.

Semantics
---------
At each step s of the chip, every group reads its ports, runs its program once for each compartment, and emits. A
message that is emitted at step s arrives at step s + 1 + delay. A port reads the sum of what arrives, wrapped to a
word; it reads zero before anything can have arrived. So no order among groups matters, and none is defined.

A step of the model takes ``frame`` steps of the chip. The host's input of model step t counts as emitted at step
``frame * t``; in the other steps of a frame it is silent.

Synapses of the learning engine do in each step s what Lava's LearningDense does. While the groups run, their ports read
the current ``a_buff``, which was computed at the end of step s - 1 (zero at first). When the groups have run:

1. The payloads p(s) are at the axons: the sum over the links of what was emitted at step s - delay. Such a link has no
   step of transport; with delay 0 it brings what was emitted in this very step, by a group or by the host.
2. ``a_buff`` becomes Σ w p(s) over each row, with the weights as they are. So what is emitted at step s is read by the
   neuron at s + 1, as through any other link.
3. The engine learns (:class:`hmn_lava.learning.connection.LearningConnection`). p(s) are its presynaptic spikes. The
   neuron supplies what its program has left in this step: the output ``y0``, a spike where it emitted one, and the
   states ``y1``, ``y2``, ``y3``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hmn_lava.fixed import Fixed, Integers
from hmn_lava.learning.connection import LearningConnection
from hmn_lava.learning.engine import Engine, SignMode
from hmn_lava.learning.records import TRACES
from hmn_lava.learning.rounding import ElementRounding
from hmn_lava.learning.rule import LearningRule
from hmn_lava.microcode.ir import Program
from hmn_lava.topology import Topology as Topology  # where most look for it

Along = Literal["all", "each", "pre", "post"]
LinkKind = Literal["same", "all", "pre", "post", "rows", "total", "matrix", "plastic"]
SignalKind = Literal["input", "state", "output", "observable"]

SynapticVariable = Literal["weights", "tag_1", "tag_2"]

LONGEST_DELAY = 1 << 12
"""Steps; far above any profile's limit, which the compiler checks. Message buffers are as long as the longest delay."""

LONGEST_FRAME = 1 << 12
"""Steps of the chip in a step of the model."""


@dataclass(frozen=True, eq=False)
class Constant:
    """A constant of a group.

    One value for all compartments, one for each, or for synapses one for each pre or post neuron. Those of synapses
    are in the narrowest signed integer type that holds them: compute with them in int64.
    """

    values: NDArray[Any]
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

    A group of synapses has a topology; its outputs are summed over rows. ``initial`` is in the narrowest signed integer
    type that holds it.
    """

    name: str
    program: Program
    size: int
    constants: Mapping[str, Constant]
    initial: Mapping[str, NDArray[Any]]  # one value of shape (1,), or one for each compartment
    topology: Topology | None = None

    @property
    def width(self) -> int:
        """Integers that an output emits in a step."""
        return self.size if self.topology is None else self.topology.n_post


@dataclass(frozen=True, eq=False)
class LearningSynapses:
    """Synapses that the learning engine changes by one rule.

    Payloads come to port ``x`` in the step that they are emitted in, or ``delay`` steps later (links of kind ``same``,
    one compartment for each presynaptic neuron). ``neuron`` is the postsynaptic group, which supplies the output y0 and
    the states y1 to y3. What it does not declare of them reads 0; a rule of two factors reads y0 alone. ``initial``
    holds ``weights``, ``tag_1`` and ``tag_2``, one value for each synapse, in the narrowest signed integer type, and
    with a stride of 0 where all are equal (:func:`hmn_lava.topology.alike`); besides these, their traces and ``a_buff``
    (n_post,), the current Σ w p of the last step's payloads, are states, zero at first. ``sign_mode`` and ``graded``
    are those of :func:`hmn_lava.learning.simulate`. ``seed`` and ``name`` derive the streams of the rounding.
    """

    name: str
    neuron: str
    rule: LearningRule
    engine: Engine
    topology: Topology
    initial: Mapping[str, NDArray[Any]]
    seed: int
    sign_mode: SignMode = "mixed"
    graded: int = 0

    @property
    def size(self) -> int:
        return self.topology.size

    def connection(self) -> LearningConnection:
        """The connection that says what these synapses do, in its initial state."""
        taus = {trace: getattr(self.rule, f"{trace}_tau") for trace in TRACES}
        return LearningConnection(
            self.rule,
            (self.topology.n_post, self.topology.n_pre),
            self.topology.row,
            self.topology.col,
            {name: values.astype(np.int64) for name, values in self.initial.items()},
            dict.fromkeys(self.initial, np.ones(self.size, np.bool_)),
            self.sign_mode,
            self.engine,
            ElementRounding(self.seed, taus, self.engine.decay, held=self.rule.supplied, name=self.name),
            self.graded,
        )

    def states(self, connection: LearningConnection | None = None) -> dict[str, Integers]:
        """The states by name: the arrays of ``connection``, by default of a new one, and ``a_buff``."""
        return {**(connection or self.connection()).states, "a_buff": np.zeros(self.topology.n_post, np.int64)}


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
    * ``plastic``: synapses of the learning engine, ``source`` is (their name, "weights"); neuron e reads the current
      a_buff[e] = Σ_k weights[k] payload[col[k]] over its row, of the last step's payloads, shifted likewise

    ``delay`` has one value, or for ``pre`` and ``matrix`` one for each synapse. That of ``plastic`` is 0: payloads are
    delayed on their way to the axons. Links to axons (``same``) have no step of transport. ``weights`` has
    one value for each synapse, kept as those of :class:`LearningSynapses` are.
    """

    source: tuple[str, str]
    target: tuple[str, str]
    kind: LinkKind
    delay: Integers = field(default_factory=lambda: np.zeros(1, np.int64))
    topology: Topology | None = None
    weights: NDArray[Any] | None = None
    shift: int = 0


@dataclass(frozen=True, eq=False)
class Signal:
    """A named quantity of the model and where the integers of it are.

    ``owner`` and ``variable`` name a host input, a state, output or observable of a group, or a variable of learning
    synapses (as a state). ``offset``, in steps of the chip: the value of model step t is there after step frame * t +
    offset. Executors show a signal once in a frame, after the step whose place in the frame is offset % frame, so that
    at model step s they show the value of model step s - offset // frame. ``shape`` is the shape of one sample.
    ``label`` is the fidelity: exact, defined or statistical. ``bound`` bounds the error of one step against the model's
    equation; None where there is no bound (see docs/numerics.md).
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
    learning: Mapping[str, LearningSynapses] = field(default_factory=dict)
    frame: int = 1

    def latency(self, signal: str) -> int:
        """Steps of the model by which a signal shows late."""
        return self.signals[signal].offset // self.frame

    def links_to(self, group: str) -> tuple[Link, ...]:
        """The links into the ports of a group or of learning synapses, in order."""
        return tuple(link for link in self.links if link.target[0] == group)

    def width(self, owner: str) -> int:
        """Integers that a host input, or an output of a group, emits in a step."""
        return self.inputs[owner].size if owner in self.inputs else self.groups[owner].width

    @property
    def depth(self) -> int:
        """How many steps of messages must be kept: the longest delay and the step of transport."""
        return 1 + max((int(link.delay.max()) for link in self.links), default=0)

    @property
    def held(self) -> int:
        """Bytes of the network's own arrays."""
        arrays: list[NDArray[Any] | None] = []
        for topology in self._topologies():
            arrays += [topology.starts, topology.columns]
        for group in self.groups.values():
            arrays += [*group.initial.values(), *(constant.values for constant in group.constants.values())]
        for link in self.links:
            arrays += [link.delay, link.weights]
        for synapses in self.learning.values():
            arrays += synapses.initial.values()
        distinct = {id(values): values for values in (*arrays, *self.delay.values()) if values is not None}
        return sum(v.itemsize if v.strides == (0,) else v.nbytes for v in distinct.values())

    def bytes(self, wide: bool = False) -> int:
        """About how much memory a run takes: the network's own arrays, states, observables and messages in flight.

        States are in the narrowest machine integer of their format, those of learning synapses in two bytes, all else
        in four; with ``wide``, everything is in eight, and so are the neurons of each synapse.
        """

        def width(narrow: int) -> int:
            return 8 if wide else narrow

        slots = width(4) * (self.depth + 1)
        total = self.held + sum(slots * source.size for source in self.inputs.values())
        if not wide:  # executors that are fast keep sparse synapses by their presynaptic neurons too
            total += sum(10 * topology.size for topology in self._topologies() if not topology.dense)
        for group in self.groups.values():
            program = group.program
            states = sum(width(state.format.bytes) for state in program.states)
            total += group.size * (states + width(4) * len(program.observables))
            total += slots * group.width * len(program.outputs)
        for synapses in self.learning.values():
            moments = synapses.rule.t_epoch + 4
            traces = moments * (2 * synapses.topology.n_pre + 3 * synapses.topology.n_post)
            total += width(2) * len(synapses.initial) * synapses.size + width(4) * traces
        return total + (16 * sum(topology.size for topology in self._topologies()) if wide else 0)

    def _topologies(self) -> Iterator[Topology]:
        """Each once."""
        owners: list[Group | Link | LearningSynapses] = [*self.groups.values(), *self.links, *self.learning.values()]
        yield from {id(owner.topology): owner.topology for owner in owners if owner.topology is not None}.values()
