"""Fresh Python processes in which the double of Intel's extension lies over the installed Lava, or none does.

Lava is a namespace package: a folder on PYTHONPATH that holds ``lava/...`` without ``__init__.py`` adds its modules, as
the real extension does. The double stands for names and signatures that are public, and for nothing else of it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

DOUBLE = Path(__file__).parent / "double"
HAS_LAVA = importlib.util.find_spec("lava") is not None
needs_lava = pytest.mark.skipif(not HAS_LAVA, reason="lava-nc is not installed (it needs Python 3.10)")

BOARD_VARIABLES = ("SLURM", "NOSLURM", "LOIHI_GEN", "BOARD", "PARTITION", "NXSDKHOST", "HOST_BINARY")

SINFO = """#!/bin/sh
case "$*" in
  *%N*) printf 'ncl-ghrd-01 idle\\nncl-ghrd-02 down*\\n' ;;
  *%P*) printf 'oheogulch* up\\nkp up\\nold down\\n' ;;
  *-N*) printf 'NODELIST NODES PARTITION STATE\\nncl-ghrd-01 1 oheogulch* idle\\n' ;;
  *) printf 'PARTITION AVAIL TIMELIMIT NODES STATE NODELIST\\noheogulch* up 1:00 1 idle ncl-ghrd-01\\n' ;;
esac
"""


def environment(folder: Path | None = None, double: bool = True, **variables: str) -> dict[str, str]:
    """An environment that names no board, with the double or without, and with programs for SLURM in ``folder``.

    ``ping`` answers 10.1.2.3 alone. Without ``folder`` there are neither sinfo nor ping.
    """
    kept = {name: value for name, value in os.environ.items() if name not in BOARD_VARIABLES}
    path = kept.get("PYTHONPATH")
    if double:
        kept["PYTHONPATH"] = os.pathsep.join([str(DOUBLE), *([path] if path else [])])
    kept["PATH"] = "/nonexistent"
    if folder is not None:
        for name, text in {
            "sinfo": SINFO,
            "ping": '#!/bin/sh\nif [ "$1" = 10.1.2.3 ]; then echo 1; else exit 1; fi\n',
        }.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        kept["PATH"] = f"{folder}:/usr/bin:/bin"
    return kept | variables


def run_python(arguments: list[str], environment: dict[str, str], timeout: float = 60) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a fresh Python process. Too late, it is killed with all that it has started."""
    command = [sys.executable, "-W", "ignore", *arguments]
    child = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        out, err = child.communicate(timeout=timeout)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    return child.returncode, out, err


def in_child(code: str, environment: dict[str, str], timeout: float = 60) -> Any:
    """What ``code`` prints last, as JSON, run in a fresh Python process."""
    returned, out, err = run_python(["-c", code], environment, timeout)
    assert returned == 0, err
    return json.loads(out.splitlines()[-1])
