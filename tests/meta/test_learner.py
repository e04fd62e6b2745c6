"""The outer loop: the sign of every step, what a checkpoint keeps, and episodes in processes."""

import csv
import json
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import psutil
import pytest

import hmn_lava as hl
from hmn_lava.errors import InputError
from hmn_lava.meta import Evaluator, MetaLearner
from hmn_lava.meta import study as studies
from hmn_lava.meta.study import run_study
from hmn_lava.spec.records import MetaLearningSpec
from hmn_lava.tasks import TASKS

BOUNDS = {"eta_global": (0.1, 50.0), "tau_slow": (8.0, 40.0)}


def meta_of(**changes):
    given = {"parameters": ["eta_global"], "every": 2, "rate": 1.0, "epsilon": 0.1, "scale": "log"}
    return MetaLearningSpec.model_validate(given | changes)


def falling(points, seeds):
    """A loss that falls with eta and rises with tau."""
    one = [1.0 / (1.0 + p["eta_global"]) + 0.01 * p.get("tau_slow", 0.0) for p in points]
    return np.array([[value] * len(seeds) for value in one])


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_spsa_goes_down_the_loss(scale):
    learner = MetaLearner.begin({"eta_global": 1.0}, BOUNDS, meta_of(scale=scale))
    rows = [learner.step(falling) for _ in range(10)]
    values = [row["eta_global"] for row in rows]
    assert all(a < b for a, b in pairwise(values))
    rising = MetaLearner.begin({"eta_global": 10.0}, BOUNDS, meta_of(scale=scale))
    for _ in range(10):
        rising.step(lambda points, seeds: -falling(points, seeds))
    assert rising.values["eta_global"] < 10.0


@pytest.mark.parametrize("seed", range(5))
def test_spsa_moves_two_parameters_their_own_ways(seed):
    given = {"eta_global": 1.0, "tau_slow": 20.0}
    learner = MetaLearner.begin(given, BOUNDS, meta_of(parameters=list(given)), seed)
    for _ in range(200):
        learner.step(falling)
    assert learner.values["eta_global"] > 1.5 and learner.values["tau_slow"] < 18.0


@pytest.mark.parametrize("seed", range(5))
def test_reinforce_goes_down_the_loss(seed):
    learner = MetaLearner.begin({"eta_global": 1.0}, BOUNDS, meta_of(method="reinforce", rate=0.02), seed)
    for _ in range(150):
        learner.step(falling)
    assert learner.values["eta_global"] > 1.3


def test_a_step_is_the_papers_equation():
    learner = MetaLearner.begin({"eta_global": 2.0}, BOUNDS, meta_of(scale="linear", rate=0.5, epsilon=0.05))
    row = learner.step(falling)
    plus, minus = row["eta_global_plus"], row["eta_global_minus"]
    assert sorted([plus, minus]) == pytest.approx([1.9, 2.1])
    gradient = (1 / (1 + plus) - 1 / (1 + minus)) / (plus - minus)
    assert learner.values["eta_global"] == pytest.approx(2.0 - 0.5 * gradient)
    learner.step(falling)
    assert abs(learner.history[1]["eta_global_plus"] - learner.history[1]["eta_global"]) == pytest.approx(0.1 / 2**0.5)


def test_both_points_of_a_pair_meet_the_same_seeds_and_no_two_steps_do():
    met = []

    def seen(points, seeds):
        met.append((len(points), list(seeds)))
        return falling(points, seeds)

    learner = MetaLearner.begin({"eta_global": 1.0}, BOUNDS, meta_of(every=3))
    learner.step(seen)
    learner.step(seen)
    assert [n for n, _ in met] == [2, 2] and len({s for _, seeds in met for s in seeds}) == 6


def test_a_parameter_stays_in_its_bounds():
    learner = MetaLearner.begin({"eta_global": 49.0}, BOUNDS, meta_of(rate=1e6))
    learner.step(falling)
    assert learner.values["eta_global"] == pytest.approx(50.0)


def test_zero_has_no_logarithm():
    with pytest.raises(InputError, match="0 has no logarithm"):
        MetaLearner.begin({"eta_global": 0.0}, {"eta_global": (0.0, 1.0)}, meta_of())


@pytest.mark.parametrize("method", ["spsa", "reinforce"])
def test_a_loop_goes_on_from_its_checkpoint(tmp_path, method):
    whole, halved = (MetaLearner.begin({"eta_global": 1.0}, BOUNDS, meta_of(method=method), 3) for _ in range(2))
    for _ in range(6):
        whole.step(falling)
    for _ in range(3):
        halved.step(falling)
    halved.save(tmp_path / "state.json")
    resumed = MetaLearner.resume(tmp_path / "state.json")
    for _ in range(3):
        resumed.step(falling)
    assert resumed.history == whole.history and resumed.values == whole.values


@pytest.mark.parametrize("text", ["", "{}", '{"hmn_lava_meta": 9}', "[1]", None])
def test_what_is_no_checkpoint(tmp_path, text):
    file = tmp_path / "state.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InputError, match="is no checkpoint"):
        MetaLearner.resume(file)


def mean_weight(session, seed):
    """A loss that falls with what 20 lessons change of the weights."""
    from hmn_lava.tasks import digits

    digits.learn(session, digits.split(seed, 1)[0][0][np.arange(20)])
    return -float(np.abs(session.real("readout.w")).mean())


@pytest.fixture(scope="module")
def bundle():
    meta = MetaLearningSpec(parameters=("eta_global",), bounds={"eta_global": (0.1, 50.0)})
    return hl.compile(TASKS["digits"].spec().model_copy(update={"meta_learning": meta}))


def test_processes_give_the_same_losses(bundle):
    points, loss = [{"eta_global": 0.2}, {"eta_global": 10.0}], TASKS["digits"].meta.loss
    with Evaluator(bundle, loss) as one, Evaluator(bundle, loss, workers=2) as two:
        expected = one.losses(points, range(3))
        assert np.array_equal(expected, two.losses(points, range(3)))
        assert np.array_equal(expected[:1], two.losses(points[:1], range(3)))
    assert (expected[1] < expected[0]).all()


def test_the_rate_goes_up_where_learning_more_is_better(bundle):
    learner = MetaLearner.begin({"eta_global": 0.5}, BOUNDS, meta_of(rate=20.0, epsilon=0.2))
    with Evaluator(bundle, mean_weight) as evaluator:
        learner.run(evaluator, 4)
    assert learner.values["eta_global"] > 0.6


def test_integers_and_float_give_the_same_loss(bundle):
    point = [{"eta_global": 2.5}]
    with Evaluator(bundle, mean_weight) as fast, Evaluator(bundle, mean_weight, backend="reference") as exact:
        assert fast.losses(point, [0]) == pytest.approx(exact.losses(point, [0]), rel=0.02)


def test_workers_must_be_a_number(bundle):
    with pytest.raises(InputError, match="not a number of processes"):
        Evaluator(bundle, mean_weight, workers=0)


def test_a_killed_study_comes_to_the_same_integers(tmp_path, monkeypatch):
    """It is ended in its third meta-step, as by a kill, and begun again."""
    whole = run_study("digits", steps=4, seeds=1, folder=tmp_path / "whole")
    lines = []

    def end(line):
        lines.append(line)
        if len(lines) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_study("digits", steps=4, seeds=1, folder=tmp_path / "halved", tell=end)
    assert len(json.loads((tmp_path / "halved" / studies.CHECKPOINT).read_text())["history"]) == 2
    again = run_study("digits", steps=4, seeds=1, folder=tmp_path / "halved")
    assert again.as_dict() == whole.as_dict()
    with open(tmp_path / "halved" / studies.CURVES) as stream:
        assert [float(row["eta_global"]) for row in csv.DictReader(stream)] == [r["eta_global"] for r in whole.history]
    with pytest.raises(InputError, match="another outer loop"):
        run_study("digits", steps=4, seeds=1, method="reinforce", folder=tmp_path / "halved")


def test_an_unknown_task():
    with pytest.raises(InputError, match="no task with meta-learning"):
        run_study("chess")


@pytest.mark.heavy
def test_a_study_whose_processes_are_killed_goes_on(tmp_path):
    """SIGKILL to the command, which its workers do not outlive; run again, it gives what an undisturbed one gives."""

    def begin(folder):
        words = ["meta", "digits", "--steps", "8", "--seeds", "1", "--workers", "2", "--json", "-o", str(folder)]
        return subprocess.Popen([sys.executable, "-m", "hmn_lava.cli", *words], stdout=subprocess.PIPE, text=True)

    checkpoint = tmp_path / "disturbed" / "checkpoint.json"
    disturbed, end = begin(tmp_path / "disturbed"), time.monotonic() + 120
    while not (checkpoint.exists() and json.loads(checkpoint.read_text())["t"] > 3):
        assert disturbed.poll() is None
        assert time.monotonic() < end
        time.sleep(0.01)
    workers = psutil.Process(disturbed.pid).children(recursive=True)
    assert len(workers) >= 2
    disturbed.kill()
    disturbed.communicate()
    assert psutil.wait_procs(workers, timeout=30)[1] == []
    assert 3 < json.loads(checkpoint.read_text())["t"] < 9
    again, undisturbed = begin(tmp_path / "disturbed"), begin(tmp_path / "undisturbed")
    found, expected = (json.loads(process.communicate(timeout=300)[0]) for process in (again, undisturbed))
    assert found == expected
    for name in ("checkpoint.json", "curves.csv"):
        assert (tmp_path / "disturbed" / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes()


@pytest.mark.heavy
def test_reinforce_finds_a_rate_that_learns(tmp_path):
    """On digits, from a rate that hardly does (mean of three tests; without learning 0.1)."""
    study = run_study("digits", method="reinforce", steps=400, seeds=3, workers=2, folder=tmp_path)
    assert study.score.mean > study.fixed[0][1].mean + 0.2
    assert study.score.mean > 0.9 * study.best.mean
