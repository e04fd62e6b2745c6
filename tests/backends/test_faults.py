"""The fault drill: whichever part of a bundle raises, and when, the answer comes, and nothing is left behind."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "conformance"))

from left_behind import descendants, nothing_new, resident, unused_segments
from specs import random_inputs

import hmn_lava as hl
from hmn_lava.partition import partition

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("lava") is None, reason="lava-nc is not installed (it needs Python 3.10)"
)

EXAMPLES = Path(__file__).parents[2] / "examples"
STEPS = (0, 1, 50)
LONG = 100_000
"""Steps of a run that would take minutes."""

BUNDLES = {p: hl.compile(EXAMPLES / "digits.yaml", plasticity=p, seed=0) for p in ("neurocore", "engine")}
PARTS = [(plasticity, name) for plasticity, bundle in BUNDLES.items() for name in partition(bundle.network).parts]


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place of its own for temporary files, in which nothing may be left. Its path is short: sockets lie in it."""
    with tempfile.TemporaryDirectory(prefix="t-", dir="/tmp") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr("tempfile.tempdir", None)
        yield Path(folder)
        assert os.listdir(folder) == []


def drill(plasticity: str, part: str, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "failing"))
    monkeypatch.setenv("HMN_LAVA_FAULT", f"{part}@{step}")
    bundle = BUNDLES[plasticity]
    before, unused = descendants(), unused_segments()
    session = bundle.session("lava")
    session.job = "faulty_job:run"
    begin = time.monotonic()
    with pytest.raises(hl.RunError, match=f"a fault in {part} at step {step}") as caught:
        session.run(random_inputs(bundle.network, 60, 0), 60)
    # The child has to import Lava and build its network before it can fail at all.
    assert time.monotonic() - begin < 15
    assert caught.value.exit_code == 5
    assert "FaultError" in str(caught.value) and "in faulty" in caught.value.traceback
    assert nothing_new(before, unused)
    assert session.step == 0, "a run that failed leaves the session where it was"


@pytest.mark.parametrize(("plasticity", "part"), PARTS[::4])
def test_a_part_that_raises(plasticity: str, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    drill(plasticity, part, STEPS[len(part) % 3], monkeypatch)


@pytest.mark.heavy
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(("plasticity", "part"), PARTS)
def test_every_part_that_raises(plasticity: str, part: str, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    drill(plasticity, part, step, monkeypatch)


def test_a_limit_of_two_seconds() -> None:
    from hmn_lava.backends.contained import Limits

    bundle = BUNDLES["neurocore"]
    inputs = {"pixels": [[0.5] * 64] * LONG}
    session = bundle.session("lava", limits=Limits(wall=2))
    before, begin = descendants(), time.monotonic()
    with pytest.raises(hl.RunError, match="wall limit of 2 s"):
        session.run(inputs, LONG)
    assert time.monotonic() - begin < 30 and descendants() <= before


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_command_is_ended(how: signal.Signals, tmp_path: Path, temporary: Path) -> None:
    """By Ctrl-C, politely, or not: the run ends, and its files, here with a copy of the bundle, are gone."""
    bundle = BUNDLES["neurocore"].save(tmp_path / "bundle")
    command = [sys.executable, "-m", "hmn_lava.cli", "run", str(bundle), "--backend", "lava", "--steps", str(LONG)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 60
    while not list(temporary.glob("hmn-run-*/pymp-*")) and time.monotonic() < deadline:
        time.sleep(0.05)  # Lava has begun
    before = descendants()
    assert process.pid in before
    process.send_signal(how)
    code = process.wait(5)
    assert code == (130 if how == signal.SIGINT else -how)
    begin = time.monotonic()
    while list(temporary.iterdir()) and time.monotonic() - begin < 5:
        time.sleep(0.05)


def test_a_place_for_temporary_files_whose_path_is_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    monkeypatch.setattr("tempfile.tempdir", None)
    bundle = BUNDLES["neurocore"]
    assert bundle.run(random_inputs(bundle.network, 2, 0), 2, "lava").steps == 2


@pytest.mark.heavy
def test_two_hundred_runs_leave_nothing() -> None:
    bundle = BUNDLES["engine"]
    inputs = random_inputs(bundle.network, 3, 0)
    bundle.run(inputs, 3, "lava")
    before, unused, held = descendants(), unused_segments(), resident()
    files = len(os.listdir("/proc/self/fd"))
    for _ in range(200):
        bundle.run(inputs, 3, "lava")
    assert nothing_new(before, unused)
    assert len(os.listdir("/proc/self/fd")) == files
    assert resident() - held < 20
