"""The rival of the adapters: online gradient descent through the same layers, in floats."""

from __future__ import annotations

import numpy as np

from hmn_lava.language.adapters import ADAPTERS
from hmn_lava.language.frozen import Floats
from hmn_lava.language.reader import Lesson


class GradientAdapters:
    """The same layers in floats, with the gradient of log p through all of them, at a fixed rate."""

    def __init__(self, width: int, rate: float, scale: float) -> None:
        self.rate, self.scale = rate, scale
        self.weights = [np.zeros((width, width)) for _ in range(ADAPTERS)]

    def exchange(self, state: Floats, lesson: Lesson | None) -> Floats:
        if lesson is not None:
            self._learn(lesson)
        return self._forward(state)[0]

    def _forward(self, state: Floats) -> tuple[Floats, list[Floats], list[Floats]]:
        inputs, outputs = [], []
        for weights in self.weights:
            x = np.clip(state / self.scale, -1.0, 1.0)
            z = 1.0 / (1.0 + np.exp(-weights @ x))
            inputs.append(x)
            outputs.append(z)
            state = state + z - 0.5
        return state, inputs, outputs

    def _learn(self, lesson: Lesson) -> None:
        _, inputs, outputs = self._forward(lesson.state)
        back = lesson.error
        for layer in reversed(range(len(self.weights))):
            x, z = inputs[layer], outputs[layer]
            slope = back * z * (1.0 - z)
            inside = np.abs(x) < 1.0
            back = back + (self.weights[layer].T @ slope) * inside / self.scale
            self.weights[layer] += self.rate * np.outer(slope, x)
