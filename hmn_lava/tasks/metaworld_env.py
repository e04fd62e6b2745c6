"""Meta-World's tasks (Yu et al. 2020) with the interface of the DeepMind Control Suite, as far as a game uses it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hmn_lava.errors import BackendError

STEP = 0.0125
"""Seconds between two commands to the arm."""

MOST = 10.0
"""Largest reward of a command."""


@dataclass(frozen=True)
class Moment:
    """What an action led to; ``reward`` is in [0, 1]."""

    reward: float
    observation: Mapping[str, Any]
    over: bool

    def last(self) -> bool:
        """Whether the time is up."""
        return self.over


class MetaWorld:
    """One task with its 50 goals, of which each episode draws one; the goal is part of what is seen.

    An action is held for ``timestep`` seconds, with the mean reward; the gripper stays as it is. Raises BackendError
    where metaworld is absent.
    """

    def __init__(self, task: str, seed: int, timestep: float, limit: float) -> None:
        try:
            import metaworld
        except ImportError:
            message = 'the task needs Meta-World: pip install "hmn-lava[control]" (Python 3.10 to 3.12)'
            raise BackendError(message) from None
        chosen = metaworld.MT1(task, seed=seed)
        self.goals, self.arm = chosen.train_tasks, chosen.train_classes[task]()
        self.draws = np.random.default_rng(seed)
        self.held, self.actions, self.done = round(timestep / STEP), round(limit / timestep), 0

    def reset(self) -> Moment:
        """Begin an episode with another goal."""
        self.done = 0
        self.arm.set_task(self.goals[self.draws.integers(len(self.goals))])
        seen, _ = self.arm.reset()
        return Moment(0.0, _named(seen), False)

    def step(self, push: Sequence[float]) -> Moment:
        """Push the hand along x, y and z, each from -1 to 1."""
        self.done += 1
        action, rewards, seen = np.array([*push, 0.0], np.float32), [], None
        for _ in range(self.held):
            seen, reward, *_ = self.arm.step(action)
            rewards.append(reward / MOST)
        return Moment(float(np.mean(rewards)), _named(seen), self.done == self.actions)


def _named(seen: Any) -> dict[str, Any]:
    """The hand's place comes first, the goal's last."""
    return {"hand": seen[:3], "goal": seen[-3:]}
