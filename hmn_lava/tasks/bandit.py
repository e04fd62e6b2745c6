"""A contextual bandit with delayed reward, in a closed loop.

There are 8 contexts and 4 arms; in each context the best arm pays with probability 0.9, the others with 0.1 to 0.5.
Each trial takes ``PERIOD`` steps. Step 0: the context, one-hot; the network draws an arm from softmax(a / T), and the
synapse between the two marks itself by its eligibility trace. Step ``REWARD``: the arm's pay, +1 or -1; the surprise
about it turns what is left of the trace into a weight change, while the phase gate is open. The other steps are
silent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hmn_lava.session import Session
from hmn_lava.simulator.probes import Probe
from hmn_lava.tasks.base import Task, Tick, latency_below

CONTEXTS, ARMS = 8, 4
PERIOD = 16
"""Steps of one trial; the oscillator's period in the spec."""

REWARD = 10
"""Step of a trial at which it is paid."""

TRIALS = 3000
BEST = 0.9
"""Probability that the best arm of a context pays."""

OTHERS = (0.1, 0.5)
"""Range of that of the other arms."""

PARTS = 10

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class World:
    """Everything about a run but the choices, so that all who play it meet the same luck.

    ``pay`` (contexts, arms): probability that an arm pays; ``context`` (trials,); ``luck`` (trials,) uniform in
    [0, 1): an arm pays where it is below the arm's probability.
    """

    pay: NDArray[np.float64]
    context: Ints
    luck: NDArray[np.float64]

    @classmethod
    def of(cls, seed: int, trials: int = TRIALS) -> World:
        """Draw a world."""
        draws = np.random.default_rng(seed)
        pay = draws.uniform(*OTHERS, (CONTEXTS, ARMS))
        pay[np.arange(CONTEXTS), draws.integers(0, ARMS, CONTEXTS)] = BEST
        return cls(pay, draws.integers(0, CONTEXTS, trials), draws.random(trials))

    def paid(self, arm: Ints) -> NDArray[np.bool_]:
        """Which trials pay if these arms are chosen, (trials,)."""
        return self.luck < self.pay[self.context, arm]

    @property
    def oracle(self) -> Ints:
        """The best arm of each trial."""
        best: Ints = self.pay.argmax(1)[self.context]
        return best


def play(session: Session, world: World, tick: Tick = lambda: None) -> Ints:
    """Play all trials of a world, learning; returns the arms that were chosen, (trials,)."""
    late = latency_below(session, "arms.z", REWARD)
    seen = late + 1  # steps until the choice can be read
    choice = Probe("arms.z", start=late)
    context, reward = np.zeros((CONTEXTS, seen, CONTEXTS)), np.zeros((2, PERIOD - seen, 1))
    context[np.arange(CONTEXTS), 0, np.arange(CONTEXTS)] = 1.0
    reward[:, REWARD - seen, 0] = -1.0, 1.0
    arms = np.zeros(len(world.context), np.int64)
    for trial, now in enumerate(world.context):
        result = session.run({"context": context[now]}, probes=[choice], outputs=False)
        arms[trial] = result.raw["arms.z"][0].argmax()
        paid = world.luck[trial] < world.pay[now, arms[trial]]
        session.run({"reward": reward[int(paid)]}, outputs=False)
        if (trial + 1) * PARTS % len(arms) < PARTS:
            tick()
    return arms


def run(session: Session, seed: int, tick: Tick = lambda: None, *, trials: int = TRIALS) -> dict[str, float]:
    """Play the seed's world; rewards are those of the last third of the trials, the regret is that of all."""
    world = World.of(seed, trials)
    arms = play(session, world, tick)
    last = slice(-(trials // 3), None)
    reward = float(np.mean(world.paid(arms)[last]))
    return {
        "reward_of_oracle": reward / float(np.mean(world.paid(world.oracle)[last])),
        "reward": reward,
        "regret": float(np.sum(BEST - world.pay[world.context, arms])),
    }


_RANDOM = (BEST + (ARMS - 1) * sum(OTHERS) / 2) / ARMS
"""Expected pay of an arm chosen blindly."""

BANDIT = Task(
    name="bandit",
    title="Contextual bandit with delayed reward",
    metrics={
        "reward_of_oracle": "mean reward of the last 1,000 trials over that of the best arms, on the same draws",
        "reward": "mean reward (1 paid, 0 not paid) of the last 1,000 trials",
        "regret": "expected pay of the best arm minus that of the chosen arm, summed over all 3,000 trials",
    },
    chance={"reward_of_oracle": _RANDOM / BEST, "reward": _RANDOM, "regret": TRIALS * (BEST - _RANDOM)},
    parts=PARTS,
    run=run,
)
