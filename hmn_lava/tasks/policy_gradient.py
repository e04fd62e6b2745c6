"""Baselines of the control tasks: random torques, and a one-step actor-critic in floats on the same tiles.

Source: Sutton & Barto (2018), section 13.5: theta += rate delta (gradient of log pi), v += rate delta (gradient of v),
delta = (1 - gamma) r + gamma V(now) - V(before), with a softmax over preferences that are linear in the tiles. It has
no traces.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hmn_lava.tasks.worlds import Game, World

OPTIMISM = 0.8
"""Value of all states at first."""

Floats = NDArray[np.float64]


def blind(world: World, seed: int, episodes: int) -> Floats:
    """Mean reward of each episode with torques drawn uniformly, (episodes,)."""
    draws, game = np.random.default_rng(seed), Game(world, seed)
    found = np.zeros(episodes)
    for episode in range(episodes):
        rewards, over = [], False
        game.start()
        while not over:
            reward, _, over = game.act([int(draws.integers(len(torques))) for torques in world.actors.values()])
            rewards.append(reward)
        found[episode] = np.mean(rewards)
    return found


def actor_critic(
    world: World,
    seed: int,
    episodes: int,
    *,
    policy: float | None = None,
    value: float | None = None,
    optimism: float = OPTIMISM,
) -> Floats:
    """Mean reward of each episode with a one-step actor-critic that learns, (episodes,).

    The rates, the world's own if left out, are divided by the number of tilings.
    """
    policy = world.rates[0] if policy is None else policy
    value = world.rates[1] if value is None else value
    draws, game, gamma = np.random.default_rng(seed), Game(world, seed), world.discount
    m, n = len(world.tilings), world.tilings.size
    v, thetas = np.full(n, optimism / m), [np.zeros((len(torques), n)) for torques in world.actors.values()]
    found = np.zeros(episodes)
    for episode in range(episodes):
        tiles, over, rewards = game.start(), False, []
        while not over:
            chances = [_softmax(theta[:, tiles].sum(1)) for theta in thetas]
            choice = [int(draws.choice(len(p), p=p)) for p in chances]
            reward, after, over = game.act(choice)
            delta = (1.0 - gamma) * reward + gamma * v[after].sum() - v[tiles].sum()
            v[tiles] += value / m * delta
            for theta, p, chosen in zip(thetas, chances, choice, strict=True):
                theta[:, tiles] += policy / m * delta * ((np.arange(len(p)) == chosen) - p)[:, None]
            tiles = after
            rewards.append(reward)
        found[episode] = np.mean(rewards)
    return found


def _softmax(preferences: Floats) -> Floats:
    weights = np.exp(preferences - preferences.max())
    shares: Floats = weights / weights.sum()
    return shares
