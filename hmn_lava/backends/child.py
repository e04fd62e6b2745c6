"""The child of a contained run (see ``contained.py``): a guard, and below it the process that does the work.

::

    parent --- guard --- worker --- its multiprocessing children (Lava's actors), and theirs
                   \\--- multiprocessing's resource tracker

The guard is small, imports next to nothing and only waits. It adopts orphans, so that it can end and collect whatever
the worker leaves behind, and it outlives the resource tracker, which unlinks shared memory once nobody is left to use
it. It ends all of it when the worker ends, when the parent closes the *lifeline* (a pipe that carries nothing), and
when the parent is gone.

Every process below sends its messages itself, on one socket that keeps them apart: a JSON object each, at most
``LONGEST_TEXT`` characters of a text. Their ``kind`` is

* ``phase`` (``phase``) and ``progress`` (``stage``, ``step``): signs of life;
* ``returned``: the function returned;
* ``refused`` (``exit_code``, ``text``): the function raised an HmnError;
* ``failed`` (``process``, ``type``, ``text``, ``traceback``): something else was raised, in the worker or below;
* ``died`` (``process``, ``code``): a process ended by a signal (code < 0) or with an exit code other than 0.

The first one that is no sign of life is the verdict. Lava is not imported here: it has to be the first to set
multiprocessing's start method.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import fcntl
import importlib
import json
import os
import select
import shutil
import signal
import socket
import sys
import traceback
from multiprocessing import popen_fork, process, resource_tracker
from pathlib import Path
from threading import Thread
from typing import Any, NoReturn

from hmn_lava.errors import HmnError

LONGEST_TEXT = 10_000
"""Characters of a traceback or text that are sent: a message must fit the socket's buffer (208 kB), as JSON."""

_TICK = 0.05  # s between two looks at the worker
_PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>


class _Channel:
    """Sends messages to the parent; each is one system call, so any thread of any process may."""

    def __init__(self, file: int) -> None:
        self._socket = socket.socket(fileno=file)
        self._socket.set_inheritable(False)

    def send(self, kind: str, **content: Any) -> None:
        message = json.dumps({"kind": kind, **content}, ensure_ascii=False)
        with contextlib.suppress(OSError):  # the parent is gone, and the guard is about to end this process
            self._socket.send(message.encode(errors="backslashreplace"))

    def report(self, stage: str, step: int) -> None:
        """Tell the parent that the run goes on; for the function and, after a fork, for whoever it passes this to."""
        self.send("progress", stage=_cut(str(stage), 200), step=int(step))

    def failed(self, name: str, error: BaseException) -> None:
        """Report ``error``, raised in the process called ``name`` one call below the caller."""
        below = error.__traceback__.tb_next if error.__traceback__ else None
        trace = "".join(traceback.format_exception(type(error), error, below))
        self.send("failed", process=name, type=type(error).__name__, text=_text(error), traceback=_cut(trace))


def main() -> NoReturn:
    """Run what the arguments say.

    The file numbers of socket and lifeline, ``module:function``, its folder, the folder of temporary files, and once
    more its folder if that is to go with a parent that is killed.
    """
    channel = _Channel(int(sys.argv[1]))
    lifeline = int(sys.argv[2])
    os.set_inheritable(lifeline, False)
    parent = os.getppid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, as a parent may hand it down, nobody could be waited for
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    # Before the worker, so that it is the guard's child and outside of the group that is killed.
    resource_tracker.ensure_running()
    kept, held = os.pipe()
    worker = os.fork()
    if worker == 0:
        os.close(held)
        os.close(lifeline)
        os.setpgid(0, 0)
        _die_with_writer(kept)
        _work(channel, *sys.argv[3:5])
    with contextlib.suppress(OSError):  # both sides do it, so that it is done whoever comes first
        os.setpgid(worker, worker)
    _guard(channel, worker, lifeline, parent)
    for folder in sys.argv[5:6] if os.getppid() == parent else sys.argv[5:]:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


# The guard


def _guard(channel: _Channel, worker: int, lifeline: int, parent: int) -> None:
    """Wait until the worker has ended or the parent wants no more; then end and collect all that is below."""
    ended = None
    # Forks of the parent may hold the lifeline's other end open: hence the look at who the parent is.
    while ended is None and os.getppid() == parent and not select.select([lifeline], [], [], _TICK)[0]:
        # Not collected yet: until it is, nobody else can get its number, which is also that of the group.
        ended = os.waitid(os.P_PID, worker, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    if ended is not None:
        channel.send("died", process="the run's process", code=_exit_code(ended))
    with contextlib.suppress(ProcessLookupError):
        os.killpg(worker, signal.SIGKILL)
    tracker: Any = resource_tracker._resource_tracker  # it has no public way to be waited for
    # When a process has been collected, its children are already the guard's: the loop also gets those that left the
    # group.
    while found := _children() - {tracker._pid}:
        for pid in found:
            with contextlib.suppress(PermissionError):  # it runs as another user: its end has to be waited for
                os.kill(pid, signal.SIGKILL)
        for pid in found:
            os.waitpid(pid, 0)
    tracker._stop()  # the guard held the last end of its pipe: it unlinks what is left, and ends


def _children() -> set[int]:
    """Process numbers of this process's children; those that have ended and are not collected are among them."""
    found = set()
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):  # it ended meanwhile
                # "pid (name) state parent ...", and a name may hold anything
                fields = Path("/proc", entry, "stat").read_bytes().rpartition(b")")[2].split()
                if int(fields[1]) == os.getpid():
                    found.add(int(entry))
    return found


# The worker


def _die_with_writer(pipe: int) -> None:
    """Have the kernel kill this process group when the last writing end of ``pipe`` is closed.

    That is, when the guard is killed. The kernel sends the signal itself, to the whole group at once, so it does not
    matter what the processes are doing, or that the worker is killed at the same moment: its forks hold ``pipe`` too.
    """
    fcntl.fcntl(pipe, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(pipe, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([pipe], [], [], 0)[0]:  # closed before the kernel was asked
        os._exit(1)


def _work(channel: _Channel, target: str, folder: str) -> NoReturn:
    """Call the function, and tell the parent what came of it."""
    code = 1
    try:
        faulthandler.enable()  # a crash leaves a stack in the output, in forks too
        _watch_processes(channel)
        module, _, name = target.partition(":")
        channel.send("phase", phase=f"importing {module}")
        function = getattr(importlib.import_module(module), name)
        channel.send("phase", phase=f"calling {target}")
        function(Path(folder), channel.report)
        _flush()
        channel.send("returned")
        code = 0
    except HmnError as error:
        channel.send("refused", exit_code=error.exit_code, text=_text(error))
    except BaseException as error:
        channel.failed("the run's process", error)
    finally:
        _flush()
        # Nothing that Python does at its end is wanted: it would wait for children that may be stuck.
        os._exit(code)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()


def _watch_processes(channel: _Channel) -> None:
    """Have every multiprocessing child, and its children, report what it raises, and its death.

    Lava runs its actors as such children, and waits for them for ever when one of them fails.
    """
    run = process.BaseProcess.run

    def reporting_run(self: process.BaseProcess) -> None:
        try:
            run(self)
        except SystemExit:
            raise  # the exit code says it
        except BaseException as error:
            # In the child itself, as text: what was raised need not survive pickling, and Lava may lose it.
            channel.failed(self.name, error)
            raise

    class WatchedPopen(popen_fork.Popen):
        """A forked process whose death is reported, unless this process asked for it."""

        def __init__(self, started: process.BaseProcess) -> None:
            self._name = started.name
            self._asked = False
            super().__init__(started)
            Thread(target=self._await_death, name=f"watch {self._name}", daemon=True).start()

        def _await_death(self) -> None:
            with contextlib.suppress(ChildProcessError):  # somebody collected it, in poll()
                ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)  # leaves it to be collected
                if ended is not None:
                    self._report(_exit_code(ended))

        def poll(self, flag: int = os.WNOHANG) -> int | None:
            code = super().poll(flag)
            if code is not None:
                self._report(code)
            return code

        def terminate(self) -> None:
            self._asked = True
            super().terminate()

        def kill(self) -> None:
            self._asked = True
            super().kill()

        def _report(self, code: int) -> None:
            if code and not self._asked:
                channel.send("died", process=f"{self._name} (process {self.pid})", code=code)

    process.BaseProcess.run = reporting_run  # type: ignore[method-assign]
    popen_fork.Popen = WatchedPopen  # type: ignore[misc, assignment]


# Both


def _exit_code(ended: os.waitid_result) -> int:
    """The exit code, or the negative number of the signal, as subprocess has it."""
    return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status


def _text(error: BaseException) -> str:
    try:
        return _cut(str(error))
    except Exception:
        return "(its text cannot be shown)"


def _cut(text: str, longest: int = LONGEST_TEXT) -> str:
    """Leave out the middle of a text that is too long, and show what has no place in UTF-8 as escapes."""
    text = text.encode(errors="backslashreplace").decode()
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"
