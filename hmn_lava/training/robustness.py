"""A trained network on its test samples, as they are and perturbed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from hmn_lava.errors import InputError
from hmn_lava.training.data import Samples
from hmn_lava.training.deploy import Run
from hmn_lava.training.fit import test_accuracy
from hmn_lava.training.network import Mpsl
from hmn_lava.training.perturbations import PERTURBATIONS, perturb, perturbation_named

CLEAN = "clean"
"""Stands for no perturbation, at level 0."""


def accuracy_under(network: Mpsl, samples: Samples, perturbation: str, level: float, seed: int) -> float:
    """Test accuracy under a perturbation, or :data:`CLEAN`; ``seed`` draws what is random."""
    if perturbation == CLEAN:
        return test_accuracy(network, samples)
    return test_accuracy(network, samples, partial(perturb, name=perturbation, level=level, seed=seed))


def tested(run: Run, perturbation: str | None = None, levels: Sequence[float] = ()) -> list[tuple[str, float, float]]:
    """Perturbation, level and accuracy: clean, and of one perturbation, or of all, at ``levels`` or its usual ones.

    Raises InputError for an unknown perturbation, or levels without one.
    """
    if perturbation is None and levels:
        raise InputError("has no meaning without a perturbation", field="level", remedy="name a perturbation, too")
    names = tuple(PERTURBATIONS) if perturbation is None else (perturbation,)
    tests = [(name, level) for name in names for level in levels or perturbation_named(name).levels]
    return [
        (name, level, accuracy_under(run.network, run.samples, name, level, run.settings.seed))
        for name, level in [(CLEAN, 0.0), *tests]
    ]
