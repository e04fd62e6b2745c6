"""The adapters against a float model from their docstring, backends against each other, and what a lesson does."""

from __future__ import annotations

from math import cos, pi

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.errors import FitError, InputError
from hmn_lava.language.adapters import ADAPTERS, MODULATORS, SCALE, SETTINGS, language_spec
from hmn_lava.language.model import host_of
from hmn_lava.language.reader import Adapters, Lesson, Nothing, Reader

WIDTH = 8


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-x))


class Plain:
    """The adapters step by step, without the probabilistic gate."""

    def __init__(self, plasticity: str) -> None:
        self.opposite, self.setting, self.t = plasticity == "engine", SETTINGS[plasticity], 0
        n = 2 * WIDTH if self.opposite else WIDTH
        self.w = np.zeros((ADAPTERS, WIDTH, n))
        self.psi = np.zeros((2, ADAPTERS, WIDTH, n))
        self.eta = self.setting.rate * n / 2

    def exchange(self, state: np.ndarray, lesson: Lesson | None) -> np.ndarray:
        for t in range(self.setting.period):
            x, e, sign, values = np.zeros(WIDTH), np.zeros(WIDTH), 0.0, np.zeros(3)
            if t < 2 and lesson is not None:
                sign = -1.0 if t == 0 else 1.0
                x, e, values = lesson.state / SCALE, sign * np.clip(lesson.error, -1, 1), sign * lesson.modulators
            if t == self.setting.query:
                x = state / SCALE
            out = self.step(np.clip(x, -1, 1), e, sign, values)
            if t == self.setting.query:
                found = state + SCALE * out
        return found

    def step(self, x_0: np.ndarray, e: np.ndarray, sign: float, values: np.ndarray) -> np.ndarray:
        gamma = np.exp(0.5 * np.sign(values) * sign)
        factor = sum(gamma / gamma.sum() * 3 * np.array([0.5, 1.5, 0.1]) * values)
        gate = max(0.0, cos(2 * pi * self.t / self.setting.period - pi / self.setting.period))
        self.t += 1
        gain = self.setting.gain
        added, moves = np.zeros(WIDTH), []
        for layer in range(ADAPTERS):
            x = np.clip(x_0 + added, -1, 1)
            if self.opposite:
                x = np.concatenate([np.maximum(x, 0), np.maximum(-x, 0)])
            sign_l = (-1) ** layer
            z = sigmoid(self.w[layer] @ x + sign_l * gain * e)
            both = np.outer(z, x)
            for tau in (1, 2):
                psi = self.psi[tau - 1, layer]
                psi[:] = np.where(both != 0, both, np.exp(-1 / tau) * psi)
            alpha = np.exp(0.1 * np.sign(x))
            moves.append(self.eta * factor * gate * alpha / alpha.sum() * self.psi[:, layer].sum(0))
            added = added + sign_l * (z - sigmoid(sign_l * gain * e)) / SCALE
        self.w += np.array(moves)
        return np.clip(added, -1, 1)


def weights(session) -> np.ndarray:
    return np.array([session.real(f"adapt_{n}.w") for n in range(1, ADAPTERS + 1)])


def lessons(n: int, seed: int = 0) -> list[tuple[np.ndarray, Lesson | None]]:
    """States, and lessons of the states before; some values are beyond what the chip can be sent."""
    rng, found, before = np.random.default_rng(seed), [], None
    for number in range(n):
        state = rng.normal(size=WIDTH)
        known = (
            None if before is None else Lesson(before, rng.normal(0, 0.4, WIDTH), rng.uniform([0, 0, -1], [2, 1, 2]))
        )
        found.append((state, known if number % 7 else None))
        before = state
    return found


@pytest.mark.parametrize("plasticity", ["neurocore", "engine"])
def test_the_reference_is_the_equations(frozen, plasticity):
    spec = language_spec(frozen, plasticity, rule={"probabilistic_gate": None})
    session = hl.compile(spec, plasticity=plasticity).session("reference")
    chip, plain = Adapters(session, host_of(spec)), Plain(plasticity)
    for state, lesson in lessons(25):
        found, right = chip.exchange(state, lesson) - state, plain.exchange(state, lesson) - state
        np.testing.assert_allclose(found, right, rtol=0.02, atol=2e-4)
    w = plain.w.reshape(ADAPTERS, -1)
    assert np.abs(right).max() > 0.004 and np.abs(w).max() > 0.005
    np.testing.assert_allclose(weights(session).reshape(ADAPTERS, -1), w, rtol=0.02, atol=2e-4)


def test_fast_has_the_perplexity_of_the_reference(frozen, adapters, tokens_of_text):
    """Within 2 %, over some hundred tokens of another style, on which learning tells."""
    tokens = tokens_of_text(350, style=1, seed=3)
    found = {}
    for backend in ("fast", "reference"):
        found[backend] = Reader(frozen, adapters(backend)).read(tokens)
    assert found["fast"].mean() == pytest.approx(found["reference"].mean(), abs=0.02)
    fixed = Reader(frozen, Nothing()).read(tokens)
    assert found["fast"].mean() < fixed.mean() - 0.02


def test_fast_is_the_interpreter_bit_for_bit(adapters, bundle):
    fast, slow = adapters("fast"), adapters("interpreter")
    for state, lesson in lessons(4 if bundle.plasticity == "neurocore" else 3):
        assert np.array_equal(fast.exchange(state, lesson), slow.exchange(state, lesson))
        assert np.array_equal(weights(fast.session), weights(slow.session))
    assert weights(fast.session).any()


@pytest.mark.parametrize("backend", ["fast", "reference"])
def test_all_of_a_lesson_is_in_the_weights_when_the_next_state_comes(adapters, backend):
    chip, state = adapters(backend), np.linspace(-1, 1, WIDTH)
    found = chip.exchange(state, Lesson(state, np.linspace(0.8, -0.7, WIDTH), np.array([1.0, 0.5, 0.0])))
    assert np.abs(found - state).max() > 0.001
    assert np.array_equal(found, chip.exchange(state, None))


@pytest.mark.parametrize("sign", [1, -1])
def test_a_lesson_makes_likelier_what_was_taught(frozen, adapters, tokens_of_text, sign):
    """An error of the other sign makes it less likely."""
    states = frozen.states(tokens_of_text(6, seed=4))
    for state, token in zip(states, frozen.tokens[[0, 3, 7, 20, 30, 40]], strict=False):
        chip = adapters()
        p = frozen.probabilities(chip.exchange(state, None))
        lesson = Lesson(state, sign * frozen.error(p, int(token)), np.array([1.0, 0.5, 0.0]))
        for _ in range(5):
            chip.exchange(state, lesson)
        change = frozen.loss(p, int(token)) - frozen.loss(frozen.probabilities(chip.exchange(state, None)), int(token))
        assert sign * change > 0.0


def test_each_modulator_alone_teaches(adapters):
    state, error = np.linspace(-1, 1, WIDTH), np.linspace(0.8, -0.8, WIDTH)
    moved = {}
    for number, name in enumerate(MODULATORS):
        chip = adapters()
        for _ in range(5):
            chip.exchange(state, Lesson(state, error, np.eye(3)[number]))
        moved[name] = np.abs(weights(chip.session)).sum()
    assert moved["novelty"] > moved["uncertainty"] > moved["reward"] > 0.0


def test_without_modulators_nothing_changes(adapters):
    chip, state = adapters(), np.linspace(-1, 1, WIDTH)
    for _ in range(5):
        chip.exchange(state, Lesson(state, np.linspace(0.8, -0.8, WIDTH), np.zeros(3)))
    assert not weights(chip.session).any()


@pytest.mark.parametrize("backend", ["fast", "reference"])
def test_weights_of_zero_answer_with_the_state_itself(adapters, backend):
    """Even where the chip is sent less of it."""
    chip = adapters(backend)
    for state in (np.linspace(-1, 1, WIDTH), np.linspace(-9, 9, WIDTH), np.zeros(WIDTH)):
        assert np.array_equal(chip.exchange(state, None), state)


def test_without_learning_nothing_changes(frozen, adapters, tokens_of_text):
    reader, text = Reader(frozen, adapters()), tokens_of_text(40, style=1)
    reader.read(text)
    before, means = weights(reader.learner.session), reader.modulators._loss.count
    one, other = (reader.read(text, learn=False) for _ in range(2))
    assert before.any() and np.array_equal(weights(reader.learner.session), before)
    assert np.array_equal(one, other) and reader.modulators._loss.count == means
    assert not np.array_equal(one, frozen.losses(frozen.states(text), text))


def test_a_text_that_is_read_live_has_the_losses_of_the_whole(frozen, adapters, tokens_of_text):
    text = tokens_of_text(40, style=1)
    whole, live = (Reader(frozen, adapters()) for _ in range(2))
    found = list(live.live(text))
    assert [each.token for each in found] == text[1:].tolist()
    np.testing.assert_allclose([each.loss for each in found], whole.read(text), rtol=1e-3)
    assert all(each.host > 0 and each.adapters > 0 for each in found)


def test_a_frozen_reader_has_the_frozen_losses(frozen, tokens_of_text):
    text = tokens_of_text(40)
    found = Reader(frozen, Nothing()).read(text)
    np.testing.assert_allclose(found, frozen.losses(frozen.states(text), text), rtol=1e-12)
    for short in (0, 1):
        assert Reader(frozen, Nothing()).read(text[:short]).shape == (0,)


def test_a_network_without_adapters_is_refused(bundle):
    net = hl.Network("other")
    net.connect(net.input("x", 2), net.hmn("y", 2, activation="relu", z_max=1.0), weights=0.0, rates={"local": 0.1})
    with pytest.raises(InputError, match="has not the inputs of adapters"):
        Adapters(hl.compile(net.spec()).session("fast"), host_of(bundle.spec))
    with pytest.raises(InputError, match="is no language model") as caught:
        host_of(net.spec())
    assert caught.value.field == "host"


def test_a_period_too_short_for_the_answer_is_refused(bundle):
    """The remedy's period is the shortest that is taken."""
    host, session = host_of(bundle.spec), bundle.session("fast")
    late = host.query + session.latency("out.z")
    assert late < host.period
    with pytest.raises(FitError, match=f"use a period of {late + 1} steps"):
        Adapters(session, host.model_copy(update={"period": late}))
    Adapters(session, host.model_copy(update={"period": late + 1}))
