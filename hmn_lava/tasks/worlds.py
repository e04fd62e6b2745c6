"""Worlds of the DeepMind Control Suite (Tassa et al. 2018), and one of Meta-World, with discrete torques.

Physics, rewards and the distribution of the first states are the suite's own; the time between two actions, the length
of an episode and the choice of torques are said here. Rewards are in [0, 1]. Nothing is drawn.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import atan2, cos, hypot, pi, sin
from typing import Any

from hmn_lava.errors import BackendError
from hmn_lava.tasks.metaworld_env import MetaWorld
from hmn_lava.tasks.tiles import Ints, Tilings

Observation = Mapping[str, Any]


@dataclass(frozen=True)
class World:
    """A task of the suite, or of the ``domain`` metaworld, as a learner meets it.

    ``actors``: the torques that each population of the network chooses from, one population for each actuator, in
    the suite's order. ``state`` makes the variables that the ``tilings`` cut from an observation. ``timestep`` and
    ``limit`` are seconds; ``discount`` is gamma of one action. ``level``: a mean reward that a good learner reaches.
    ``rates``: of policy and value in the policy-gradient baseline, the best of a grid on other seeds.
    """

    domain: str
    task: str
    actors: Mapping[str, tuple[float, ...]]
    state: Callable[[Observation], Sequence[float]]
    tilings: Tilings
    timestep: float
    limit: float
    discount: float
    episodes: int
    level: float
    rates: tuple[float, float] = (40.0, 0.6)

    @property
    def actions(self) -> int:
        """Actions of an episode."""
        return round(self.limit / self.timestep)


class Game:
    """A world in motion, whose first states follow from a seed.

    Raises BackendError where dm_control, or Meta-World for its world, is absent.
    """

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        # Unless a user has chosen a renderer, none: both would look for OpenGL, which a server may lack.
        os.environ.setdefault("MUJOCO_GL", "disable")
        self.environment: Any
        if world.domain == "metaworld":
            self.environment = MetaWorld(world.task, seed, world.timestep, world.limit)
            return
        self.environment = _suite().load(
            world.domain,
            world.task,
            task_kwargs={"random": seed, "time_limit": world.limit},
            environment_kwargs={"control_timestep": world.timestep},
        )

    def start(self) -> Ints:
        """Begin an episode; returns the active tiles."""
        return self._seen(self.environment.reset())

    def act(self, choice: Sequence[int]) -> tuple[float, Ints, bool]:
        """Apply the chosen torque of each actor; returns the reward, the active tiles and if the time is up."""
        torques = [values[which] for values, which in zip(self.world.actors.values(), choice, strict=True)]
        moment = self.environment.step(torques)
        return float(moment.reward), self._seen(moment), bool(moment.last())

    def _seen(self, moment: Any) -> Ints:
        return self.world.tilings.active(self.world.state(moment.observation))


def _suite() -> Any:
    try:
        from dm_control import suite
    except ImportError:
        message = 'the control tasks need dm_control: pip install "hmn-lava[control]" (Python 3.10 to 3.12)'
        raise BackendError(message) from None
    return suite


def _degrees(*edges: float) -> tuple[float, ...]:
    """Edges at minus and plus these angles, in rad."""
    return _both(*(edge * pi / 180.0 for edge in edges))


def _both(*edges: float) -> tuple[float, ...]:
    """Edges at minus and plus these values."""
    return tuple(sorted([*(-edge for edge in edges), *edges]))


def cart_and_pole(seen: Observation) -> list[float]:
    """Place (m) and speed (m/s) of the cart, angle (rad, 0 upright) and speed (rad/s) of the pole."""
    place, upright, aside = seen["position"]
    return [place, seen["velocity"][0], atan2(aside, upright), seen["velocity"][1]]


def pendulum(seen: Observation) -> list[float]:
    """Angle (rad, 0 upright) and speed (rad/s)."""
    upright, aside = seen["orientation"]
    return [atan2(aside, upright), seen["velocity"][0]]


LINK = 0.12
"""Length of both links of the reacher, m."""


def arm(seen: Observation) -> list[float]:
    """What each joint can do about the target, the joints' speeds (rad/s), distance (m) and speed of all (rad/s).

    The first two are J^T d, the change of |d|^2 / -2 by the angle of the shoulder and of the wrist, m^2/rad, where d is
    the way from finger to target and J the finger's Jacobian.
    """
    shoulder, wrist = seen["position"]
    (x, y), speeds = seen["to_target"], seen["velocity"]
    hand = LINK * cos(shoulder + wrist), LINK * sin(shoulder + wrist)
    finger = LINK * cos(shoulder) + hand[0], LINK * sin(shoulder) + hand[1]
    by_shoulder, by_wrist = (px * y - py * x for px, py in (finger, hand))
    return [by_shoulder, by_wrist, speeds[0], speeds[1], hypot(x, y), hypot(*speeds)]


def hand(seen: Observation) -> list[float]:
    """The way from the hand to the goal, x, y and z, and its length, m."""
    x, y, z = seen["goal"] - seen["hand"]
    return [x, y, z, hypot(x, y, z)]


_CART = {0: _both(0.2, 0.6), 1: _both(0.2, 0.6)}
CARTPOLE = World(
    domain="cartpole",
    task="balance",
    actors={"push": (-0.4, 0.4)},
    state=cart_and_pole,
    tilings=Tilings(({2: _degrees(2, 7, 20), 3: _both(0.2, 0.7, 1.5)}, _CART)),
    timestep=0.04,
    limit=5.0,
    discount=0.98,
    episodes=80,
    level=0.6,
)

SWINGUP = World(
    domain="cartpole",
    task="swingup",
    actors={"push": (-1.0, 0.0, 1.0)},
    state=cart_and_pole,
    tilings=Tilings(
        (
            {2: _degrees(4, 12, 35, 70, 110, 150), 3: _both(0.5, 1.5, 3.0, 6.0)},
            {0: _both(0.2, 0.6), 1: _both(0.4, 1.5)},
        )
    ),
    timestep=0.06,
    limit=9.0,
    discount=0.98,
    episodes=80,
    level=0.25,
)

REACHER = World(
    domain="reacher",
    task="easy",
    actors={"shoulder": (-1.0, 0.0, 1.0), "wrist": (-1.0, 0.0, 1.0)},
    state=arm,
    tilings=Tilings(
        (
            {0: _both(0.0005, 0.0015, 0.004, 0.01), 2: _both(0.3, 1.0, 3.0)},
            {1: _both(0.0005, 0.0015, 0.004, 0.01), 3: _both(0.3, 1.0, 3.0)},
            {4: (0.03, 0.06, 0.12, 0.2, 0.3), 5: (0.5, 1.5, 4.0)},
        )
    ),
    timestep=0.08,
    limit=8.0,
    discount=0.95,
    episodes=60,
    level=0.5,
    rates=(10.0, 0.6),
)

PENDULUM = World(
    domain="pendulum",
    task="swingup",
    actors={"torque": (-1.0, 1.0)},
    state=pendulum,
    tilings=Tilings(({0: _degrees(8, 25, 50, 80, 110, 140, 165), 1: _both(0.4, 1.2, 2.5, 4.0, 6.0)},)),
    timestep=0.1,
    limit=12.0,
    discount=0.98,
    episodes=80,
    level=0.25,
)

_WAY = _both(0.01, 0.03, 0.08, 0.16)
REACH = World(
    domain="metaworld",
    task="reach-v3",
    actors={"along": (-1.0, 0.0, 1.0), "across": (-1.0, 0.0, 1.0), "up": (-1.0, 0.0, 1.0)},
    state=hand,
    tilings=Tilings(({0: _WAY}, {1: _WAY}, {2: _WAY}, {3: (0.02, 0.05, 0.1, 0.2, 0.3)})),
    timestep=0.025,
    limit=1.25,
    discount=0.95,
    episodes=80,
    level=0.5,
    rates=(10.0, 0.6),
)
