"""The parent's side: contestants are child processes that build once and then run in turn, several rounds.

While one runs the others are stopped (SIGSTOP), so that those that poll take no processor from it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.child import Job
from benchmarks.results import Entry

ROOT = Path(__file__).parents[1]
LIMIT = 300.0
"""Seconds that a child may take to answer."""

SHORTEST = 0.05
"""Seconds of a run from which the length of a round is estimated."""

SPINS = "20000"
"""Turns that a thread of OpenMP waits before it sleeps: on a shared machine it would spin its partner's time away."""

Arrays = dict[str, NDArray[Any]]


class ContestantError(Exception):
    """A child failed: the last lines of what it said."""


@dataclass
class Contestant:
    """One who takes part: ``module`` of benchmarks/peers in a Python, with settings of its own beside the job's.

    ``absent`` says why it cannot take part here; then it is listed and not run. ``check_steps`` are run once before all
    others; the state after them is kept in ``checked``.
    """

    name: str
    module: str
    settings: dict[str, Any] = field(default_factory=dict)
    threads: int = 1
    python: str = sys.executable
    absent: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    checked: Arrays = field(default_factory=dict)


class Child:
    """A contestant's process."""

    def __init__(self, contestant: Contestant, job: Job) -> None:
        self.contestant, self.job = contestant, job
        Job({**job.settings, **contestant.settings, "threads": contestant.threads}, job.arrays, job.folder).write()
        self._errors = (job.folder / "errors.txt").open("w+")
        paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        threads = {"OMP_NUM_THREADS": str(contestant.threads), "OPENBLAS_NUM_THREADS": str(contestant.threads)}
        threads["GOMP_SPINCOUNT"] = SPINS
        self._process = subprocess.Popen(
            [contestant.python, "-W", "ignore", "-m", f"benchmarks.peers.{contestant.module}", str(job.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=job.folder,
            env={**os.environ, **threads, "PYTHONPATH": paths, **contestant.environment},
            start_new_session=True,
        )
        self._rest = b""
        try:
            first = self._answer()
        except ContestantError:
            self.close()
            raise
        self.ready: float = first["ready"]
        self.about: dict[str, Any] = first["about"]
        self.memory: float = first["memory"]
        self.fixed: int | None = self.about.get("steps")
        self._pause()

    def run(self, steps: int) -> float:
        """Seconds that ``steps`` steps took."""
        return float(self._ask(do="run", steps=steps)["seconds"])

    def state(self) -> Arrays:
        self._ask(do="state")
        with np.load(self.job.folder / "state.npz") as file:
            return {name: file[name] for name in file.files}

    def close(self) -> None:
        """End it, and all that it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGCONT)
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()

    def _ask(self, **values: Any) -> dict[str, Any]:
        stdin = self._process.stdin
        if stdin is None:
            raise ContestantError("it has no standard input")
        os.killpg(self._process.pid, signal.SIGCONT)
        stdin.write(json.dumps(values).encode() + b"\n")
        stdin.flush()
        answer = self._answer()
        self.memory = max(self.memory, answer["memory"])
        self._pause()
        return answer

    def _pause(self) -> None:
        os.killpg(self._process.pid, signal.SIGSTOP)

    def _answer(self) -> dict[str, Any]:
        out, end = self._process.stdout, time.monotonic() + LIMIT
        if out is None:
            raise ContestantError("it has no standard output")
        while b"\n" not in self._rest:
            if not select.select([out], [], [], max(0.0, end - time.monotonic()))[0]:
                raise ContestantError(f"no answer in {LIMIT:g} s")
            data = os.read(out.fileno(), 1 << 16)
            if not data:
                raise ContestantError(self._said())
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ContestantError(answer["error"])
        return answer

    def _said(self) -> str:
        self._errors.flush()
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines()
        return " | ".join(lines[-3:]) or "it ended without a word"


def compete(
    work: str,
    contestants: Sequence[Contestant],
    job: Callable[[Path], Job],
    *,
    amount: float,
    rounds: int,
    seconds: float,
    check_steps: int,
    say: Callable[[str], None] = lambda text: None,
    unit: str = "updates",
) -> list[Entry]:
    """Build all, run ``check_steps`` steps of each and keep its state, then ``rounds`` rounds of about ``seconds``.

    ``amount`` is the work of one step. A contestant that fails becomes an entry that says why.
    """
    folder = Path(tempfile.mkdtemp(prefix="hmn-lava-bench-"))
    entries = [Entry(work, c.name, c.threads, unit, absent=c.absent) for c in contestants]
    running: list[tuple[Entry, Child, int]] = []
    try:
        for number, (contestant, entry) in enumerate(zip(contestants, entries, strict=True)):
            if contestant.absent is not None:
                continue
            say(f"{work}: {contestant.name} gets ready")
            with _noted(entry):
                child = Child(contestant, job(folder / str(number)))
                running.append((entry, child, 0))
                entry.ready, entry.about = child.ready, child.about
                steps = _prepare(contestant, child, check_steps, seconds)
                running[-1] = (entry, child, steps)
        for turn in range(rounds):
            say(f"{work}: round {turn + 1} of {rounds}")
            for entry, child, steps in running:
                if entry.absent is not None:
                    continue
                with _noted(entry):
                    entry.seconds.append(child.run(steps))
                    entry.amounts.append(amount * steps)
                    entry.memory = child.memory
    finally:
        for _, child, _ in running:
            child.close()
        shutil.rmtree(folder, ignore_errors=True)
    return entries


def _prepare(contestant: Contestant, child: Child, check_steps: int, seconds: float) -> int:
    """Run the steps of the check, and find out how many steps a round has."""
    if child.fixed is not None:
        child.run(child.fixed)
        contestant.checked = child.state()
        return child.fixed
    child.run(check_steps)
    contestant.checked = child.state()
    steps, taken = check_steps, child.run(check_steps)
    while taken < min(SHORTEST, seconds):
        steps *= 4
        taken = child.run(steps)
    return max(1, round(steps * seconds / taken))


@contextlib.contextmanager
def _noted(entry: Entry) -> Any:
    try:
        yield
    except (ContestantError, OSError) as error:
        entry.absent = f"failed: {error}"
