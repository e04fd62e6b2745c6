"""Convolutions and pools: connections whose synapses follow from a kernel and from where neurons lie.

Neurons of a population lie in C order of (channels, height, width), or of (channels, length). What a record says
becomes the synapses of a sparse connection, those of one post neuron after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field

from hmn_lava.memory import refuse_above_memory
from hmn_lava.spec.arrays import Array, Values
from hmn_lava.spec.fields import (
    MAX_SYNAPSES,
    Component,
    Name,
    Number,
    Padding,
    PositiveInteger,
    Record,
    Side,
    Size,
    WeightScale,
)
from hmn_lava.spec.materialise import Cells, Floats, Ints, Source, read_only
from hmn_lava.spec.problems import Problem
from hmn_lava.topology import Topology

Shape = tuple[int, ...]
BYTES_PER_SYNAPSE = 20  # as sizes.py counts


def _sides(value: Any) -> Any:
    """One number for all sides, or one for each."""
    return (value,) if not isinstance(value, (list, tuple, np.ndarray)) else tuple(value)


Sides = Annotated[tuple[Side, ...], Field(min_length=1, max_length=2), BeforeValidator(_sides)]
Paddings = Annotated[tuple[Padding, ...], Field(min_length=1, max_length=2), BeforeValidator(_sides)]
InputShape = Annotated[tuple[Size, ...], Field(min_length=2, max_length=3)]


class _Window(Record):
    """What convolutions and pools share."""

    source: Name = Field(description="presynaptic population")
    target: Name = Field(description="postsynaptic population")
    input_shape: InputShape = Field(description="of the source: [channels, height, width], or [channels, length]")
    padding: Paddings = Field((0,), description="zeros around the input: one number, or one for each side")
    delay: Array = Field(0.0, description="tau, whole steps 0..63: one number, or one for each output channel")
    component: Component = Field("real", description="of a resonator's input that the synapses bring")


class ConvConnection(_Window):
    """A convolution as in PyTorch and NIR, that is a cross-correlation: the kernel is not flipped.

    a[o, y, x] = sum_{i, j, k} w[o, i, j, k] x[i, stride y + dilation j - padding, stride x + dilation k - padding].
    """

    type: Literal["conv"]
    weights: Array = Field(description="w, (out_channels, in_channels / groups, kernel height, kernel width)")
    stride: Sides = (1,)
    dilation: Sides = (1,)
    groups: PositiveInteger = Field(1, description="groups of channels that are convolved apart")
    scale: WeightScale = None


class PoolConnection(_Window):
    """The weighted sum over a window of each channel: weight 1 for a sum, 1 / (window's size) for a mean."""

    type: Literal["pool"]
    kernel: Sides = Field(description="sides of the window")
    stride: Sides | None = Field(None, description="as the kernel if left out")
    weight: Number = Field(1.0, description="w of every synapse")


WindowRecord = ConvConnection | PoolConnection


@dataclass(frozen=True, eq=False)
class Kernel:
    """A window over channels: ``weights`` (out_channels, in_channels / groups, *sides), all else for each side."""

    shape: Shape  # of the input: channels, then sides
    weights: Floats
    stride: Shape
    padding: Shape
    dilation: Shape
    groups: int

    @property
    def output(self) -> Shape:
        """Channels and sides of the output; a side below 1 where the kernel is larger than the padded input."""
        sides = zip(self.shape[1:], self.weights.shape[2:], self.stride, self.padding, self.dilation, strict=True)
        return (self.weights.shape[0], *((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in sides))

    @property
    def size(self) -> int:
        """Synapses at most, as many as there are without padding."""
        return prod(self.output) * prod(self.weights.shape[1:])


def window(
    record: WindowRecord, n_post: int, n_pre: int, field: str, source: Source
) -> tuple[Cells, Floats, NDArray[Any]]:
    """The synapses of a convolution or pool, their weights, and their output channels, (n_syn,) each.

    Raises InputError where its shapes do not fit each other or the populations.
    """
    kernel = kernel_of(record, field, source)
    _check(kernel, n_post, n_pre, field)
    counts, columns, weights = _synapses(kernel)
    if not columns.size:
        problem = "gives no synapse at all: every window lies in the padding"
        raise Problem(f"{field}.padding", problem, "use less padding, or a smaller stride").error()
    topology = Topology.counted(n_post, n_pre, counts, columns)
    each = n_post // kernel.output[0]
    channels = np.repeat(np.arange(kernel.output[0]), counts.reshape(-1, each).sum(axis=1))
    return Cells(topology), read_only(weights), channels


def window_shapes(records: Mapping[str, Any], source: Source) -> dict[str, Shape]:
    """The shapes, channels and then sides, of the populations that windows among connections lead from or to."""
    found: dict[str, Shape] = {}
    for name, record in records.items():
        if isinstance(record, (ConvConnection, PoolConnection)):
            kernel = kernel_of(record, f"connections.{name}", source)
            found.setdefault(record.source, kernel.shape)
            found.setdefault(record.target, kernel.output)
    return found


def window_delays(record: WindowRecord, field: str, cells: Cells, channels: NDArray[Any], source: Source) -> Ints:
    """The delays of the synapses, from one number, or one for each output channel."""
    value = record.delay
    if isinstance(value, float):
        return source.delay(value, field, cells)
    each = source.vector(value, field, int(channels[-1]) + 1, "one per output channel")
    if cells.topology.dense:
        raise ValueError("a window's synapses are listed")
    return source.delay(Values(each[channels]), field, cells)


def largest_size(record: WindowRecord, n_post: int) -> int:
    """About how many synapses a record makes, before its file is read (0: the file decides)."""
    if isinstance(record, PoolConnection):
        kernel = tuple(record.kernel)
        return n_post * prod(kernel * 2 if len(kernel) < len(record.input_shape) - 1 else kernel)
    if isinstance(record.weights, Values):
        return n_post * prod(record.weights.array.shape[1:])
    return 0


def kernel_of(record: WindowRecord, field: str, source: Source) -> Kernel:
    """The kernel of a convolution or pool. Raises InputError as :func:`window`."""
    sides = len(record.input_shape) - 1
    if isinstance(record, PoolConnection):
        kernel, channels = _each(record.kernel, sides, f"{field}.kernel"), record.input_shape[0]
        stride = kernel if record.stride is None else _each(record.stride, sides, f"{field}.stride")
        weights = np.broadcast_to(np.float64(record.weight), (channels, 1, *kernel))
        dilation, groups = (1,) * sides, channels
    else:
        weights, groups = _weights(record, sides, field, source), record.groups
        stride = _each(record.stride, sides, f"{field}.stride")
        dilation = _each(record.dilation, sides, f"{field}.dilation")
    padding = _each(record.padding, sides, f"{field}.padding")
    return Kernel(tuple(record.input_shape), weights, stride, padding, dilation, groups)


def _weights(record: ConvConnection, sides: int, field: str, source: Source) -> Floats:
    value = record.weights
    if isinstance(value, (float, int)) or hasattr(value, "init"):
        remedy = "give an array (out_channels, in_channels / groups, *kernel), or use type: pool"
        raise Problem(f"{field}.weights", "is no kernel", remedy).error()
    weights = source.given(value, f"{field}.weights")
    if weights.ndim != 2 + sides:
        problem = f"has shape {weights.shape}, needs {2 + sides} axes: out_channels, in_channels / groups, kernel"
        raise Problem(f"{field}.weights", problem, "match weights and input_shape").error()
    return weights


def _each(value: Shape, sides: int, field: str) -> Shape:
    if len(value) == 1:
        return tuple(value) * sides
    if len(value) != sides:
        raise Problem(field, f"needs one number, or {sides}", "match it to input_shape", list(value)).error()
    return tuple(value)


def _check(kernel: Kernel, n_post: int, n_pre: int, field: str) -> None:
    if prod(kernel.shape) != n_pre:
        problem = f"has {prod(kernel.shape)} places, the source has {n_pre} neurons"
        raise Problem(f"{field}.input_shape", problem, "make them equal", list(kernel.shape)).error()
    channels, (out, each) = kernel.shape[0], kernel.weights.shape[:2]
    if channels % kernel.groups or out % kernel.groups:
        problem = f"does not divide {channels} input and {out} output channels"
        raise Problem(f"{field}.groups", problem, "use a common divisor", kernel.groups).error()
    if each * kernel.groups != channels:
        problem = f"has {each} input channels in {kernel.groups} groups, the input has {channels}"
        raise Problem(f"{field}.weights", problem, "match weights, groups and input_shape").error()
    if 0 in kernel.weights.shape:
        raise Problem(f"{field}.weights", f"is empty: {kernel.weights.shape}", "give a kernel").error()
    if min(kernel.output[1:]) < 1:
        problem = f"the kernel is larger than the padded input: the output would be {kernel.output}"
        raise Problem(f"{field}.weights", problem, "use a smaller kernel, or more padding").error()
    if kernel.size > MAX_SYNAPSES:
        problem = f"makes about {kernel.size} synapses, limit {MAX_SYNAPSES}"
        raise Problem(f"{field}.weights", problem, "use smaller populations, or a smaller kernel").error()
    if prod(kernel.output) != n_post:
        problem = f"makes an output of {kernel.output}, {prod(kernel.output)} places; the target has {n_post} neurons"
        raise Problem(f"{field}.target", problem, "make them equal").error()
    remedy = "use smaller populations, or a smaller kernel"
    refuse_above_memory(BYTES_PER_SYNAPSE * kernel.size, field=f"{field}.weights", value=kernel.size, remedy=remedy)


def _synapses(kernel: Kernel) -> tuple[Ints, NDArray[np.int32], Floats]:
    """The number of synapses of each post neuron, and the pre neuron and weight of each synapse."""
    out, sides = kernel.output[0], kernel.output[1:]
    inside, offsets = np.ones((1, 1), bool), np.zeros((1, 1), np.int64)
    for size, k, s, p, d, places in zip(
        kernel.shape[1:],
        kernel.weights.shape[2:],
        kernel.stride,
        kernel.padding,
        kernel.dilation,
        sides,
        strict=True,
    ):
        at = s * np.arange(places)[:, None] + d * np.arange(k) - p  # (places, k)
        here = (at >= 0) & (at < size)
        inside = _outer(inside, here, np.logical_and)
        offsets = _outer(offsets * size, at, np.add)
    area, taps = prod(kernel.shape[1:]), inside.shape[1]
    each = kernel.weights.shape[1]
    per_place = inside.sum(axis=1) * each
    # (places, in_channels / groups, taps): ascending in the pre neuron, as channels come before sides.
    mask = np.broadcast_to(inside[:, None, :], (inside.shape[0], each, taps))
    first = (np.arange(each) * area)[None, :, None] + offsets[:, None, :]
    local = first[mask].astype(np.int32)
    columns = np.empty((out, local.size), np.int32)
    weights = np.empty((out, local.size))
    taps_of = kernel.weights.reshape(out, each, taps)
    for channel in range(out):
        group = channel // (out // kernel.groups)
        columns[channel] = local + group * each * area
        weights[channel] = np.broadcast_to(taps_of[channel], mask.shape)[mask]
    return np.tile(per_place, out), columns.reshape(-1), weights.reshape(-1)


def _outer(a: NDArray[Any], b: NDArray[Any], join: Any) -> NDArray[Any]:
    """(p, k) and (q, l) to (p q, k l), in C order of both pairs."""
    both: NDArray[Any] = join(a[:, None, :, None], b[None, :, None, :])
    return both.reshape(a.shape[0] * b.shape[0], a.shape[1] * b.shape[1])


__all__ = [
    "ConvConnection",
    "PoolConnection",
    "WindowRecord",
    "kernel_of",
    "largest_size",
    "window",
    "window_delays",
    "window_shapes",
]
