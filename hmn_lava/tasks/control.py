"""Temporal credit: an actor and a critic of HMN synapses on the DeepMind Control Suite, in a closed loop.

The state is tile-coded. Each control step takes ``PERIOD`` steps, one period of the oscillator:

* Step 0: the tiles of the state. ``value.a`` is the critic's value of it, read by the host. ``mark`` is 0, so that
  nobody is active and no trace is set.
* Step ``ERROR``: the error of the critic's last prediction, delta = (1 - gamma) r + gamma V(now) - V(before), which the
  host computes. It meets the traces of what was done before, while the phase gate is open. Nothing else is shown: with
  the tiles, local attention would credit those that are still active, instead of those that were.
* Step ``ACT``: the tiles and ``mark`` 1. Each actor draws one of its torques from softmax(a / T); the synapses from the
  tiles to the chosen torques, and to the critic, set their traces.

The host's part is the subtraction alone. After an episode, the traces fade for ``PAUSE`` periods.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hmn_lava.session import Session
from hmn_lava.simulator.probes import Probe
from hmn_lava.spec.records import MetaLearningSpec
from hmn_lava.tasks.base import Meta, Task, Tick, latency_below
from hmn_lava.tasks.policy_gradient import actor_critic, blind
from hmn_lava.tasks.tiles import Ints
from hmn_lava.tasks.worlds import CARTPOLE, PENDULUM, REACH, REACHER, SWINGUP, Game, World

PERIOD = 10
"""Steps of one control step; the oscillator's period in the specs."""

ERROR, ACT = 4, 5
"""Steps of a control step at which the prediction error comes, and at which torques are drawn."""

PAUSE = 5
"""Control steps without anything after an episode."""

REST = -4.0
"""Bias of the critic in the specs, which keeps it silent until it is marked."""

LARGEST = 0.25
"""Errors are clipped to this: the range of ``error`` in the specs. More bits are left for what is usual."""

PARTS = 10
LAST = 4
"""The last episodes are a quarter of all."""

EXCERPT = 50
"""Control steps to count operations on."""

EPISODES = 15
"""Episodes of meta-learning's loss."""

SMOOTH = 5
"""Episodes whose mean reward has to reach the world's level."""

Floats = NDArray[np.float64]


def play(
    session: Session, world: World, seed: int, tick: Tick = lambda: None, *, episodes: int | None = None
) -> Floats:
    """Play a world's episodes, learning; returns the mean reward of each, (episodes,)."""
    agent, game = Agent(session, world), Game(world, seed)
    rewards = np.zeros(world.episodes if episodes is None else episodes)
    for episode in range(len(rewards)):
        rewards[episode] = agent.episode(game)
        if (episode + 1) * PARTS % len(rewards) < PARTS:
            tick()
    return rewards


class Agent:
    """The host's side of the loop: feeds a session and reads it."""

    def __init__(self, session: Session, world: World) -> None:
        """Raises FitError where the network answers too late for the protocol."""
        self.session, self.world = session, world
        late = latency_below(session, "value.a", ERROR)
        self.seen = late + 1  # steps until the value can be read
        self.value = [Probe("value.a", start=late)]
        self.choices = []
        for actor in world.actors:
            first = ACT - self.seen + latency_below(session, f"{actor}.z", PERIOD - ACT)
            self.choices.append(Probe(f"{actor}.z", start=first, stop=first + 1))
        self.state = np.zeros((self.seen, world.tilings.size))
        rest = PERIOD - self.seen
        self.again, self.error, self.mark = np.zeros((rest, world.tilings.size)), *np.zeros((2, rest, 1))
        self.mark[ACT - self.seen] = 1.0

    def episode(self, game: Game) -> float:
        """One episode, from the suite's start until the time is up; returns the mean reward."""
        gamma = self.world.discount
        tiles, over, error, rewards = game.start(), False, 0.0, []
        before = self.look(tiles)
        while not over:
            reward, tiles, over = game.act(self.act(error))
            rewards.append(reward)
            value = self.look(tiles)
            error = float(np.clip((1.0 - gamma) * reward + gamma * value - before, -LARGEST, LARGEST))
            before = value
        self.error[ERROR - self.seen] = error
        self.session.run({"error": self.error}, outputs=False)
        self.session.run(steps=PAUSE * PERIOD, outputs=False)
        return float(np.mean(rewards))

    def look(self, tiles: Ints) -> float:
        """Show a state and read its value; the state stays for :meth:`act`."""
        self.state[0] = self.again[:] = 0.0
        self.state[0, tiles] = 1.0
        self.again[ACT - self.seen, tiles] = 1.0
        result = self.session.run({"tiles": self.state}, probes=self.value, outputs=False)
        return float(result.real("value.a")[0, 0]) - REST

    def act(self, error: float) -> list[int]:
        """Tell the error of the last prediction, and let the actors choose for the state that was shown."""
        self.error[ERROR - self.seen] = error
        shown = {"tiles": self.again, "error": self.error, "mark": self.mark}
        result = self.session.run(shown, probes=self.choices, outputs=False)
        return [int(result.raw[probe.signal][0].argmax()) for probe in self.choices]


def measured(world: World, rewards: Floats) -> dict[str, float]:
    """The metrics of the mean rewards of each episode."""
    mean = np.convolve(rewards, np.ones(SMOOTH) / SMOOTH, "valid")
    reached = np.flatnonzero(mean >= world.level)
    until = reached[0] + SMOOTH if len(reached) else len(rewards)
    return {
        "final_return": float(np.mean(rewards[-(len(rewards) // LAST) :])),
        "area": float(np.mean(rewards)),
        "steps_to_level": float(until * world.actions),
    }


def run(world: World, session: Session, seed: int, tick: Tick = lambda: None) -> dict[str, float]:
    """Play all episodes of the seed."""
    return measured(world, play(session, world, seed, tick))


def excerpt(world: World, seed: int) -> dict[str, Floats]:
    """Inputs of ``EXCERPT`` control steps with torques drawn blindly and errors drawn from N(0, 0.05)."""
    game, draws = Game(world, seed), np.random.default_rng(seed)
    steps = EXCERPT * PERIOD
    tiles, mark, error = np.zeros((steps, world.tilings.size)), np.zeros((steps, 1)), np.zeros((steps, 1))
    seen = game.start()
    for begin in range(0, steps, PERIOD):
        for step in (0, ACT):
            tiles[begin + step, seen] = 1.0
        mark[begin + ACT] = 1.0
        error[begin + ERROR] = np.clip(draws.normal(0.0, 0.05), -LARGEST, LARGEST)
        _, seen, over = game.act([int(draws.integers(len(torques))) for torques in world.actors.values()])
        if over:
            seen = game.start()
    return {"tiles": tiles, "mark": mark, "error": error}


def loss(world: World, session: Session, seed: int) -> float:
    """1 - mean reward of the first ``EPISODES`` episodes."""
    return 1.0 - float(np.mean(play(session, world, seed, episodes=EPISODES)))


def losses(world: World, seed: int) -> dict[str, float]:
    """Losses of random torques and of the policy gradient in the same episodes."""
    others: dict[str, Callable[[World, int, int], Floats]] = {"chance": blind, "actor-critic": actor_critic}
    return {name: 1.0 - float(np.mean(learner(world, seed, EPISODES))) for name, learner in others.items()}


def _task(name: str, title: str, chance: float) -> Task:
    world = WORLDS[name]
    steps = world.episodes * world.actions

    def baseline(learner: Callable[[World, int, int], Floats], seed: int) -> dict[str, float]:
        return measured(world, learner(world, seed, world.episodes))

    return Task(
        name=name,
        title=title,
        metrics={
            "final_return": f"mean reward of an action, at most 1, in the last quarter of {world.episodes} episodes",
            "area": "the same in all episodes: the area under the learning curve",
            "steps_to_level": f"actions until {SMOOTH} episodes have a mean of {world.level}; {steps} if never",
        },
        chance={"final_return": chance, "area": chance, "steps_to_level": steps},
        parts=PARTS,
        run=partial(run, world),
        meta=Meta(partial(loss, world), partial(losses, world), _TUNED, _START),
        baselines={"random": partial(baseline, blind), "actor-critic": partial(baseline, actor_critic)},
        excerpt=partial(excerpt, world),
    )


_TUNED = MetaLearningSpec(
    parameters=("eta_global",), every=2, rate=4.0, epsilon=0.5, scale="log", bounds={"eta_global": (4.0, 2048.0)}
)
_START = {"eta_global": 40.0}
"""Where the network learns little in so few episodes; below, the loss is flat and its slope leads nowhere."""

WORLDS = {"cartpole": CARTPOLE, "cartpole-swingup": SWINGUP, "reacher": REACHER, "pendulum": PENDULUM, "reach": REACH}

CONTROL = (
    _task("cartpole", "Cart and pole: keep it upright", 0.415),
    _task("cartpole-swingup", "Cart and pole: swing it up", 0.14),
    _task("reacher", "Arm of two joints: reach the target", 0.056),
    _task("pendulum", "Pendulum: swing it up", 0.0016),
    _task("reach", "Meta-World's arm: reach the goal", 0.14),
)
