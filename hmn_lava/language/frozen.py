"""The frozen part of the language model: encoder, layer norm, projection and softmax head, all on the host.

With e_t the encoder's state of token t, w its word embedding and [ ] putting vectors behind each other,

    f_t = LayerNorm([e_t, w_t, w_(t-1)]),   h_t = LayerNorm(A f_t),   p(token t+1) = softmax(U (h_t + Δh_t) + b),

where Δh is what the adapters add, 0 without them. A sentence encoder's states say what a text is about, and little of
what comes next; the embeddings of the last two tokens make up for that. Only A (3h, d), U (V + 1, d) and b are fitted,
once, and frozen.

The V commonest tokens of the fitted text have a score each; all others share the last one evenly. So perplexity is over
the encoder's whole vocabulary: -log p of one of the n others is -log p(others) + log n.

Source: the Trans-HMN paper, section 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import InputError
from hmn_lava.language.encoder import Encoder, Ints, Singles

Floats = NDArray[np.float64]
Real = NDArray[np.floating[Any]]
"""In single or double precision."""

KNOWN = 2048
"""V, tokens with a score of their own."""
WIDTH = 64
"""d, the size of a state."""
EPOCHS, BATCH, RATE, DECAY = 4, 256, 2e-3, 1e-2
"""Of the fit: Adam with decoupled weight decay (Loshchilov and Hutter 2019); the rate falls to 0."""
FIRST, SECOND, TINY = 0.9, 0.99, 1e-8
_EPS = 1e-5
WORD_GAIN = 8.0
"""Word embeddings are this much smaller than states."""


def norm(x: Real) -> Real:
    """LayerNorm without gain and bias, over the last axis."""
    return _normed(x)[0]


@dataclass(frozen=True, eq=False)
class Frozen:
    """``projection`` A, ``readout`` U, ``bias`` b and the ``tokens`` (V,) that have a score."""

    encoder: Encoder
    projection: Floats
    readout: Floats
    bias: Floats
    tokens: Ints

    @property
    def width(self) -> int:
        """d."""
        return int(self.readout.shape[1])

    @cached_property
    def _index(self) -> Ints:
        return index_of(self.tokens, self.encoder.sizes.vocabulary)

    @property
    def _others(self) -> int:
        return max(1, self.encoder.sizes.vocabulary - len(self.tokens))

    def states(self, tokens: Ints, encoded: Singles | None = None) -> Floats:
        """h of each token of a text, (n, d). ``encoded``: the encoder's states, where they are known."""
        encoded = self.encoder.encode(tokens) if encoded is None else encoded
        return self._project(features(encoded, self.encoder.words[tokens]))

    def state(self, encoded: Singles, token: int, before: int | None) -> Floats:
        """h of one token (d,), where the one ``before`` it is known, or None at the beginning of a text."""
        words = self.encoder.words[[token if before is None else before, token]]
        if before is None:
            words[0] = 0.0
        both = features(np.stack([encoded, encoded]), words)
        found: Floats = self._project(both[1:])[0]
        return found

    def probabilities(self, state: Floats) -> Floats:
        """p of each known token and, last, of all others, (V + 1,), after a state (d,)."""
        found: Floats = softmax(self.readout @ state + self.bias)
        return found

    def loss(self, p: Floats, token: int) -> float:
        """-log p of a token, in nats."""
        place = self._index[token]
        shared = np.log(self._others) if place == len(self.tokens) else 0.0
        return float(shared - np.log(max(p[place], np.finfo(np.float64).tiny)))

    def error(self, p: Floats, token: int) -> Floats:
        """By how much the state should have been another one: Uᵀ(target - p), (d,), the gradient of log p."""
        miss = -p
        miss[self._index[token]] += 1.0
        found: Floats = self.readout.T @ miss
        return found

    def losses(self, states: Floats, tokens: Ints) -> Floats:
        """-log p of each token but the first, without adapters, (n - 1,)."""
        found = np.empty(max(0, len(tokens) - 1))
        for first in range(0, len(found), BATCH):
            some = slice(first, min(first + BATCH, len(found)))
            p = softmax(states[some] @ self.readout.T + self.bias)
            place = self._index[tokens[1:][some]]
            shared = np.log(self._others) * (place == len(self.tokens))
            found[some] = shared - np.log(p[np.arange(len(place)), place])
        return found

    def _project(self, found: Singles) -> Floats:
        return np.asarray(norm(found.astype(np.float64) @ self.projection), np.float64)


def features(encoded: Singles, words: Singles) -> Singles:
    """f of each token, (n, 3h)."""
    before = np.concatenate([np.zeros_like(words[:1]), words[:-1]])
    return np.asarray(norm(np.concatenate([encoded, WORD_GAIN * words, WORD_GAIN * before], axis=1)), np.float32)


def softmax(scores: Real) -> Real:
    """Over the last axis."""
    p = np.exp(scores - scores.max(-1, keepdims=True))
    found: Real = p / p.sum(-1, keepdims=True)
    return found


def index_of(tokens: Ints, vocabulary: int) -> Ints:
    """The place of each token of the vocabulary among the known ones; behind the last for all others."""
    index = np.full(vocabulary, len(tokens), np.int64)
    index[tokens] = np.arange(len(tokens))
    return index


def fit(
    encoder: Encoder,
    texts: list[Ints],
    encoded: list[Singles],
    *,
    known: int = KNOWN,
    width: int = WIDTH,
    seed: int = 0,
    epochs: int = EPOCHS,
) -> Frozen:
    """Fit A, U and b on texts of which the encoder's states are given: maximum likelihood, by Adam.

    Raises InputError where the texts are too short.
    """
    count = np.bincount(np.concatenate([*texts, np.empty(0, np.int64)]), minlength=encoder.sizes.vocabulary)
    tokens = np.argsort(-count, kind="stable")[: min(known, np.count_nonzero(count))]
    pairs = sum(max(0, len(text) - 1) for text in texts)
    if pairs < BATCH:
        remedy = "give more text, some thousand words at least"
        raise InputError(f"is too short: a fit needs {BATCH} tokens", field="texts", value=pairs, remedy=remedy)
    index = index_of(tokens, encoder.sizes.vocabulary)
    x = np.concatenate([features(e, encoder.words[t])[:-1] for e, t in zip(encoded, texts, strict=True) if len(t)])
    y = np.concatenate([index[text[1:]] for text in texts])
    draws = np.random.default_rng(seed)
    words = np.concatenate([encoder.words[tokens], encoder.words.mean(0, keepdims=True)])
    words = (words - words.mean(0)) / words.std(0)
    hidden = words.shape[1]
    start = {
        "projection": draws.normal(0.0, x.shape[1] ** -0.5, (x.shape[1], width)),
        "readout": words @ draws.normal(0.0, 0.1 * hidden**-0.5, (hidden, width)),
        "bias": np.log(np.append(count[tokens], count.sum() - count[tokens].sum()) + 0.5),
    }
    start["bias"] -= start["bias"].max()
    found = {name: value.astype(np.float32) for name, value in start.items()}
    steps = max(1, epochs * (len(y) // BATCH))
    adam = _Adam(found, steps)
    for some in _batches(len(y), epochs, draws):
        adam.descend(_gradients(found, x[some], y[some]))
    exact = {name: value.astype(np.float64) for name, value in found.items()}
    return Frozen(encoder, **exact, tokens=tokens)


def _batches(n: int, epochs: int, draws: np.random.Generator) -> Iterator[Ints]:
    for _ in range(epochs):
        order = draws.permutation(n)
        for first in range(0, n - BATCH + 1, BATCH):
            yield order[first : first + BATCH]


def _gradients(at: dict[str, Singles], x: Singles, y: Ints) -> dict[str, Singles]:
    """Of the mean -log p in a batch."""
    h, deviation = _normed(x @ at["projection"])
    p = softmax(h @ at["readout"].T + at["bias"])
    p[np.arange(len(y)), y] -= 1.0
    p /= np.float32(len(y))
    back = p @ at["readout"]
    mean = back.mean(-1, keepdims=True) + h * (back * h).mean(-1, keepdims=True)
    return {"projection": x.T @ ((back - mean) / deviation), "readout": p.T @ h, "bias": p.sum(0)}


def _normed(x: Real) -> tuple[Real, Real]:
    """LayerNorm and the deviation that it divides by."""
    centred = x - x.mean(-1, keepdims=True)
    deviation = np.sqrt(np.square(centred).mean(-1, keepdims=True) + x.dtype.type(_EPS))
    return centred / deviation, deviation


class _Adam:
    """Adam, in place; decay on all but the bias."""

    def __init__(self, at: dict[str, Singles], steps: int) -> None:
        self.at, self.steps, self.step = at, steps, 0
        self.first = {name: np.zeros_like(value) for name, value in at.items()}
        self.second = {name: np.zeros_like(value) for name, value in at.items()}

    def descend(self, gradients: dict[str, Singles]) -> None:
        rate = RATE * (1.0 - self.step / self.steps)
        self.step += 1
        for name, gradient in gradients.items():
            first, second = self.first[name], self.second[name]
            first += np.float32(1.0 - FIRST) * (gradient - first)
            second += np.float32(1.0 - SECOND) * (np.square(gradient) - second)
            size = np.sqrt(second / np.float32(1.0 - SECOND**self.step)) + np.float32(TINY)
            move = first / np.float32(1.0 - FIRST**self.step) / size
            if name != "bias":
                move = move + np.float32(DECAY) * self.at[name]
            self.at[name] -= np.float32(rate) * move
