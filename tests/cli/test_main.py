"""The command line as a whole: start-up, exit codes and what an error looks like."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import hmn_lava.hardware_profiles
from hmn_lava.cli import main, output
from hmn_lava.errors import BackendError, Finding, FitError, InputError


@pytest.fixture
def failing(monkeypatch):
    """Make `profiles show` raise what it is given."""

    def make(error):
        def load_profile(_):
            raise error

        monkeypatch.setattr(hmn_lava.hardware_profiles, "load_profile", load_profile)

    return make


def test_help_lists_every_command(capsys):
    assert main.run(["--help"]) == 0
    shown = capsys.readouterr().out
    for command in (*main.COMMANDS, *main.GROUPS):
        assert command in shown


@pytest.mark.parametrize("command", [*main.COMMANDS, *main.GROUPS])
def test_every_command_has_help_and_json(command, capsys):
    assert main.run([command, "--help"]) == 0
    shown = capsys.readouterr()
    assert "--json" in shown.out
    assert shown.err == ""


def test_version(capsys):
    assert main.run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("hmn-lava 0.")


def test_starting_imports_nothing_heavy():
    """`--help` must answer at once, so the commands import what they need when they run."""
    code = (
        "import sys, hmn_lava.cli.main;"
        "heavy = {'numpy', 'pydantic', 'llvmlite', 'yaml', 'scipy', 'sklearn', 'matplotlib', 'lava'};"
        "heavy &= set(sys.modules);"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_installed_command_ends_with_the_exit_code():
    command = Path(sys.executable).parent / "hmn-lava"
    done = subprocess.run([command, "profiles", "show", "loihi9"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: profile: unknown hardware profile (got 'loihi9')\n")


@pytest.mark.parametrize("arguments", [["bogus"], ["profiles", "show"], ["doctor", "--nonsense"], []])
def test_wrong_usage_is_exit_code_2(arguments, capsys):
    assert main.run(arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("too large", where="net.yaml", field="a.b", value=3, remedy="Lower it."), 2),
        (FitError("does not fit", [Finding("cores", "out", 200, 120, "error", "Use fewer.")]), 3),
        (BackendError("no board"), 4),
        (FileNotFoundError(2, "No such file or directory", "x.npz"), 2),
        (ZeroDivisionError("oops"), 70),
    ],
)
def test_errors_have_their_exit_code_and_json(error, code, failing, capsys, monkeypatch):
    monkeypatch.delenv("HMN_LAVA_DEBUG", raising=False)
    failing(error)
    assert main.run(["profiles", "show", "loihi2"]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Traceback" not in shown.err

    assert main.run(["profiles", "show", "loihi2", "--json"]) == code
    shown = capsys.readouterr()
    document = json.loads(shown.out)
    assert document["json_version"] == 1
    assert document["error"]["exit_code"] == code
    assert document["error"]["type"] == type(error).__name__
    assert shown.err != ""


def test_an_input_error_names_everything(failing, capsys):
    failing(InputError("too large", where="net.yaml", field="a.b", value=np.int64(3), remedy="Lower it."))
    main.run(["profiles", "show", "loihi2", "--json"])
    shown = capsys.readouterr()
    details = json.loads(shown.out)["error"]
    assert [details[key] for key in ("where", "field", "value", "problem", "remedy")] == [
        "net.yaml",
        "a.b",
        3,
        "too large",
        "Lower it.",
    ]
    assert shown.err.startswith("error: net.yaml: a.b: too large")
    assert shown.err.endswith("\n  remedy: Lower it.\n")


def test_a_fit_error_stays_on_one_screen_and_the_json_has_all_findings(failing, capsys):
    failing(FitError("does not fit", [Finding("cores", f"p{n}", 200, 120, "error", "Use fewer.") for n in range(100)]))
    main.run(["profiles", "show", "loihi2", "--json"])
    shown = capsys.readouterr()
    assert len(shown.err.splitlines()) == 30
    assert shown.err.splitlines()[-1] == "  ... and 72 more lines; --json prints all of them"
    assert [finding["object"] for finding in json.loads(shown.out)["error"]["findings"]] == [
        f"p{n}" for n in range(100)
    ]


def test_an_internal_error_asks_for_a_report(failing, capsys, monkeypatch):
    failing(ZeroDivisionError("oops"))
    monkeypatch.delenv("HMN_LAVA_DEBUG", raising=False)
    assert main.run(["profiles", "show", "loihi2"]) == 70
    assert capsys.readouterr().err == (
        "internal error, please report it with the command that caused it: ZeroDivisionError: oops\n"
        "  Set HMN_LAVA_DEBUG=1 to see where it comes from.\n"
    )
    monkeypatch.setenv("HMN_LAVA_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main.run(["profiles", "show", "loihi2"])


def test_interruption_is_exit_code_130(failing, capsys):
    failing(KeyboardInterrupt())
    assert main.run(["profiles", "show", "loihi2"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_json_is_plain_whatever_it_is_made_of(capsys):
    content = {
        "n": np.int32(3),
        "a": np.array([1.5, np.nan]),
        "t": (1, None),
        "p": Path("x"),
        "i": float("inf"),
        5: True,
    }
    output.print_json("try", content)
    assert json.loads(capsys.readouterr().out) == {
        "json_version": 1,
        "command": "try",
        "n": 3,
        "a": [1.5, None],
        "t": [1, None],
        "p": "x",
        "i": None,
        "5": True,
    }


def test_tables_take_text_literally(capsys):
    output.print_table(["name", "n"], [["[bold]x[/bold]", 1], [None, 2]], title="things")
    shown = capsys.readouterr().out
    assert "[bold]x[/bold]" in shown
    assert "things" in shown


def test_progress_is_silent_without_a_terminal(capsys):
    with output.progress("working", 3) as advance:
        advance(1)
        advance(2)
    assert capsys.readouterr() == ("", "")
