"""What the cases share: a work in turn by all contestants, and whether ours agree with the interpreter."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.child import Job
from benchmarks.contest import Arrays, Contestant, compete
from benchmarks.options import Options
from benchmarks.peers import available
from benchmarks.results import CaseResult, Check
from benchmarks.work import Work

SAME_INTEGERS = ("ours", "c_kernel")
"""Modules of peers whose integers are those of the interpreter."""


def contest(
    work: Work,
    title: str,
    contestants: list[Contestant],
    options: Options,
    result: CaseResult,
    arrays: Arrays | None = None,
    more: dict[str, Any] | None = None,
) -> int:
    """Run the contestants, add their entries and checks to ``result``; the steps after which states were compared."""
    steps = min(options.checked(work.synapses), work.steps)

    def job(folder: Path) -> Job:
        return Job({**work.settings(), **(more or {}), "seconds": options.seconds}, arrays or {}, folder)

    result.entries += compete(
        title, contestants, job, amount=work.synapses, rounds=options.rounds, seconds=options.seconds,
        check_steps=steps, say=options.say,
    )  # fmt: skip
    golden = next((c.checked for c in contestants if c.checked and c.settings.get("backend") == "interpreter"), None)
    for one in contestants:
        if golden is not None and one.checked and one.checked is not golden and one.module in SAME_INTEGERS:
            names = golden if one.module == "ours" else one.checked
            result.checks.append(equal(title, f"{one.name} = interpreter, {steps} steps", one.checked, golden, names))
    return steps


def interpreter(options: Options) -> Contestant:
    """The vectorised numpy executor of the same integers."""
    settings = {"backend": "interpreter"}
    return available.contestant("interpreter", "hmn-lava interpreter", "ours", options, settings)


def equal(work: str, what: str, found: Arrays, expected: Arrays, names: Iterable[str]) -> Check:
    """Whether all arrays of these names are equal, whatever their type and shape."""
    different = [
        name
        for name in names
        if name not in found or not np.array_equal(found[name].ravel(), np.asarray(expected[name]).ravel())
    ]
    return Check(work, what, not different, f"different: {', '.join(different)}" if different else "")
