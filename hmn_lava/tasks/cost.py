"""What a task's network costs on the chip: energy per weight update of a short stretch of its inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import hmn_lava as hl
from hmn_lava.tasks.base import Task

STEPS = 1000
"""Of a stimulus."""

Energy = dict[str, Any]
"""``low``, ``typical``, ``high`` in ``unit``, of everything; ``learning_only``: the same without what is always on."""


def energy_per_update(task: Task, plasticity: str, without: Sequence[str] = ()) -> Energy:
    """Energy per weight update of the task's :attr:`Task.excerpt`, or its spec's stimulus where it has none.

    Counts times coefficients, as :func:`hmn_lava.profile` has them: a range, since the coefficients are assumed.
    Raises FitError if the network does not fit.
    """
    bundle = hl.compile(task.spec(without=without), plasticity=plasticity)
    inputs, steps = (None, STEPS) if task.excerpt is None else (task.excerpt(0), None)
    report = hl.profile(bundle, inputs, steps).as_dict()
    return {key: value for key, value in report["energy_per_update"].items() if key != "terms"}
