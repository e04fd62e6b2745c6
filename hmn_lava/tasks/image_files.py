"""Arrays of a user's image files, which are untrusted: IDX, npy and npz, read without pickle and in bounded memory.

Nothing is allocated before a header has told a size that is allowed; an npy file stays on the disk, and only the rows
that are asked for are read.
"""

from __future__ import annotations

import gzip
import math
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import InputError
from hmn_lava.spec.npz import NpzError, read_npz

Bytes = NDArray[np.uint8]

LARGEST = 2**28
"""Bytes of an array that is read whole; MNIST's largest has 47 million."""


def read_idx(path: Path, dimensions: int) -> Bytes:
    """Read an IDX file of bytes with this many dimensions, gzipped or not, as MNIST is distributed.

    The format: two zero bytes, 8 for bytes, the number of dimensions, each size in four bytes (big end first), data.
    Raises InputError for a file that is not there, of another kind, too large, or not as long as its header says.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            head = stream.read(4 + 4 * dimensions)
            if head[:4] != bytes((0, 0, 8, dimensions)) or len(head) < 4 + 4 * dimensions:
                raise _fault(path, f"is not an IDX file of bytes with {dimensions} dimensions")
            shape = tuple(int(size) for size in np.frombuffer(head, ">u4", offset=4))
            _bounded(path, shape)
            data = stream.read(math.prod(shape) + 1)
    except (OSError, EOFError, zlib.error):  # gzip.BadGzipFile is an OSError
        raise _fault(path, "cannot be read") from None
    if len(data) != math.prod(shape):
        raise _fault(path, f"does not hold the {math.prod(shape)} bytes that its header promises")
    return np.frombuffer(data, np.uint8).reshape(shape)


def read_npz_bytes(path: Path, key: str) -> Bytes:
    """Read an array of bytes of an npz file. Raises InputError."""
    try:
        with zipfile.ZipFile(path) as archive:
            stored = {entry.filename: entry.file_size for entry in archive.infolist()}
        if stored.get(f"{key}.npy", 0) > LARGEST:
            raise _fault(path, f"array {key} has more than {LARGEST} bytes", "use a smaller data set")
        array = read_npz(path.parent, path.name, key)
    except NpzError as error:
        raise InputError(error.problem, where=str(path), field="data", value=error.value, remedy=error.remedy) from None
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError):
        raise _fault(path, "is not an npz file", "write the file anew with numpy.savez") from None
    return _bytes(path, array)


def open_npy(path: Path) -> Bytes:
    """Open an npy file of bytes, which stays on the disk. Raises InputError."""
    form: Any = np.lib.format
    try:
        array = form.open_memmap(path, mode="r")
    except (OSError, ValueError, EOFError, SyntaxError, TypeError, OverflowError, MemoryError):
        raise _fault(path, "is not an npy file of numbers", "write the file anew with numpy.save") from None
    return _bytes(path, array)


def _bytes(path: Path, array: NDArray[Any]) -> Bytes:
    """The array, of bytes; small arrays of other integers, such as labels, are converted."""
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise _fault(path, f"has values of type {array.dtype}", "store uint8, from 0 to 255")
    _bounded(path, array.shape)
    if array.size and not 0 <= int(array.min()) <= int(array.max()) <= 255:
        raise _fault(path, "has values outside 0 to 255", "store uint8, from 0 to 255")
    return np.asarray(array, np.uint8)


def _bounded(path: Path, shape: tuple[int, ...]) -> None:
    if math.prod(shape) > LARGEST:
        raise _fault(path, f"has more than {LARGEST} bytes", "use a smaller data set")


def _fault(path: Path, problem: str, remedy: str = "use the file as it is distributed") -> InputError:
    return InputError(problem, where=str(path), field="data", remedy=remedy)
