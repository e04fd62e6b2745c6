"""Work for the learning engine: a dense connection with one rule, driven by spikes of fixed rates and a modulator.

The host drives the presynaptic spikes, the postsynaptic ones, and one reward for all neurons. The neurons send back the
postsynaptic spikes as y0, and supply y1, a trace of their spikes, and y2 and y3, traces of reward above and below zero.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.fixed import Fixed, Integers
from hmn_lava.hardware_profiles import load_profile
from hmn_lava.learning import Engine, LearningRule
from hmn_lava.microcode.builder import Builder, Value
from hmn_lava.microcode.ir import Program
from hmn_lava.network import Group, Input, IntegerNetwork, LearningSynapses, Link, Signal, Topology
from hmn_lava.simulator.interpreter import Interpreter

NAME = "synapses"
"""Of the learning synapses: their random streams are derived from it."""

SPIKE = Fixed(1, signed=False)
LEVEL = Fixed(8)
TRACE = Fixed(7, signed=False)

POST_IMPULSE = 64
"""What a postsynaptic spike adds to y1."""
LEAK_BITS = 3
"""A trace of the neuron loses ceil(trace / 2**3) in a step."""
STRENGTH = 100
"""Largest reward."""
SUPPLIED = ("y1", "y2", "y3")


@dataclass(frozen=True)
class EngineWork:
    """One connection of ``pre`` to ``post`` neurons and ``steps`` steps of input, drawn from ``seed``.

    ``rate`` is the probability of a spike in a step, of presynaptic and postsynaptic neurons; ``reward_rate`` that of a
    reward.
    """

    rule: str
    keywords: dict[str, Any] = field(hash=False)
    pre: int
    post: int
    rate: float
    steps: int
    reward_rate: float = 0.1
    seed: int = 0

    @property
    def synapses(self) -> int:
        return self.pre * self.post

    @cached_property
    def inputs(self) -> dict[str, NDArray[np.float64]]:
        """The host's input: pre (steps, pre), spikes (steps, post), reward (steps, 1)."""
        rng = np.random.default_rng(self.seed)
        rewards = rng.integers(-STRENGTH, STRENGTH, (self.steps, 1), endpoint=True)
        return {
            "pre": (rng.random((self.steps, self.pre)) < self.rate).astype(np.float64),
            "spikes": (rng.random((self.steps, self.post)) < self.rate).astype(np.float64),
            "reward": np.where(rng.random((self.steps, 1)) < self.reward_rate, rewards, 0).astype(np.float64),
        }

    @cached_property
    def initial(self) -> dict[str, Integers]:
        """Starting weights, even and small, and tags of zero, one for each synapse."""
        rng = np.random.default_rng(self.seed + 1)
        zero = np.zeros(self.synapses, np.int64)
        return {"weights": 2 * rng.integers(-32, 32, self.synapses), "tag_1": zero, "tag_2": zero}

    def settings(self) -> dict[str, Any]:
        return {"kind": "engine", "work": asdict(self)}

    @property
    def learning_rule(self) -> LearningRule:
        return LearningRule.of(self.keywords)

    def network(self) -> IntegerNetwork:
        """The work as an integer network."""
        synapses = LearningSynapses(
            NAME,
            "neuron",
            self.learning_rule,
            Engine.of(load_profile("loihi2")),
            Topology.full(self.post, self.pre),
            self.initial,
            self.seed,
        )
        axons = Link(("pre", "x"), (NAME, "x"), "same")
        signals = {
            f"{NAME}.{name}": Signal(NAME, name, "state", Fixed(9), 0, (self.post, self.pre))
            for name in ("weights", "tag_1", "tag_2")
        }
        return self._network({"pre": self.pre}, (axons,), {NAME: synapses}, signals)

    def supplied(self) -> dict[str, Integers]:
        """What the neurons send back and supply in each step: y0 to y3, (steps, post)."""
        signals = {"y0": Signal("neuron", "y0", "output", SPIKE, 0, (self.post,))}
        signals |= {name: Signal("neuron", name, "state", TRACE, 0, (self.post,)) for name in SUPPLIED}
        neurons = Interpreter(self._network({}, (), {}, signals))
        inputs = {name: values for name, values in self.inputs.items() if name != "pre"}
        return dict(neurons.run(inputs, self.steps, tuple(signals)).raw)

    def _network(
        self,
        axons: dict[str, int],
        links: tuple[Link, ...],
        learning: dict[str, LearningSynapses],
        signals: dict[str, Signal],
    ) -> IntegerNetwork:
        inputs = {name: Input(name, size, SPIKE, 0, 1) for name, size in {**axons, "spikes": self.post}.items()}
        inputs["reward"] = Input("reward", 1, LEVEL, -STRENGTH, STRENGTH)
        group = Group("neuron", neuron(), self.post, {}, {name: np.zeros(1, np.int64) for name in SUPPLIED})
        links += (
            Link(("spikes", "x"), ("neuron", "spike"), "same"),
            Link(("reward", "x"), ("neuron", "reward"), "all"),
        )
        return IntegerNetwork("engine", inputs, {"neuron": group}, links, signals, (), {}, {}, learning=learning)


def neuron() -> Program:
    """The neurons' program: y0 is the spike that came, y1 its trace, y2 and y3 the traces of reward."""
    b = Builder("neuron")
    spike = b.input("spike", SPIKE, (0, 1))
    reward = b.input("reward", LEVEL, (-STRENGTH, STRENGTH))

    def trace(name: str, grows: Value) -> None:
        state = b.state(name, TRACE)
        loss = b.raw("shr", b.raw("add", state, (1 << LEAK_BITS) - 1), LEAK_BITS)
        left = b.maximum(b.raw("sub", state, loss), b.literal(0))  # never below: tells the builder so
        b.store(state, b.raw("min", b.raw("add", left, grows), TRACE.max))

    trace("y1", b.raw("mul", spike, POST_IMPULSE, 0))
    trace("y2", b.maximum(reward, b.literal(0)))
    trace("y3", b.maximum(b.neg(reward), b.literal(0)))
    b.emit("y0", spike)
    return b.build()
