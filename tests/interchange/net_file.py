"""Writes ``.net`` files as lava-dl does: layers as dictionaries, the neuron's fields under ``neuron``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from hmn_lava.errors import InputError
from hmn_lava.interchange import hdf5_child

CUBA = {"type": "CUBA", "vThMant": 80, "iDecay": 4096, "vDecay": 123, "refDelay": 1, "gradedSpike": False}
SDNN = {"type": "SDNN", "vThMant": 2, "activation": "relu"}


def write_net(path: Path, layers: Sequence[Mapping[str, Any]]) -> Path:
    """Write a file of these layers; a text becomes what lava-dl makes of it, an array of one fixed-length text."""
    with h5py.File(path, "w") as file:
        for number, layer in enumerate(layers):
            group = file.create_group(f"layer/{number}")
            for name, value in layer.items():
                if name == "neuron":
                    for key, item in value.items():
                        group.create_dataset(f"neuron/{key}", data=item)
                elif name == "type":
                    group.create_dataset("type", (1,), "S10", [str(value).encode()])
                else:
                    group.create_dataset(name, data=value)
    return path


def dense(weight: Any, neuron: Mapping[str, Any] | None = CUBA, **more: Any) -> dict[str, Any]:
    """A dense layer; weights as lava-dl stores them, whole numbers in float32."""
    weight = np.asarray(weight, np.float32)
    own = {} if neuron is None else {"neuron": neuron}
    return {"type": "dense", "shape": np.array([len(weight)]), "weight": weight, **own, **more}


def conv(shape: Sequence[int], weight: Any, neuron: Mapping[str, Any] = CUBA, **more: Any) -> dict[str, Any]:
    """A convolution with an output of ``shape``, channels first."""
    sides = {"stride": np.array([1, 1]), "padding": np.array([0, 0]), "dilation": np.array([1, 1]), "groups": 1}
    weight = np.asarray(weight, np.float32)
    return {"type": "conv", "shape": np.array(shape), "weight": weight, "neuron": neuron, **sides, **more}


def source(shape: Sequence[int], neuron: Mapping[str, Any] | None = CUBA, **more: Any) -> dict[str, Any]:
    """The input layer."""
    own = {} if neuron is None else {"neuron": neuron}
    return {"type": "input", "shape": np.array(shape), **own, **more}


def read_here(file: Path, group: str) -> dict[str, Any]:
    """What the reading process gives, without the process."""
    try:
        return hdf5_child._read(str(file), group)
    except hdf5_child.FileFaultError as fault:
        told = {**fault.told, "field": ": ".join(part for part in (group, fault.told["field"]) if part)}
        raise InputError(told.pop("problem"), where=str(file), **told) from None
