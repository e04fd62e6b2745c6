"""The rival learns by the gradient of log p through all layers."""

from __future__ import annotations

import numpy as np
import pytest

from hmn_lava.language.adapters import ADAPTERS
from hmn_lava.language.reader import Lesson
from hmn_lava.language.rival import GradientAdapters


def test_a_lesson_is_the_gradient_of_log_p(frozen):
    rng, token = np.random.default_rng(3), int(frozen.tokens[5])
    rival = GradientAdapters(8, rate=1.0, scale=2.0)
    rival.weights = [rng.normal(0, 0.5, (8, 8)) for _ in range(ADAPTERS)]
    state = np.append(rng.normal(size=7), 3.0)  # the last is beyond what a layer gets

    def answer() -> np.ndarray:
        return frozen.probabilities(rival.exchange(state, None))

    expected = []
    for weights in rival.weights:
        expected.append(np.empty((8, 8)))
        for place in np.ndindex(8, 8):
            old, ends = weights[place], []
            for step in (1e-5, -1e-5):
                weights[place] = old + step
                ends.append(-frozen.loss(answer(), token))
            weights[place] = old
            expected[-1][place] = (ends[0] - ends[1]) / 2e-5
    before, error = [w.copy() for w in rival.weights], frozen.error(answer(), token)
    rival.exchange(state, Lesson(state, error, np.zeros(3)))
    for old, new, right in zip(before, rival.weights, expected, strict=True):
        assert np.abs(right).max() > 1e-3
        np.testing.assert_allclose(new - old, right, rtol=1e-5, atol=1e-8)


def test_weights_of_zero_add_nothing():
    state = np.linspace(-5, 5, 8)
    assert GradientAdapters(8, 0.1, 2.0).exchange(state, None) == pytest.approx(state)
