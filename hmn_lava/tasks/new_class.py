"""A tenth digit for a network that knows nine: a pretrained front end, frozen, and a head that learns on the chip.

The front end (``front_end.py``) has never seen a 9, and nor has the head on it. The head is shown 20 examples of it,
one lesson after the other as :mod:`hmn_lava.hybrid` says, five times over. In ``digits-new-class`` three old images
follow each of them, out of 60 that are kept in mind; in ``digits-new-class-alone`` nothing does, and an example is told
only where it is not recognised, which is all that protects what is old. The test has all images that nobody learned
from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

import numpy as np

from hmn_lava.hybrid import Hybrid
from hmn_lava.session import Session
from hmn_lava.spec import load_spec, resolve
from hmn_lava.tasks.base import Task, Tick
from hmn_lava.tasks.digits import Floats, Images, Ints
from hmn_lava.tasks.front_end import NEW, STEPS, FrontEnd, delta_rule, known_and_other

EXAMPLES = 20
MEMORY = 60
"""Old images that are kept to be shown again."""
AGAIN = 3
"""How many of them follow each example."""
ROUNDS = 5
RATE = 0.1
"""η of the delta rule that a lesson amounts to; the spec's rate is 64 times it, as attention shares 1 among 64."""
EXCERPT = 4
"""Lessons on which operations are counted."""
PARTS = ROUNDS + 2


class Head(Protocol):
    """What is taught."""

    def classify(self, pixels: Floats) -> Ints:
        """The digit that each image is taken for."""

    def learn(self, shown: Images) -> None:
        """Learn from labelled images, one after the other."""


Teach = Callable[["Lessons", int, Head], Iterator[None]]


@dataclass(frozen=True, eq=False)
class Lessons:
    """What a seed draws: ``examples`` of the new digit, ``memory`` of old ones, and the ``test``."""

    examples: Images
    memory: Images
    test: Images

    @classmethod
    def of(cls, seed: int, digit: int = NEW) -> Lessons:
        """Draw them for a new ``digit``; the memory is of what the front end was trained with, the others are not."""
        known, other = known_and_other(digit)
        draws = np.random.default_rng(seed)
        other = other[draws.permutation(len(other))]
        new, old = (np.flatnonzero(found) for found in (other.digit == digit, other.digit != digit))
        memory = known[draws.permutation(len(known))[:MEMORY]]
        return cls(other[new[:EXAMPLES]], memory, other[np.concatenate([new[EXAMPLES:], old])])

    def rounds(self, seed: int) -> Iterator[Images]:
        """Each round's images, the old ones between the new, in their order."""
        draws = np.random.default_rng([seed, 1])
        for _ in range(ROUNDS):
            new = draws.permutation(EXAMPLES)
            old = draws.integers(0, MEMORY, (EXAMPLES, AGAIN))
            pixels = np.concatenate([self.examples.pixels[new][:, None], self.memory.pixels[old]], axis=1)
            digit = np.concatenate([self.examples.digit[new][:, None], self.memory.digit[old]], axis=1)
            yield Images(pixels.reshape(-1, pixels.shape[-1]), digit.reshape(-1))

    def results(self, before: Ints, after: Ints) -> dict[str, float]:
        """The metrics of what the test's images were taken for."""
        new = self.test.digit == self.examples.digit[0]
        right = [taken == self.test.digit for taken in (before, after)]
        known, kept = (float(np.mean(found[~new])) for found in right)
        return {
            "new_class_accuracy": float(np.mean(right[1][new])),
            "old_accuracy": kept,
            "old_accuracy_before": known,
            "forgetting": known - kept,
        }


def run(session: Session, seed: int, tick: Tick = lambda: None) -> dict[str, float]:
    """Test, learn the new digit among old ones, and test again."""
    return _study(seed, ChipHead(session), among_old, tick)


def alone(session: Session, seed: int, tick: Tick = lambda: None) -> dict[str, float]:
    """The same with nothing but the new digit, told where it is not recognised."""
    return _study(seed, ChipHead(session), by_itself, tick)


def among_old(lessons: Lessons, seed: int, head: Head) -> Iterator[None]:
    """Teach, a round at a time."""
    for shown in lessons.rounds(seed):
        head.learn(shown)
        yield


def by_itself(lessons: Lessons, seed: int, head: Head) -> Iterator[None]:
    """Teach nothing but the new digit where it is not recognised, a round at a time; nothing is drawn."""
    for _ in range(ROUNDS):
        for number in range(EXAMPLES):
            shown = lessons.examples[np.array([number])]
            if head.classify(shown.pixels)[0] != NEW:
                head.learn(shown)
        yield


def _study(seed: int, head: Head, teach: Teach, tick: Tick = lambda: None) -> dict[str, float]:
    lessons = Lessons.of(seed)
    before = head.classify(lessons.test.pixels)
    tick()
    for _ in teach(lessons, seed, head):
        tick()
    after = head.classify(lessons.test.pixels)
    tick()
    return lessons.results(before, after)


@lru_cache(maxsize=1)
def hybrid() -> Hybrid:
    """How the spec is taught."""
    return Hybrid(load_spec(TASK.spec_file), "pixels", "head", 10, STEPS, STEPS, STEPS - 1)


class ChipHead:
    """The head of the spec, in a session."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def classify(self, pixels: Floats) -> Ints:
        return hybrid().classify(self.session, pixels)

    def learn(self, shown: Images) -> None:
        hybrid().learn(self.session, shown.pixels, shown.digit)


class FloatHead:
    """The delta rule in floats on the same features: the baseline."""

    def __init__(self) -> None:
        model = resolve(hybrid().spec)
        encode, hidden = model.connections["encode"], model.populations["hidden"]
        lif = hidden.lif
        if lif is None:
            raise TypeError("the front end's neurons are integrate-and-fire neurons")
        shape = (hidden.size, encode.n_pre)
        self.weights = model.connections["head_readout"].weights.reshape(10, -1).copy()
        self.front = FrontEnd(encode.weights.reshape(shape), hidden.bias, lif.vth, self.weights)

    def classify(self, pixels: Floats) -> Ints:
        found: Ints = (self.front.features(pixels) @ self.weights.T).argmax(1)
        return found

    def learn(self, shown: Images) -> None:
        self.weights = delta_rule(self.weights, self.front.features(shown.pixels), shown.digit, RATE)


def float_head(seed: int) -> dict[str, float]:
    """The delta rule in floats, in the same lessons."""
    return _study(seed, FloatHead(), among_old)


def float_head_alone(seed: int) -> dict[str, float]:
    """The delta rule in floats, on the new digit alone."""
    return _study(seed, FloatHead(), by_itself)


def excerpt(seed: int) -> dict[str, Floats]:
    """The first ``EXCERPT`` lessons."""
    shown = next(Lessons.of(seed).rounds(seed))[np.arange(EXCERPT)]
    return hybrid().lesson(shown.pixels, shown.digit)


TASK = Task(
    name="digits-new-class",
    title="A tenth digit, on a frozen front end that knows nine",
    metrics={
        "new_class_accuracy": "share of the test's nines that are recognised after 20 examples, each shown five times",
        "old_accuracy": "share of the other test images that are recognised then",
        "old_accuracy_before": "share of them that were recognised before",
        "forgetting": "what the old digits lost: their accuracy before, minus after",
    },
    chance={"new_class_accuracy": 0.0, "old_accuracy": 0.966, "old_accuracy_before": 0.966, "forgetting": 0.0},
    parts=PARTS,
    run=run,
    baselines={"delta rule": float_head},
    excerpt=excerpt,
)

ALONE = replace(
    TASK,
    name="digits-new-class-alone",
    title="A tenth digit, with nothing old to see between",
    file="digits-new-class.yaml",
    run=alone,
    baselines={"delta rule": float_head_alone},
)
