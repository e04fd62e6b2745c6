"""The layers of a lava-dl ``.net`` file, each field read and checked: what is in the file, in its own integers.

The format is what lava-dl's blocks write (``lava.lib.dl.slayer.block``) and its ``netx`` reads: a group ``layer`` with
the members 0, 1, ..., each with a ``type``, a ``shape`` (channels, height, width), arrays, and a group ``neuron``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import Finding, InputError
from hmn_lava.fixed import Integers
from hmn_lava.interchange.hdf5 import read_group

KINDS = ("input", "dense", "dense_rec", "conv", "pool", "average", "flatten")
NEURONS = ("CUBA", "LOIHI", "SDNN", "RF_PHASE", "RF_IZHIKEVICH")
READ = {
    "weight",
    "weight/real",
    "weight/imag",
    "weight_rec",
    "bias",
    "delay",
    "stride",
    "padding",
    "dilation",
    "groups",
}
MAX_LAYERS = 1000
LARGEST = 1 << 24
"""Above every number of a file, and the neurons of all of its layers."""


@dataclass(frozen=True, eq=False)
class FileLayer:
    """One layer of the file: its kind, its shape (channels first), its arrays by name, the numbers of its neuron.

    ``neuron`` is None where the file has none; ``flags`` are the texts and switches of the neuron.
    """

    place: str
    kind: str
    shape: tuple[int, ...] | None
    arrays: Mapping[str, Integers]
    neuron: str | None
    numbers: Mapping[str, Integers]
    flags: Mapping[str, Any]

    @property
    def size(self) -> int:
        return prod(self.shape or (0,))


@dataclass
class LayerReader:
    """Reads the fields of a file's layers; ``findings`` collects what is not as the file says."""

    file: Path
    arrays: Mapping[str, NDArray[Any]]
    findings: list[Finding] = field(default_factory=list)

    def layers(self) -> list[FileLayer]:
        """All layers, in order; InputError for a member that is no layer, or a field that is wrong or missing."""
        names = {path.partition("/")[0] for path in self.arrays}
        numbers = sorted(int(name) for name in names if name.isdecimal() and len(name) < 6)
        if not numbers or {str(n) for n in numbers} != names or numbers != list(range(len(numbers))):
            remedy = "give a network that lava-dl exported: the members of layer are 0, 1, 2, ..."
            raise self.wrong("layer", "has members that are no layers, or leaves one out", sorted(names)[:4], remedy)
        if len(numbers) > MAX_LAYERS:
            raise self.wrong("layer", f"has more than {MAX_LAYERS} layers", len(numbers), "check the file")
        found = [self._layer(n) for n in numbers]
        if (neurons := sum(layer.size for layer in found)) > LARGEST:
            raise self.wrong("layer", f"has {neurons} neurons, {LARGEST} at most", None, "check the file")
        return found

    def wrong(
        self, place: str, problem: str, value: Any = None, remedy: str = "export the network again"
    ) -> InputError:
        """The error for a field of the file."""
        return InputError(problem, where=str(self.file), field=place, value=value, remedy=remedy)

    def _layer(self, number: int) -> FileLayer:
        place = f"layer/{number}"
        own = {path.partition("/")[2]: value for path, value in self.arrays.items() if path.startswith(f"{number}/")}
        kind = self._text(own.get("type"), f"{place}/type")
        if kind not in KINDS:
            raise self.wrong(
                f"{place}/type", "is no layer that can be imported", kind, f"use one of: {', '.join(KINDS)}"
            )
        shape = self._shape(own["shape"], f"{place}/shape") if "shape" in own else None
        if shape is None and kind not in ("input", "flatten"):
            raise self.wrong(f"{place}/shape", "is missing")
        arrays = {name: self.integers(own[name], f"{place}/{name}") for name in sorted(READ & own.keys())}
        inside = {path.removeprefix("neuron/"): v for path, v in own.items() if path.startswith("neuron/")}
        if not inside:
            return FileLayer(place, kind, shape, arrays, None, {}, {})
        neuron = self._text(inside.pop("type", None), f"{place}/neuron/type")
        if neuron not in NEURONS:
            remedy = f"use one of: {', '.join(NEURONS)}"
            raise self.wrong(f"{place}/neuron/type", "is no neuron that can be imported", neuron, remedy)
        flags = {k: v.item() for k, v in inside.items() if v.ndim == 0 and v.dtype.kind in "bU"}
        wanted = {
            "vThMant",
            "iDecay",
            "vDecay",
            "refDelay",
            "sinDecay",
            "cosDecay",
            "wgtExp",
            "weight_exp",
            "messageBits",
        }
        numbers = {k: self.integers(inside[k], f"{place}/neuron/{k}") for k in sorted(wanted & inside.keys())}
        return FileLayer(place, kind, shape, arrays, neuron, numbers, flags)

    def integers(self, values: NDArray[Any], place: str) -> Integers:
        """Whole numbers; a fraction is cut off, as netx does, and told."""
        if values.dtype.kind not in "biuf":
            raise self.wrong(place, "is no number", str(values.dtype))
        if values.size == 0:
            raise self.wrong(place, f"is empty: {values.shape}")
        if values.dtype.kind != "f":
            largest = max(int(values.max()), -int(values.min()))
            if largest >= LARGEST:
                raise self.wrong(place, f"holds a number beyond {LARGEST}", largest)
            return values.astype(np.int64)
        numbers = values.astype(np.float64)
        if not np.isfinite(numbers).all():
            raise self.wrong(place, "holds NaN or infinity")
        most = float(np.abs(numbers).max())
        if most >= LARGEST:
            raise self.wrong(place, f"holds a number beyond {LARGEST}", most)
        whole = np.trunc(numbers)
        if (whole != numbers).any():
            worst = float(np.abs(numbers - whole).max())
            remedy = "Export the quantised network, whose numbers are whole."
            used = f"fractions up to {worst:.3g}"
            self.findings.append(Finding("cut-fractions", place, used, "whole numbers", "warning", remedy))
        return whole.astype(np.int64)

    def _text(self, value: NDArray[Any] | None, place: str) -> str:
        if value is None:
            raise self.wrong(place, "is missing")
        if value.dtype.kind != "U" or value.size != 1:
            raise self.wrong(place, "is no text", str(value.dtype))
        return str(value.reshape(-1)[0])

    def _shape(self, values: NDArray[Any], place: str) -> tuple[int, ...]:
        shape = self.integers(values, place)
        if shape.ndim != 1 or not 1 <= shape.size <= 3 or shape.min() < 1 or prod(shape.tolist()) > LARGEST:
            remedy = "a shape is (neurons,) or (channels, height, width)"
            raise self.wrong(place, "is no shape of a layer", shape.reshape(-1)[:4].tolist(), remedy)
        return tuple(int(n) for n in shape)


def read_layers(file: Path) -> tuple[LayerReader, list[FileLayer]]:
    """The layers of a file, and their reader, which knows the file and what was found."""
    reader = LayerReader(file, read_group(file, "layer"))
    return reader, reader.layers()
