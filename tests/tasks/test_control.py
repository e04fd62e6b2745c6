"""The control tasks: tiles and worlds by hand, the closed loop step by step, and what is learned."""

import sys

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.errors import BackendError
from hmn_lava.tasks import TASKS, control, policy_gradient, run_task, worlds
from hmn_lava.tasks.control import WORLDS
from hmn_lava.tasks.tiles import Tilings

needs_dm_control = pytest.mark.skipif(sys.version_info >= (3, 13), reason="dm_control needs Python 3.12 or older")


# ---------------------------------------------------------------------------------------------------- tiles and worlds


def test_tiles_are_numbered_tiling_after_tiling_the_last_variable_fastest():
    tilings = Tilings(({0: (0.0,), 1: (-1.0, 1.0)}, {1: (0.5,)}))
    assert (len(tilings), tilings.size) == (2, 2 * 3 + 2)
    assert tilings.active([-5.0, -5.0]).tolist() == [0, 6]
    assert tilings.active([-5.0, 0.0]).tolist() == [1, 6]
    assert tilings.active([0.1, 0.6]).tolist() == [4, 7]
    assert tilings.active([0.0, 1.0]).tolist() == [1, 7]  # an edge belongs below


@pytest.mark.parametrize("name", WORLDS)
def test_the_spec_has_an_input_for_each_tile_and_a_neuron_for_each_torque(name):
    world, spec = WORLDS[name], TASKS[name].spec()
    assert spec.populations["tiles"].size == world.tilings.size
    assert {actor: spec.populations[actor].size for actor in world.actors} == {
        actor: len(torques) for actor, torques in world.actors.items()
    }
    assert spec.populations["value"].bias == control.REST
    assert spec.populations["error"].range == (-control.LARGEST, control.LARGEST)
    assert spec.oscillators["theta"].period == control.PERIOD


@needs_dm_control
@pytest.mark.parametrize("name", WORLDS)
def test_an_episode_follows_the_seed_and_lasts_as_long_as_the_world_says(name):
    def episode(seed):
        game, seen, over = worlds.Game(WORLDS[name], seed), [], False
        seen.append(game.start().tolist())
        while not over:
            reward, tiles, over = game.act([len(seen) % len(torques) for torques in WORLDS[name].actors.values()])
            assert 0.0 <= reward <= 1.0
            seen.append(tiles.tolist())
        return seen

    first = episode(3)
    assert len(first) == WORLDS[name].actions + 1
    assert episode(3) == first
    assert episode(4) != first


@needs_dm_control
def test_angles_are_0_upright_and_speeds_are_their_derivatives():
    for world, angle, speed in ((worlds.CARTPOLE, 2, 3), (worlds.CARTPOLE, 0, 1), (worlds.PENDULUM, 0, 1)):
        game = worlds.Game(world, 0)
        game.start()
        physics, task = game.environment.physics, game.environment.task
        with physics.reset_context():
            physics.data.qpos[:] = 0.01
            physics.data.qvel[:] = 0.3
        before = world.state(task.get_observation(physics))
        assert before[angle] == pytest.approx(0.01)
        physics.step()
        after = world.state(task.get_observation(physics))
        assert (after[angle] - before[angle]) / physics.timestep() == pytest.approx(after[speed], rel=0.02)
        assert before[speed] == pytest.approx(0.3)


@needs_dm_control
def test_what_a_joint_can_do_about_the_target_is_the_slope_of_half_the_squared_distance():
    """Against differences of the physics' own distance, for ten poses."""
    game = worlds.Game(worlds.REACHER, 0)
    physics = game.environment.physics

    def half_square():
        return 0.5 * float(np.sum(physics.finger_to_target() ** 2))

    for _ in range(10):
        game.start()
        pose = physics.data.qpos.copy()
        found = worlds.arm(game.environment.task.get_observation(physics))
        for joint in range(2):
            ends = []
            for shift in (-1e-4, 1e-4):
                physics.data.qpos[:] = pose
                physics.data.qpos[joint] += shift
                physics.forward()
                ends.append(half_square())
            assert found[joint] == pytest.approx((ends[0] - ends[1]) / 2e-4, rel=1e-4, abs=1e-8)
            physics.data.qpos[:] = pose
            physics.forward()
        assert found[4] == pytest.approx((2 * half_square()) ** 0.5)


@pytest.mark.parametrize(("package", "world"), [("dm_control", worlds.CARTPOLE), ("metaworld", worlds.REACH)])
def test_without_the_package_the_remedy_is_named(monkeypatch, package, world):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(BackendError, match=r'pip install "hmn-lava\[control\]"'):
        worlds.Game(world, 0)


@needs_dm_control
def test_the_hand_goes_where_it_is_pushed_and_the_goal_stays():
    game = worlds.Game(worlds.REACH, 0)
    game.start()
    first = worlds.hand(game.environment.step([0.0, 0.0, 0.0]).observation)
    for axis in range(3):
        before = first
        for _ in range(4):
            first = worlds.hand(game.environment.step(np.eye(3)[axis]).observation)
        moved = np.array(before[:3]) - np.array(first[:3])
        assert moved.argmax() == axis
        assert moved[axis] > 0.02
        assert first[3] == pytest.approx(np.linalg.norm(first[:3]))


# ------------------------------------------------------------------------------------------------------------ the loop


class Recorded:
    """A session that keeps what it was fed: tiles, error and mark, side by side."""

    def __init__(self, session):
        self.session, self.backend, self.fed = session, session.backend, []

    def latency(self, name):
        return self.session.latency(name)

    def run(self, inputs=None, steps=None, probes=(), outputs=True):
        n = steps if inputs is None else len(next(iter(inputs.values())))
        sizes = {"tiles": self.session.network.inputs["tiles"].size, "error": 1, "mark": 1}
        given = inputs or {}
        self.fed.append(np.concatenate([given.get(name, np.zeros((n, size))) for name, size in sizes.items()], axis=1))
        return self.session.run(inputs, steps, probes, outputs)


class Script:
    """A game of two actions with known rewards."""

    def __init__(self, rewards, tiles):
        self.rewards, self.tiles, self.chosen = rewards, [np.array(active) for active in tiles], []

    def start(self):
        return self.tiles[0]

    def act(self, choice):
        self.chosen.append(choice)
        n = len(self.chosen)
        return self.rewards[n - 1], self.tiles[n], n == len(self.rewards)


BACKENDS = [
    ("neurocore", "fast", "as-compiled"),
    ("engine", "fast", "as-compiled"),
    ("neurocore", "reference", "as-compiled"),
    ("neurocore", "reference", "ideal"),
]


@pytest.mark.parametrize(("plasticity", "backend", "latency"), BACKENDS)
def test_a_control_step_is_as_described_whatever_the_latency(plasticity, backend, latency):
    """With learning off all values stay what they are at first, V, so that delta = (1 - gamma) (r - V), clipped."""
    bundle = hl.compile(TASKS["cartpole"].spec(learning=False), plasticity=plasticity)
    session = Recorded(bundle.session(backend, latency=latency))
    game = Script([1.0, -20.0], [[5, 60], [6, 61], [7, 62]])
    reward = control.Agent(session, worlds.CARTPOLE).episode(game)
    assert reward == pytest.approx(-9.5)
    fed, n = np.concatenate(session.fed), worlds.CARTPOLE.tilings.size
    assert len(fed) == control.PERIOD * (3 + control.PAUSE)
    tiles, error, mark = fed[:, :n], fed[:, n], fed[:, n + 1]
    shown = {0: [5, 60], 5: [5, 60], 10: [6, 61], 15: [6, 61], 20: [7, 62]}
    assert {step: np.flatnonzero(tiles[step]).tolist() for step in np.flatnonzero(tiles.any(1))} == shown
    assert np.flatnonzero(mark).tolist() == [5, 15]
    value = 2 * TASKS["cartpole"].spec().connections["critic"].weights
    assert np.flatnonzero(error).tolist() == [14, 24]
    assert error[14] == pytest.approx(0.02 * (1.0 - value), abs=1e-3 if plasticity == "neurocore" else 0.01)
    assert error[24] == -control.LARGEST


@pytest.mark.parametrize("plasticity", ["neurocore", "engine"])
@pytest.mark.parametrize("error", [0.2, -0.2])
def test_the_error_goes_to_what_was_chosen_and_to_the_value_of_where(plasticity, error):
    """Up with a positive error, down with a negative one; the actor's others do not move, nor do other tiles."""
    spec = TASKS["cartpole"].spec(without=["probabilistic_gate", "secondary_modulators"])
    session = hl.compile(spec, plasticity=plasticity).session()
    agent = control.Agent(session, worlds.CARTPOLE)
    first = session.real("critic.w").reshape(-1).copy()
    agent.look(np.array([5, 60]))
    chosen = agent.act(0.0)[0]
    agent.look(np.array([6, 61]))
    agent.act(error)
    session.run(steps=control.PERIOD)  # until the weights show
    policy, critic = session.real("policy.w").reshape(2, -1), session.real("critic.w").reshape(-1) - first
    other = 1 - chosen
    assert np.flatnonzero(policy[chosen]).tolist() == [5, 60]
    assert np.flatnonzero(policy[other]).tolist() == []
    assert np.all(np.sign(policy[chosen, [5, 60]]) == np.sign(error))
    assert set(np.flatnonzero(critic)) <= {5, 60}
    assert np.all(critic * error >= 0.0)


def test_the_metrics_are_of_the_last_quarter_of_all_and_of_when_the_level_was_reached():
    world = worlds.CARTPOLE
    rewards = np.array([0.2] * 8 + [0.8] * 4)
    found = control.measured(world, rewards)
    assert found["final_return"] == pytest.approx(0.8)
    assert found["area"] == pytest.approx(0.4)
    # The first five in a row with a mean of at least 0.6: 0.2, 0.8 x 4 have 0.68; two of 0.2 have 0.56.
    assert found["steps_to_level"] == 12 * world.actions
    assert control.measured(world, np.full(12, 0.1))["steps_to_level"] == 12 * world.actions
    assert control.measured(world, np.full(12, 0.9))["steps_to_level"] == 5 * world.actions


# ---------------------------------------------------------------------------------------------------- what is learned


def test_the_policy_gradient_follows_the_gradient(monkeypatch):
    """One action: delta and the preferences by hand, seen in the probabilities of the next choice."""
    asked = []

    class Draws:
        def choice(self, n, p):
            asked.append(np.array(p))
            return 0

    monkeypatch.setattr(policy_gradient, "Game", lambda world, seed: Script([1.0, 0.0], [[5, 60], [5, 60], [5, 60]]))
    monkeypatch.setattr(policy_gradient.np.random, "default_rng", lambda seed: Draws())
    world = worlds.CARTPOLE
    policy_gradient.actor_critic(world, 0, 1, policy=10.0, value=0.0, optimism=0.5)
    delta = 0.02 * 1.0 + 0.98 * 0.5 - 0.5
    gap = 2 * (10.0 / 2) * delta * ((1 - 0.5) + 0.5)  # two tiles; up by 1 - 1/2, the other down by 1/2
    assert asked[0].tolist() == [0.5, 0.5]
    assert asked[1][0] == pytest.approx(1.0 / (1.0 + np.exp(-gap)))


@needs_dm_control
def test_some_episodes_teach_the_reacher():
    """Episodes 11 to 15 in integers: above 0.3, where random torques have 0.06."""
    rewards = control.play(hl.compile(TASKS["reacher"].spec(), seed=0).session(), worlds.REACHER, 0, episodes=15)
    assert rewards[10:].mean() > 0.3


@needs_dm_control
@pytest.mark.heavy
@pytest.mark.parametrize("name", WORLDS)
def test_the_chance_level_is_that_of_random_torques(name):
    """Over the episodes of five seeds, within 5 standard errors of the stated one."""
    world = WORLDS[name]
    found = np.concatenate([policy_gradient.blind(world, seed, 12) for seed in range(100, 105)])
    assert abs(found.mean() - TASKS[name].chance["final_return"]) < 5 * found.std() / len(found) ** 0.5 + 1e-3


@needs_dm_control
@pytest.mark.heavy
@pytest.mark.parametrize(("name", "gap"), [("cartpole", 0.08), ("reacher", 0.5), ("reach", 0.1)])
def test_the_network_learns_to_control(name, gap):
    """Three seeds in integers: each above learning off and above random torques; the mean by at least the gap.

    Measured gaps are half as large again, see docs/results/p2.md. Without learning it is as random torques are.
    """
    report = run_task(name, seeds=3, baselines=True)
    learned, off = report.metrics["final_return"], report.chance["final_return"]
    random = report.baselines["random"]["final_return"]
    for other in (off, random):
        assert all(mine > its for mine, its in zip(learned.per_seed, other.per_seed, strict=True))
        assert learned.mean - other.mean > gap
    assert abs(off.mean - random.mean) < 0.06
