"""A trained network on perturbed test samples."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from hmn_lava.errors import InputError
from hmn_lava.training.deploy import Run
from hmn_lava.training.fit import test_accuracy
from hmn_lava.training.perturbations import PERTURBATIONS, perturb


def tested(run: Run, perturbation: str | None = None, levels: Sequence[float] = ()) -> list[tuple[str, float, float]]:
    """Perturbation, level and accuracy: clean, and of one perturbation, or of all, at ``levels`` or its usual ones.

    Raises InputError for an unknown perturbation, or levels without one.
    """
    if perturbation is not None and perturbation not in PERTURBATIONS:
        remedy = f"one of: {', '.join(PERTURBATIONS)}"
        raise InputError("no such perturbation", field="perturbation", value=perturbation, remedy=remedy)
    if perturbation is None and levels:
        raise InputError("has no meaning without a perturbation", field="level", remedy="name a perturbation, too")
    network, samples = run.network, run.samples
    rows = [("clean", 0.0, test_accuracy(network, samples))]
    for name in PERTURBATIONS if perturbation is None else (perturbation,):
        for level in levels or PERTURBATIONS[name].levels:
            change = partial(perturb, name=name, level=level, seed=run.settings.seed)
            rows.append((name, level, test_accuracy(network, samples, change)))
    return rows
