"""`hmn-lava task`: the commands; what the tasks themselves do is tested with them."""

import pytest

import hmn_lava.tasks
from hmn_lava.tasks import TASKS, Chance, Metric, TaskReport


@pytest.mark.parametrize("arguments", [["task"], ["task", "list"]])
def test_list(arguments, hmn_lava):
    done = hmn_lava(*arguments)
    assert done.code == 0
    for name, task in TASKS.items():
        assert name in done.out
        assert task.title in done.out
    assert [task["name"] for task in hmn_lava(*arguments, "--json").json["tasks"]] == list(TASKS)


def test_json_may_stand_before_the_subcommand(asked, hmn_lava):
    assert hmn_lava("task", "--json", "list").json == hmn_lava("task", "list", "--json").json
    assert hmn_lava("task", "--json", "run", "bandit").json["command"] == "task run"


ELSE = {"baselines": True, "without": (), "data": None, "workers": 1}
"""What `task run` passes on where nothing else is said."""


@pytest.fixture
def asked(monkeypatch):
    """Take the place of running a task: what the command asks for, and a report of two seeds."""
    calls = []

    def run_task(name, *, progress=None, **options):
        calls.append((name, options))
        for done in range(1, 5):
            progress(done, 4)
        metric = Metric.of([0.9, 0.8])
        chance = Chance(0.25, 0.0, (0.25, 0.25), 0.25)
        return TaskReport(
            name,
            options["backend"],
            options["plasticity"],
            options["seeds"],
            {"reward": metric},
            {"reward": chance},
            None,
        )

    monkeypatch.setattr(hmn_lava.tasks, "run_task", run_task)
    return calls


def test_run_passes_everything_on(asked, hmn_lava):
    done = hmn_lava("task", "run", "bandit", "--backend", "interpreter", "--seeds", 2, "--no-reference", "--json")
    assert done.code == 0
    assert asked == [
        ("bandit", {"backend": "interpreter", "plasticity": "neurocore", "seeds": 2, "reference": False, **ELSE})
    ]
    document = done.json
    assert set(document) == {
        "json_version",
        "command",
        "task",
        "backend",
        "plasticity",
        "seeds",
        "metrics",
        "chance",
        "reference",
        "baselines",
        "data",
        "without",
        "energy_per_update",
    }
    assert document["metrics"]["reward"] == {
        "mean": pytest.approx(0.85),
        "std": pytest.approx(0.0707, abs=1e-4),
        "per_seed": [0.9, 0.8],
    }


def test_run_prints_a_table(asked, hmn_lava):
    done = hmn_lava("task", "run", "bandit")
    assert done.code == 0
    assert asked[0][1] == {"backend": "fast", "plasticity": "neurocore", "seeds": 5, "reference": True, **ELSE}
    for text in ("reward", "0.8500", "0.2500"):
        assert text in done.out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nonsense"], 2),
        (["bandit", "--backend", "slow"], 2),
        (["bandit", "--backend", "board"], 4),
        (["bandit", "--plasticity", "x"], 2),
    ],
)
def test_wrong_names(arguments, code, hmn_lava):
    done = hmn_lava("task", "run", *arguments, "--seeds", 1, "--json")
    assert done.code == code
    assert done.json["error"]["exit_code"] == code
