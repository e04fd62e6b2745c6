"""`hmn-lava board`."""

import json
import sys
from pathlib import Path

import pytest

from hmn_lava.backends import available, board_run
from hmn_lava.backends.board_checks import CHECKS, Outcome, predictions
from hmn_lava.cli import main
from hmn_lava.errors import BackendError, RunError

sys.path.insert(0, str(Path(__file__).parents[1] / "backends"))
from extension_double import BOARD_VARIABLES, environment, needs_lava, run_python


@pytest.fixture
def no_board(monkeypatch):
    """An environment that names no board."""
    for name in BOARD_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def extension(monkeypatch, no_board):
    """Pretend that the extension is here, and that a check's answer is what ``answers`` says of it, or raises."""
    monkeypatch.setattr(available, "require_board", lambda: None)
    answers = {}

    def observe(check, backend, host, seconds):
        answer = answers.get(check.name)
        if isinstance(answer, Exception):
            raise answer
        return answer, "" if answer else "left out"

    monkeypatch.setattr(board_run, "observe", observe)
    return answers


def _child(*arguments, env):
    """Run the command in a process of its own: exit code, stdout, stderr."""
    return run_python(["-m", "hmn_lava.cli", "board", "check", *arguments], env, 120)


def test_predictions_need_neither_board_nor_lava(hmn_lava, monkeypatch):
    monkeypatch.setattr(available, "find_spec", lambda _: None)
    done = hmn_lava("board", "check", "--predict")
    assert done.code == 0
    for check in CHECKS:
        assert check.name in done.out
        for hypothesis in check.hypotheses:
            assert hypothesis.name in done.out
    assert "nothing was run" in done.out


def test_predictions_as_json(hmn_lava):
    document = hmn_lava("board", "check", "--predict", "--json", "sign-of-y", "rounding").json
    assert (document["command"], document["backend"]) == ("board check", None)
    assert [row["check"] for row in document["checks"]] == ["sign-of-y", "rounding"]
    for row, check in zip(document["checks"], CHECKS[1:3], strict=True):
        found = {hypothesis["name"]: tuple(hypothesis["predicts"]) for hypothesis in row["hypotheses"]}
        assert found == predictions(check)


def test_json_before_the_subcommand_means_the_subcommands(hmn_lava):
    assert hmn_lava("board", "--json", "check", "--predict").json["command"] == "board check"


def test_without_the_extension_nothing_is_run(hmn_lava, no_board, monkeypatch):
    monkeypatch.setattr(available, "find_spec", lambda _: None)
    done = hmn_lava("board", "check", "--json")
    assert done.code == 4
    assert done.json["error"]["type"] == "BackendError"
    assert len(done.err.splitlines()) == 1
    assert done.err.rstrip().endswith("; nothing was run.")
    assert hmn_lava("board", "check", "--host", "slurm").code == 4


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (["--host", "usb"], "--host"),
        (["--backend", "fast"], "--backend"),
        (["--host", "slurm", "--predict"], "--host"),
        (["--host", "slurm", "--backend", "lava"], "--host"),
        (["tags"], "check"),
        ([], "--host"),
    ],
)
def test_nonsense_is_refused(hmn_lava, extension, arguments, field):
    done = hmn_lava("board", "check", *arguments, "--json")
    assert (done.code, done.json["error"]["field"]) == (2, field)


def test_a_board_that_follows_no_hypothesis_makes_the_command_fail(hmn_lava, extension):
    check = CHECKS[0]
    extension[check.name] = [Outcome(weights=check.weights)]
    done = hmn_lava("board", "check", check.name, "--host", "slurm:board=ncl-1", "--json")
    assert done.code == 1
    assert (done.json["label"], done.json["host"]) == ("board behind slurm:board=ncl-1", "slurm:board=ncl-1")
    (row,) = done.json["checks"]
    assert (row["says"], row["observed"]) == ("neither", [16, 32])
    done = hmn_lava("board", "check", check.name, "--host", "slurm")
    assert "4 bits predicts 80, 96" in done.err


def test_a_check_that_fails_leaves_the_others(hmn_lava, extension):
    first, second = CHECKS[:2]
    extension[first.name] = [Outcome(weights=check_weights(first))]
    extension[second.name] = RunError("the run took too long\n  remedy: wait")
    done = hmn_lava("board", "check", first.name, second.name, "--host", "slurm", "--json")
    assert done.code == 1
    assert [row["says"] for row in done.json["checks"]] == ["4 bits", "not measured"]
    assert done.json["checks"][1]["note"] == "the run took too long"


def check_weights(check):
    """The weights that the first hypothesis predicts."""
    return next(iter(predictions(check).values())) + 0 * check.weights.T


def test_a_host_that_does_not_answer_ends_it_at_once(hmn_lava, extension):
    extension[CHECKS[0].name] = BackendError("the host slurm cannot be used; nothing was run.")
    done = hmn_lava("board", "check", "--host", "slurm")
    assert (done.code, done.out) == (4, "")


@needs_lava
def test_lavas_cpu_model_is_asked_and_called_by_its_name():
    code, out, err = _child("--backend", "lava", "--json", "sign-of-y", "idle-epochs", env=environment(double=False))
    assert code == 0, err
    document = json.loads(out)
    assert (document["backend"], document["label"], document["host"]) == ("lava", "Lava's CPU model, not silicon", None)
    assert [row["says"] for row in document["checks"]] == ["negative", "not measured"]


@needs_lava
def test_the_whole_command_against_the_double(tmp_path):
    code, out, err = _child("--host", "ethernet:10.1.2.3", "--json", "down-scaling", env=environment(tmp_path))
    assert code == 0, err
    document = json.loads(out)
    assert document["label"] == "board behind ethernet:10.1.2.3"
    assert document["checks"][0]["says"] == "4 bits"
    code, out, err = _child("--host", "ethernet:10.9.9.9", env=environment(tmp_path))
    assert (code, out) == (4, "")
    assert "cannot be used" in err


def test_the_group_is_part_of_the_command():
    assert "board" in main.GROUPS
