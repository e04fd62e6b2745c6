"""How many threads a run takes."""

from __future__ import annotations

import os

from hmn_lava.errors import InputError


def thread_number(threads: int | None) -> int:
    """How many threads are asked for; None: one for every processor. Raises InputError for less than one."""
    if threads is None:
        return processors()
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        remedy = "leave it out to use every processor"
        raise InputError("must be a whole number from 1", field="threads", value=threads, remedy=remedy)
    return threads


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
