"""Which neurons the synapses of a layer join: dense ones and convolutions.

Both offer the current that weights make of presynaptic spikes, and what a local rule can know at a synapse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.grad import conv2d_weight


class Synapses(Protocol):
    """Weights of ``shape`` (post, pre) or (out, in, kernel, kernel); spikes (samples, ...)."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the weights."""

    @property
    def post(self) -> tuple[int, ...]:
        """Shape of the postsynaptic neurons."""

    def current(self, weights: Tensor, pre: Tensor) -> Tensor:
        """Σ_i w_ji S_i, (samples, *post)."""

    def coincidence(self, pre: Tensor, post: Tensor) -> Tensor:
        """mean(S_i r_j) of each synapse, over samples and, in a convolution, places."""

    def activity(self, pre: Tensor, post: Tensor) -> Tensor:
        """mean(S_i) of each synapse; broadcasts to ``shape``. ``post`` tells the places alone."""

    def to_pre(self, change: Tensor) -> Tensor:
        """The mean of a change over each presynaptic neuron's, or channel's, synapses: (neurons or channels,)."""

    def to_post(self, signal: Tensor) -> Tensor:
        """What :meth:`to_pre` of the layer above gives, in a shape that broadcasts to ``shape``."""


@dataclass(frozen=True)
class Dense:
    """All presynaptic neurons, ``channels`` times ``places`` of them, with ``size`` postsynaptic ones."""

    size: int
    channels: int
    places: int = 1

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.size, self.channels * self.places)

    @property
    def post(self) -> tuple[int, ...]:
        return (self.size,)

    def current(self, weights: Tensor, pre: Tensor) -> Tensor:
        return pre.flatten(1) @ weights.T

    def coincidence(self, pre: Tensor, post: Tensor) -> Tensor:
        return post.T @ pre.flatten(1) / len(pre)

    def activity(self, pre: Tensor, post: Tensor) -> Tensor:
        return pre.flatten(1).mean(0, keepdim=True)

    def to_pre(self, change: Tensor) -> Tensor:
        return change.mean(0).view(self.channels, self.places).mean(1)

    def to_post(self, signal: Tensor) -> Tensor:
        return signal.view(-1, 1)


@dataclass(frozen=True)
class Conv:
    """A convolution of ``inputs`` channels of (height, width) with square kernels, padded by half of their side."""

    inputs: int
    height: int
    width: int
    channels: int
    kernel: int
    stride: int

    @property
    def padding(self) -> int:
        return self.kernel // 2

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.channels, self.inputs, self.kernel, self.kernel)

    @property
    def post(self) -> tuple[int, ...]:
        sides = ((side + 2 * self.padding - self.kernel) // self.stride + 1 for side in (self.height, self.width))
        return (self.channels, *sides)

    def current(self, weights: Tensor, pre: Tensor) -> Tensor:
        return functional.conv2d(pre, weights, None, self.stride, self.padding)

    def coincidence(self, pre: Tensor, post: Tensor) -> Tensor:
        summed = conv2d_weight(pre, self.shape, post, self.stride, self.padding)
        return summed / (post.shape[0] * post.shape[2] * post.shape[3])

    def activity(self, pre: Tensor, post: Tensor) -> Tensor:
        everywhere = torch.ones(1, 1, *post.shape[2:])
        mean = pre.mean(0, keepdim=True)
        return conv2d_weight(mean, (1, *self.shape[1:]), everywhere, self.stride, self.padding) / everywhere.numel()

    def to_pre(self, change: Tensor) -> Tensor:
        return change.mean((0, 2, 3))

    def to_post(self, signal: Tensor) -> Tensor:
        return signal.view(-1, 1, 1, 1)
