"""What every layer of a lava-dl file is made of in a spec: populations, connections, and their formats."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ldexp, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import Finding, InputError
from hmn_lava.fixed import Fixed, Integers
from hmn_lava.interchange.imported import Imported, Row, Transform
from hmn_lava.interchange.netx_file import FileLayer, LayerReader
from hmn_lava.interchange.netx_neurons import Neuron
from hmn_lava.interchange.netx_weights import dense_weights, narrowest_format
from hmn_lava.microcode.ir import WORD
from hmn_lava.spec import spec_from_dict
from hmn_lava.spec.fields import MAX_DELAY, MAX_PERIOD

BIAS = Fixed(13, True, 0)
"""What drives a spiking input layer: the mantissa of Lava's bias."""
GRADED = Fixed(16, True, 0)
"""Integers that drive synapses, where the file has no input layer."""
MAX_FILE_DELAY = MAX_DELAY - 1
WEIGHT_BITS = 8
"""Of lava-dl's weights."""


@dataclass(frozen=True)
class Reset:
    """When spiking neurons begin anew."""

    interval: int
    offset: int

    def __post_init__(self) -> None:
        for field_name, value, low in (("reset_interval", self.interval, 1), ("reset_offset", self.offset, 0)):
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= MAX_PERIOD:
                problem, remedy = f"must be a whole number from {low} to {MAX_PERIOD}", "use the steps of a sample"
                raise InputError(problem, field=field_name, value=value, remedy=remedy)

    def of(self, layer: int) -> dict[str, int]:
        """The restart of the neurons ``layer`` steps behind the first."""
        return {"every": self.interval, "at": (self.offset + layer) % self.interval}


@dataclass
class Parts:
    """A spec in the making; the next layer reads the population ``last`` of this ``shape``, channels first."""

    file: LayerReader
    hop: int
    spike_exp: int
    shape: tuple[int, ...] | None
    graded: bool
    reset: Reset | None
    last: str | None = None
    frac: int = 0  # of what ``last`` sends
    populations: dict[str, Any] = field(default_factory=dict)
    connections: dict[str, Any] = field(default_factory=dict)
    formats: dict[str, str] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    transform: Transform | None = None

    def done(self, name: str) -> Imported:
        """The import, with its references and shapes checked by whoever resolves the spec."""
        if self.last is None or self.last == "x":
            raise self.file.wrong("layer", "has no neurons", None, "give a network with a layer of neurons")
        data = {
            "hmn_lava": 1,
            "name": name,
            "description": f"lava-dl network {self.file.file.name}",
            "populations": self.populations,
            "connections": self.connections,
            "formats": self.formats,
        }
        try:
            spec = spec_from_dict(data)
        except InputError as error:
            raise self.file.wrong(error.field, error.problem, error.value, error.remedy) from None
        return Imported(spec, tuple(self.rows), tuple(self.file.findings), "x", self.last, self.transform)

    def forget(self) -> None:
        """Begin behind what was built so far: its last population becomes the input."""
        if self.last not in (None, "x"):
            values = self.formats.get(f"{self.last}.z")
            frac = self.frac
            self.populations, self.connections, self.formats, self.rows, self.transform = {}, {}, {}, [], None
            self.host(prod(self.shape or (0,)), None if values is None else Fixed.parse(values))
            self.frac = frac

    def source(self, layer: FileLayer, weights: Integers | None) -> int:
        """The number of neurons that a layer reads; without a population before it, the host's."""
        if self.shape is None:
            if weights is None or not layer.kind.startswith("dense") or weights.ndim != 2:
                problem, remedy = "the file does not say what it reads", "give input_shape=(channels, height, width)"
                raise self.file.wrong(layer.place, problem, None, remedy)
            self.shape = (int(weights.shape[1]),)
        if self.last is None:
            self.host(prod(self.shape), GRADED if self.graded else None)
        return prod(self.shape)

    def host(self, size: int, values: Fixed | None) -> None:
        """The input: integers of a format, or spikes."""
        self.last, self.frac = "x", 0
        if values is None:
            self.populations["x"] = {"type": "input", "size": size, "signal": "spike"}
            return
        ends = [ldexp(float(end), -values.frac) for end in (max(values.min, -values.max), values.max)]
        self.populations["x"] = {"type": "input", "size": size, "range": ends}
        self.formats["x.x"] = str(values)

    def population(self, name: str, size: int, neuron: Neuron) -> None:
        restart = None
        if self.reset is not None and neuron.kind != "sigma_delta":
            restart = self.reset.of(self.hop * sum(p["type"] != "input" for p in self.populations.values()))
        self.populations[name] = {"type": neuron.kind, "size": size, **neuron.fields, "restart": restart}
        self.formats[f"{name}.a"] = str(Fixed(WORD, True, neuron.input_frac))
        if neuron.sends is not None:
            self.formats[f"{name}.z"] = str(neuron.sends)
        self.last, self.frac = name, neuron.frac

    def connect(
        self,
        target: str,
        suffix: str,
        input_frac: int,
        weights: Integers,
        *,
        bits: int = 0,
        delay: int | Integers = 0,
        source: str | None = None,
        frac: int | None = None,
        window: dict[str, Any] | None = None,
        topology: Any = "dense",
        component: str = "real",
    ) -> None:
        """Synapses of whole ``weights``; one is worth what makes the sum come out in the target's unit.

        ``bits`` of them are behind its binary point: of the sum, they are cut off.
        """
        unit = input_frac - (self.frac if frac is None else frac) + bits
        name = f"to_{target}{suffix}"
        self.connections[name] = {
            **({"type": "static", "topology": topology} if window is None else window),
            "source": source or self.last,
            "target": target,
            "weights": np.ldexp(weights.astype(np.float64), -unit),
            "delay": delay if isinstance(delay, int) else delay.astype(np.float64),
            "component": component,
        }
        self.formats[f"{name}.w"] = str(narrowest_format(weights, unit))

    def kept(self, layer: FileLayer, *parts: Integers) -> tuple[list[Integers], int]:
        """The weights of a dense layer as netx keeps them, and their bits behind the point; told if they are others."""
        place = f"{layer.place}/weight"
        try:
            kept, bits = dense_weights(*parts)
        except ValueError as error:
            raise self.file.wrong(place, str(error), None, "train with weights of 8 bits") from None
        wanted = np.concatenate([part.reshape(-1) for part in parts])
        off = np.abs(np.concatenate([one.reshape(-1) for one in kept]) - (wanted << bits))
        if off.any():
            worst, changed = int(wanted[off.argmax()]), int((off > 0).sum())
            remedy = "Lava's synapses do not hold these weights; netx changes them alike."
            self.file.findings.append(Finding("changed-weights", place, worst, f"{changed} changed", "warning", remedy))
        return kept, bits

    def wide(self, layer: FileLayer, weights: Integers) -> None:
        """Tell weights of a convolution that no synapse holds: Lava's ``Conv`` cuts none, so they stay."""
        if (bits := narrowest_format(weights, 0).bits) > WEIGHT_BITS:
            remedy = (
                "As in netx the weights stay; each takes several synapses of the chip. Train with weights of 8 bits."
            )
            place = f"{layer.place}/weight"
            self.file.findings.append(Finding("wide-weights", place, bits, WEIGHT_BITS, "warning", remedy))

    def delay(self, layer: FileLayer, weights: Integers) -> int | Integers:
        """The delays of a dense layer's synapses, with the step of transport."""
        delay = layer.arrays.get("delay")
        if delay is None:
            return self.hop
        place = f"{layer.place}/delay"
        if delay.min() < 0:
            raise self.file.wrong(place, "is negative", int(delay.min()), "use delays from 0 to 62")
        if delay.max() > MAX_FILE_DELAY:
            used, remedy = int(delay.max()), "netx clips longer delays, and so does the import."
            self.file.findings.append(Finding("clipped-delay", place, used, MAX_FILE_DELAY, "warning", remedy))
            delay = np.minimum(delay, MAX_FILE_DELAY)
        n_post, n_pre = weights.shape
        if delay.size == 1:
            return self.hop + int(delay.reshape(-1)[0])
        if delay.ndim == 1 and delay.size == n_post:
            delay = delay[:, None]
        elif delay.ndim != 1 or delay.size != n_pre:
            self.fits(place, delay, (n_post, n_pre))
        return self.hop + np.broadcast_to(delay, (n_post, n_pre))

    def no_delay(self, layer: FileLayer, what: str) -> int:
        """The step of transport alone; told if the file has delays."""
        if "delay" in layer.arrays:
            remedy = f"netx leaves the delays of {what} out, and so does the import."
            self.file.findings.append(Finding("delay-left-out", layer.place, "delays", "none", "warning", remedy))
        return self.hop

    def fits(self, place: str, array: NDArray[Any], shape: tuple[int, ...]) -> None:
        if array.shape != shape:
            problem = f"has shape {array.shape}, needs {shape}"
            raise self.file.wrong(place, problem, None, "check the layer's shape, and that of the one before")

    def number(self, layer: FileLayer, key: str, default: int) -> int:
        """One number of a layer, as lava-dl writes it: alone or in an array."""
        values = layer.arrays.get(key, np.array([default]))
        if values.size != 1:
            raise self.file.wrong(f"{layer.place}/{key}", "is not one number", values.reshape(-1)[:3].tolist())
        return int(values.reshape(-1)[0])

    def sides(self, layer: FileLayer, key: str, low: int) -> list[int]:
        values = layer.arrays.get(key, np.array([1 if low else 0])).reshape(-1)
        if values.size > 2 or values.min() < low or values.max() > 4096:
            problem = f"is not one or two numbers from {low} to 4096"
            raise self.file.wrong(f"{layer.place}/{key}", problem, values[:3].tolist())
        return [int(n) for n in values]

    def whc(self, layer: FileLayer) -> tuple[int, ...]:
        return tuple(reversed(layer.shape or ()))
