"""Which peers are here, and as contestants."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from functools import lru_cache
from typing import Any

from benchmarks.contest import Contestant
from benchmarks.options import Options
from benchmarks.peers import compiled
from benchmarks.results import OURS

PACKAGES = {"lava": "lava", "brian2": "brian2", "sanafe": "sanafe"}
"""The module that a peer needs, by the peer's name on the command line."""

PEERS = ("fast", "interpreter", "c", *PACKAGES)
"""Everybody who can take part."""


def python_of(peer: str, options: Options) -> str:
    """The interpreter that a peer lives in."""
    return options.python.get(peer, sys.executable)


@lru_cache(maxsize=64)
def absence(peer: str, python: str) -> str | None:
    """Why a peer cannot take part here, or None."""
    if peer == "c":
        return compiled.missing()
    if peer not in PACKAGES:
        return None
    module = PACKAGES[peer]
    if python == sys.executable:
        found = importlib.util.find_spec(module) is not None
    else:
        if shutil.which(python) is None:
            return f"no such Python: {python}"
        look = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
        found = subprocess.run([python, "-c", look], capture_output=True).returncode == 0
    return None if found else f"{module} is not installed; --peer-python {peer}=PYTHON names a Python that has it"


def contestant(
    peer: str, name: str, module: str, options: Options, settings: dict[str, Any] | None = None, threads: int = 1
) -> Contestant:
    """A contestant for ``peer``, absent where it cannot run."""
    python = python_of(peer, options)
    return Contestant(name, module, settings or {}, threads, python, absence(peer, python))


def ours(options: Options) -> list[Contestant]:
    """The fast executor, once for each number of threads."""
    return [_threaded("fast", OURS, "ours", options, threads) for threads in options.threads]


def by_hand(options: Options) -> list[Contestant]:
    """The C kernel, once for each number of threads."""
    return [_threaded("c", "C by hand", "c_kernel", options, threads) for threads in options.threads]


def _threaded(peer: str, name: str, module: str, options: Options, threads: int) -> Contestant:
    return contestant(peer, f"{name}, {threads} thread{'s' * (threads > 1)}", module, options, threads=threads)
