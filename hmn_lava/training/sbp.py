"""SBP, self-backpropagation: changes of a neuron's output synapses spread back to its input synapses, as W_3.

    ΔW_3^l[j, i] = κ_l mean(S_i^{l-1}) · mean_k ΔW_2^{l+1}[k, j],   W_3 ← W_3 e^{-dt/τ_w} + ΔW_3

in each time step. The Hebbian changes of the layer above are the learning signal; the neurons of the last layer have
no output synapses and take their own, ΔW_3 = κ ΔW_2. A convolution's channel j has many neurons: it is their mean.
Source: arXiv:2508.13673; T. Zhang et al., Self-backpropagation of synaptic modifications elevates the efficiency of
spiking and artificial neural networks, Sci. Adv. 7 (2021), eabh0146. That synapses change as far as they were used
(the factor S_i) is ours.

ΔW_2 = η (C + β A) is linear in η and β of the layer that it is from, so two sums of a batch are kept for ΔW_3, as
:mod:`hmn_lava.training.hebbian` keeps two for ΔW_2.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hmn_lava.training.sums import LocalWeights


class Sbp(LocalWeights):
    """W_3 of one layer, of ``shape``, with its κ.

    It learns the two parts of ΔW_3 / (κ η), of the coincidences and of the activities above.
    """

    def __init__(self, shape: tuple[int, ...], kappa: float, tau_w: float) -> None:
        super().__init__(shape, shape, tau_w)
        self.kappa = nn.Parameter(torch.tensor(kappa))

    def present(self, eta: Tensor | float, beta: Tensor | float) -> Tensor:
        """W_3; ``eta`` and ``beta``: of the Hebbian changes that are its signal."""
        return self.weights + self.kappa * eta * (self.coincidence + beta * self.activity)
