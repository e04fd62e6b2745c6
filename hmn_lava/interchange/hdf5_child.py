"""Reads one group of an HDF5 file, in a process of its own.

``python -m hmn_lava.interchange.hdf5_child FILE GROUP OUT [LIMITS]``. A file is untrusted. The library that reads it is
large, and what it does with a broken file is not ours to say: so it runs where a crash, a loop or an allocation ends
with this process. Links are not followed, nothing outside the file is opened, and what a dataset claims to be is
checked before it is read. Each array goes into the npz file OUT under its path below GROUP, texts as text. A fault is
one JSON object on stdout, and exit code 3.
"""

from __future__ import annotations

import json
import math
import sys
from contextlib import suppress
from typing import Any

LIMITS = {
    "bytes": 1 << 29,
    "values": 1 << 26,
    "objects": 20_000,
    "depth": 4,
    "text": 256,
    "texts": 1,  # in an array
    "address_space": 4 << 30,
    "seconds": 60,
}
NAME = 256
"""Letters of a text in an array of them."""
UNWRITTEN = 1 << 20
"""Bytes that a dataset may claim to have and yet not store."""
DENSEST = 1100
"""No filter of HDF5's own packs more bytes into one (deflate: 1032)."""


class FileFaultError(Exception):
    """What is wrong with the file."""

    def __init__(self, problem: str, field: str = "", value: Any = None, remedy: str = "") -> None:
        super().__init__(problem)
        self.told = {"problem": problem, "field": field, "value": value, "remedy": remedy}


def main(file: str, group: str, out: str, limits: str = "{}") -> int:
    """Read the group; the exit code. ``limits``: those that differ, as JSON."""
    LIMITS.update(json.loads(limits))
    _confine()
    import numpy as np

    try:
        arrays = _read(file, group)
    except FileFaultError as fault:
        print(json.dumps(fault.told))
        return 3
    except MemoryError:
        print(json.dumps({"problem": "needs more memory than a network may", "remedy": "check the file"}))
        return 3
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, OverflowError) as error:
        told = " ".join(str(error).split())[:200]
        print(json.dumps({"problem": f"cannot be read as HDF5: {told}", "remedy": "export the network again"}))
        return 3
    with open(out, "wb") as stream:
        np.savez(stream, **arrays)
    return 0


def _confine() -> None:
    """Limit memory and time of this process, where the system can."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (LIMITS["seconds"], LIMITS["seconds"]))
        resource.setrlimit(resource.RLIMIT_AS, (LIMITS["address_space"], LIMITS["address_space"]))


def _read(file: str, group: str) -> dict[str, Any]:
    import h5py

    with h5py.File(file, "r", locking=False) as root:
        top = _member(root, group, group)
        if not isinstance(top, h5py.Group):
            raise FileFaultError("is no group", group, remedy="give a network that another tool exported")
        return dict(_Walk().group(top, "", LIMITS["depth"]))


class _Walk:
    """Goes through groups, and counts what it meets."""

    def __init__(self) -> None:
        self.objects, self.bytes, self.values = 0, 0, 0

    def group(self, group: Any, path: str, depth: int) -> Any:
        import h5py

        if depth == 0:
            raise FileFaultError("is nested too deeply", path, remedy="export the network again")
        for name in group:
            where = f"{path}/{name}" if path else name
            self.objects += 1
            if self.objects > LIMITS["objects"]:
                raise FileFaultError(
                    f"has more than {LIMITS['objects']} members", path, remedy="export the network again"
                )
            member = _member(group, name, where)
            if isinstance(member, h5py.Group):
                yield from self.group(member, where, depth - 1)
            elif isinstance(member, h5py.Dataset):
                yield where, self.dataset(member, where)
            else:
                raise FileFaultError("is neither a group nor an array", where, remedy="export the network again")

    def dataset(self, dataset: Any, where: str) -> Any:
        """An array, or a text as an array of no axes."""
        import h5py
        import numpy as np

        if dataset.external or dataset.is_virtual:
            raise FileFaultError("keeps its values in another file", where, remedy="export the network into one file")
        shape, kind = dataset.shape, dataset.dtype
        if shape is None:
            raise FileFaultError("has no value", where, remedy="export the network again")
        count = math.prod(shape)
        if h5py.check_string_dtype(kind) is not None:
            return self.texts(dataset, where, count)
        if kind.kind not in "biuf" or kind.itemsize > 8 or h5py.check_ref_dtype(kind) or kind.subdtype:
            raise FileFaultError(f"holds {_short(kind)}, not numbers", where, remedy="export the network again")
        size = count * kind.itemsize
        self.bytes, self.values = self.bytes + size, self.values + count
        if self.bytes > LIMITS["bytes"] or self.values > LIMITS["values"]:
            problem = f"is too large: {count} numbers, {LIMITS['values']} at most in a file"
            raise FileFaultError(problem, where, list(shape)[:4], "check the file")
        if size > UNWRITTEN and size > DENSEST * dataset.id.get_storage_size():
            raise FileFaultError("claims more values than the file stores", where, list(shape)[:4], "check the file")
        return np.ascontiguousarray(dataset[()]) if shape else np.asarray(dataset[()])

    def texts(self, dataset: Any, where: str, count: int) -> Any:
        """A text as an array of no axes, or an array of names where there may be more than one."""
        import numpy as np

        longest = LIMITS["text"] if count == 1 else NAME
        if not 1 <= count <= LIMITS["texts"] or dataset.dtype.itemsize > longest:
            raise FileFaultError("is no single short text", where, list(dataset.shape)[:4], "export the network again")
        if count == 1:
            return np.array(_text(dataset[(0,) * len(dataset.shape)], where, longest))
        return np.array([_text(value, where, longest) for value in dataset[()].reshape(-1)]).reshape(dataset.shape)


def _member(group: Any, name: str, where: str) -> Any:
    """A member of a group, if it lies there itself."""
    import h5py

    link = group.get(name, getlink=True)
    if link is None:
        raise FileFaultError("is missing", where, remedy="give a network that another tool exported")
    if not isinstance(link, h5py.HardLink):
        raise FileFaultError(
            "is a link, which is not followed", where, remedy="export the network into one file, without links"
        )
    return group[name]


def _text(value: Any, where: str, longest: int) -> str:
    try:
        text = value.decode("utf8") if isinstance(value, bytes) else str(value)
    except UnicodeDecodeError:
        raise FileFaultError("is no text", where, remedy="export the network again") from None
    if len(text) > longest or not (text.isprintable() or longest > NAME):
        raise FileFaultError("is no short text", where, remedy="export the network again")
    return text


def _short(kind: Any) -> str:
    return str(kind)[:60]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
