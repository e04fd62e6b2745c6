"""The runs behind docs/results.md, and the page's tables."""

import json
import math
import re

import pytest
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.roadmap import runs as module
from benchmarks.roadmap.page import PAGE, PLACE, fill
from benchmarks.roadmap.runs import KEPT, Run, differences, read_runs

RUNS = read_runs()
MINUTES = 2.0
"""Runs that the long tests do again."""


def test_differences_are_found_and_only_beyond_the_tolerance():
    kept = {"a": {"mean": 0.5, "per_seed": [1.0, 200.0]}, "task": "bandit", "reference": None}
    assert list(differences(kept, json.loads(json.dumps(kept)), 0.0)) == []
    near = {"a": {"mean": 0.504, "per_seed": [1.0, 200.9]}, "task": "bandit", "reference": None}
    assert list(differences(kept, near, 0.005)) == []
    assert [line.split(":")[0] for line in differences(kept, near, 0.003)] == ["a.mean", "a.per_seed[1]"]
    other = {"a": {"mean": math.nan, "per_seed": [1.0]}, "task": "digits", "more": 1}
    assert {line.split(":")[0] for line in differences(kept, other, 0.1)} == {"a.mean", "a.per_seed", "more", "task"}


@pytest.mark.parametrize("name", RUNS)
def test_every_run_is_kept_and_of_its_command(name):
    kept = RUNS[name].kept
    words = RUNS[name].command.split()
    assert kept["task"] in words
    assert kept["plasticity"] == (words[words.index("--plasticity") + 1] if "--plasticity" in words else "neurocore")
    assert RUNS[name].picture is None or RUNS[name].picture.exists()
    assert kept["seeds"] == (int(words[words.index("--seeds") + 1]) if "--seeds" in words else 5)


def test_the_page_shows_what_is_kept():
    text = PAGE.read_text()
    assert fill(text, RUNS) == text
    shown = {name for found in PLACE.finditer(text) for name in found[2].split()}
    assert shown == set(RUNS)
    assert {f"{name}.json" for name in RUNS} <= {path.name for path in KEPT.iterdir()}
    pictures = set(re.findall(r"\(results/([\w-]+\.png)\)", text))
    assert pictures == {run.picture.name for run in RUNS.values() if run.picture is not None}
    assert all((KEPT / name).exists() for name in pictures)


@pytest.fixture
def quick(monkeypatch, tmp_path):
    """One quick run, kept elsewhere."""
    run = Run("quick", "task run digits --seeds 1 --no-reference", 0.1, 0.005)
    for place in ("KEPT", "BUILD"):
        monkeypatch.setattr(module, place, tmp_path / place)
    (tmp_path / "KEPT").mkdir()
    monkeypatch.setattr("benchmarks.roadmap.commands.read_runs", lambda: {"quick": run})
    return run


def test_a_run_is_kept_and_a_change_is_found(quick):
    runner = CliRunner()
    assert runner.invoke(app, ["roadmap", "run"], catch_exceptions=False).exit_code == 0
    assert "quick: as kept" in runner.invoke(app, ["roadmap", "check"], catch_exceptions=False).output
    kept = quick.kept
    kept["metrics"]["test_accuracy"]["mean"] += 0.01
    quick.file.write_text(json.dumps(kept))
    done = runner.invoke(app, ["roadmap", "check", "quick"], catch_exceptions=False)
    assert done.exit_code == 1
    assert "metrics.test_accuracy.mean: kept" in done.output
    assert runner.invoke(app, ["roadmap", "check", "slow"]).exit_code == 2


@pytest.mark.heavy
@pytest.mark.parametrize("name", [name for name, run in RUNS.items() if run.minutes <= MINUTES])
def test_a_command_gives_what_the_page_shows(name, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "BUILD", tmp_path)
    assert RUNS[name].changes(RUNS[name].do()) == []
