"""One thread, small data, and what a run needs least of everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from hmn_lava.training.data import ImageSamples
from hmn_lava.training.settings import Settings, settings_of

SMALL = {
    "layers": "6c3,p2,16",
    "steps": 4,
    "epochs": 2,
    "batch": 20,
    "rate": 0.02,
    "shift": 0,
    "eta": 0.01,
    "beta": -0.2,
    "kappa": 0.1,
    "tau_w": 40.0,
    "local_rate": 1e-3,
}


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    """Tests run beside others; and the order of sums depends on the number of threads."""
    if find_spec("torch") is None:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def bars(count: int, seed: int, side: int = 7) -> tuple[Any, Any]:
    """Images of four classes, a bright line on the left, the right, above or below, with noise."""
    draws = np.random.default_rng(seed)
    label = np.arange(count) % 4
    images = 0.3 * draws.random((count, side, side), np.float32)
    for image, each in zip(images, label, strict=True):
        place = (slice(None), (1, side - 2)[each]) if each < 2 else ((1, side - 2)[each - 2], slice(None))
        image[place] = 1.0
    return images, label.astype(np.int64)


@pytest.fixture(scope="session")
def samples() -> ImageSamples:
    """80 images to learn from and 24 to test on, of odd sides."""
    parts = {"train": bars(80, 0), "test": bars(24, 1)}
    images, labels = ({name: both[n] for name, both in parts.items()} for n in (0, 1))
    return ImageSamples("bars", images, labels, classes=4)


@pytest.fixture(scope="session")
def small() -> Callable[..., Settings]:
    """Settings of a network that is trained within a second."""

    def made(**fields: Any) -> Settings:
        return settings_of(SMALL | fields)

    return made
