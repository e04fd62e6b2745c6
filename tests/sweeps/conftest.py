"""A small spec to sweep, and the command as a process of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from hmn_lava.spec import Spec, load_spec
from hmn_lava.sweeps.journal import journal_path

SPEC = """
hmn_lava: 1
name: tiny
populations:
  pixels: {type: input, size: 6, range: [0, 1]}
  teach: {type: input, size: 1, range: [-1, 1]}
  out: {type: hmn, size: 3, activation: sigmoid, bias: [0.1, 0.2, 0.3]}
connections:
  fixed: {type: static, source: pixels, target: out, weights: {npz: arrays.npz, key: fixed}}
  readout:
    type: hmn
    source: pixels
    target: out
    weights: {init: uniform, low: -0.1, high: 0.1}
    traces: {tau_fast: 5.0, tau_slow: 50.0}
    rates: {global: 0.05}
    phase_gate: {oscillator: theta}
modulators:
  teacher: {type: input, source: teach}
oscillators:
  theta: {period: 16.0}
stimulus:
  pixels: {type: bernoulli, rate: 0.3}
  teach: {type: constant, value: 0.5}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The spec as a file, with its arrays."""
    arrays = {"fixed": np.full((3, 6), 0.25), "other": np.full((3, 6), 0.5)}
    np.savez(tmp_path / "arrays.npz", **arrays)  # type: ignore[arg-type]
    (tmp_path / "tiny.yaml").write_text(SPEC)
    return tmp_path / "tiny.yaml"


@pytest.fixture
def spec(file: Path) -> Spec:
    """The spec."""
    return load_spec(file)


class Client:
    """``hmn-lava sweep`` in a process of its own, with all that it starts."""

    def __init__(self, *arguments: object, output: Path) -> None:
        command = [sys.executable, "-m", "hmn_lava.cli", "sweep", *map(str, arguments), "-o", str(output)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.output = output

    def wait(self, seconds: float = 300) -> int:
        """Wait for its end."""
        self.out, self.err = self.process.communicate(timeout=seconds)
        return self.process.returncode

    def children(self) -> list[psutil.Process]:
        """The processes that it has started, and theirs."""
        return list(psutil.Process(self.process.pid).children(recursive=True))

    def workers(self) -> list[psutil.Process]:
        """Those that run rows."""
        return [child for child in self.children() if "spawn_main" in " ".join(child.cmdline())]

    def kill(self) -> list[psutil.Process]:
        """Kill it; returns what it leaves behind after half a minute."""
        left = self.children()
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.communicate()
        return list(psutil.wait_procs(left, timeout=30)[1])

    @property
    def finished(self) -> int:
        """Rows in the journal."""
        journal = journal_path(self.output)
        return max(0, journal.read_bytes().count(b"\n") - 1) if journal.exists() else 0


@pytest.fixture
def client() -> Iterator[Callable[..., Client]]:
    """Start the command; what is left of it at the end of the test is killed."""
    started: list[Client] = []

    def start(*arguments: object, output: Path) -> Client:
        started.append(Client(*arguments, output=output))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.kill()
