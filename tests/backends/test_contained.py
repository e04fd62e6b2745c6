"""Whatever happens in a contained run, or to it: an answer within seconds, and nothing is left behind."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import math
import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from left_behind import unused_segments

from hmn_lava.backends.contained import Limits, run_contained
from hmn_lava.errors import FitError, HmnError, InputError, RunError

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SOON = 5.0  # s from an event to the answer, at most
TOKEN = "HMN_CONTAINED_TEST"

HAS_LAVA = importlib.util.find_spec("lava") is not None
needs_lava = pytest.mark.skipif(not HAS_LAVA, reason="lava-nc is not installed (it needs Python 3.10)")

PARENT = """
import signal, sys
from pathlib import Path
from hmn_lava.backends.contained import run_contained

def told(stage, step):
    if (stage, step) == ("step", 3):
        print("running", flush=True)

signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    run_contained(sys.argv[1], Path(sys.argv[2]), on_progress=told)
except KeyboardInterrupt:
    sys.exit(130)
"""


# What is there


def processes(token: str) -> dict[int, int]:
    """The parent of each process that has inherited ``token``, by process number."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if token.encode() in (folder / "environ").read_bytes():
                found[int(folder.name)] = int((folder / "stat").read_bytes().rpartition(b")")[2].split()[1])
    return found


def children() -> set[int]:
    """Children of this process, also those that have ended and were not collected."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int((folder / "stat").read_bytes().rpartition(b")")[2].split()[1]) == os.getpid():
                found.add(int(folder.name))
    return found


def soon(condition: Callable[[], bool]) -> bool:
    """Whether ``condition`` comes true within the time that an answer may take."""
    end = time.monotonic() + SOON
    while not (met := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return met


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A mark that all processes of this test inherit; at its end, nothing that was begun may be left."""
    mark = uuid.uuid4().hex
    monkeypatch.setenv(TOKEN, mark)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), str(HERE / "failing"), str(ROOT)]))
    files, threads, before = len(os.listdir("/proc/self/fd")), threading.active_count(), children()
    segments = unused_segments()
    yield mark
    assert processes(mark) == {}
    assert children() == before
    assert threading.active_count() == threads
    assert len(os.listdir("/proc/self/fd")) == files
    # One that another test has just made, or is about to unlink, is not mapped for a moment.
    assert soon(lambda: unused_segments() <= segments)


def failure(target: str, folder: Path, limits: Limits | None = None, **options: Any) -> RunError:
    """The RunError of a run; checks that it came soon after the event that the target has marked, if it has."""
    with pytest.raises(RunError) as caught:
        run_contained(target, folder, limits or Limits(wall=60, silence=30), **options)
    now = time.monotonic()
    if (folder / "event").exists():
        assert now - float((folder / "event").read_text()) < SOON
    assert caught.value.exit_code == 5
    return caught.value


# Functions


def test_the_function_gets_the_folder_and_reports(tmp_path, capfd):
    (tmp_path / "in").write_text("21")
    told = []
    run_contained("targets:doubles", tmp_path, on_progress=lambda stage, step: told.append((stage, step)))
    assert (tmp_path / "out").read_text() == "42"
    assert told == [("building", 0), ("step", 1), ("step", 2), ("step", 3)]
    assert capfd.readouterr() == ("", "")


def test_a_relative_folder_and_no_limit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path.parent)
    (tmp_path / "in").write_text("1")
    run_contained("targets:doubles", Path(tmp_path.name), Limits(wall=None))
    assert (tmp_path / "out").read_text() == "2"


def test_the_child_has_this_interpreter_and_path_and_not_the_current_folder(tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("json", "socket", "hmn_lava", "multiprocessing"):
        (elsewhere / f"{name}.py").write_text("raise ImportError('from the current folder')")
    monkeypatch.chdir(elsewhere)
    monkeypatch.syspath_prepend(str(tmp_path / "added"))
    run_contained("targets:where", tmp_path)
    path = (tmp_path / "path").read_text().split("\n")
    assert path[: len(sys.path)] == sys.path
    assert str(HERE) in path
    assert (tmp_path / "directory").read_text() == str(elsewhere)
    assert (tmp_path / "executable").read_text() == sys.executable


def test_processes_below_may_report(tmp_path):
    told = []
    run_contained("targets:reports_below", tmp_path, on_progress=lambda *what: told.append(what))
    assert told == [("below", 5)]


def test_processes_that_the_function_ends_itself_are_no_failure(tmp_path):
    run_contained("targets:ends_its_own", tmp_path)


def test_an_exception(tmp_path):
    error = failure("targets:raises", tmp_path)
    assert "after step 7: StubbornError: boom \\ud800 and é" in str(error)
    assert error.traceback.startswith("Traceback (most recent call last):")
    assert 'raise StubbornError("boom' in error.traceback
    assert error.traceback.strip() in str(error)
    assert "child.py" not in error.traceback


def test_a_very_long_text(tmp_path):
    error = failure("targets:raises_at_length", tmp_path)
    assert re.search(r"ValueError: begin\x01+\n\.\.\. \d+ characters left out \.\.\.\n\x01+end\n", str(error))


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("targets:exits", "the run's process ended with exit code 3\n  the end of its output:\nthe last words"),
        ("targets:kills_itself", "the run's process was killed by SIGKILL"),
        ("targets:crashes", "the run's process was killed by SIGSEGV"),
        ("targets:leaves", "SystemExit: had enough"),
        ("targets:missing", "AttributeError"),
        ("no.such.module:run", "ModuleNotFoundError: No module named 'no'"),
    ],
)
def test_the_end_of_the_function_in_other_ways(tmp_path, target, message):
    assert message in str(failure(target, tmp_path))


def test_a_crash_shows_where(tmp_path):
    assert "in crashes" in str(failure("targets:crashes", tmp_path))


@pytest.mark.parametrize(
    ("target", "kind", "message"),
    [
        ("refuses_input", InputError, "net.yaml: n: must be odd (got 2)\n  remedy: use 3"),
        ("refuses_fit", FitError, "too large"),
        ("refuses_run", RunError, "gave up"),
    ],
)
def test_the_function_may_refuse(tmp_path, target, kind, message):
    with pytest.raises(HmnError) as caught:
        run_contained(f"targets:{target}", tmp_path)
    assert type(caught.value) is kind
    assert str(caught.value) == message
    assert caught.value.exit_code == kind.exit_code


def test_output_is_bounded(tmp_path, capfd):
    error = failure("targets:shouts", tmp_path)
    assert "49999 xxx" in str(error)
    assert len(str(error)) < 6000
    assert capfd.readouterr() == ("", "")


def test_the_wall_limit(tmp_path):
    begin = time.monotonic()
    error = failure("targets:spins", tmp_path, Limits(wall=0.7))
    assert time.monotonic() - begin < 0.7 + SOON
    assert re.search(r"wall limit of 0\.7 s; last sign of life: step \d+\n  remedy: run fewer steps", str(error))
    assert error.traceback == ""


def test_the_silence_limit(tmp_path):
    begin = time.monotonic()
    error = failure("targets:sleeps", tmp_path, Limits(silence=1))
    assert time.monotonic() - begin < 1 + SOON
    assert "silence limit of 1 s; last: asleep 1\n  remedy: if one step may take that long" in str(error)


@pytest.mark.parametrize("value", [0, -1, math.nan, "60", True, [1]])
@pytest.mark.parametrize("name", ["wall", "silence"])
def test_limits_are_positive_numbers(name, value):
    with pytest.raises(InputError, match=f"limits: {name}: must be a number of seconds above 0"):
        Limits(**{name: value})


@pytest.mark.parametrize("value", [math.inf, None])
def test_silence_has_a_limit(value):
    with pytest.raises(InputError, match="limits: silence"):
        Limits(silence=value)


def test_a_target_has_two_parts(tmp_path):
    with pytest.raises(ValueError, match="module:function"):
        run_contained("targets", tmp_path)


def test_a_child_that_cannot_be_started_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "missing"))
    with pytest.raises(FileNotFoundError):
        run_contained("targets:nothing", tmp_path)


def test_a_parent_that_ignores_its_children(tmp_path):
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        run_contained("targets:ends_its_own", tmp_path)
        failure("targets:is_killed_below", tmp_path)
    finally:
        signal.signal(signal.SIGCHLD, before)


# Processes below


@pytest.mark.parametrize(
    ("target", "messages"),
    [
        ("raises_below", ["failed in worker bee", "StubbornError: deep and down", "in _raise"]),
        ("raises_two_below", ["failed in worker bee", "StubbornError: deep and down", "in _raise"]),
        ("spawned_raises", ["ended with exit code 1", "StubbornError: deep and down", "in _raise"]),
        ("exits_below", ["worker bee (process ", "ended with exit code 3"]),
        ("exits_two_below", ["worker bee (process ", "ended with exit code 3"]),
        ("exits_below_and_is_joined", ["worker bee (process ", "ended with exit code 3"]),
        ("is_killed_below", ["worker bee (process ", "was killed by SIGKILL", "remedy: "]),
    ],
)
def test_the_end_of_a_process_below(tmp_path, target, messages):
    error = failure(f"targets:{target}", tmp_path)
    for message in messages:
        assert message in str(error)


# Kills and interrupts

PARTS = ("parent", "guard", "worker")


def kill(token: str, parent: int, parts: tuple[str, ...]) -> None:
    """Kill the named ones of parent, guard and worker at once: none of them runs in between."""
    tree = processes(token)
    [guard] = [number for number, above in tree.items() if above == parent]
    [worker] = [number for number, above in tree.items() if above == guard and os.getpgid(number) == number]
    numbers = [{"parent": parent, "guard": guard, "worker": worker}[part] for part in parts]
    for number in numbers:
        os.kill(number, signal.SIGSTOP)
    for number in numbers:
        with contextlib.suppress(ProcessLookupError):  # the end of the one before was its own
            os.kill(number, signal.SIGKILL)


@contextlib.contextmanager
def another_parent(target: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that runs ``target`` contained, once that has come to step 3."""
    command = [sys.executable, "-c", PARENT, target, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        try:
            assert parent.stdout is not None
            assert parent.stdout.readline() == "running\n"
            yield parent
        finally:
            parent.kill()


def segments_left(folder: Path) -> list[str]:
    """Shared memory that the target says it has made, and that is still there."""
    made = (folder / "segments").read_text().split()
    assert len(made) == 2
    return [name for name in made if Path("/dev/shm", name).exists()]


def killed_in_run(target: str, folder: Path, token: str, part: str) -> RunError:
    """The error of a run of which a part is killed at step 3."""

    def told(stage: str, step: int) -> None:
        if (stage, step) == ("step", 3):
            (folder / "event").write_text(str(time.monotonic()))
            kill(token, os.getpid(), (part,))

    return failure(target, folder, on_progress=told)


@pytest.mark.parametrize("part", ["guard", "worker"])
def test_the_child_is_killed(tmp_path, token, part):
    error = killed_in_run("targets:spins_with_company", tmp_path, token, part)
    name = {"guard": "guard", "worker": "process"}[part]
    assert f"the run's {name} was killed by SIGKILL" in str(error)
    assert segments_left(tmp_path) == []


@pytest.mark.parametrize(
    "parts", [("parent",), ("parent", "guard"), ("parent", "worker"), ("guard", "worker"), PARTS], ids="+".join
)
def test_several_are_killed_at_once(tmp_path, token, parts):
    with another_parent("targets:spins_with_company", tmp_path) as parent:
        kill(token, parent.pid, parts)
        assert soon(lambda: not set(processes(token)) - {parent.pid})
        assert soon(lambda: segments_left(tmp_path) == [])
        assert (parent.wait(SOON) == -signal.SIGKILL) == ("parent" in parts)


def test_the_parent_is_killed_while_the_child_comes_up(tmp_path, token):
    for delay in (0.0, 0.03, 0.06, 0.1, 0.15):
        command = [sys.executable, "-c", PARENT, "targets:spins_with_company", str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as parent:
            assert soon(lambda parent=parent: parent.pid in processes(token).values())
            time.sleep(delay)
            parent.kill()
        assert soon(lambda: not processes(token))


def test_sigint(tmp_path, token):
    with another_parent("targets:spins_with_company", tmp_path) as parent:
        parent.send_signal(signal.SIGINT)
        assert parent.wait(SOON) == 130
        assert processes(token) == {}
        assert segments_left(tmp_path) == []


def test_an_exception_in_the_parent_goes_on_when_all_is_gone(tmp_path, token):
    """As of a handler that turns SIGTERM into an exception."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt("stop")

    before = signal.signal(signal.SIGALRM, stop)
    try:
        for delay in (0.02, 0.05, 0.1, 0.2, 0.4):
            with pytest.raises(KeyboardInterrupt, match="stop"):
                signal.setitimer(signal.ITIMER_REAL, delay)
                run_contained("targets:spins_with_company", tmp_path)
            assert processes(token) == {}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_an_exception_of_on_progress_goes_on(tmp_path):
    def told(stage: str, step: int) -> None:
        raise SystemExit(143)

    with pytest.raises(SystemExit):
        run_contained("targets:spins_with_company", tmp_path, on_progress=told)


def test_a_process_that_ran_away_is_ended(tmp_path, token):
    def told(stage: str, step: int) -> None:
        if step == 100:
            raise KeyboardInterrupt("stop")
        if step == 99:
            assert soon(lambda: len(processes(token)) == 4)  # guard, tracker, worker, and the one that ran away

    with pytest.raises(KeyboardInterrupt, match="stop"):
        run_contained("targets:spins_with_a_runaway", tmp_path, on_progress=told)


def test_many_at_once(tmp_path):
    """From threads: one run's end is not another's."""
    errors = []

    def one(number: int) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        try:
            run_contained(f"targets:{'sleeps' if number % 2 else 'nothing'}", folder, Limits(silence=1.0))
        except RunError as error:
            errors.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(errors) == 3


# Lava

NETWORK = "lava_targets:run"


def describe(folder: Path, how: str = "", phase: str = "", at: int = 0, steps: int = 60, piece: int = 1) -> Path:
    """Write what the Lava network is to do."""
    given = {"how": how, "phase": phase, "at": at, "steps": steps, "piece": piece}
    (folder / "given.json").write_text(json.dumps(given))
    return folder


ENDLESS = 10**9


@needs_lava
def test_lava_runs(tmp_path):
    import numpy as np

    told = []
    run_contained(NETWORK, describe(tmp_path, steps=4), on_progress=lambda *what: told.append(what))
    assert told == [("building", 0), *(("step", step) for step in range(1, 5))]
    np.testing.assert_array_equal(np.load(tmp_path / "v.npy"), [8, 8, 8])  # 2 in each step


@needs_lava
@pytest.mark.parametrize(
    ("phase", "at", "piece"), [("init", 0, 1), ("spk", 1, 60), ("spk", 2, 1), ("spk", 51, 60), ("lrn", 3, 60)]
)
def test_lava_a_process_model_raises(tmp_path, phase, at, piece):
    error = failure(NETWORK, describe(tmp_path, "raise", phase, at, piece=piece))
    assert f"StubbornError: {phase} of step {at} and done for" in str(error)
    assert "in fail" in error.traceback
    assert f"in {'__init__' if phase == 'init' else f'run_{phase}'}" in error.traceback


@needs_lava
@pytest.mark.parametrize(("how", "message"), [("kill", "was killed by SIGKILL"), ("exit", "ended with exit code 3")])
def test_lava_an_actor_dies(tmp_path, how, message):
    error = failure(NETWORK, describe(tmp_path, how, "spk", 5, piece=60))
    assert re.search(rf"SystemProcess-\d+ \(process \d+\) {message}", str(error))


@needs_lava
@pytest.mark.parametrize("part", ["guard", "worker"])
def test_lava_the_child_is_killed(tmp_path, token, part):
    error = killed_in_run(NETWORK, describe(tmp_path, steps=ENDLESS), token, part)
    assert "was killed by SIGKILL" in str(error)


@needs_lava
@pytest.mark.parametrize("parts", [("parent",), ("parent", "guard"), PARTS], ids="+".join)
def test_lava_several_are_killed_at_once(tmp_path, token, parts):
    with another_parent(NETWORK, describe(tmp_path, steps=ENDLESS)) as parent:
        kill(token, parent.pid, parts)
        assert soon(lambda: not set(processes(token)) - {parent.pid})


@needs_lava
def test_lava_sigint(tmp_path, token):
    with another_parent(NETWORK, describe(tmp_path, steps=ENDLESS)) as parent:
        parent.send_signal(signal.SIGINT)
        assert parent.wait(SOON) == 130
        assert processes(token) == {}


@needs_lava
def test_lava_the_wall_limit(tmp_path):
    begin = time.monotonic()
    error = failure(NETWORK, describe(tmp_path, steps=ENDLESS), Limits(wall=2))
    assert time.monotonic() - begin < 2 + SOON
    assert "wall limit of 2 s" in str(error)


@needs_lava
def test_lava_the_silence_limit(tmp_path):
    with pytest.raises(RunError, match=r"silence limit of 3 s; last: step 4\n") as caught:
        run_contained(NETWORK, describe(tmp_path, "sleep", "spk", 5), Limits(silence=3))
    assert time.monotonic() - float((tmp_path / "event").read_text()) < 3 + SOON
    assert caught.value.exit_code == 5


@needs_lava
@pytest.mark.heavy
def test_lava_two_hundred_runs_leak_nothing(tmp_path):
    """Good and bad ones in turns."""

    def memory() -> int:
        """Of this process, in bytes."""
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def one(number: int) -> None:
        describe(tmp_path, "raise" if number % 2 else "", "spk", 2, steps=3, piece=3)
        with pytest.raises(RunError) if number % 2 else contextlib.nullcontext():
            run_contained(NETWORK, tmp_path)

    for number in range(4):
        one(number)
    before, files, there = memory(), len(os.listdir("/proc/self/fd")), children()
    for number in range(200):
        one(number)
    assert memory() - before < 20_000_000
    assert len(os.listdir("/proc/self/fd")) == files
    assert children() == there
