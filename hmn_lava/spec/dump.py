"""Write a spec with its arrays: as a dictionary for JSON and an npz, or as a folder with a YAML file."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel

from hmn_lava.errors import InputError
from hmn_lava.files import write_whole
from hmn_lava.spec.arrays import NpzArray, Values
from hmn_lava.spec.load import SPEC_FILE
from hmn_lava.spec.npz import NpzError, read_npz
from hmn_lava.spec.records import NpzStimulus, Spec
from hmn_lava.yaml_text import YAML_SCALARS

INLINE = 64  # elements up to which an array stays in the text


def spec_to_dict(
    spec: Spec, file: str = "arrays.npz", prefix: str = "", *, empty: bool = True
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the spec as plain JSON values, and its arrays: those above 64 elements, and all that are in npz files.

    Each array is named ``prefix`` + its dotted field, and the dictionary refers to it in ``file``; equal ones are one.
    ``empty=False`` leaves out what is empty or switched off by default. :func:`spec_from_dict` reads it back. Raises
    InputError if a file that the spec refers to cannot be read.
    """
    writer = _Writer(spec, file, prefix, empty)
    return writer.record(spec, ""), writer.arrays


def dump_spec(spec: Spec, folder: str | os.PathLike[str]) -> Path:
    """Write ``spec.yaml`` and, if the spec has arrays, one npz file into ``folder``; return the path of the YAML file.

    The npz file is named by its contents and written first, so that a spec that is already there stays whole until
    ``spec.yaml`` is replaced. Raises InputError if the folder cannot be written; then nothing is left behind.
    """
    folder = Path(folder)
    _, arrays = spec_to_dict(spec, empty=False)
    file = f"arrays-{_digest(arrays)}.npz"
    data, arrays = spec_to_dict(spec, file, empty=False)
    text = yaml.dump(data, Dumper=_Dumper, sort_keys=False, default_flow_style=None, allow_unicode=True, width=120)
    created = [path for path in (folder / file, folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if arrays:
            write_whole(folder / file, lambda stream: np.savez(stream, **arrays))
        write_whole(folder / SPEC_FILE, lambda stream: stream.write(text.encode()))
    except OSError as error:
        _remove(created)
        raise InputError(
            f"cannot be written: {error.strerror}", where=str(folder), remedy="choose a folder you may write to"
        ) from None
    return folder / SPEC_FILE


class _Writer:
    """Turns records into plain values, and collects their arrays."""

    def __init__(self, spec: Spec, file: str, prefix: str, empty: bool) -> None:
        self.spec, self.file, self.prefix, self.empty = spec, file, prefix, empty
        self.arrays: dict[str, NDArray[Any]] = {}
        self.keys: dict[str, str] = {}  # of arrays, by their digests

    def record(self, record: BaseModel, path: str) -> dict[str, Any]:
        found = {}
        fields = type(record).model_fields
        for name in sorted(fields, key=lambda name: not fields[name].is_required()):  # `type` before inherited fields
            value, default = getattr(record, name), fields[name].get_default(call_default_factory=True)
            if self.empty or value != default or value not in (None, "", {}):
                key = fields[name].alias or name
                found[key] = self.plain(value, f"{path}.{key}".lstrip("."))
        return found

    def plain(self, value: Any, path: str) -> Any:
        if isinstance(value, Values):
            return (
                value.array.tolist()
                if value.array.size <= INLINE
                else {"npz": self.file, "key": self.add(path, value.array)}
            )
        if isinstance(value, NpzArray):
            return {"npz": self.file, "key": self.add(path, self.read(value.npz, value.key, path))}
        if isinstance(value, NpzStimulus):
            return {"type": "npz", "file": self.file, "key": self.add(path, self.read(value.file, value.key, path))}
        if isinstance(value, BaseModel):
            return self.record(value, path)
        if isinstance(value, Mapping):
            return {key: self.plain(item, f"{path}.{key}") for key, item in value.items()}
        return list(value) if isinstance(value, tuple) else value

    def add(self, path: str, array: NDArray[Any]) -> str:
        key = self.keys.setdefault(_digest({"": array}), self.prefix + path)
        self.arrays[key] = array
        return key

    def read(self, file: str, key: str, path: str) -> NDArray[Any]:
        try:
            return read_npz(self.spec.folder, file, key)
        except NpzError as error:
            raise error.at(path).error(self.spec.file) from None


def _digest(arrays: Mapping[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for key, array in arrays.items():
        digest.update(f"{key}:{array.dtype.str}:{array.shape};".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:12]


def _remove(created: list[Path]) -> None:
    """Take back files and folders that this call has made, innermost first; stop at what somebody else uses."""
    for path in created:
        with contextlib.suppress(OSError):
            path.rmdir() if path.is_dir() else path.unlink()


class _Dumper(yaml.SafeDumper):
    """Quotes all text that YAML 1.1 or 1.2 would read as something else, and writes no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


for _tag, (_pattern, _first) in YAML_SCALARS.items():
    _Dumper.add_implicit_resolver(_tag, _pattern, _first)
