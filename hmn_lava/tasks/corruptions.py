"""The fifteen corruptions of MNIST-C, written after their published descriptions.

Each takes one grey image, (height, width) with values in [0, 1], and a random generator, and returns an image of the
same shape and range. The paper describes what each does, not its constants; those here are ours, chosen such that a
person still reads the digits. Source: N. Mu and J. Gilmer, MNIST-C: A robustness benchmark for computer vision,
arXiv:1906.02337 (2019), section 3; shot noise to fog and spatter are after D. Hendrycks and T. Dietterich,
arXiv:1903.12261 (2019).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import BackendError, InputError

try:
    from scipy import ndimage
except ImportError:  # the corruptions say so when they are asked for
    ndimage = None

Image = NDArray[np.float64]
Corruption = Callable[[Image, np.random.Generator], Image]


def corrupt(images: Image, name: str, seed: int) -> Image:
    """Corrupt each image of (n, height, width) in its own way, which follows from ``seed`` and its place alone.

    ``identity`` returns the images. Raises InputError for an unknown corruption, BackendError where SciPy is missing.
    """
    if name == "identity":
        return images
    if name not in CORRUPTIONS:
        known = ", ".join(["identity", *CORRUPTIONS])
        raise InputError("no such corruption", field="corruption", value=name, remedy=f"one of: {known}")
    if ndimage is None:
        raise BackendError('corruptions need SciPy: pip install "hmn-lava[tasks]"')
    change, number = CORRUPTIONS[name], list(CORRUPTIONS).index(name)
    draws = (np.random.default_rng((seed, number, place)) for place in range(len(images)))
    changed = [change(image, draw) for image, draw in zip(images, draws, strict=True)]
    return np.clip(np.array(changed).reshape(images.shape), 0.0, 1.0)


# ---- noise


def shot_noise(image: Image, draws: np.random.Generator) -> Image:
    """Photons are counted: Poisson(4 x) / 4."""
    return np.asarray(draws.poisson(4.0 * image) / 4.0)


def impulse_noise(image: Image, draws: np.random.Generator) -> Image:
    """Salt and pepper: a fifth of the pixels become 0 or 1."""
    struck, salt = draws.random((2, *image.shape))
    return np.where(struck < 0.2, np.round(salt), image)


# ---- blur


def glass_blur(image: Image, draws: np.random.Generator) -> Image:
    """Seen through frosted glass: blurred, each pixel swapped with one at most 1 away, blurred again."""
    rows, columns = image.shape
    blurred = ndimage.gaussian_filter(image, 0.7).tolist()
    moves = draws.integers(-1, 2, (rows, columns, 2)).tolist()
    for row in range(rows):
        for column in range(columns):
            down, right = moves[row][column]
            y, x = min(max(row + down, 0), rows - 1), min(max(column + right, 0), columns - 1)
            blurred[row][column], blurred[y][x] = blurred[y][x], blurred[row][column]
    return np.asarray(ndimage.gaussian_filter(blurred, 0.7))


def motion_blur(image: Image, draws: np.random.Generator) -> Image:
    """The camera moves: smeared over 9 pixels of a straight line, at most 45 degrees from the horizontal."""
    angle = draws.uniform(-np.pi / 4, np.pi / 4)
    along = 4.0 * np.array([np.sin(angle), np.cos(angle)])
    kernel = _segment((9, 9), 4.0 - along, 4.0 + along, 1.0)
    return np.asarray(ndimage.convolve(image, kernel / kernel.sum(), mode="constant"))


# ---- affine


def shear(image: Image, draws: np.random.Generator) -> Image:
    """Rows shift sideways in proportion to their height, by 0.3 to 0.6 of it, to either side."""
    return _affine(image, np.array([[1.0, 0.0], [_either(draws, 0.3, 0.6), 1.0]]))


def scale(image: Image, draws: np.random.Generator) -> Image:
    """Smaller: 0.5 to 0.7 of its size, around the centre."""
    return _affine(image, np.eye(2) / draws.uniform(0.5, 0.7))


def rotate(image: Image, draws: np.random.Generator) -> Image:
    """Turned around the centre by 25 to 45 degrees, to either side."""
    angle = np.deg2rad(_either(draws, 25.0, 45.0))
    return _affine(image, np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]))


def translate(image: Image, draws: np.random.Generator) -> Image:
    """Moved by 2 to 4 pixels along each axis, of an image 28 wide."""
    size = np.array(image.shape) / 28.0
    return _affine(image, np.eye(2), np.array([_either(draws, 2.0, 4.0), _either(draws, 2.0, 4.0)]) * size)


# ---- light and weather


def brightness(image: Image, draws: np.random.Generator) -> Image:
    """Brighter by 0.4 everywhere."""
    return np.asarray(image + 0.4)


def stripe(image: Image, draws: np.random.Generator) -> Image:
    """Inverted along a vertical stripe in the middle, 2/7 of the width."""
    width = image.shape[1]
    inside = np.abs(np.arange(width) - (width - 1) / 2) < width / 7
    return np.where(inside, 1.0 - image, image)


def fog(image: Image, draws: np.random.Generator) -> Image:
    """Fog of a fractal's density, by the diamond-square algorithm: (x + 0.8 f) / 1.8, f from 0 to 1."""
    return np.asarray((image + 0.8 * _plasma(image.shape, draws)) / 1.8)


def spatter(image: Image, draws: np.random.Generator) -> Image:
    """Splotches of a light grey: where blurred noise is in its highest 12 %."""
    noise = ndimage.gaussian_filter(draws.normal(size=image.shape), 1.2)
    return np.where(noise > np.quantile(noise, 0.88), 0.7, image)


# ---- lines


def dotted_line(image: Image, draws: np.random.Generator) -> Image:
    """A straight dotted line from border to border, of any direction: a dot every 3 pixels."""
    start, end = _across(image.shape, draws)
    steps = np.arange(0.0, float(np.linalg.norm(end - start)), 3.0)
    along = (end - start) / np.linalg.norm(end - start)
    dots = [_segment(image.shape, start + step * along, start + step * along, 1.6) for step in steps]
    return np.asarray(np.maximum.reduce([image, *dots]))


def zigzag(image: Image, draws: np.random.Generator) -> Image:
    """A zigzag from border to border, of any direction, whose strokes differ in width and brightness."""
    start, end = _across(image.shape, draws)
    along = end - start
    aside = np.array([-along[1], along[0]]) / np.linalg.norm(along)
    sides = 2.5 * np.where(np.arange(9) % 2, 1.0, -1.0)[:, None] * aside
    corners = start + np.linspace(0.0, 1.0, 9)[:, None] * along + sides
    strokes = [
        draws.uniform(0.6, 1.0) * _segment(image.shape, corners[n], corners[n + 1], draws.uniform(0.7, 1.8))
        for n in range(8)
    ]
    return np.asarray(np.maximum.reduce([image, *strokes]))


# ---- edges


def canny_edges(image: Image, draws: np.random.Generator) -> Image:
    """Edges alone, 0 or 1, by J. Canny's detector (1986): gradient, its ridges, and hysteresis at 0.1 and 0.2."""
    smooth = ndimage.gaussian_filter(image, 1.0)
    down, right = ndimage.sobel(smooth, 0) / 4.0, ndimage.sobel(smooth, 1) / 4.0
    size = np.hypot(down, right)
    # A ridge is not below its two neighbours in the direction of the gradient.
    unit = np.stack([down, right]) / np.maximum(size, 1e-12)
    here = np.indices(image.shape, float)
    beside = [ndimage.map_coordinates(size, here + side * unit, order=1, mode="constant") for side in (-1.0, 1.0)]
    ridge = (size >= beside[0]) & (size > beside[1])
    weak, strong = ridge & (size > 0.1), ridge & (size > 0.2)
    pieces, count = ndimage.label(weak, np.ones((3, 3)))
    kept = np.zeros(count + 1, bool)
    kept[pieces[strong]] = True
    return np.asarray(kept[pieces], np.float64)


CORRUPTIONS: Mapping[str, Corruption] = {
    change.__name__: change
    for change in (
        shot_noise,
        impulse_noise,
        glass_blur,
        motion_blur,
        shear,
        scale,
        rotate,
        brightness,
        translate,
        stripe,
        fog,
        spatter,
        dotted_line,
        zigzag,
        canny_edges,
    )
}
"""By name, in the paper's order."""


def _either(draws: np.random.Generator, low: float, high: float) -> float:
    """A number from low to high, with either sign."""
    return float(draws.uniform(low, high) * draws.choice([-1.0, 1.0]))


def _affine(image: Image, matrix: Image, shift: Image | None = None) -> Image:
    """The image whose pixel p shows what was at matrix (p - centre - shift) + centre; 0 from outside."""
    centre = (np.array(image.shape) - 1.0) / 2.0
    offset = centre - matrix @ (centre + (0.0 if shift is None else shift))
    return np.asarray(ndimage.affine_transform(image, matrix, offset, order=1, mode="constant"))


def _segment(shape: tuple[int, ...], start: Image, end: Image, width: float) -> Image:
    """How much of each pixel a line of this width covers: from 0 to 1, by its distance from the line's middle."""
    rows, columns = np.indices(shape, float)
    place = np.stack([rows, columns], -1) - start
    along = end - start
    length = float(along @ along)
    share = np.clip(place @ along / length, 0.0, 1.0) if length > 0 else np.zeros(shape)
    distance = np.linalg.norm(place - share[..., None] * along, axis=-1)
    return np.asarray(np.clip(width / 2 + 0.5 - distance, 0.0, 1.0))


def _across(shape: tuple[int, ...], draws: np.random.Generator) -> tuple[Image, Image]:
    """Both ends of a line of any direction, which passes the centre at no more than a seventh of the width."""
    size = np.array(shape, float)
    angle = draws.uniform(0.0, np.pi)
    middle = (size - 1.0) / 2.0 + draws.uniform(-1.0, 1.0, 2) * size / 10.0
    half = np.array([np.sin(angle), np.cos(angle)]) * size / 2.0
    return middle - half, middle + half


def _plasma(shape: tuple[int, ...], draws: np.random.Generator) -> Image:
    """A fractal from 0 to 1 by the diamond-square algorithm on a torus; the noise halves with the square's side."""
    side = 1 << (max(shape) - 1).bit_length()
    height = np.zeros((side, side))
    step, noise = side, 1.0
    while step > 1:
        half = step // 2
        corners = height[::step, ::step]
        near = corners + np.roll(corners, -1, 0)
        count = corners.shape
        height[half::step, half::step] = (near + np.roll(near, -1, 1)) / 4.0 + draws.uniform(-noise, noise, count)
        middles = height[half::step, half::step]
        for axis, (top, left) in enumerate([(half, 0), (0, half)]):
            beside = corners + np.roll(corners, -1, axis) + middles + np.roll(middles, 1, 1 - axis)
            height[top::step, left::step] = beside / 4.0 + draws.uniform(-noise, noise, count)
        step, noise = half, noise / 2.0
    height -= height.min()
    return np.asarray(height[: shape[0], : shape[1]] / height.max())
