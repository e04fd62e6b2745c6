"""Runs a function in a child process with Lava, under a time limit.

Lava must be imported first in its process (it sets the multiprocessing start method), and its ``run()`` waits for ever
when a ProcessModel raises. So a test names a function of a file beside it; the child calls it, and what it returns, a
mapping of names to arrays, comes back.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

HAS_LAVA = importlib.util.find_spec("lava") is not None
needs_lava = pytest.mark.skipif(not HAS_LAVA, reason="lava-nc is not installed (it needs Python 3.10)")

Arrays = dict[str, np.ndarray]


def in_lava(file: str | Path, function: str, *arguments: str, timeout: float = 300) -> Arrays:
    """What ``function(*arguments)`` of ``file`` returns; RuntimeError if it fails or takes over ``timeout`` s."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder, "found.npz")
        command = [sys.executable, "-W", "ignore", __file__, str(found), str(file), function, *arguments]
        child = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True, text=True
        )
        try:
            output, _ = child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            output = f"Lava took longer than {timeout} s"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        if not found.exists():
            raise RuntimeError(output[-3000:])
        with np.load(found) as results:
            return {name: results[name] for name in results.files}


# What follows runs in the child.


def source(values: np.ndarray) -> Any:
    """A Process that sends row t of ``values`` in step t."""
    from lava.proc.io.source import RingBuffer

    return RingBuffer(data=np.asarray(values).T)


def sink(port: Any, steps: int) -> Any:
    """A Process that keeps what ``port`` sends; its ``data`` has a column for each step."""
    from lava.proc.io.sink import RingBuffer

    found = RingBuffer(shape=port.shape, buffer=steps)
    port.connect(found.a_in)
    return found


def run(process: Any, tag: str, steps: int) -> None:
    """Run the network of ``process`` for some more steps."""
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg

    process.run(condition=RunSteps(num_steps=steps), run_cfg=Loihi2SimCfg(select_tag=tag))


def _main(found: str, file: str, function: str, *arguments: str) -> None:
    import lava.magma.core.process.process  # noqa: F401 - first, see above

    specification = importlib.util.spec_from_file_location("scenarios", file)
    if specification is None or specification.loader is None:
        raise ImportError(file)
    module = importlib.util.module_from_spec(specification)
    sys.modules["scenarios"] = module
    sys.path.append(str(Path(file).parent))
    specification.loader.exec_module(module)
    results = getattr(module, function)(*arguments)
    np.savez(found + ".part.npz", **results)
    os.replace(found + ".part.npz", found)


if __name__ == "__main__":
    sys.path = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).parent]
    _main(*sys.argv[1:])
