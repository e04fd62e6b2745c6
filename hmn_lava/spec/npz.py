"""Arrays of npz files that a spec refers to: untrusted, read without pickle, and only from inside the spec's folder."""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.memory import memory
from hmn_lava.spec.fields import MAX_SYNAPSES
from hmn_lava.spec.problems import Problem


class NpzError(ValueError):
    """Why an array cannot be read, and the remedy. The caller knows the field."""

    def __init__(self, problem: str, remedy: str, value: Any = None) -> None:
        self.problem, self.remedy, self.value = problem, remedy, value
        super().__init__(problem)

    def at(self, field: str) -> Problem:
        return Problem(field, self.problem, self.remedy, self.value)


def path_inside(folder: Path | None, name: str) -> Path:
    """Find the file ``name`` inside ``folder``; refuse absolute paths, ``..``, and links that lead out of it."""
    if folder is None:
        remedy = "load the spec from a file, give a folder, or pass the array itself"
        raise NpzError("refers to a file, but the spec has no folder", remedy, name)
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or PureWindowsPath(name).anchor or "\0" in name:
        raise NpzError("is not a relative path", "put the file beside the spec and write its name", name)
    if ".." in parts.parts:
        raise NpzError("leaves the spec's folder", "put the file beside the spec, without '..'", name)
    try:
        root = folder.resolve(strict=True)
        path = (root / parts).resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: a loop of links, before Python 3.13
        raise NpzError(
            f"file not found in {folder}", "put the file beside the spec, or correct its name", name
        ) from None
    if not path.is_relative_to(root):
        raise NpzError("leads out of the spec's folder by a link", "copy the file into the spec's folder", name)
    if not path.is_file():
        raise NpzError("is not a file", "name an npz file", name)
    return path


def read_npz(folder: Path | None, name: str, key: str) -> NDArray[Any]:
    """Read array ``key`` of the npz file ``name``: bool, integer or float, finite, at most 2**31 elements.

    Raises :class:`NpzError`. Nothing is allocated before the shape in the header is known to agree with the bytes that
    are there.
    """
    path = path_inside(folder, name)
    try:
        with zipfile.ZipFile(path) as archive:
            member = f"{key}.npy"
            if member not in archive.namelist():
                known = ", ".join(repr(entry.removesuffix(".npy"))[:40] for entry in archive.namelist()[:8]) or "none"
                raise NpzError(f"{name} has no array '{key}'", f"use one of its arrays: {known}", key)
            with archive.open(member) as stream:
                _check_header(stream, archive.getinfo(member).file_size, name, key)
            with archive.open(member) as stream:
                array = np.load(stream, allow_pickle=False)
    except NpzError:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        MemoryError,
    ):
        raise NpzError(f"cannot read array '{key}'", "write the file anew with numpy.savez", name) from None
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise NpzError(f"array '{key}' of {name} holds NaN or infinity", "replace every value that is not finite")
    return np.asarray(array)


def npz_names(path: Path) -> tuple[str, ...]:
    """Names of the arrays of an npz file, without reading them. Raises :class:`NpzError`."""
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple(dict.fromkeys(entry.removesuffix(".npy") for entry in archive.namelist()))
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError):
        raise NpzError("is not an npz file", "write the file anew with numpy.savez", path.name) from None


def _check_header(stream: Any, stored: int, name: str, key: str) -> None:
    form: Any = np.lib.format
    version = form.read_magic(stream)
    if version == (1, 0):
        shape, _, dtype = form.read_array_header_1_0(stream)
    elif version == (2, 0):
        shape, _, dtype = form.read_array_header_2_0(stream)
    else:
        raise NpzError(f"array '{key}' of {name} is not a plain array", "save numbers with numpy.savez")
    if dtype.hasobject:
        raise NpzError(
            f"array '{key}' of {name} holds pickled objects", "save numbers with numpy.savez, pickle is not read"
        )
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise NpzError(f"array '{key}' of {name} is of dtype {dtype}", "save float64, float32 or integer numbers")
    count = math.prod(int(size) for size in shape)
    if any(size < 0 for size in shape) or count > MAX_SYNAPSES:
        raise NpzError(f"array '{key}' of {name} has {count} elements, limit {MAX_SYNAPSES}", "use a smaller array")
    if count * dtype.itemsize > stored:
        raise NpzError(f"array '{key}' of {name} is truncated", "write the file anew with numpy.savez")
    have = memory()
    if have is not None and count * 8 > have:  # a compressed file of zeros is small
        raise NpzError(f"array '{key}' of {name} does not fit in memory", "use a smaller array", f"{count} elements")
