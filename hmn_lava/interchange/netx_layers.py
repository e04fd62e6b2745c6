"""The layers of a lava-dl file, each as populations and connections of a spec."""

from __future__ import annotations

from math import ldexp, prod
from typing import Any

import numpy as np

from hmn_lava.errors import Finding
from hmn_lava.fixed import Fixed, Integers
from hmn_lava.interchange.imported import Row, Transform
from hmn_lava.interchange.netx_file import FileLayer
from hmn_lava.interchange.netx_neurons import UNIT, Neuron, neuron_of
from hmn_lava.interchange.netx_parts import BIAS, Parts
from hmn_lava.microcode.ir import WORD

TRANSFORM = {"weight": 64, "bias": 0}
"""Of the data into an input layer, where the file does not say."""


class Layers(Parts):
    """A spec in the making, layer by layer."""

    def layer(self, number: int, layer: FileLayer) -> None:
        """Add one layer of the file."""
        if layer.kind == "input":
            self._input(number, layer)
        elif layer.kind == "flatten":
            self._flatten(layer)
        elif layer.kind == "average":
            self._average(number, layer)
        else:
            self._synapses(number, layer)

    # layers without synapses of their own

    def _input(self, number: int, layer: FileLayer) -> None:
        if number:
            raise self.file.wrong(f"{layer.place}/type", "is an input behind other layers", "input", "check the file")
        if layer.shape is None:
            raise self.file.wrong(f"{layer.place}/shape", "is missing")
        if self.shape not in (None, layer.shape):
            problem = f"is not the given input_shape, {self.shape}"
            raise self.file.wrong(f"{layer.place}/shape", problem, list(layer.shape), "leave input_shape out")
        self.shape = layer.shape
        if layer.neuron is None:
            return
        name, size = f"input{number}", layer.size
        neuron = neuron_of(self.file, layer, self.whc(layer), 0, self.spike_exp, drives=True)
        values = BIAS if neuron.spikes else Fixed(WORD - neuron.frac, True, 0)
        self.host(size, values)
        # A bias of the file is of the transform of the data, which the host makes.
        frac = UNIT if neuron.spikes else 0
        self.connections["x_input"] = {
            "type": "static",
            "source": "x",
            "target": name,
            "weights": ldexp(1.0, -frac),
            "topology": "one_to_one",
        }
        self.formats["x_input.w"] = str(Fixed(1, False, frac))
        self.population(name, size, neuron)
        transform = Transform(**{key: self.number(layer, key, default) for key, default in TRANSFORM.items()})
        self.transform, shown = transform, f"{transform.weight} data + {transform.bias}"
        self.rows.append(Row(name, "input", layer.shape, neuron.kind, shown))
        self.shape = layer.shape

    def _flatten(self, layer: FileLayer) -> None:
        if self.shape is not None:
            if layer.shape is not None and layer.size != prod(self.shape):
                problem = f"flattens {prod(self.shape)} neurons to {layer.size}"
                raise self.file.wrong(f"{layer.place}/shape", problem, list(layer.shape))
            self.shape = (prod(self.shape),)

    def _average(self, number: int, layer: FileLayer) -> None:
        """Sums over groups of neurons, by relays: the mean would not be of whole numbers."""
        n_pre, n_post = self.source(layer, None), layer.size
        if n_pre % n_post:
            problem = f"averages {n_pre} neurons in {n_post} groups"
            raise self.file.wrong(f"{layer.place}/shape", problem, list(layer.shape or ()))
        name, each = f"average{number}", n_pre // n_post
        sends = Fixed(WORD, True, self.frac)
        fields = {"sum": False, "difference": False, "activation": "unit", "z_max": sends.max * sends.unit}
        relay = Neuron("sigma_delta", fields, self.frac, self.frac, sends)
        every = np.arange(n_pre)
        groups = np.stack([every // each, every])
        self.connect(name, "", self.frac, np.ones(n_pre, np.int64), delay=self.hop, topology=groups)
        self.population(name, n_post, relay)
        remedy = f"Divide what {name} sends by {each}."
        self.file.findings.append(Finding("average-sums", layer.place, f"sums of {each}", "means", "info", remedy))
        self.rows.append(Row(name, "average", layer.shape or (), "relay", f"groups of {each}"))
        self.shape = layer.shape

    # layers with synapses

    def _synapses(self, number: int, layer: FileLayer) -> None:
        name = f"{layer.kind}{number}"
        imaginary = layer.arrays.get("weight/imag")
        weights = layer.arrays.get("weight/real") if imaginary is not None else layer.arrays.get("weight")
        if weights is None:
            raise self.file.wrong(f"{layer.place}/weight", "is missing")
        if layer.kind in ("dense", "dense_rec") and weights.ndim == 1 and weights.size % layer.size == 0:
            weights = weights.reshape(layer.size, -1)
            imaginary = None if imaginary is None else imaginary.reshape(layer.size, -1)
        self.source(layer, weights)
        whc = (layer.size,) if layer.kind.startswith("dense") else self.whc(layer)
        neuron = neuron_of(self.file, layer, whc, self.frac, self.spike_exp)
        if (imaginary is not None) != (neuron.kind == "resonator"):
            problem = "is complex" if imaginary is not None else "is real"
            remedy = "a resonator has complex weights, and only a resonator has"
            raise self.file.wrong(f"{layer.place}/weight", f"{problem}, its neurons are {layer.neuron}", None, remedy)
        shape = tuple(layer.shape or ())
        if layer.kind.startswith("dense"):
            shown = self._dense(name, layer, weights, imaginary, neuron)
            shape = (layer.size,)
        else:
            shown = self._window(name, layer, weights, neuron)
        self.population(name, layer.size, neuron)
        self.rows.append(Row(name, layer.kind, shape, neuron.kind, shown))
        self.shape = shape

    def _dense(self, name: str, layer: FileLayer, weights: Integers, imaginary: Integers | None, neuron: Neuron) -> str:
        n_pre, n_post = prod(self.shape or (0,)), layer.size
        recurrent = layer.arrays.get("weight_rec") if layer.kind == "dense_rec" else None
        if layer.kind == "dense_rec":
            if imaginary is not None:
                remedy = "lava-dl exports none, and its netx leaves the recurrence out"
                raise self.file.wrong(f"{layer.place}/type", "is a recurrent layer of resonators", None, remedy)
            if recurrent is None:
                raise self.file.wrong(f"{layer.place}/weight_rec", "is missing")
            flat = recurrent.shape == (n_post * n_post,)
            recurrent = recurrent.reshape(n_post, n_post) if flat else recurrent
            self.fits(f"{layer.place}/weight_rec", recurrent, (n_post, n_post))
        self.fits(f"{layer.place}/weight", weights, (n_post, n_pre))
        delay = self.delay(layer, weights) if imaginary is None else self.no_delay(layer, "complex synapses")
        kept, bits = self.kept(layer, weights, *([] if recurrent is None else [recurrent]))
        if imaginary is not None:
            self.fits(f"{layer.place}/weight/imag", imaginary, (n_post, n_pre))
            self.connect(name, "", neuron.input_frac, kept[0], bits=bits, delay=delay)
            kept, bits = self.kept(layer, imaginary)
            self.connect(name, "_im", neuron.input_frac, kept[0], bits=bits, delay=delay, component="imaginary")
            return f"{n_post} x {n_pre}, complex"
        if recurrent is None:
            self.connect(name, "", neuron.input_frac, kept[0], bits=bits, delay=delay)
            return f"{n_post} x {n_pre}"
        if layer.arrays.get("delay") is not None:
            remedy = "netx runs such a layer with other weights: its synapses with delays lose their exponent."
            self.file.findings.append(
                Finding("recurrent-delay", layer.place, "as lava-dl trained it", "netx", "warning", remedy)
            )
        self.connect(name, "", neuron.input_frac, kept[0], bits=bits, delay=delay)
        own = delay if isinstance(delay, int) else np.broadcast_to(delay[:, :1], (n_post, n_post))
        rest: dict[str, Any] = {"delay": own, "source": name, "frac": neuron.frac}
        self.connect(name, "_rec", neuron.input_frac, kept[1], bits=bits, **rest)
        return f"{n_post} x {n_pre}, recurrent"

    def _window(self, name: str, layer: FileLayer, weights: Integers, neuron: Neuron) -> str:
        if self.shape is None or len(self.shape) != 3 or len(layer.shape or ()) != 3:
            remedy = "give input_shape=(channels, height, width)" if self.shape is None else "check the file"
            raise self.file.wrong(f"{layer.place}/shape", "needs a shape of its input and output", None, remedy)
        if weights.ndim == 5 and weights.shape[4] == 1:
            weights = weights[..., 0]
        if weights.ndim != 4:
            raise self.file.wrong(f"{layer.place}/weight", "is no kernel of four axes", list(weights.shape))
        groups = self.number(layer, "groups", 1)
        if layer.kind == "pool":
            groups = self.shape[0]
            if weights.shape[:2] != (1, 1):
                raise self.file.wrong(f"{layer.place}/weight", "is no kernel of one channel", list(weights.shape))
            weights = np.repeat(weights, groups, axis=0)
        sides = {key: self.sides(layer, key, low) for key, low in (("stride", 1), ("padding", 0), ("dilation", 1))}
        self._places(layer, weights, groups, sides)
        self.wide(layer, weights)
        window = {"type": "conv", "input_shape": list(self.shape), "groups": groups, **sides}
        self.connect(name, "", neuron.input_frac, weights, delay=self.no_delay(layer, "a convolution"), window=window)
        shown = "x".join(str(n) for n in weights.shape[2:])
        return " ".join([shown, *(f"{key} {','.join(map(str, value))}" for key, value in sides.items())])

    def _places(self, layer: FileLayer, weights: Integers, groups: int, sides: dict[str, list[int]]) -> None:
        """Check the shape of a convolution's output, before there are neurons and synapses of it."""
        channels, *places = self.shape or ()
        if not 0 < groups <= channels or channels % groups or weights.shape[0] % groups:
            raise self.file.wrong(f"{layer.place}/groups", f"does not divide {channels} channels", groups)
        if weights.shape[1] * groups != channels:
            problem = f"reads {weights.shape[1]} channels in {groups} groups, the layer before has {channels}"
            raise self.file.wrong(f"{layer.place}/weight", problem)
        stride, padding, dilation = (sides[key] * (3 - len(sides[key])) for key in ("stride", "padding", "dilation"))
        each = zip(places, weights.shape[2:], stride, padding, dilation, strict=False)
        output = (weights.shape[0], *((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in each))
        if output != layer.shape:
            raise self.file.wrong(
                f"{layer.place}/shape", f"is not that of its output, {output}", list(layer.shape or ())
            )
