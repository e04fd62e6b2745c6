"""What does not fit in memory is refused before it is allocated: a process that the system kills tells nobody why."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hmn_lava.errors import InputError

_CGROUP = Path("/sys/fs/cgroup/memory.max")


def memory() -> int | None:
    """Tell how many bytes of memory this process may use, as far as the system says so."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
    try:
        return min(total, int(_CGROUP.read_text()))
    except (OSError, ValueError):
        return total


def refuse_above_memory(need: int, *, remedy: str, where: str = "", field: str = "", value: Any = None) -> None:
    """Raise InputError if ``need`` bytes are more than all memory."""
    have = memory()
    if have is not None and need > have:
        problem = f"needs about {need / 1e9:.3g} GB, this machine has {have / 1e9:.3g} GB"
        raise InputError(problem, where=where, field=field, value=value, remedy=remedy)
