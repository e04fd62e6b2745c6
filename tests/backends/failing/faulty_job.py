"""The child's side of the fault drill: the job of the backend lava, in which one part raises in one step."""

from __future__ import annotations

from hmn_lava.processes.jobs import lava as job

# isort: split
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hmn_lava.simulator.part import PartExecutor


class FaultError(Exception):
    """What is raised. It cannot be pickled."""

    def __init__(self, part: str, step: int) -> None:
        super().__init__(f"a fault in {part} at step {step}")
        self.unpicklable = lambda: None


def run(folder: Path, report: Callable[[str, int], None]) -> None:
    """Run the job in ``folder`` with the fault that the environment names."""
    name, at = os.environ["HMN_LAVA_FAULT"].rsplit("@", 1)
    step_once = PartExecutor.step_once

    def faulty(self: PartExecutor, *arguments: Any) -> None:
        if self.part.name == name and self.time == int(at):
            raise FaultError(name, self.time)
        step_once(self, *arguments)

    PartExecutor.step_once = faulty  # type: ignore[method-assign]
    job.run(folder, report)
