"""What a task is made of, and the report of one."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.tasks import TASKS, Metric, run_task
from hmn_lava.tasks.base import latency_below
from hmn_lava.tasks.control import CONTROL
from hmn_lava.tasks.cost import energy_per_update

EXAMPLES = Path(__file__).parents[2] / "examples"
WITH_DATA = [name for name in TASKS if name != "cifar-c"]
"""Tasks that have data of their own."""


def test_a_metric_is_the_mean_and_the_sample_deviation():
    assert Metric.of([1.0, 2.0, 6.0]) == Metric(3.0, 7.0**0.5, (1.0, 2.0, 6.0))
    assert Metric.of([0.25]) == Metric(0.25, 0.0, (0.25,))


@pytest.mark.parametrize("name", TASKS)
def test_the_examples_show_the_very_specs_of_the_tasks(name):
    assert (EXAMPLES / TASKS[name].spec_file.name).read_bytes() == TASKS[name].spec_file.read_bytes()


@pytest.mark.parametrize("name", TASKS)
def test_without_learning_every_rule_is_off_and_all_else_stays(name):
    on, off = TASKS[name].spec(), TASKS[name].spec(learning=False)
    assert {c.learning for c in on.connections.values() if c.type == "hmn"} == {True}
    assert {c.learning for c in off.connections.values() if c.type == "hmn"} == {False}
    assert off.populations == on.populations
    assert hl.compile(off).model.connections.keys() == hl.compile(on).model.connections.keys()


@pytest.mark.parametrize("name", TASKS)
def test_metrics_and_chance_levels_have_the_same_names(name):
    assert TASKS[name].metrics.keys() == TASKS[name].chance.keys()


def test_a_backend_that_answers_too_late_is_refused():
    session = hl.compile(TASKS["digits"].spec()).session()
    late = session.latency("readout.w")
    assert latency_below(session, "readout.w", late + 1) == late
    with pytest.raises(hl.FitError, match=rf"readout\.w: {late} steps late \(limit {late - 1} steps\)"):
        latency_below(session, "readout.w", late)


# run_task; the protocol is replaced by one that says what it was given


@pytest.fixture
def told(monkeypatch):
    """Runs of a fake task: (backend, seed, seed of the network, does it learn)."""
    calls = []

    def run(session, seed, tick):
        learning = "readout.G" in session.network.signals
        calls.append((session.backend, seed, learning))
        tick()
        return {"test_accuracy": seed + 0.5 * learning, "first_pass_accuracy": 0.0}

    monkeypatch.setitem(TASKS, "digits", replace(TASKS["digits"], run=run, parts=1))
    return calls


def test_each_seed_runs_with_learning_and_without(told):
    report = run_task("digits", seeds=2)
    assert sorted(told) == [("fast", 0, False), ("fast", 0, True), ("fast", 1, False), ("fast", 1, True)]
    assert report.metrics["test_accuracy"] == Metric(1.0, 0.5**0.5, (0.5, 1.5))
    assert report.chance["test_accuracy"].per_seed == (0.0, 1.0)
    assert report.chance["test_accuracy"].expected == 0.1
    assert report.reference is None


def test_the_reference_runs_on_request(told):
    report = run_task("digits", seeds=1, reference=True)
    assert sorted(told) == [("fast", 0, False), ("fast", 0, True), ("reference", 0, True)]
    assert report.reference == report.metrics


def test_the_reference_is_not_run_twice(told):
    report = run_task("digits", seeds=1, backend="reference", reference=True)
    assert sorted(told) == [("reference", 0, False), ("reference", 0, True)]
    assert report.reference == report.metrics


def test_the_report_is_plain_values_with_the_promised_keys(told):
    content = json.loads(json.dumps(run_task("digits", seeds=2, reference=True).as_dict()))
    promised = {"task", "backend", "plasticity", "seeds", "metrics", "chance", "reference"}
    assert set(content) == promised | {"baselines", "data", "without", "energy_per_update"}
    told_of_run = [content[key] for key in ("task", "backend", "plasticity", "seeds")]
    assert told_of_run == ["digits", "fast", "neurocore", 2]
    for section, keys in (("metrics", set()), ("reference", set()), ("chance", {"expected"})):
        assert set(content[section]) == {"test_accuracy", "first_pass_accuracy"}
        for figure in content[section].values():
            assert set(figure) == {"mean", "std", "per_seed"} | keys
            assert len(figure["per_seed"]) == 2


@pytest.mark.parametrize(("reference", "total"), [(False, 4), (True, 6)])
def test_progress_counts_up_to_the_total(told, reference, total):
    heard = []
    run_task("digits", seeds=2, reference=reference, progress=lambda done, of: heard.append((done, of)))
    assert heard == [(done, total) for done in range(1, total + 1)]


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"name": "chess"}, "task"),
        ({"name": "digits", "seeds": 0}, "seeds"),
        ({"name": "digits", "seeds": 1001}, "seeds"),
        ({"name": "digits", "seeds": 1.5}, "seeds"),
        ({"name": "digits", "backend": "abacus"}, "backend"),
        ({"name": "digits", "plasticity": "elastic"}, "plasticity"),
    ],
)
def test_wrong_arguments_are_named(told, arguments, field):
    with pytest.raises(hl.InputError) as error:
        run_task(**arguments)
    assert error.value.field == field
    assert told == []


def test_a_backend_that_is_not_here_is_not_replaced(told):
    with pytest.raises(hl.BackendError, match="board"):
        run_task("digits", backend="board")
    assert told == []


def test_baselines_run_on_request_and_only_once_a_seed(told, monkeypatch):
    asked = []

    def other(seed):
        asked.append(seed)
        return {"test_accuracy": 0.25 * seed, "first_pass_accuracy": 1.0}

    monkeypatch.setitem(TASKS, "digits", replace(TASKS["digits"], baselines={"other": other}))
    assert run_task("digits", seeds=2).baselines == {}
    heard = []
    report = run_task("digits", seeds=2, baselines=True, progress=lambda done, of: heard.append((done, of)))
    assert asked == [0, 1]
    assert report.baselines == {
        "other": {"test_accuracy": Metric.of([0.0, 0.25]), "first_pass_accuracy": Metric.of([1.0, 1.0])}
    }
    assert heard[-1] == (6, 6)


def test_a_task_on_own_data(told, monkeypatch, tmp_path):
    with pytest.raises(hl.InputError, match=r"(?s)the task has its own data.*tasks that take data: "):
        run_task("bandit", data=tmp_path)

    def on(path):
        raise hl.InputError("no images", where=str(path))

    monkeypatch.setitem(TASKS, "digits", replace(TASKS["digits"], on=on))
    with pytest.raises(hl.InputError, match="no images"):
        run_task("digits", data=tmp_path)
    with pytest.raises(hl.InputError, match=r"tasks that take data: .*digits"):
        run_task("bandit", data=tmp_path)


def test_a_subsystem_that_is_cut_is_not_in_the_network(monkeypatch):
    seen = []

    def run(session, seed, tick):
        seen.append("readout.alpha" in session.network.signals)
        tick()
        return dict.fromkeys(TASKS["digits"].metrics, 0.0)

    monkeypatch.setitem(TASKS, "digits", replace(TASKS["digits"], run=run, parts=1))
    run_task("digits", seeds=1)
    report = run_task("digits", seeds=1, without=["attention"])
    assert seen == [True, False, False, False]
    assert report.without == ("attention",)


SLOW = {task.name for task in CONTROL} | {"mnist-c"}
"""Tasks whose baselines take more than a moment."""

TOO_HARD = {"cartpole-swingup", "pendulum", "reach"}
"""Tasks whose baselines are not above chance on every seed."""


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.heavy if name in SLOW else ()) for name in WITH_DATA if name not in TOO_HARD],
)
def test_baselines_have_the_tasks_metrics(name):
    for baseline in TASKS[name].baselines.values():
        found = baseline(0)
        assert found.keys() == TASKS[name].metrics.keys()
        score = next(iter(TASKS[name].metrics))
        assert found[score] > TASKS[name].chance[score]


def test_processes_share_the_seeds_and_change_nothing():
    alone = run_task("digits", seeds=2, baselines=True)
    assert run_task("digits", seeds=2, baselines=True, workers=2) == alone


@pytest.mark.parametrize("name", ["bandit", "digits", "mnist-c", "reacher"])
def test_energy_is_that_of_a_profile_of_the_tasks_own_inputs(name):
    task = TASKS[name]
    excerpt = task.excerpt(0)
    bundle = hl.compile(task.spec())
    expected = hl.profile(bundle, excerpt).as_dict()["energy_per_update"]
    found = energy_per_update(task, "neurocore")
    assert {key: expected[key] for key in found} == found
    assert 0 < found["low"] < found["typical"] < found["high"]
    assert "terms" not in found
    # Inputs such as the task feeds: every population has some.
    assert all(np.any(values) for values in excerpt.values())
    cut = energy_per_update(task, "neurocore", without=["attention"])
    assert cut["learning_only"]["typical"] < found["learning_only"]["typical"]


def test_without_a_stretch_of_inputs_energy_is_that_of_the_stimulus():
    task = replace(TASKS["bandit"], excerpt=None)
    report = hl.profile(hl.compile(task.spec()), steps=1000).as_dict()
    assert energy_per_update(task, "neurocore")["typical"] == report["energy_per_update"]["typical"]
