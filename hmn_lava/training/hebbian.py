"""Hebbian learning: W_2 follows what a synapse's two ends do, and forgets.

    ΔW_2^l[j, i] = η_l mean(S_i^{l-1} (ρ(U_j^l) + β_l)),   W_2 ← W_2 e^{-dt/τ_w} + ΔW_2,   ρ(U) = clip(U / V_th, 0, 1)

in each time step dt = 1; the mean is over the samples of a batch and, in a convolution, over places. η_l and β_l are
one number a layer. Source: arXiv:2508.13673, the equation of W_2; ρ and the mean are ours.

The network computes with the W_2 that a batch begins with: what is learned in a batch acts in the next one. Otherwise
labels, which stand for ρ(U) in the last layer, would reach the scores of their own samples. So the sums of a batch,

    C = Σ_t e^{-(T-t)/τ_w} mean(S_i ρ_j),   A = Σ_t e^{-(T-t)/τ_w} mean(S_i),   W_2 = W_2' + η (C + β A),

are kept apart until then, and the next batch's global error guides η and β.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hmn_lava.training.sums import LocalWeights


class Hebbian(LocalWeights):
    """W_2 of one layer, of ``shape``, with its η and β; ``activity`` is the shape of A.

    It learns mean(S_i ρ_j) and mean(S_i).
    """

    def __init__(
        self, shape: tuple[int, ...], activity: tuple[int, ...], eta: float, beta: float, tau_w: float
    ) -> None:
        super().__init__(shape, activity, tau_w)
        self.eta, self.beta = (nn.Parameter(torch.tensor(value)) for value in (eta, beta))

    def present(self) -> Tensor:
        """W_2, which the global error reaches through η and β."""
        return self.weights + self.eta * (self.coincidence + self.beta * self.activity)


def rho(voltage: Tensor, threshold: float) -> Tensor:
    """ρ(U) = clip(U / V_th, 0, 1)."""
    return (voltage / threshold).clamp(0.0, 1.0)
