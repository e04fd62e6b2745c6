"""What an import gives: the spec, the table of its layers, and what has to be said of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hmn_lava.errors import Finding
from hmn_lava.spec import Spec, dump_spec


@dataclass(frozen=True)
class Row:
    """A layer of the file: its populations' name, its kind, its shape, the neurons, and the synapses into it."""

    name: str
    kind: str
    shape: tuple[int, ...]
    neuron: str
    connection: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "kind": self.kind,
            "shape": list(self.shape),
            "neuron": self.neuron,
            "connection": self.connection,
        }


@dataclass(frozen=True)
class Transform:
    """What the host makes of data before they are the input: weight · data + bias, cut to whole numbers."""

    weight: int
    bias: int

    def __call__(self, data: ArrayLike) -> NDArray[np.float64]:
        """The input that stands for ``data``, of any shape."""
        whole: NDArray[np.float64] = np.trunc(self.weight * np.asarray(data, np.float64) + self.bias)
        return whole


@dataclass(frozen=True)
class Imported:
    """A network that was read: its ``spec``, its ``layers`` in order, the name of its input and of its last layer.

    ``findings`` tell what the spec cannot hold, or holds otherwise than the file says. ``transform`` makes the input of
    the data that the network was trained on; None where the data are the input.
    """

    spec: Spec
    layers: tuple[Row, ...]
    findings: tuple[Finding, ...]
    input: str
    output: str
    transform: Transform | None = None

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write the spec and its arrays into a folder; returns the path of its YAML file."""
        return dump_spec(self.spec, folder)
