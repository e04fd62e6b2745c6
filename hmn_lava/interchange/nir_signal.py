"""What flows along the edges of a NIR graph: sums of populations' messages, each through at most one set of weights.

Flatten, Scale and Delay are folded into the weights before or behind them, and a bias goes along; so a connection of
the spec is one path, and its numbers are the graph's. A second set of weights needs a relay: see ``nir_import.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np

from hmn_lava.interchange.nir_graph import Floats, Graph, Node

Shape = tuple[int, ...]
ONE: Floats = np.ones(1)
ZERO: Floats = np.zeros(1)


@dataclass(frozen=True)
class Path:
    """Messages of ``source``, times ``pre``, ``before`` steps late, through ``weights`` or a window, times ``post``.

    ``pre`` and ``before``: (n_pre,), ``post`` and ``behind`` (more delay): (n_post,), or one value for all.
    """

    source: str
    size: int  # n_pre
    pre: Floats = field(default_factory=lambda: ONE)
    before: Floats = field(default_factory=lambda: ZERO)
    weights: Floats | None = None  # (n_post, n_pre), or a kernel
    window: dict[str, Any] | None = None  # of a convolution or pool: the fields of its connection
    post: Floats = field(default_factory=lambda: ONE)
    behind: Floats = field(default_factory=lambda: ZERO)
    node: str = ""  # that has the weights

    @property
    def weighted(self) -> bool:
        return self.weights is not None or self.window is not None

    def scaled(self, factor: Floats) -> Path:
        """Times ``factor``, (n,) or one value."""
        factor = uniform(factor)
        return replace(self, post=self.post * factor) if self.weighted else replace(self, pre=self.pre * factor)

    def later(self, steps: Floats) -> Path:
        """Later by ``steps``, (n,) or one value."""
        steps = uniform(steps)
        if self.weighted:
            return replace(self, behind=self.behind + steps)
        return replace(self, before=self.before + steps)


@dataclass(frozen=True)
class Signal:
    """A sum of paths and a bias, (n,) or one value, at neurons that lie as ``shape`` says."""

    paths: tuple[Path, ...]
    shape: Shape
    bias: Floats = field(default_factory=lambda: ZERO)

    @property
    def size(self) -> int:
        return prod(self.shape)


def uniform(values: Floats) -> Floats:
    """One value where all are equal; else as given, flat."""
    flat = np.asarray(values, np.float64).reshape(-1)
    return flat[:1] if flat.size > 1 and (flat == flat[0]).all() else flat


def per_channel(values: Floats, shape: Shape) -> Floats | None:
    """(channels,) of values that are equal all over each channel; None where they are not."""
    if values.size == 1:
        return np.broadcast_to(values, (shape[0],))
    each = values.reshape(shape[0], -1)
    return each[:, 0] if (each == each[:, :1]).all() else None


def parameter(graph: Graph, node: Node, key: str, shape: Shape, default: float = 0.0) -> Floats:
    """A node's field for each neuron, flat, or one value where all are equal. Raises InputError for another shape."""
    values = node.get(key, default)
    if values.size == 1:
        return values.reshape(1)
    if values.size == prod(shape):
        return uniform(values)
    sample = values
    while sample.ndim > len(shape) and sample.shape[0] == 1:  # a batch of one
        sample = sample[0]
    try:
        return uniform(np.broadcast_to(sample, shape))
    except ValueError:
        problem = f"has shape {values.shape}, which does not fit {shape}"
        raise graph.wrong(f"{node.name}.{key}", problem, None, "match the node to what it reads") from None


def window_of(graph: Graph, node: Node, shape: Shape) -> tuple[dict[str, Any], Floats | None, Shape]:
    """A convolution's or pool's fields, its kernel (None: a pool) and its output's shape, read at ``shape``."""
    conv = node.type.startswith("Conv")
    kernel = node["weight"] if conv else None
    sides = 1 if node.type == "Conv1d" else 2
    while len(shape) > sides + 1 and shape[0] == 1:  # a batch of one
        shape = shape[1:]
    if len(shape) != sides + 1:
        given = node.fields.get("input_shape")
        channels = (
            0 if kernel is None or kernel.ndim < 2 else kernel.shape[1] * int(node.get("groups", 1).reshape(-1)[0])
        )
        guess = () if given is None else (channels, *(int(n) for n in given.reshape(-1)))
        if prod(guess or (0,)) != prod(shape) or len(guess) != sides + 1:
            problem = f"reads something of shape {shape}"
            raise graph.wrong(node.name, problem, None, f"give it channels and {sides} sides: set the Input's shape")
        shape = guess
    if kernel is not None and kernel.ndim != sides + 2:
        raise graph.wrong(f"{node.name}.weight", f"has shape {kernel.shape}, needs {sides + 2} axes")
    window_sides = kernel.shape[2:] if kernel is not None else _sides(graph, node, "kernel_size", sides, 1)
    stride = _sides(graph, node, "stride", sides, 1)
    dilation = _sides(graph, node, "dilation", sides, 1) if conv else (1,) * sides
    padding = _padding(graph, node, sides, window_sides, stride, dilation)
    output = tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(shape[1:], window_sides, stride, padding, dilation, strict=True)
    )
    if min(output) < 1:
        raise graph.wrong(node.name, f"has a kernel {window_sides} larger than its padded input", shape[1:])
    fields: dict[str, Any] = {"input_shape": list(shape), "stride": list(stride), "padding": list(padding)}
    if kernel is not None:
        groups = int(node.get("groups", 1).reshape(-1)[0])
        if groups < 1 or kernel.shape[1] * groups != shape[0] or kernel.shape[0] % groups:
            problem = f"of shape {kernel.shape} in {groups} groups does not fit {shape[0]} input channels"
            raise graph.wrong(f"{node.name}.weight", problem)
        fields |= {"type": "conv", "dilation": list(dilation), "groups": groups}
        return fields, kernel, (kernel.shape[0], *output)
    weight = 1.0 if node.type == "SumPool2d" else 1.0 / prod(window_sides)
    fields |= {"type": "pool", "kernel": list(window_sides), "weight": weight}
    return fields, None, (shape[0], *output)


def _sides(graph: Graph, node: Node, key: str, sides: int, low: int) -> Shape:
    values = node[key].reshape(-1)
    if values.size not in (1, sides) or values.min() < low or values.max() > 4096:
        problem = f"is not {sides} whole numbers from {low} to 4096"
        raise graph.wrong(f"{node.name}.{key}", problem, values[:3].tolist())
    return tuple(int(n) for n in np.broadcast_to(values, (sides,)))


def _padding(graph: Graph, node: Node, sides: int, kernel: Shape, stride: Shape, dilation: Shape) -> Shape:
    word = node.fields["padding"]
    if not isinstance(word, str):
        return _sides(graph, node, "padding", sides, 0)
    if word == "valid":
        return (0,) * sides
    reach = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    if any(n % 2 for n in reach) or any(s != 1 for s in stride):
        problem = "same is not symmetric for an even kernel, and has no meaning with a stride"
        raise graph.wrong(f"{node.name}.padding", problem, word, "give the padding as numbers")
    return tuple(n // 2 for n in reach)
