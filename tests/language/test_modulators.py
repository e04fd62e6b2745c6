"""The modulators against their formulas, written out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hmn_lava.language.adapters import LIMITS
from hmn_lava.language.modulators import Modulators


def entropy(p: list[float]) -> float:
    return -sum(x * math.log(x) for x in p if x)


def test_the_first_token_is_as_surprising_as_expected():
    found = Modulators(2).read(3.0, np.array([0.5, 0.25, 0.25]), np.array([1.0, 2.0], np.float32))
    np.testing.assert_allclose(found, [1.0, 0.0, 0.0], atol=1e-12)


def test_values_are_those_of_the_formulas():
    """Each running mean is even over its first values, of which it has but three here."""
    modulators = Modulators(2)
    p = [[0.5, 0.25, 0.25], [0.9, 0.1, 0.0], [0.6, 0.2, 0.2]]
    losses, states = [2.0, 3.0, 1.0], np.array([[1.0, 0.0], [0.0, 1.0], [3.0, 1.0]], np.float32)
    found = [modulators.read(*each) for each in zip(losses, map(np.array, p), states, strict=True)]
    doubt = [entropy(p[1]) / entropy(p[0]), entropy(p[2]) / ((entropy(p[0]) + entropy(p[1])) / 2)]
    assert [row[0] for row in found[1:]] == pytest.approx(doubt)
    assert [row[2] for row in found[1:]] == pytest.approx([(3 - 2) / 2, (1 - 2.5) / 2.5])
    assert [row[1] for row in found] == pytest.approx([0.0, 0.0, 0.0], abs=1e-12)  # both means are even as yet


def test_novelty_is_the_angle_between_the_last_states_and_those_of_long():
    modulators, p = Modulators(2), np.array([0.5, 0.5])
    topic, sentence = np.array([1.0, 0.0]), np.array([1.0, 0.0])
    for _ in range(1500):
        modulators.read(1.0, p, np.array([1.0, 0.0], np.float32))
    for _ in range(20):
        found = modulators.read(1.0, p, np.array([0.0, 1.0], np.float32))
        sentence += (np.array([0.0, 1.0]) - sentence) / 32
        topic += (np.array([0.0, 1.0]) - topic) / 1000
        cosine = sentence @ topic / np.linalg.norm(sentence) / np.linalg.norm(topic)
        assert found[1] == pytest.approx(1 - cosine, abs=1e-9)
    assert found[1] > 0.2


def test_running_means_forget_at_their_rate():
    modulators, p, mean = Modulators(1), np.array([0.5, 0.5]), 1.0
    for _ in range(200):
        modulators.read(1.0, p, np.ones(1, np.float32))
    for _ in range(3):
        assert modulators.read(1.5, p, np.ones(1, np.float32))[2] == pytest.approx((1.5 - mean) / mean)
        mean += 0.01 * (1.5 - mean)


@pytest.mark.parametrize(
    ("loss", "p", "state", "found"),
    [
        (1e6, [0.5, 0.5], [-1.0, 0.0], [LIMITS["uncertainty"], LIMITS["novelty"], LIMITS["reward"]]),
        (0.0, [1.0, 0.0], [1.0, 0.0], [0.0, 0.0, -1.0]),
    ],
)
def test_values_are_cut_to_their_ranges(loss, p, state, found):
    modulators = Modulators(2)
    for _ in range(1500):
        modulators.read(1.0, np.array([0.99, 0.01]), np.array([1.0, 0.0], np.float32))
    for _ in range(60):
        last = modulators.read(loss, np.array(p), np.array(state, np.float32))
        modulators._loss.value[:], modulators._entropy.value[:] = 1.0, 0.05  # as they were
    np.testing.assert_allclose(last, found, atol=1e-9)


def test_states_of_zero_have_no_angle():
    found = Modulators(2).read(0.0, np.array([1.0, 0.0]), np.zeros(2, np.float32))
    assert np.isfinite(found).all()
