"""STBP: W_1 learns from the global error, by gradients through space and time.

S = Θ(U - V_th) has no useful derivative; that of a window of width a stands for it: dS/dU = 1/a where |U - V_th| < a/2,
else 0. The gradients themselves are PyTorch's. Source: Y. Wu et al., Spatio-Temporal Backpropagation for Training
High-Performance Spiking Neural Networks, Front. Neurosci. 12 (2018), eq. (24), the rectangular curve.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor


class _Spike(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, voltage: Tensor, threshold: float, window: float) -> Tensor:
        context.save_for_backward((voltage - threshold).abs() < window / 2)
        context.window = window
        return (voltage > threshold).to(voltage.dtype)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (inside,) = context.saved_tensors
        return gradients[0] * inside / context.window, None, None


def spike(voltage: Tensor, threshold: float, window: float) -> Tensor:
    """S = 1 where U > V_th, else 0, of any shape; its gradient is that of the window."""
    spikes: Tensor = _Spike.apply(voltage, threshold, window)
    return spikes


def initial(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """W_1 at the start: uniform within ±1/sqrt(fan-in), as PyTorch's layers begin."""
    reach = 1.0 / math.sqrt(math.prod(shape[1:]))
    return (2.0 * torch.rand(shape, generator=generator) - 1.0) * reach
