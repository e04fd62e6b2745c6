"""What a trained network is tested under: noise, salt and pepper, and cropping, each at several levels.

Images are (..., height, width) with values in [0, 1], frames of events among them. The same seed gives the same noise
at each level, only more or less of it, and the first images of an array the same as they have alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import InputError

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5)

Images = NDArray[Any]
"""Of float32 or float64; what comes back is of the same type."""


def gaussian(images: Images, level: float, rng: np.random.Generator) -> Images:
    """Noise on each pixel: clip(x + level n, 0, 1), n normal with variance 1."""
    noise = rng.standard_normal(images.shape, images.dtype)
    return np.asarray(np.clip(images + images.dtype.type(level) * noise, 0.0, 1.0))


def salt_and_pepper(images: Images, level: float, rng: np.random.Generator) -> Images:
    """A share ``level`` of the pixels becomes 0 or 1, with even chances; so of frames of 0 and 1 half of it flips."""
    draw = rng.random(images.shape, images.dtype)
    changed = images.copy()
    changed[draw < level / 2] = 0.0
    changed[draw >= 1.0 - level / 2] = 1.0
    return changed


def crop(images: Images, level: float, rng: np.random.Generator) -> Images:
    """A window with a share 1 - ``level`` of the area stays in its place, and the rest becomes 0.

    The window has sqrt(1 - level) of each side, rounded to pixels. It lies anywhere with even chances: what is to be
    recognised is mostly in the middle, so that a centred window would cut off little but background. An entry of the
    first axis has one window, for all its colours, polarities and steps of time, as a covered lens has.
    """
    *_, height, width = images.shape
    tall, wide = round(height * (1.0 - level) ** 0.5), round(width * (1.0 - level) ** 0.5)
    changed = np.zeros_like(images)
    # A single image counts as one entry.
    entries = (images, changed) if images.ndim > 2 else (images[None], changed[None])
    for (down, right), image, shown in zip(rng.random((len(entries[0]), 2)), *entries, strict=True):
        top, left = int(down * (height - tall + 1)), int(right * (width - wide + 1))
        window = (..., slice(top, top + tall), slice(left, left + wide))
        shown[window] = image[window]
    return changed


@dataclass(frozen=True)
class Perturbation:
    """``change(images, level, rng)`` gives new images; ``levels``, from 0 to 1, are those to test at by default."""

    change: Callable[[Images, float, np.random.Generator], Images]
    levels: tuple[float, ...] = LEVELS


PERTURBATIONS: Mapping[str, Perturbation] = {
    "gaussian": Perturbation(gaussian),
    "salt-and-pepper": Perturbation(salt_and_pepper),
    "crop": Perturbation(crop),
}


def perturbation_named(name: str) -> Perturbation:
    """The perturbation of this name. Raises InputError for an unknown one."""
    if name not in PERTURBATIONS:
        remedy = f"one of: {', '.join(PERTURBATIONS)}"
        raise InputError("no such perturbation", field="perturbation", value=name, remedy=remedy)
    return PERTURBATIONS[name]


def perturb(images: Images, name: str, level: float, seed: int) -> Images:
    """Perturb images by the perturbation of this name; level 0 returns the images themselves.

    Raises InputError for an unknown name, a level outside [0, 1], a negative seed, or an array that holds no images.
    """
    change = perturbation_named(name).change
    if not 0.0 <= level <= 1.0:
        raise InputError("is out of range", field="level", value=level, remedy="from 0 to 1")
    if seed < 0:
        raise InputError("is negative", field="seed", value=seed, remedy="0 or more")
    if images.ndim < 2 or images.dtype not in (np.float32, np.float64):
        remedy = "use float32 or float64 of shape (..., height, width)"
        raise InputError("are none", field="images", value=f"{images.dtype} {images.shape}", remedy=remedy)
    if not ((images >= 0.0) & (images <= 1.0)).all():
        raise InputError("have values outside [0, 1]", field="images", remedy="divide bytes by 255")
    if level == 0.0:
        return images
    return change(images, level, np.random.default_rng(seed))
