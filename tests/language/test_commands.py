"""The commands of a language model, from a text to its figures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hmn_lava.cli import main
from hmn_lava.language import demo, evaluation, report
from hmn_lava.meta import language as tuning


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command: its code, stdout and stderr."""

    def command(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main.run([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return command


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, long_folder: Path, spoken: Callable[..., str]) -> Path:
    """A folder with two texts, a fitted spec and its bundle."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "one.txt").write_text(spoken(1500))
    (folder / "two.txt").write_text(spoken(1500, style=1))
    fit = ["language", "fit", folder / "one.txt", "-o", folder / "spec", "--encoder", long_folder, "--json"]
    for command in ([*fit, "--known", 50, "--width", 4], ["compile", folder / "spec", "-o", folder / "bundle"]):
        assert main.run([str(argument) for argument in command]) == 0
    return folder


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"READ": 40, "TEST": 20, "AGAIN": 10, "SENTENCES": 4, "HALVINGS": 2}.items():
        monkeypatch.setattr(evaluation, name, value)
    monkeypatch.setattr(report, "PRICED", 8)
    monkeypatch.setattr(demo, "EVERY", 10)
    for name, value in {"TOKENS": 10, "BEHIND": 50, "SECTIONS": 20}.items():
        monkeypatch.setattr(tuning, name, value)


def refused(done: tuple[int, str, str], *says: str) -> None:
    """One error with a remedy, and nothing on stdout."""
    code, out, err = done
    assert (code, out) == (2, "")
    assert err.count("remedy:") == 1 and "Traceback" not in err
    for part in says:
        assert part in err


def test_fit_says_how_good_it_is_and_what_to_do_next(run, made, long_folder, tmp_path):
    given = ("language", "fit", made / "one.txt", "-o", tmp_path / "a", "--encoder", long_folder, "--width", 4)
    code, out, err = run(*given)
    assert (code, out) == (0, "") and "perplexity of" in err and f"hmn-lava compile {tmp_path / 'a'}" in err
    code, out, _ = run(*given[:-4], "--encoder", long_folder, "--width", 4, "-o", tmp_path / "b", "--json")
    found = json.loads(out)
    assert found["command"] == "language fit" and Path(found["file"]).is_file()
    assert found["held"] == pytest.approx(found["tokens"] / 9, rel=0.01) and 1 < found["perplexity"] < 200


def read(run: Any, made: Path, folder: Path, *options: object) -> tuple[int, str, str]:
    return run("run", made / "bundle", "--encoder", folder, *options)


def test_run_reads_texts_as_they_come(run, made, long_folder, small):
    texts = ("--text", made / "one.txt", "--text", made / "two.txt", "--text", made / "one.txt", "--tokens", 26)
    code, out, err = read(run, made, long_folder, *texts, "--json")
    found = json.loads(out)
    assert (code, found["command"], found["learn"]) == (0, "run", True)
    points = found["points"]
    assert [Path(p["text"]).name for p in points] == ["one.txt"] * 3 + ["two.txt"] * 3 + ["one.txt"] * 3
    assert [p["tokens"] for p in points] == [10, 20, 25] * 3
    assert points[0]["frozen"] != points[6]["frozen"]  # a text goes on where it was left
    assert all(p["ratio"] == pytest.approx(p["adapted"] / p["frozen"]) for p in points)
    assert points[-1]["ratio"] != 1.0 and err.count(".txt") == 9
    code, out, _ = read(run, made, long_folder, *texts)
    assert code == 0 and out.count(".txt") == 9
    found = json.loads(read(run, made, long_folder, *texts, "--no-learn", "--json")[1])
    assert all(p["ratio"] == pytest.approx(1.0, abs=1e-4) for p in found["points"])


def test_profile_prices_a_token(run, made, long_folder):
    given = ("profile", made / "bundle", "--text", made / "two.txt", "--tokens", 8, "--encoder", long_folder)
    code, out, _ = run(*given, "--json")
    found = json.loads(out)["per_token"]
    assert code == 0 and found["tokens"] == 7
    code, out, err = run(*given)
    assert code == 0 and "adapters / host" in out and str(found["multiplications"]) in err


def evaluate(run: Any, made: Path, folder: Path, *options: object) -> tuple[int, str, str]:
    texts = ("--prose", made / "one.txt", "--style", made / "two.txt", "--encoder", folder)
    return run("language", "evaluate", made / "spec", "--seeds", 2, *texts, *options)


def test_evaluate_measures_all_phases(run, made, long_folder, small, tmp_path):
    code, out, _ = evaluate(run, made, long_folder, "--json", "--no-ablate", "-o", tmp_path / "figures.json")
    found = json.loads(out)
    assert code == 0 and json.loads((tmp_path / "figures.json").read_text()).items() <= found.items()
    assert len(found["P0"]) == 2
    for row in found["P0"]:
        assert row["ratio"] == pytest.approx(row["adapted"] / row["frozen"])
    assert [row["text"] for row in found["P1"]] == [str(made / "two.txt")] * 2
    rows, means = found["P2"]["per_seed"], found["P2"]["mean"]
    assert [row["learner"] for row in means] == ["adapters", "gradient", "none"]
    for name in ("adaptation", "forgetting", "left_after_prose"):
        assert means[0][name] == pytest.approx((rows[0][0][name] + rows[1][0][name]) / 2)
    assert (means[2]["adaptation"], means[2]["forgetting"]) == (pytest.approx(1.0), pytest.approx(0.0, abs=1e-9))
    assert found["P3"]["tokens"] == 7
    code, out, err = evaluate(run, made, long_folder, "--no-ablate")
    assert code == 0 and all(f"P{n}: " in out for n in range(4)) and "multiplications a token" in err


def test_evaluate_measures_one_phase_with_each_subsystem_off(run, made, long_folder, small):
    code, out, _ = evaluate(run, made, long_folder, "--phase", "p2", "--json")
    found = json.loads(out)
    assert code == 0 and "P0" not in found and "P3" not in found
    learners = [row["learner"] for row in found["P2"]["mean"]]
    cut = {"attention", "global_attention", "phase_gate", "probabilistic_gate", "slow_trace", "secondary_modulators"}
    assert learners[:3] == ["adapters", "gradient", "none"] and set(learners[3:]) == {f"without {name}" for name in cut}


def test_tune_moves_the_rule_and_writes_a_spec(run, made, long_folder, small, tmp_path, monkeypatch):
    bench = tuning.Bench
    monkeypatch.setattr(tuning, "Bench", lambda *a, **k: bench(*a, **{**k, "code": str(made / "two.txt")}))
    given = ("language", "tune", made / "spec", "-o", tmp_path / "tuned", "--steps", 1, "--encoder", long_folder)
    code, out, _ = run(*given, "--json")
    found = json.loads(out)
    assert code == 0 and found["learned"].keys() == {"eta_local", "eta_global", "beta_attention", "beta_gate"}
    assert any(found["learned"][name] != value for name, value in found["start"].items()) and len(found["history"]) == 1
    assert run("compile", tmp_path / "tuned", "-o", tmp_path / "tuned.bundle")[0] == 0


def test_what_cannot_be_read_or_measured_is_one_error(run, made, long_folder, small, tmp_path):
    refused(evaluate(run, made, long_folder, "--phase", "P4"), "no such phase", "P4")
    short = tmp_path / "short.txt"
    short.write_text("a bird.")
    refused(evaluate(run, made, long_folder, "--phase", "P0", "--prose", short), "is too short: 40 tokens")
    refused(evaluate(run, made, long_folder, "--phase", "P1", "--style", short), "is too short: 8 sentences")
    missing = tmp_path / "missing.txt"
    refused(run("language", "fit", missing, "-o", tmp_path / "x", "--encoder", long_folder), "cannot be read")
    refused(run("language", "fit", short, "-o", tmp_path / "x", "--encoder", long_folder), "is too short")
    assert not (tmp_path / "x").exists()
    refused(read(run, made, long_folder, "--text", missing), "cannot be read")
    refused(read(run, made, long_folder, "--text", short, "--text", short), "ends too soon")
    refused(read(run, made, long_folder, "--text", short, "--steps", 3), "has no meaning with --text", "--steps")
    refused(read(run, made, long_folder, "--text", short, "--input", short), "has no meaning with --text", "--input")
    refused(read(run, made, tmp_path, "--text", made / "one.txt"), "config.json")


def test_a_profile_of_a_text_that_is_too_short_is_one_error(run, made, long_folder, tmp_path):
    (tmp_path / "short.txt").write_text("bird")
    refused(run("profile", made / "bundle", "--text", tmp_path / "short.txt", "--encoder", long_folder))


def test_a_profile_has_no_input_beside_a_text(run, made, long_folder):
    given = ("profile", made / "bundle", "--text", made / "two.txt", "--encoder", long_folder, "--tokens", 4)
    refused(run(*given, "--input", made / "two.txt"), "--input")


def test_a_bundle_of_another_kind_is_one_error(run, made, long_folder, tmp_path):
    (tmp_path / "other.yaml").write_text(
        "hmn_lava: 1\nname: other\npopulations:\n  x: {type: input, size: 2, range: [0, 1]}\n"
        "  y: {type: hmn, size: 2, activation: relu, z_max: 1.0}\n"
        "connections:\n  c: {type: hmn, source: x, target: y, weights: 0.1, bounds: [-1, 1], rates: {local: 0.01}}\n"
    )
    assert run("compile", tmp_path / "other.yaml", "-o", tmp_path / "bundle")[0] == 0
    for command in ("run", "profile"):
        given = (command, tmp_path / "bundle", "--text", made / "one.txt", "--encoder", long_folder)
        refused(run(*given), "is no language model")
    refused(run("language", "evaluate", tmp_path / "other.yaml", "--encoder", long_folder), "is no language model")


def test_what_has_no_meaning_is_not_swallowed(run, made, long_folder, tmp_path):
    for command, option, value in (("run", "--tokens", 5), ("profile", "--tokens", 5), ("profile", "--encoder", "x")):
        refused(run(command, made / "bundle", option, value), "has no meaning without --text", option)
    refused(run("run", made / "bundle", "--no-learn"), "has no meaning without --text", "--no-learn")
    given = ("profile", made / "bundle", "--text", made / "one.txt", "--encoder", long_folder)
    for option, value in (("--steps-per-sample", 1), ("--threads", 1), ("--host", "slurm")):
        refused(run(*given, option, value), "has no meaning with --text", option)
    refused(run("run", made / "bundle"), "give --text FILE")


def test_another_lowering_than_the_spec_is_for_is_refused(run, made, tmp_path):
    given = ("compile", made / "spec", "-o", tmp_path / "bundle", "--plasticity", "engine")
    refused(run(*given), "the host is for neurocore", "plasticity")
    assert not (tmp_path / "bundle").exists()


def test_a_folder_that_cannot_be_written_is_told_before_the_work(run, made, long_folder, monkeypatch):
    monkeypatch.setattr(tuning, "Bench", lambda *a, **k: pytest.fail("work was begun"))
    file = made / "one.txt"
    for command in (("fit", file), ("tune", made / "spec")):
        refused(run("language", *command, "-o", file / "x", "--encoder", long_folder), "cannot be written")


def test_sections_never_meet_the_same_tokens_twice(run, made, long_folder, small, monkeypatch):
    monkeypatch.setattr(evaluation, "READ", 5000)
    given = (made / "spec", "--phase", "P2", "--prose", made / "one.txt", "--style", made / "two.txt")
    refused(run("language", "evaluate", *given, "--encoder", long_folder), "is too short: 5030 tokens")


def test_a_profile_reads_of_each_text(run, made, long_folder):
    given = ("profile", made / "bundle", "--encoder", long_folder, "--tokens", 4, "--json")
    code, out, _ = run(*given, "--text", made / "one.txt", "--text", made / "two.txt")
    assert (code, json.loads(out)["per_token"]["tokens"]) == (0, 7)


def test_the_list_of_texts(run):
    code, out, _ = run("language")
    assert code == 0 and all(name in out for name in ("topics", "code", "licences"))
    assert json.loads(run("language", "--json")[1])["texts"].keys() == {"topics", "code", "licences"}
