"""Fusion: one learnable scalar for each mechanism of a layer, and the one tensor that is deployed.

I = Σ_n λ_n W_n S = (Σ_n λ_n W_n) S,   so   W = Σ_n λ_n W_n
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Fusion(nn.Module):
    """λ_1..3 of one layer: learned, or ``fixed``. A mechanism that is off brings nothing but for W_1's start."""

    def __init__(self, fixed: Sequence[float] | None) -> None:
        super().__init__()
        start = torch.ones(3) if fixed is None else torch.tensor([float(value) for value in fixed])
        self.lambdas = nn.Parameter(start, requires_grad=fixed is None)

    def merge(self, weights: Sequence[Tensor | None]) -> Tensor:
        """Σ λ_n W_n over the weights that are there."""
        parts = [scale * each for scale, each in zip(self.lambdas, weights, strict=True) if each is not None]
        return torch.stack(parts).sum(0) if len(parts) > 1 else parts[0]
