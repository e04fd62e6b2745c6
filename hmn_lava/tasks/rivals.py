"""Other learners on the same stages, in float64: what continual learning by the HMN rule is compared with.

All have one readout of ten sigmoid neurons, z = sigmoid(W x), whose weights are 0 at first, and learn one image at a
time, in the same order. Each gives an accuracy matrix, see :mod:`hmn_lava.tasks.continual`. Rates are the best of
``GRID`` by the final accuracy on seeds 100 to 107, which no result is reported on
(``python -m benchmarks.roadmap.continual grid``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from hmn_lava.tasks.digits import teach_by_delta_rule
from hmn_lava.tasks.image_sets import CLASSES
from hmn_lava.tasks.stages import Floats, Stage

GRID = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
"""Rates that were tried."""

STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0)
"""Strengths of the elastic weights that were tried, with each rate."""

RATE = 0.02
"""Of the delta rule."""

RATE_IN_INTEGERS = 0.05
"""Of the same network as a plain delta rule."""

ELASTIC = (0.02, 1.0)
"""Rate and strength of the elastic weights."""

FROZEN = 0.1
"""Rate of the frozen net."""


def delta_rule(stages: Sequence[Stage], rate: float = RATE) -> Floats:
    """The plain delta rule: w += rate (target - z) x."""
    w = _zeros(stages)
    return _matrix(stages, w, lambda stage: teach_by_delta_rule(w, stage.train, rate))


def frozen(stages: Sequence[Stage], rate: float = FROZEN) -> Floats:
    """The delta rule in the first stage, and no learning in the others."""
    w = _zeros(stages)

    def learn(stage: Stage) -> None:
        if stage is stages[0]:
            teach_by_delta_rule(w, stage.train, rate)

    return _matrix(stages, w, learn)


def elastic_weights(stages: Sequence[Stage], rate: float = ELASTIC[0], strength: float = ELASTIC[1]) -> Floats:
    """Online elastic-weight consolidation, which is told where a stage ends.

    The loss of a lesson has (strength / 2) sum F (w - w0)^2 added, where w0 are the weights at the end of the stage
    before, and F sums, over the stages so far, the mean of z (1 - z) x^2 over the lessons: the diagonal of the Fisher
    information of ten Bernoulli outputs. The penalty's step is implicit, so that it is stable at any strength. Sources:
    Kirkpatrick et al., arXiv:1612.00796 (2017), eq. (3); Schwarz et al., arXiv:1805.06370 (2018), section 4.
    """
    w = _zeros(stages)
    anchor, importance = w.copy(), w.copy()

    def learn(stage: Stage) -> None:
        seen = np.zeros_like(w)
        pull = rate * strength * importance
        for x, target in _lessons(stage):
            z = _sigmoid(w @ x)
            w[:] = (w + rate * np.outer(target - z, x) + pull * anchor) / (1.0 + pull)
            seen[:] += np.outer(z * (1.0 - z), x * x)
        anchor[:] = w
        importance[:] += seen / len(stage.train)

    return _matrix(stages, w, learn)


def _matrix(stages: Sequence[Stage], w: Floats, learn: Callable[[Stage], object]) -> Floats:
    rows = [_examine(w, stages)]
    for stage in stages:
        learn(stage)
        rows.append(_examine(w, stages))
    return np.array(rows)


def _zeros(stages: Sequence[Stage]) -> Floats:
    return np.zeros((CLASSES, stages[0].train.pixels.shape[1]))


def _lessons(stage: Stage) -> zip[tuple[Floats, Floats]]:
    return zip(stage.train.pixels, np.eye(CLASSES)[stage.train.digit], strict=True)


def _examine(w: Floats, stages: Sequence[Stage]) -> Floats:
    shares = [float(np.mean((stage.test.pixels @ w.T).argmax(1) == stage.test.digit)) for stage in stages]
    return np.array(shares)


def _sigmoid(a: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-a)))
