"""A contextual bandit with delayed reward, in a closed loop.

There are 8 contexts and 4 arms; in each context the best arm pays with probability 0.9, the others with 0.1 to 0.5.
Each trial takes ``PERIOD`` steps. Step 0: the context, one-hot; the network draws an arm from softmax(a / T), and the
synapse between the two marks itself by its eligibility trace. Step ``REWARD``: the arm's pay, +1 or -1; the surprise
about it turns what is left of the trace into a weight change, while the phase gate is open. The other steps are
silent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hmn_lava.session import Session
from hmn_lava.simulator.probes import Probe
from hmn_lava.spec.records import MetaLearningSpec
from hmn_lava.tasks.base import Meta, Task, Tick, latency_below

CONTEXTS, ARMS = 8, 4
PERIOD = 16
"""Steps of one trial; the oscillator's period in the spec."""

REWARD = 10
"""Step of a trial at which it is paid."""

TRIALS = 3000
SWITCH = 250
"""Trials after which the best arms are drawn anew, in a world that switches."""

EPISODE = 1000
"""Trials of an episode of meta-learning."""

EXCERPT = 50
"""Trials to count operations on."""

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
    [0, 1): an arm pays where it is below the arm's probability. A world that switches has such a table for each of its
    phases, one below the other, and plays each for ``every`` trials.
    """

    pay: NDArray[np.float64]
    context: Ints
    luck: NDArray[np.float64]
    every: int | None = None

    @classmethod
    def of(cls, seed: int, trials: int = TRIALS, every: int | None = None) -> World:
        """Draw a world."""
        draws = np.random.default_rng(seed)
        pay, context, luck = _arms(draws), draws.integers(0, CONTEXTS, trials), draws.random(trials)
        more = 0 if every is None else -(-trials // every) - 1
        return cls(np.concatenate([pay, *(_arms(draws) for _ in range(more))]), context, luck, every)

    @property
    def row(self) -> Ints:
        """The row of ``pay`` that each trial follows, (trials,)."""
        if self.every is None:
            return self.context
        return self.context + CONTEXTS * (np.arange(len(self.context)) // self.every)

    @property
    def chances(self) -> NDArray[np.float64]:
        """Probability that each arm pays, (trials, arms)."""
        found: NDArray[np.float64] = self.pay[self.row]
        return found

    def expected(self, arm: Ints) -> NDArray[np.float64]:
        """Probability that these arms pay, (trials,)."""
        found: NDArray[np.float64] = self.pay[self.row, arm]
        return found

    def paid(self, arm: Ints) -> NDArray[np.bool_]:
        """Which trials pay if these arms are chosen, (trials,)."""
        return self.luck < self.expected(arm)

    @property
    def oracle(self) -> Ints:
        """The best arm of each trial."""
        best: Ints = self.pay.argmax(1)[self.row]
        return best


def _arms(draws: np.random.Generator) -> NDArray[np.float64]:
    """A table of pays, (contexts, arms)."""
    pay = draws.uniform(*OTHERS, (CONTEXTS, ARMS))
    pay[np.arange(CONTEXTS), draws.integers(0, ARMS, CONTEXTS)] = BEST
    return pay


def play(session: Session, world: World, tick: Tick = lambda: None) -> Ints:
    """Play all trials of a world, learning; returns the arms that were chosen, (trials,)."""
    late = latency_below(session, "arms.z", REWARD)
    seen = late + 1  # steps until the choice can be read
    choice = Probe("arms.z", start=late)
    context, reward = np.zeros((CONTEXTS, seen, CONTEXTS)), np.zeros((2, PERIOD - seen, 1))
    context[np.arange(CONTEXTS), 0, np.arange(CONTEXTS)] = 1.0
    reward[:, REWARD - seen, 0] = -1.0, 1.0
    arms, chances = np.zeros(len(world.context), np.int64), world.chances
    for trial, now in enumerate(world.context):
        result = session.run({"context": context[now]}, probes=[choice], outputs=False)
        arms[trial] = result.raw["arms.z"][0].argmax()
        paid = world.luck[trial] < chances[trial, arms[trial]]
        session.run({"reward": reward[int(paid)]}, outputs=False)
        if (trial + 1) * PARTS % len(arms) < PARTS:
            tick()
    return arms


def run(
    session: Session, seed: int, tick: Tick = lambda: None, *, trials: int = TRIALS, every: int | None = None
) -> dict[str, float]:
    """Play the seed's world; rewards are those of the last third of the trials, the regret is that of all."""
    world = World.of(seed, trials, every)
    return measured(world, play(session, world, tick))


def measured(world: World, arms: Ints) -> dict[str, float]:
    """The metrics of the chosen arms: rewards of the last third of the trials, regret of all."""
    last = slice(-(len(arms) // 3), None)
    reward = float(np.mean(world.paid(arms)[last]))
    return {
        "reward_of_oracle": reward / float(np.mean(world.paid(world.oracle)[last])),
        "reward": reward,
        "regret": float(np.sum(BEST - world.expected(arms))),
    }


def switching(session: Session, seed: int, tick: Tick = lambda: None) -> dict[str, float]:
    """:func:`run` in a world whose best arms are drawn anew every ``SWITCH`` trials."""
    return run(session, seed, tick, every=SWITCH)


def loss(session: Session, seed: int, *, every: int | None = None) -> float:
    """Regret of an episode of ``EPISODE`` trials, as a share of the best arms' expected pay."""
    world = World.of(seed, EPISODE, every)
    return share_lost(world, play(session, world))


def switching_loss(session: Session, seed: int) -> float:
    """:func:`loss` in a world whose best arms are drawn anew every ``SWITCH`` trials."""
    return loss(session, seed, every=SWITCH)


def share_lost(world: World, arms: Ints) -> float:
    """1 - expected pay of the chosen arms over that of the best."""
    return 1.0 - float(world.expected(arms).sum() / world.expected(world.oracle).sum())


def upper_confidence(world: World) -> Ints:
    """The arms that UCB1 chooses in each context (Auer et al. 2002): a tabular baseline that hears of its pay at once.

    It takes the largest mean + sqrt(2 ln n / n_arm), each arm once at first.
    """
    paid, tried = np.zeros((2, CONTEXTS, ARMS))
    arms = np.zeros(len(world.context), np.int64)
    chances = world.chances
    for trial, now in enumerate(world.context):
        with np.errstate(divide="ignore", invalid="ignore"):
            bonus = np.sqrt(2.0 * np.log(max(tried[now].sum(), 1.0)) / tried[now])
            index = np.where(tried[now] > 0, paid[now] / tried[now] + bonus, np.inf)
        arms[trial] = arm = int(index.argmax())
        tried[now, arm] += 1.0
        paid[now, arm] += world.luck[trial] < chances[trial, arm]
    return arms


def excerpt(seed: int) -> dict[str, NDArray[np.float64]]:
    """Inputs of ``EXCERPT`` trials in which arms are drawn blindly."""
    world, draws = World.of(seed, EXCERPT), np.random.default_rng(seed)
    paid = world.paid(draws.integers(0, ARMS, EXCERPT))
    context, reward = np.zeros((EXCERPT, PERIOD, CONTEXTS)), np.zeros((EXCERPT, PERIOD, 1))
    context[np.arange(EXCERPT), 0, world.context] = 1.0
    reward[:, REWARD, 0] = np.where(paid, 1.0, -1.0)
    return {"context": context.reshape(-1, CONTEXTS), "reward": reward.reshape(-1, 1)}


def ucb1(seed: int, *, every: int | None = None) -> dict[str, float]:
    """The metrics of :func:`upper_confidence` in the seed's world."""
    world = World.of(seed, every=every)
    return measured(world, upper_confidence(world))


def switching_ucb1(seed: int) -> dict[str, float]:
    """:func:`ucb1` in a world that switches."""
    return ucb1(seed, every=SWITCH)


def baselines(seed: int) -> dict[str, float]:
    """Losses of who knows nothing, and of UCB1, in an episode."""
    return _baselines(World.of(seed, EPISODE))


def switching_baselines(seed: int) -> dict[str, float]:
    """:func:`baselines` in a world that switches."""
    return _baselines(World.of(seed, EPISODE, SWITCH))


def _baselines(world: World) -> dict[str, float]:
    blind = 1.0 - float(world.chances.mean(1).sum() / world.expected(world.oracle).sum())
    return {"chance": blind, "UCB1": share_lost(world, upper_confidence(world))}


_RANDOM = (BEST + (ARMS - 1) * sum(OTHERS) / 2) / ARMS
"""Expected pay of an arm chosen blindly."""

_TUNED = MetaLearningSpec(
    parameters=("eta_global",), every=4, rate=3.0, epsilon=0.3, scale="log", bounds={"eta_global": (0.0625, 64.0)}
)
"""In the log of the rate: it is not known to within a factor of a thousand where it should be."""

_TUNED_SWITCHING = _TUNED.model_copy(update={"bounds": {"eta_global": (0.0625, 256.0)}})
"""Here the best rate is larger: the grid reaches beyond it."""

_START = {"eta_global": 0.25}
"""Where the network hardly learns in an episode."""

_START_SWITCHING = {"eta_global": 1.0}
"""Likewise; below, the loss is flat, and no estimate of its slope leads anywhere."""

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
    meta=Meta(loss, baselines, _TUNED, _START),
    baselines={"UCB1": ucb1},
    excerpt=excerpt,
)

SWITCHING = replace(
    BANDIT,
    name="bandit-switching",
    title="Contextual bandit whose best arms change",
    run=switching,
    meta=Meta(switching_loss, switching_baselines, _TUNED_SWITCHING, _START_SWITCHING),
    baselines={"UCB1": switching_ucb1},
)
