"""Vars that are set in the middle of a run."""

from __future__ import annotations

from typing import Any

import numpy as np
from zoo import STEPS

HALF = STEPS // 2
CHANGES = {
    "relu": ("bias", np.array([1.0, -1.0, 0.25])),
    "sigmoid": ("noise", np.array([0.0])),
    "plain": ("weights", np.full((3, 4), 0.25)),
    "static": ("weights", np.full((3, 4), 6.0)),
    "oscillator": ("count", np.array([3.0])),
    "reward": ("eta_local", np.array([0.05])),
}
"""What is set in the middle of a run, in real numbers."""


def changed(part: Any, variable: str, values: np.ndarray) -> np.ndarray:
    """``values`` as the integers of a Var."""
    group = part.group
    if group is None:
        return values.astype(np.int64)
    return group.program.variable({"weights": "w"}.get(variable, variable)).format.quantise(values)
