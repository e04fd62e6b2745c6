"""Weights alone, from a safetensors or npz file, onto the spec of a network.

Tensors are matched by name: ``fc1`` or ``fc1.weight`` for the connection fc1, ``fc1.bias`` for the bias of the
population that it targets; ``names`` says which tensor is for which connection where they are called otherwise.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import BackendError, Finding, InputError
from hmn_lava.spec import Spec, dump_spec, resolve, spec_from_dict
from hmn_lava.spec.convolution import PoolConnection
from hmn_lava.spec.npz import NpzError, npz_names, read_npz

MOST_BYTES = 1 << 30
MOST_TENSORS = 10_000


@dataclass(frozen=True)
class Loaded:
    """A spec with other weights, and what came from where."""

    spec: Spec
    findings: tuple[Finding, ...]

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write the spec and its arrays into a folder; returns the path of its YAML file."""
        return dump_spec(self.spec, folder)


def load_weights(file: str | os.PathLike[str], spec: Spec, names: Mapping[str, str] | None = None) -> Loaded:
    """Put the tensors of a ``.safetensors`` or ``.npz`` file into a spec's connections and biases.

    ``names``: the tensor's name without ``.weight`` and ``.bias``, and the connection that it is for. A matrix is
    (post, pre), a kernel (out, in / groups, ...), as in PyTorch. Each connection without a tensor and each tensor
    without a connection is told.

    Raises InputError for a file that is broken, a tensor that does not fit, or if nothing fits; BackendError where the
    safetensors package is not installed.
    """
    path = Path(file)
    tensors = read_tensors(path)
    given = dict(names or {})
    for connection in given.values():
        if connection not in spec.connections:
            remedy = f"use one of: {', '.join(list(spec.connections)[:8])}"
            raise InputError("no such connection", field="names", value=connection, remedy=remedy)
    for tensor in given:
        if not {tensor, f"{tensor}.weight", f"{tensor}.bias"} & tensors.keys():
            remedy = f"use one of: {', '.join(list(tensors)[:8])}"
            raise InputError("no such tensor", where=str(path), field="names", value=tensor, remedy=remedy)
    data: dict[str, Any] = spec.model_dump(by_alias=True, exclude_unset=True)
    used: set[str] = set()
    for tensor, array in tensors.items():
        stem, _, kind = tensor.rpartition(".") if tensor.endswith((".weight", ".bias")) else (tensor, "", "weight")
        connection = given.get(stem, stem)
        record = spec.connections.get(connection)
        if record is None or isinstance(record, PoolConnection):
            continue
        used.add(tensor)
        if kind == "weight":
            data["connections"][connection]["weights"] = array
        else:
            _bias(data, spec, connection, tensor, array, path)
    if not used:
        problem = f"has no tensor for any of the connections {', '.join(list(spec.connections)[:8])}"
        raise InputError(problem, where=str(path), remedy=f"say which is which: {', '.join(list(tensors)[:8])}")
    try:
        made = spec_from_dict(data, spec.folder)
        resolve(made)
    except InputError as error:
        raise InputError(
            error.problem, where=str(path), field=error.field, value=error.value, remedy=error.remedy
        ) from None
    return Loaded(made, tuple(_told(tensors, used, spec, given)))


def _bias(data: Any, spec: Spec, connection: str, tensor: str, array: NDArray[Any], path: Path) -> None:
    """A layer's bias is its population's; a convolution's is one for each channel."""
    name = spec.connections[connection].target
    record, size = data["populations"][name], spec.populations[name].size
    flat = array.reshape(-1)
    if "bias" not in type(spec.populations[name]).model_fields:
        problem = f"is a bias, and population {name} has none"
        raise InputError(problem, where=str(path), field=tensor, remedy="leave it out")
    if flat.size not in (1, size) and (size % flat.size or spec.connections[connection].type != "conv"):
        problem = f"has {flat.size} values, population {name} has {size} neurons"
        raise InputError(problem, where=str(path), field=tensor, remedy="give one for each neuron or output channel")
    if flat.size > 1:
        flat = np.repeat(flat, size // flat.size)
    record["bias"] = float(flat[0]) if flat.size == 1 else flat


def _told(tensors: Mapping[str, Any], used: set[str], spec: Spec, given: Mapping[str, str]) -> list[Finding]:
    stems = {tensor.removesuffix(".weight") for tensor in used if not tensor.endswith(".bias")}
    filled = {given.get(stem, stem) for stem in stems}
    found = [
        Finding("unused-tensor", name, "no connection", "a connection", "warning", "Say in names which it is for.")
        for name in tensors
        if name not in used
    ]
    kept = [name for name, c in spec.connections.items() if name not in filled and not isinstance(c, PoolConnection)]
    return found + [
        Finding("kept-weights", name, "no tensor", "a tensor", "warning", "Its weights stay as the spec has them.")
        for name in kept
    ]


def read_tensors(path: Path) -> dict[str, NDArray[np.float64]]:
    """All tensors of a file as float64, finite; raises InputError for a file that is broken or too large."""
    if not path.is_file():
        raise InputError("no such file", where=str(path), remedy="give weights as .safetensors or .npz")
    if path.stat().st_size > MOST_BYTES:
        problem = f"is larger than {MOST_BYTES} bytes"
        raise InputError(problem, where=str(path), value=path.stat().st_size, remedy="save the weights alone")
    if path.suffix == ".npz":
        raw = _npz(path)
    elif path.suffix == ".safetensors":
        raw = _safetensors(path)
    else:
        raise InputError("is neither .safetensors nor .npz", where=str(path), remedy="save the weights as one of these")
    found = {}
    for name, array in raw.items():
        if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
            raise InputError("holds no numbers", where=str(path), field=name, value=str(array.dtype))
        values = array.astype(np.float64)
        if not np.isfinite(values).all():
            raise InputError("holds NaN or infinity", where=str(path), field=name, remedy="replace what is not finite")
        if values.size == 0:
            raise InputError("is empty", where=str(path), field=name, value=array.shape, remedy="leave it out")
        found[name] = values
    return found


def _npz(path: Path) -> dict[str, NDArray[Any]]:
    try:
        names = npz_names(path)
        if len(names) > MOST_TENSORS:
            raise InputError(f"has more than {MOST_TENSORS} arrays", where=str(path), value=len(names))
        return {name: read_npz(path.parent, path.name, name) for name in names}
    except NpzError as error:
        raise error.at("arrays").error(str(path)) from None


def _safetensors(path: Path) -> dict[str, NDArray[Any]]:
    if importlib.util.find_spec("safetensors") is None:
        raise BackendError("this needs the safetensors package, which is not here: pip install 'hmn-lava[torch]'")
    from safetensors import SafetensorError, safe_open

    found = {}
    try:
        with safe_open(path, framework="numpy") as tensors:
            names = list(tensors.keys())
            if len(names) > MOST_TENSORS:
                raise InputError(f"has more than {MOST_TENSORS} tensors", where=str(path), value=len(names))
            for name in names:
                found[name] = np.asarray(tensors.get_tensor(name))
    except (SafetensorError, TypeError, KeyError, ValueError, OSError, MemoryError) as error:
        told = " ".join(str(error).split())[:120]
        remedy = "save float32 tensors again with safetensors"
        raise InputError(f"cannot be read as safetensors: {told}", where=str(path), remedy=remedy) from None
    return found
