"""The bandit task: its world, its closed loop step by step, and what it learns in integers and in float."""

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.tasks import TASKS, bandit, run_task


def test_the_world_is_as_described_and_follows_the_seed():
    world = bandit.World.of(5)
    assert world.pay.shape == (8, 4)
    assert world.context.shape == world.luck.shape == (3000,)
    ordered = np.sort(world.pay, axis=1)
    assert np.all(ordered[:, -1] == 0.9)
    assert np.all((ordered[:, :-1] >= 0.1) & (ordered[:, :-1] <= 0.5))
    assert set(world.context) == set(range(8))
    again, other = bandit.World.of(5), bandit.World.of(6)
    assert np.array_equal(world.luck, again.luck)
    assert not np.array_equal(world.luck, other.luck)


def test_an_arm_pays_where_the_luck_is_below_its_probability():
    pay = np.full((8, 4), 0.2)
    pay[:, 2] = 0.9
    world = bandit.World(pay, np.array([0, 1, 2, 3]), np.array([0.1, 0.5, 0.95, 0.2]))
    assert world.oracle.tolist() == [2, 2, 2, 2]
    assert world.paid(world.oracle).tolist() == [True, True, False, True]
    assert world.paid(np.array([0, 0, 0, 0])).tolist() == [True, False, False, False]


class Recorded:
    """A session that keeps what it was fed."""

    def __init__(self, session):
        self.session, self.backend, self.fed, self.result = session, session.backend, [], []

    def latency(self, name):
        return self.session.latency(name)

    def run(self, inputs=None, steps=None, probes=(), outputs=True):
        n = len(next(iter(inputs.values())))
        columns = [inputs.get(name, np.zeros((n, size))) for name, size in (("context", 8), ("reward", 1))]
        self.fed.append(np.concatenate(columns, axis=1))
        return self.session.run(inputs, steps, probes, outputs)


BACKENDS = [("fast", "as-compiled"), ("reference", "as-compiled"), ("reference", "ideal")]


@pytest.mark.parametrize(("backend", "latency"), BACKENDS)
def test_a_trial_has_its_context_at_step_0_and_its_reward_at_step_10_whatever_the_latency(backend, latency):
    world = bandit.World.of(0, 5)
    session = Recorded(hl.compile(TASKS["bandit"].spec()).session(backend, latency=latency))
    arms = bandit.play(session, world)
    fed = np.concatenate(session.fed).reshape(5, 16, 9)
    assert np.array_equal(fed[:, 0, :8], np.eye(8)[world.context])
    assert np.array_equal(fed[:, 10, 8], np.where(world.paid(arms), 1.0, -1.0))
    assert np.count_nonzero(fed) == 10


def test_the_arm_that_is_credited_is_the_one_whose_synapse_learns():
    """After one trial only the weight from the context to the chosen arm has moved.

    Up if it paid, down if not, where it moved by more than the 0.02 that doubt and novelty can do without a reward.
    """
    bundle = hl.compile(TASKS["bandit"].spec())
    moved = 0
    for trial in range(20):
        world = bandit.World.of(trial, 1)
        session = bundle.session()
        session.run(steps=16 * trial)  # other draws of the same streams
        arm = bandit.play(session, world)[0]
        session.run(steps=16)
        w = session.real("policy.w").reshape(4, 8)
        change = w[arm, world.context[0]]
        assert np.count_nonzero(w) == np.count_nonzero(change)
        if abs(change) > 0.02:
            moved += 1
            assert (change > 0) == world.paid(np.array([arm]))[0]
    assert moved >= 10


def test_rewards_are_counted_over_the_last_third_and_regret_over_all(monkeypatch):
    world = bandit.World.of(0, 30)
    arms = np.where(np.arange(30) < 20, (world.oracle + 1) % 4, world.oracle)  # wrong at first, then right
    monkeypatch.setattr(bandit, "play", lambda session, world, tick: arms)
    figures = bandit.run(None, 0, trials=30)
    assert figures["reward_of_oracle"] == 1.0
    assert figures["reward"] == np.mean(world.luck[20:] < 0.9)
    assert figures["regret"] == pytest.approx(sum(0.9 - world.pay[world.context[k], arms[k]] for k in range(20)))


def test_the_chance_level_is_that_of_random_choice():
    """Pay of 200 worlds if every arm is chosen as often: 0.45 within 5 standard errors, as the task states."""
    pays = np.array([bandit.World.of(seed, 1).pay.mean() for seed in range(200)])
    assert abs(pays.mean() - TASKS["bandit"].chance["reward"]) < 5 * pays.std() / 200**0.5
    assert TASKS["bandit"].chance["reward_of_oracle"] == pytest.approx(0.5)
    assert TASKS["bandit"].chance["regret"] == pytest.approx(1350.0)


def test_progress_is_told_ten_times():
    for trials in (30, 37, 600):
        heard = []
        session = hl.compile(TASKS["bandit"].spec(learning=False)).session()
        bandit.play(session, bandit.World.of(0, trials), lambda heard=heard: heard.append(1))
        assert len(heard) == TASKS["bandit"].parts


def test_a_few_hundred_trials_teach_and_without_learning_it_is_chance():
    """The last 200 of 600 trials: above 0.9 of the oracle, where chance is 0.5, within 5 standard errors."""
    task = TASKS["bandit"]
    learned = bandit.run(hl.compile(task.spec()).session(), 0, trials=600)
    assert learned["reward_of_oracle"] > 0.9
    blind = bandit.run(hl.compile(task.spec(learning=False)).session(), 0, trials=600)
    assert abs(blind["reward"] - 0.45) < 5 * (0.25 / 200) ** 0.5


@pytest.mark.heavy
def test_the_bandit_reaches_what_is_promised():
    """Over 10 seeds: at least 0.92 of the oracle in float, integers within 0.02 of it; without learning below 0.6.

    In the learning engine, over 5 of them, within 0.03 of float.
    """
    report = run_task("bandit", seeds=10, reference=True)
    integers, exact = report.metrics["reward_of_oracle"], report.reference["reward_of_oracle"]
    assert exact.mean >= 0.92
    assert integers.mean >= 0.92
    assert abs(integers.mean - exact.mean) <= 0.02
    engine = run_task("bandit", seeds=5, plasticity="engine").metrics["reward_of_oracle"]
    assert abs(engine.mean - np.mean(exact.per_seed[:5])) <= 0.03
    assert abs(report.chance["reward_of_oracle"].mean - 0.5) < 0.1
