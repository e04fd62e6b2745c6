"""The stages of continual learning: which corruptions come in which order, and what an accuracy matrix tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import InputError
from hmn_lava.tasks.digits import Images
from hmn_lava.tasks.image_sets import CLEAN, ImageSet

LESSONS = 400
"""Lessons of a stage."""

TESTS = 100
"""Test images of a stage: the same ones in each, but for the corruption."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Stage:
    """What is learned at a stretch, in this order, and what it is examined on."""

    name: str
    train: Images
    test: Images


Stages = Callable[[int], Sequence[Stage]]
"""The stages of a seed."""


def draw_stages(
    images: ImageSet, seed: int, *, lessons: int = LESSONS, tests: int = TESTS, limit: int | None = None
) -> list[Stage]:
    """Draw the order of the corruptions, images without one first, and the images of each stage.

    ``limit``: stages, all if left out. Raises InputError where there are too few images.
    """
    for part, have, need in (("train", len(images.train), lessons), ("test", len(images.test), tests)):
        if have < need:
            raise InputError("too few images", field=f"data.{part}", value=have, remedy=f"give at least {need}")
    draws = np.random.default_rng(seed)
    corruptions = [name for name in images.names if name != CLEAN]
    order = [name for name in images.names if name == CLEAN]
    order += [corruptions[n] for n in draws.permutation(len(corruptions))]
    examined = draws.permutation(len(images.test))[:tests]
    stages = []
    for name in order[:limit]:
        shown = draws.permutation(len(images.train))[:lessons]
        train, test = (int(number) for number in draws.integers(0, 2**31, 2))
        stages.append(
            Stage(
                name,
                Images(images.pixels(name, "train", shown, train), images.train[shown]),
                Images(images.pixels(name, "test", examined, test), images.test[examined]),
            )
        )
    return stages


def measured(matrix: Floats) -> dict[str, float]:
    """The figures of an accuracy matrix R (T + 1, T), with stages counted from 1.

    final_accuracy: mean_j R[T, j]. learned_accuracy: mean_j R[j, j]. forgetting: mean over j < T of
    max_{1 <= i < T} R[i, j] - R[T, j]. backward_transfer: mean over j < T of R[T, j] - R[j, j]. forward_transfer: mean
    over j > 1 of R[j - 1, j] - R[0, j]. Sources: Lopez-Paz and Ranzato, arXiv:1706.08840 (2017), eqs. (2) to (4);
    Chaudhry et al., arXiv:1801.10112 (2018), section 3.
    """
    last, stages = matrix[-1], range(matrix.shape[1])
    before = [float(matrix[j, j] - matrix[0, j]) for j in stages[1:]]
    after = [float(last[j] - matrix[j + 1, j]) for j in stages[:-1]]
    lost = [float(matrix[1:-1, j].max() - last[j]) for j in stages[:-1]]
    return {
        "final_accuracy": float(last.mean()),
        "forgetting": float(np.mean(lost)),
        "backward_transfer": float(np.mean(after)),
        "forward_transfer": float(np.mean(before)),
        "learned_accuracy": float(np.mean([matrix[j + 1, j] for j in stages])),
    }
