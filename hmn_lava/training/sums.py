"""Weights that a local mechanism changes in each step, with the sums of a batch that are not yet taken up.

    C = Σ_t e^{-(T-t)/τ_w} c_t,   A = Σ_t e^{-(T-t)/τ_w} a_t

over the T steps of a batch, where c_t and a_t are what the mechanism's change in step t is linear in.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class LocalWeights(nn.Module):
    """``weights`` and C of ``shape``, and A of the shape ``activity``, which broadcasts to it."""

    weights: Tensor
    coincidence: Tensor
    activity: Tensor

    def __init__(self, shape: tuple[int, ...], activity: tuple[int, ...], tau_w: float) -> None:
        super().__init__()
        self.tau_w = tau_w
        self.register_buffer("weights", torch.zeros(shape))
        self.register_buffer("coincidence", torch.zeros(shape))
        self.register_buffer("activity", torch.zeros(activity))

    def begin(self, steps: int, present: Tensor) -> None:
        """A batch of ``steps`` begins: what was learned, ``present``, is taken up, and will have decayed at its end."""
        self.weights = math.exp(-steps / self.tau_w) * present.detach()
        self.coincidence, self.activity = torch.zeros_like(self.coincidence), torch.zeros_like(self.activity)

    def learn(self, coincidence: Tensor, activity: Tensor) -> None:
        """One step: c_t and a_t."""
        keep = math.exp(-1.0 / self.tau_w)
        self.coincidence = keep * self.coincidence + coincidence
        self.activity = keep * self.activity + activity
