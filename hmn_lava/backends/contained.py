"""Run a function in a child that can be killed, with all that it starts: the parent's side.

Lava's ``run()`` waits for ever when a ProcessModel raises, and leaves processes and shared memory behind when it is
interrupted. So it runs only in a child, which this module starts, watches and ends. ``child.py`` is what runs there,
and says what its messages mean.
"""

from __future__ import annotations

import json
import math
import numbers
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hmn_lava.errors import BackendError, FitError, HmnError, InputError, RunError

_TAIL = 4_000  # bytes of the child's output that an error shows
_PATIENCE = 4.0  # s that the child gets to end all that is below it; milliseconds are enough unless memory is huge

_LONGEST_PLACE = 107 - len("/hmn-run-12345678/pymp-12345678/listener-12345678")

# The parent's path first of all, so that no file of the current folder is imported in place of a module.
_COMMAND = (
    "import sys; path = {path!r}; sys.path[:] = path + [entry for entry in sys.path if entry and entry not in path]; "
    "from hmn_lava.backends.child import main; main()"
)


@dataclass(frozen=True)
class Limits:
    """How long a contained run may take.

    ``wall``: seconds for the whole run (None: no limit). ``silence``: seconds without a sign of progress; to import
    what is to be run may take as long besides. Raises InputError for anything but positive numbers.
    """

    wall: float | None = 3600.0
    silence: float = 60.0

    def __post_init__(self) -> None:
        if self.wall is not None:
            _check_seconds("wall", self.wall)
        _check_seconds("silence", self.silence)
        if math.isinf(self.silence):
            raise InputError("must be finite", where="limits", field="silence", value=self.silence, remedy="give s")


def _check_seconds(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or value <= 0 or value != value:  # NaN
        raise InputError(
            "must be a number of seconds above 0",
            where="limits",
            field=name,
            value="None" if value is None else value,
            remedy="give seconds, such as 60",
        )


def run_contained(
    target: str,
    folder: Path,
    limits: Limits = Limits(),
    *,
    on_progress: Callable[[str, int], None] | None = None,
    own_folder: bool = False,
) -> None:
    """Call ``target`` ("module:function") in a fresh child, and return when it has returned.

    The function gets ``folder``, from which it reads and to which it writes, and ``report(stage, step)``, which it (or
    any process forked below it) calls as a sign of life; ``on_progress`` is called here with the same arguments. What
    the child and its processes print is caught; the end of it becomes part of an error. However this function ends, and
    if this process is killed, nothing of the child is left: no process, no shared memory, no temporary file. With
    ``own_folder``, ``folder`` was made for this run alone: if this process is killed, it is removed as well.

    Raises RunError if the function or a multiprocessing process below it raises or dies, or at one of the ``limits``;
    an error of the same text and exit code if the function raises an HmnError; BackendError if this is not Linux.
    """
    if not sys.platform.startswith("linux"):
        raise BackendError("a contained run needs Linux\n  remedy: use the backend fast, or a container")
    if not all(target.partition(":")):
        raise ValueError(f'target: must be "module:function" (got {target!r})')
    with _Child(target, Path(folder).absolute(), own_folder) as child:
        verdict, last = _watch(child, limits, on_progress)
    _raise(verdict, last, child)


def _watch(child: _Child, limits: Limits, on_progress: Callable[[str, int], None] | None) -> tuple[dict[str, Any], str]:
    """Wait for the child's verdict or a limit; returns that message, and the last sign of life in words."""
    begin = heard = time.monotonic()
    last = "starting"
    wall = math.inf if limits.wall is None else limits.wall
    while True:
        now = time.monotonic()
        message = child.receive(min(begin + wall, heard + limits.silence) - now)
        now = time.monotonic()
        if message is not None:
            if message["kind"] not in ("progress", "phase"):
                return message, last
            heard = now
            last = message["phase"] if message["kind"] == "phase" else f"{message['stage']} {message['step']}"
            if message["kind"] == "progress" and on_progress is not None:
                on_progress(message["stage"], message["step"])
        if now - begin >= wall:
            return {"kind": "limit", "name": "wall", "value": wall}, last
        if now - heard >= limits.silence:
            return {"kind": "limit", "name": "silence", "value": limits.silence}, last


def _raise(verdict: dict[str, Any], last: str, child: _Child) -> None:
    """Raise what the verdict says, if anything."""
    kind = verdict["kind"]
    if kind == "returned":
        return
    if kind == "refused":
        known: dict[int, type[HmnError]] = {2: InputError, 3: FitError, 4: BackendError, 5: RunError}
        error = known.get(verdict["exit_code"], HmnError)(verdict["text"])
        error.exit_code = verdict["exit_code"]
        raise error
    if kind == "failed":
        what = f"{verdict['type']}: {verdict['text']}" if verdict["text"] else verdict["type"]
        raise RunError(
            f"the run failed in {verdict['process']}, after {last}: {what}\n{verdict['traceback']}".rstrip(),
            verdict["traceback"],
        )
    if kind == "limit" and verdict["name"] == "wall":
        problem = f"the run took longer than its wall limit of {verdict['value']:g} s; last sign of life: {last}"
        remedy = "run fewer steps or a smaller network, or raise the wall limit"
    elif kind == "limit":
        problem = f"the run gave no sign of life within its silence limit of {verdict['value']:g} s; last: {last}"
        remedy = "if one step may take that long, raise the silence limit; if not, something waits for ever"
    else:
        name, code = verdict.get("process", "the run's guard"), verdict.get("code", child.code)
        problem = f"the run ended after {last}: {name} {_ending(code)}"
        remedy = "if nobody sent that signal, memory ran out: use a smaller network" if code == -signal.SIGKILL else ""
    raise RunError(problem + (f"\n  remedy: {remedy}" if remedy else "") + child.tail())


def _ending(code: int) -> str:
    """What ``code``, as subprocess has it, says about a process."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


def _temporary() -> str:
    """Make a folder for the child's temporary files.

    Lava's sockets lie in it, /pymp-12345678/listener-12345678, and the path of a socket has at most 107 characters.
    """
    place = tempfile.gettempdir()
    return tempfile.mkdtemp(prefix="hmn-run-", dir=place if len(place) <= _LONGEST_PLACE else "/tmp")


class _Child:
    """The child process; leaving the context ends it, with all that is below it."""

    code = 0
    """Its exit code, once the context is left."""

    def __init__(self, target: str, folder: Path, own_folder: bool) -> None:
        self._output = bytearray()
        self._buffer = bytearray(1 << 18)
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        reading, self._lifeline = os.pipe()
        command = _COMMAND.format(path=[entry for entry in sys.path if isinstance(entry, str)])
        # The tracker cleans up what killed processes leave; that this was needed is no news.
        flags = ["-W", "ignore:resource_tracker:UserWarning"]
        arguments = [str(theirs.fileno()), str(reading), target, str(folder)]
        self._temporary = _temporary()
        environment = {**os.environ, "TMPDIR": self._temporary}
        environment.pop("PYTHONWARNINGS", None)  # Lava's packages warn
        arguments += [self._temporary, *([str(folder)] if own_folder else [])]
        try:
            self._process = subprocess.Popen(
                [sys.executable, *flags, "-c", command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                pass_fds=(theirs.fileno(), reading),
                env=environment,
                start_new_session=True,  # out of reach of the terminal's Ctrl-C, which is for the parent to handle
            )
        except BaseException:
            os.close(self._lifeline)
            self._socket.close()
            shutil.rmtree(self._temporary, ignore_errors=True)
            raise
        finally:
            theirs.close()
            os.close(reading)
        assert self._process.stdout is not None
        self._pipe = self._process.stdout
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._poll.register(self._pipe, select.POLLIN)

    def __enter__(self) -> _Child:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._lifeline)  # from here on all below ends, whatever happens to this process
        deadline = time.monotonic() + _PATIENCE
        try:
            self._await_end(deadline)
        except BaseException:  # a second interrupt: all the same, and then it goes on
            self._await_end(deadline)
            raise
        finally:
            self._pipe.close()
            self._socket.close()
            shutil.rmtree(self._temporary, ignore_errors=True)  # the guard did, unless it was killed

    def receive(self, timeout: float) -> dict[str, Any] | None:
        """The next message, or None if there is none within ``timeout`` s, or earlier; "gone" after the last one."""
        ready = [file for file, _ in self._poll.poll(min(max(timeout, 0.0), 3600.0) * 1000)]
        if self._pipe.fileno() in ready and not self._read_output():
            self._poll.unregister(self._pipe)
        if self._socket.fileno() not in ready:
            return None
        size = self._socket.recv_into(self._buffer)
        if size == 0:  # no process holds the other end
            return {"kind": "gone"}
        message: dict[str, Any] = json.loads(self._buffer[:size])
        return message

    def tail(self) -> str:
        """The end of what the child and its processes printed, to be added to a message; empty if they did not."""
        text = self._output[-_TAIL:].decode(errors="replace").strip()
        return f"\n  the end of its output:\n{text}" if text else ""

    def _read_output(self) -> bool:
        """Take what was printed, of which the end is kept; False if nobody is left to print."""
        found = os.read(self._pipe.fileno(), 1 << 16)
        self._output += found
        del self._output[: -2 * _TAIL]
        return bool(found)

    def _await_end(self, deadline: float) -> None:
        """Wait until no process below is left, and collect the child."""
        # All of them, and the resource tracker that unlinks shared memory as the last one, hold the output's pipe. So
        # its end says that all is done, even if the guard, which would wait for them, was killed.
        output = select.poll()
        output.register(self._pipe, select.POLLIN)
        alone = False
        while (left := deadline - time.monotonic()) > 0:
            if output.poll(min(left, 0.1) * 1000):
                if not self._read_output():
                    break
            elif not alone and self._process.poll() is not None:
                alone, deadline = True, min(deadline, time.monotonic() + _PATIENCE / 4)
        try:
            self.code = self._process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:  # a process that even SIGKILL does not end, in a system call that hangs
            self._process.kill()
            self.code = self._process.wait()
