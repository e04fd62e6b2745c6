"""What the answers of a language model say of it: reward, uncertainty and novelty, the modulators of its adapters.

    uncertainty  H / H' of the entropy H of p, cut to [0, 2]
    novelty      1 - cos(s, s') of the mean s of the encoder's last states and their slow mean s', the topic's shift
    reward       (l - l') / l' of the loss l = -log p of the token that came, cut to [-1, 2]

where l', H' and s' are running means. Source: the Trans-HMN paper, section 5 ("neuromodulator proxies").
"""

from __future__ import annotations

import numpy as np

from hmn_lava.language.adapters import LIMITS
from hmn_lava.language.encoder import Singles
from hmn_lava.language.frozen import Floats

RATE = 0.01
"""Of the running means of loss and entropy."""
SENTENCE, TOPIC = 32, 1000
"""Tokens of the fast and the slow mean of states."""


class Modulators:
    """The running means, over all that was read."""

    def __init__(self, size: int) -> None:
        self._loss = _Mean(RATE)
        self._entropy = _Mean(RATE)
        self._sentence = _Mean(1.0 / SENTENCE, size)
        self._topic = _Mean(1.0 / TOPIC, size)

    def read(self, loss: float, p: Floats, encoded: Singles) -> Floats:
        """Uncertainty, novelty and reward, (3,), of an answer p, its loss and the encoder's state."""
        entropy = -float(np.sum(p * np.log(np.maximum(p, np.finfo(np.float64).tiny))))
        # Means of what came before: the first token is as surprising as expected.
        usual, doubt = self._loss.then(loss), self._entropy.then(entropy)
        now, topic = self._sentence.add(encoded), self._topic.add(encoded)
        shift = 1.0 - float(now @ topic) / max(float(np.linalg.norm(now) * np.linalg.norm(topic)), 1e-12)
        return np.array(
            [
                np.clip(entropy / max(doubt, 1e-6), 0.0, LIMITS["uncertainty"]),
                np.clip(shift, 0.0, LIMITS["novelty"]),
                np.clip((loss - usual) / max(usual, 1e-6), -1.0, LIMITS["reward"]),
            ]
        )


class _Mean:
    """A running mean, even over the first 1/rate values."""

    def __init__(self, rate: float, size: int | None = None) -> None:
        self.rate, self.count = rate, 0
        self.value = np.zeros(size or 1)

    def add(self, value: Singles | float) -> Floats:
        """The mean with this value."""
        self.count += 1
        self.value = self.value + (value - self.value) * max(self.rate, 1.0 / self.count)
        return self.value

    def then(self, value: float) -> float:
        """The mean before this value, which is added; at the first, the value itself."""
        before = float(self.value[0]) if self.count else value
        self.add(value)
        return before
