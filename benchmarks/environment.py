"""Where and with what something was measured."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("hmn-lava", "numpy", "llvmlite", "lava-nc", "brian2")
ROOT = Path(__file__).parents[1]


def environment() -> dict[str, Any]:
    """Versions, processor, number of processors and their load, date, and the commit where there is a repository."""
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _commit(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        **{name: found for name in PACKAGES if (found := _version(name)) is not None},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    try:
        command = ["git", "describe", "--always", "--dirty", "--tags"]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _processor() -> str:
    """The model's name, and the vector extensions that matter to what is compiled for it."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor()
    fields = dict(line.split(":", 1) for line in info.read_text().split("\n\n")[0].splitlines() if ":" in line)
    fields = {name.strip(): value.strip() for name, value in fields.items()}
    name = fields.get("model name", platform.processor())
    family = f"family {fields.get('cpu family', '?')} model {fields.get('model', '?')}"
    wide = [flag for flag in ("avx2", "avx512bw") if flag in fields.get("flags", "").split()]
    return f"{name} ({family}{', ' if wide else ''}{', '.join(wide)})"
