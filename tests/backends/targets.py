"""What the tests of containment run in the child: functions that end well, badly, or not at all. No Lava here."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.managers import SharedMemoryManager
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

from hmn_lava.errors import FitError, InputError, RunError

Report = Callable[[str, int], None]
fork = multiprocessing.get_context("fork")


def mark_event(folder: Path) -> None:
    """Keep the time at which the failure came."""
    (folder / "event").write_text(str(time.monotonic()))


class StubbornError(Exception):
    """Cannot be pickled, nor unpickled."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")
        self.lock = lambda: None


# In the function itself


def doubles(folder: Path, report: Report) -> None:
    """Read, write, and report."""
    report("building", 0)
    for step in range(1, 4):
        report("step", step)
    print("never seen by the parent")
    (folder / "out").write_text(str(2 * int((folder / "in").read_text())))


def where(folder: Path, report: Report) -> None:
    (folder / "path").write_text("\n".join(sys.path))
    (folder / "directory").write_text(os.getcwd())
    (folder / "executable").write_text(sys.executable)


def nothing(folder: Path, report: Report) -> None:
    pass


def raises(folder: Path, report: Report) -> None:
    report("step", 7)
    raise StubbornError("boom \ud800", "é")


def raises_at_length(folder: Path, report: Report) -> None:
    raise ValueError("begin" + "\x01" * 1_000_000 + "end")


def exits(folder: Path, report: Report) -> None:
    print("the last words", file=sys.stderr, flush=True)
    os._exit(3)


def leaves(folder: Path, report: Report) -> None:
    sys.exit("had enough")


def kills_itself(folder: Path, report: Report) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def crashes(folder: Path, report: Report) -> None:
    ctypes.string_at(0)


def refuses_input(folder: Path, report: Report) -> None:
    raise InputError("must be odd", where="net.yaml", field="n", value=2, remedy="use 3")


def refuses_fit(folder: Path, report: Report) -> None:
    raise FitError("too large")


def refuses_run(folder: Path, report: Report) -> None:
    raise RunError("gave up")


def shouts(folder: Path, report: Report) -> None:
    for n in range(50_000):
        print(f"{n} " + "x" * 100, file=sys.stderr)
    os._exit(4)


def sleeps(folder: Path, report: Report) -> None:
    report("asleep", 1)
    time.sleep(1000)


def spins(folder: Path, report: Report) -> None:
    """Steps without end."""
    step = 0
    while True:
        step += 1
        report("step", step)
        time.sleep(0.001)


# In processes below


def spins_with_company(folder: Path, report: Report) -> None:
    """Steps without end; below are shared memory, processes, and their processes."""
    manager = SharedMemoryManager(ctx=fork)
    manager.start()
    segments = [manager.SharedMemory(1 << 16), SharedMemory(create=True, size=1 << 16)]
    fork.Process(target=_family, daemon=False).start()
    (folder / "segments").write_text(" ".join(segment.name for segment in segments))
    spins(folder, report)


def spins_with_a_runaway(folder: Path, report: Report) -> None:
    """Steps without end; below is a process that has left group and session, and whose parent has ended."""
    command = [sys.executable, "-c", "import time; time.sleep(1000)"]
    fork.Process(target=subprocess.Popen, args=(command,), kwargs={"start_new_session": True}).start()
    spins(folder, report)


def _family() -> None:
    grandchild = fork.Process(target=time.sleep, args=(1000,))
    grandchild.start()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    grandchild.join()


def _below(work: Callable[..., Any], *arguments: Any) -> None:
    """Run ``work`` in a process, and wait for ever."""
    fork.Process(target=work, args=arguments, name="worker bee").start()
    time.sleep(1000)


def raises_below(folder: Path, report: Report) -> None:
    _below(_raise, folder)


def raises_two_below(folder: Path, report: Report) -> None:
    _below(_below, _raise, folder)


def spawned_raises(folder: Path, report: Report) -> None:
    multiprocessing.get_context("spawn").Process(target=_raise, args=(folder,)).start()
    time.sleep(1000)


def _raise(folder: Path) -> None:
    mark_event(folder)
    raise StubbornError("deep", "down")


def exits_below(folder: Path, report: Report) -> None:
    _below(_exit, folder)


def exits_two_below(folder: Path, report: Report) -> None:
    _below(_below, _exit, folder)


def exits_below_and_is_joined(folder: Path, report: Report) -> None:
    process = fork.Process(target=_exit, args=(folder,), name="worker bee")
    process.start()
    process.join()


def _exit(folder: Path) -> None:
    mark_event(folder)
    os._exit(3)


def is_killed_below(folder: Path, report: Report) -> None:
    _below(_kill, folder)


def _kill(folder: Path) -> None:
    mark_event(folder)
    os.kill(os.getpid(), signal.SIGKILL)


def ends_its_own(folder: Path, report: Report) -> None:
    """Processes that the function itself ends are no failure, nor are those that end well."""
    for end in ("terminate", "kill"):
        process = fork.Process(target=time.sleep, args=(1000,))
        process.start()
        getattr(process, end)()
        process.join()
    with fork.Pool(2) as pool:
        assert pool.map(abs, [-1, 2]) == [1, 2]
    with SharedMemoryManager(ctx=fork) as manager:
        manager.SharedMemory(1000)
    process = fork.Process(target=_company)
    process.start()
    process.join()


def _company() -> None:
    """A daemonic process is terminated when this one ends."""
    fork.Process(target=time.sleep, args=(1000,), daemon=True).start()


def reports_below(folder: Path, report: Report) -> None:
    process = fork.Process(target=report, args=("below", 5))
    process.start()
    process.join()
