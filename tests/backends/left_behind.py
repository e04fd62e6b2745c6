"""What a run may have left behind: processes, shared memory, temporary files, memory of this process."""

from __future__ import annotations

import contextlib
import os
import re
import time
from pathlib import Path


def unused_segments() -> set[str]:
    """Shared memory and semaphores that no process has mapped. Other tests use theirs while this one runs."""
    there = {file.name for file in Path("/dev/shm").iterdir() if file.name.startswith(("psm_", "sem."))}
    for folder in Path("/proc").glob("[0-9]*") if there else ():
        with contextlib.suppress(OSError):
            there -= set(re.findall(r"/dev/shm/(\S+)", (folder / "maps").read_text()))
    return there


def nothing_new(processes: set[int], segments: set[str], seconds: float = 5.0) -> bool:
    """Whether, within ``seconds``, no process and no unused segment is there but these.

    Other tests' runs end meanwhile: their segments are unused for a moment before they are gone.
    """
    end = time.monotonic() + seconds
    while not (descendants() <= processes and unused_segments() <= segments):
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def descendants() -> set[int]:
    """All processes that have this one among their ancestors, whether they have ended or not."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_bytes().rpartition(b")")[2].split()[1])
            except OSError:
                continue
    found: set[int] = set()
    grown = {os.getpid()}
    while grown:
        grown = {child for child, parent in parents.items() if parent in grown}
        found |= grown
    return found


def resident() -> float:
    """MiB of memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
