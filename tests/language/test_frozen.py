"""The frozen part: features, states, probabilities, their gradient, and the fit."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from hmn_lava.errors import InputError
from hmn_lava.language import frozen as module
from hmn_lava.language.encoder import Encoder
from hmn_lava.language.frozen import fit


def normed(x: np.ndarray) -> np.ndarray:
    return (x - x.mean()) / np.sqrt(x.var() + 1e-5)


def p_of(frozen, state: np.ndarray) -> np.ndarray:
    scores = np.array([row @ state for row in frozen.readout]) + frozen.bias
    return np.exp(scores) / np.exp(scores).sum()


def test_states_are_those_of_the_equations(frozen, tokens_of_text):
    tokens = tokens_of_text(40, seed=3)
    encoded, words = frozen.encoder.encode(tokens), frozen.encoder.words
    before = np.zeros(32)
    for t, state in enumerate(frozen.states(tokens)):
        parts = np.concatenate([encoded[t], 8.0 * words[tokens[t]], 8.0 * before])
        right = normed(normed(parts) @ frozen.projection)
        np.testing.assert_allclose(state, right, rtol=1e-4, atol=1e-4)
        before = words[tokens[t]]


def test_the_state_of_one_token_is_the_row_of_the_whole_text(frozen, tokens_of_text):
    tokens = tokens_of_text(40, seed=3)
    encoded, states = frozen.encoder.encode(tokens), frozen.states(tokens)
    for t in range(len(tokens)):
        one = frozen.state(encoded[t], int(tokens[t]), int(tokens[t - 1]) if t else None)
        np.testing.assert_allclose(one, states[t], rtol=1e-5, atol=1e-5)


def test_probabilities_of_all_tokens_of_the_vocabulary_sum_to_one(frozen, tokens_of_text):
    state = frozen.states(tokens_of_text(9))[-1]
    p = frozen.probabilities(state)
    np.testing.assert_allclose(p, p_of(frozen, state), rtol=1e-12)
    losses = np.array([frozen.loss(p, token) for token in range(frozen.encoder.sizes.vocabulary)])
    assert np.exp(-losses).sum() == pytest.approx(1.0, abs=1e-12)
    known = set(frozen.tokens.tolist())
    others = [loss for token, loss in enumerate(losses) if token not in known]
    assert len(others) > 100 and np.ptp(others) == 0.0
    assert [losses[token] for token in frozen.tokens] == pytest.approx(-np.log(p[:-1]))


def test_losses_are_those_of_a_plain_loop(frozen, tokens_of_text, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 16)  # so that the text has several batches, the last of them not full
    tokens = tokens_of_text(50, style=1, seed=5)
    assert not set(tokens.tolist()) <= set(frozen.tokens.tolist())
    states = frozen.states(tokens)
    right = [frozen.loss(frozen.probabilities(h), int(token)) for h, token in zip(states, tokens[1:], strict=False)]
    np.testing.assert_allclose(frozen.losses(states, tokens), right, rtol=1e-12)
    for short in (0, 1):
        assert frozen.losses(states[:short], tokens[:short]).shape == (0,)


def test_the_error_is_the_gradient_of_log_p(frozen, tokens_of_text):
    state, known = frozen.states(tokens_of_text(9))[-1], frozen.tokens
    other = next(token for token in range(frozen.encoder.sizes.vocabulary) if token not in known)
    for token in (int(known[0]), int(known[-1]), other):
        error = frozen.error(frozen.probabilities(state), token)
        for n in range(len(state)):
            step = 1e-5 * np.eye(len(state))[n]
            ahead, behind = (frozen.loss(frozen.probabilities(state + s), token) for s in (step, -step))
            assert error[n] == pytest.approx((behind - ahead) / 2e-5, abs=1e-7)


def test_gradients_of_the_fit_are_finite_differences_of_the_loss():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(9, 6)), rng.integers(0, 5, 9)
    shapes = {"projection": (6, 4), "readout": (5, 4), "bias": (5,)}
    at = {name: rng.normal(size=shape) for name, shape in shapes.items()}

    def loss() -> float:
        total = 0.0
        for row, token in zip(x, y, strict=True):
            scores = at["readout"] @ normed(row @ at["projection"]) + at["bias"]
            total += np.log(np.exp(scores).sum()) - scores[token]
        return total / len(y)

    found = module._gradients(at, x, y)
    for name, array in at.items():
        for place in np.ndindex(array.shape):
            old = array[place]
            ends = []
            for step in (1e-5, -1e-5):
                array[place] = old + step
                ends.append(loss())
            array[place] = old
            assert found[name][place] == pytest.approx((ends[0] - ends[1]) / 2e-5, abs=1e-7), (name, place)


def test_a_fit_beats_the_commonness_of_words(frozen, tokens_of_text):
    """And it comes near the entropy of the text, log 4 a word, on sentences that it has not seen."""
    unseen, seen = tokens_of_text(1000, seed=7), Counter(tokens_of_text(3000).tolist())
    total = sum(seen.values()) + frozen.encoder.sizes.vocabulary
    unigram = -np.mean([np.log((seen[token] + 1) / total) for token in unseen[1:].tolist()])
    found = frozen.losses(frozen.states(unseen), unseen).mean()
    assert found < 0.75 * unigram


def test_a_fit_keeps_the_commonest_tokens_and_is_the_same_again(encoder_folder, tokens_of_text):
    encoder, texts = Encoder(encoder_folder, 31), [tokens_of_text(400), tokens_of_text(5), np.empty(0, np.int64)]
    one, other = (
        fit(encoder, texts, [encoder.encode(text) for text in texts], known=10, width=4, epochs=1) for _ in range(2)
    )
    counts = Counter(np.concatenate(texts).tolist())
    assert sorted(counts[t] for t in one.tokens.tolist()) == sorted(counts.values())[-10:]
    for name in ("projection", "readout", "bias", "tokens"):
        assert np.array_equal(getattr(one, name), getattr(other, name))
        assert np.isfinite(getattr(one, name)).all()
    assert (one.width, one.projection.shape, one.readout.shape, one.bias.shape) == (4, (96, 4), (11, 4), (11,))


def test_fewer_tokens_than_scores_make_fewer_scores(encoder_folder, tokens_of_text):
    encoder, text = Encoder(encoder_folder, 31), tokens_of_text(400)
    found = fit(encoder, [text], [encoder.encode(text)], known=1000, width=4, epochs=1)
    assert sorted(found.tokens) == sorted(set(text.tolist()))


@pytest.mark.parametrize("words", [0, 1, 200])
def test_texts_too_short_to_fit_are_refused(encoder_folder, tokens_of_text, words):
    encoder, text = Encoder(encoder_folder, 31), tokens_of_text(words)
    with pytest.raises(InputError, match="a fit needs 256 tokens") as caught:
        fit(encoder, [text], [encoder.encode(text)], width=4)
    assert caught.value.field == "texts" and caught.value.value == max(0, len(text) - 1)
