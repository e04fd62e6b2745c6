"""Handwritten digits (scikit-learn's 1,797 images of 8 x 8 pixels), learned online by the modulated rule.

Each image takes ``PERIOD`` steps. Step 0, free: the image alone; the network answers, and the teaching signal -1
makes it unlearn that answer. Step 1, clamped: the image with its label, which drives the right neuron up and the
others down; +1 makes it learn this. The other steps are silent, so that the update has come back before the next
image. Traces are replaced at coincidences, so the two updates are proportional to x_i z_j(free) and x_i z_j(clamped),
and their sum is the delta rule x_i (target - z_j).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import BackendError
from hmn_lava.session import Session
from hmn_lava.simulator.probes import Probe
from hmn_lava.spec.records import MetaLearningSpec
from hmn_lava.tasks.base import Meta, Task, Tick, latency_below

PERIOD = 12
"""Steps of one image; the oscillator's period in the spec."""

EPOCHS = 4
TRAIN = 1437
"""Images to learn from; the other 360 are the test set."""

EPISODE = 200
"""Lessons of an episode of meta-learning."""

EXCERPT = 50
"""Lessons to count operations on."""

RATE = 0.1
"""Rate of the plain delta rule, the baseline; the best of 0.01, 0.03, 0.1, 0.3 on seed 0's test."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Images:
    """``pixels`` (n, 64) in [0, 1] and the ``digit`` (n,) that each shows."""

    pixels: Floats
    digit: Ints

    def __len__(self) -> int:
        return len(self.digit)

    def __getitem__(self, which: Ints) -> Images:
        return Images(self.pixels[which], self.digit[which])


def images() -> Images:
    """All images, in the data set's order. Raises BackendError where scikit-learn is not installed."""
    return Images(*_load())


@lru_cache(maxsize=1)
def _load() -> tuple[Floats, Ints]:
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise BackendError('the task digits needs scikit-learn: pip install "hmn-lava[tasks]"') from None
    pixels, digit = load_digits(return_X_y=True)
    return np.asarray(pixels, np.float64) / 16.0, np.asarray(digit, np.int64)


def split(seed: int, epochs: int = EPOCHS) -> tuple[list[Images], Images]:
    """The training images in the order of each epoch, and the test images; both follow from the seed."""
    everything = images()
    draws = np.random.default_rng(seed)
    shuffled = everything[draws.permutation(len(everything))]
    train, test = shuffled[np.arange(TRAIN)], shuffled[np.arange(TRAIN, len(everything))]
    return [train[draws.permutation(TRAIN)] for _ in range(epochs)], test


def lesson(shown: Images) -> dict[str, Floats]:
    """The input that teaches these images, one after the other: (n PERIOD, size) for each input population."""
    n = len(shown)
    pixels, label, teach = np.zeros((n, PERIOD, 64)), np.zeros((n, PERIOD, 10)), np.zeros((n, PERIOD, 1))
    pixels[:, :2] = shown.pixels[:, None]
    label[:, 1] = np.where(np.arange(10) == shown.digit[:, None], 1.0, -1.0)
    teach[:, 0], teach[:, 1] = -1.0, 1.0
    return {"pixels": pixels.reshape(-1, 64), "label": label.reshape(-1, 10), "teach": teach.reshape(-1, 1)}


def learn(session: Session, shown: Images) -> Ints:
    """Teach these images; returns the digit that the network took each for before it was told, (n,)."""
    late = latency_below(session, "out.a", PERIOD)
    result = session.run(lesson(shown), probes=[Probe("out.a", start=late, stride=PERIOD)], outputs=False)
    taken_for: Ints = result.real("out.a").argmax(1)
    return taken_for


def examine(session: Session, shown: Images) -> Ints:
    """Show one image a step, with no label and no teaching; returns the digit the network takes each for, (n,)."""
    late = session.latency("out.a")
    pixels = np.concatenate([shown.pixels, np.zeros((late, 64))])
    result = session.run({"pixels": pixels}, probes=[Probe("out.a", start=late)], outputs=False)
    taken_for: Ints = result.real("out.a").argmax(1)
    return taken_for


def run(session: Session, seed: int, tick: Tick = lambda: None, *, epochs: int = EPOCHS) -> dict[str, float]:
    """Learn ``epochs`` passes over the training images, then take the test."""
    lessons, test = split(seed, epochs)
    right = []
    for shown in lessons:
        right.append(float(np.mean(learn(session, shown) == shown.digit)))
        tick()
    return {
        "test_accuracy": float(np.mean(examine(session, test) == test.digit)),
        "first_pass_accuracy": right[0],
    }


def excerpt(seed: int) -> dict[str, Floats]:
    """The lessons of the first ``EXCERPT`` images."""
    (shown,), _ = split(seed, 1)
    return lesson(shown[np.arange(EXCERPT)])


def teach_by_delta_rule(weights: Floats, shown: Images, rate: float) -> Ints:
    """Change ``weights`` (classes, pixels) image by image: w += rate (target - sigmoid(w x)) x, in floats.

    Returns the class that each was taken for before it was told, (n,).
    """
    taken_for, target = np.zeros(len(shown), np.int64), np.eye(len(weights))
    for n, (x, digit) in enumerate(zip(shown.pixels, shown.digit, strict=True)):
        a = weights @ x
        taken_for[n] = a.argmax()
        weights += rate * np.outer(target[digit] - 1.0 / (1.0 + np.exp(-a)), x)
    return taken_for


def delta_rule(seed: int) -> dict[str, float]:
    """The delta rule on the same lessons, without an HMN."""
    lessons, test = split(seed)
    weights = np.zeros((10, 64))
    right = [float(np.mean(teach_by_delta_rule(weights, shown, RATE) == shown.digit)) for shown in lessons]
    tested = (test.pixels @ weights.T).argmax(1)
    return {"test_accuracy": float(np.mean(tested == test.digit)), "first_pass_accuracy": right[0]}


def loss(session: Session, seed: int) -> float:
    """Share of the test images that are not recognised after ``EPISODE`` lessons."""
    (shown,), test = split(seed, 1)
    learn(session, shown[np.arange(EPISODE)])
    return 1.0 - float(np.mean(examine(session, test) == test.digit))


def baselines(seed: int) -> dict[str, float]:
    """Losses of answering always 0, as the network does before it learns, on the seed's test."""
    _, test = split(seed, 1)
    return {"chance": 1.0 - float(np.mean(test.digit == 0))}


DIGITS = Task(
    name="digits",
    title="Handwritten digits, learned online",
    metrics={
        "test_accuracy": "share of the 360 test images that are recognised after the last epoch",
        "first_pass_accuracy": "share of the training images that are recognised when first seen, before they are told",
    },
    chance={"test_accuracy": 0.1, "first_pass_accuracy": 0.1},
    parts=EPOCHS,
    run=run,
    meta=Meta(
        loss,
        baselines,
        MetaLearningSpec(
            parameters=("eta_global",),
            every=1,
            rate=3.0,
            rate_decay=0.6,
            epsilon=0.2,
            scale="log",
            bounds={"eta_global": (0.05, 50.0)},
        ),
        start={"eta_global": 0.05},
    ),
    baselines={"delta rule": delta_rule},
    excerpt=excerpt,
)
