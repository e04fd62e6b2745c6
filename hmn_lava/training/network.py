"""The spiking network that is trained: LIF layers with three weight tensors each, through time, and its merged form.

    U^t = ρ_m (U^{t-1} - S^{t-1} V_th) + I^t,   S = Θ(U - V_th),   I = Σ_n λ_n W_n S^{l-1}

The first layer takes the images themselves, in each step, or the frames of events. The last one has no threshold and
no leak: its score for a class is U^T / T. Source: arXiv:2508.13673; the read-out is ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from hmn_lava.errors import InputError
from hmn_lava.training.fusion import Fusion
from hmn_lava.training.hebbian import Hebbian, rho
from hmn_lava.training.sbp import Sbp
from hmn_lava.training.settings import Settings, parse_layers
from hmn_lava.training.stbp import initial, spike
from hmn_lava.training.synapses import Conv, Dense, Synapses

LARGEST = 2**24
"""Weights of one tensor; training keeps up to ten numbers of that size for each."""

Signal: TypeAlias = "tuple[Tensor | float, Tensor | float]"
Watch: TypeAlias = "Callable[[Sequence[Tensor], Sequence[Tensor]], None]"


class Layer(nn.Module):
    """Synapses with W_1, W_2, W_3 and their fusion, after a mean pool of the side ``pool`` (1: none)."""

    def __init__(self, synapses: Synapses, pool: int, settings: Settings, generator: torch.Generator) -> None:
        super().__init__()
        on, shape = settings.mechanisms, synapses.shape
        self.synapses, self.pool, self.on = synapses, pool, on
        self.stbp = nn.Parameter(initial(shape, generator), requires_grad="stbp" in on)
        self.hebbian = Hebbian(shape, (1, *shape[1:]), settings.eta, settings.beta, settings.tau_w)
        self.sbp = Sbp(shape, settings.kappa, settings.tau_w)
        self.fusion = Fusion(None if settings.fusion == "learned" else settings.fusion)
        for parameter in (self.hebbian.eta, self.hebbian.beta, self.sbp.kappa):
            parameter.requires_grad_(settings.guided)

    def three(self, signal: Signal) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """W_1, which stays as it began where STBP is off, and W_2 and W_3, None where their mechanism is off."""
        hebbian = self.hebbian.present() if "hebbian" in self.on else None
        return self.stbp, hebbian, self.sbp.present(*signal) if "sbp" in self.on else None

    def merge(self, signal: Signal) -> Tensor:
        """W = Σ λ_n W_n."""
        return self.fusion.merge(self.three(signal))

    def pooled(self, pre: Tensor) -> Tensor:
        return functional.avg_pool2d(pre, self.pool) if self.pool > 1 else pre


class Mpsl(nn.Module):
    """A network for samples of the shape ``sample``, (channels, height, width), and ``classes``.

    Raises InputError where the layers do not fit the samples.
    """

    def __init__(self, settings: Settings, sample: tuple[int, int, int], classes: int) -> None:
        super().__init__()
        self.settings, self.sample, self.classes = settings, sample, classes
        generator = torch.Generator().manual_seed(settings.seed)
        self.layers = nn.ModuleList(
            Layer(synapses, pool, settings, generator) for synapses, pool in _synapses(settings, sample, classes)
        )

    @property
    def parts(self) -> list[Layer]:
        """The layers, as what they are."""
        return [layer for layer in self.layers if isinstance(layer, Layer)]

    def forward(self, shown: Tensor, labels: Tensor | None = None) -> Tensor:
        """Scores (samples, classes) of images (samples, channels, height, width) or frames (samples, T, ...).

        With ``labels`` (samples,) the local mechanisms learn in each step; in the last layer the labels stand for ρ(U).
        """
        pairs = list(zip(self.parts, self.signals(), strict=True))
        weights = [part.merge(signal) for part, signal in pairs]
        if labels is None or not {"hebbian", "sbp"} & set(self.settings.mechanisms):
            return self.run(weights, shown)
        for part, signal in pairs:
            part.sbp.begin(self.settings.steps, part.sbp.present(*signal))
            part.hebbian.begin(self.settings.steps, part.hebbian.present())
        target = functional.one_hot(labels, self.classes).to(torch.float32)
        return self.run(weights, shown, lambda pre, voltages: self._learn(pre, voltages, target))

    def run(self, weights: Sequence[Tensor], shown: Tensor, watch: Watch | None = None) -> Tensor:
        """Scores with one tensor a layer: merged ones give those of the network.

        ``watch`` is given what each layer hears and its U in each step.
        """
        settings, parts = self.settings, self.parts
        left: list[Tensor | float] = [0.0] * len(parts)
        for step in range(settings.steps):
            pre = shown if shown.dim() == 4 else shown[:, step]
            heard, voltages = [], []
            for number, part in enumerate(parts):
                pre = part.pooled(pre)
                heard.append(pre)
                voltages.append(left[number] + part.synapses.current(weights[number], pre))
                if number + 1 == len(parts):
                    left[number] = voltages[-1]
                else:
                    pre = spike(voltages[-1], settings.threshold, settings.window)
                    left[number] = settings.decay * (voltages[-1] - pre * settings.threshold)
            if watch is not None:
                watch(heard, voltages)
        return voltages[-1] / settings.steps

    def signals(self) -> list[Signal]:
        """η and β of the Hebbian changes that drive SBP in each layer: those of the layer above, or of the last itself.

        Without reuse they are no Hebbian changes, but plain coincidences, at η's start.
        """
        if not self.settings.reuse:
            return [(self.settings.eta, 0.0)] * len(self.parts)
        above = [*self.parts[1:], self.parts[-1]]
        return [(part.hebbian.eta, part.hebbian.beta) for part in above]

    def _learn(self, heard: Sequence[Tensor], voltages: Sequence[Tensor], target: Tensor) -> None:
        """One step of the local mechanisms in all layers."""
        parts = self.parts
        with torch.no_grad():
            posts = [*(rho(voltage, self.settings.threshold) for voltage in voltages[:-1]), target]
            known = [
                (part.synapses.coincidence(pre, post), part.synapses.activity(pre, post))
                for part, pre, post in zip(parts, heard, posts, strict=True)
            ]
            for part, changes in zip(parts, known, strict=True):
                part.hebbian.learn(*changes)
            if "sbp" not in self.settings.mechanisms:
                return
            for part, above, (_, activity), changes in zip(parts, parts[1:], known, known[1:], strict=False):
                back = (part.synapses.to_post(above.synapses.to_pre(change)) for change in changes)
                part.sbp.learn(*(activity * signal for signal in back))
            parts[-1].sbp.learn(*known[-1])

    def merged(self) -> list[Tensor]:
        """W of each layer, without a gradient: what is deployed."""
        with torch.no_grad():
            return [part.merge(signal).clone() for part, signal in zip(self.parts, self.signals(), strict=True)]

    def lambdas(self) -> list[list[float]]:
        """λ_1..3 of each layer."""
        return [part.fusion.lambdas.detach().tolist() for part in self.parts]


def _synapses(settings: Settings, sample: tuple[int, int, int], classes: int) -> list[tuple[Synapses, int]]:
    """The synapses of each layer, and the side of the mean pool before it."""
    found: list[tuple[Synapses, int]] = []
    shape, pool = sample, 1
    for text in parse_layers(settings.layers):
        if text.kind == "pool":
            pool *= text.kernel
            shape = (shape[0], shape[1] // text.kernel, shape[2] // text.kernel)
        elif text.kind == "conv":
            conv = Conv(*shape, text.size, text.kernel, text.stride)
            found.append((conv, pool))
            channels, *sides = conv.post
            shape, pool = (channels, sides[0], sides[1]), 1
        else:
            found.append((Dense(text.size, shape[0], shape[1] * shape[2]), pool))
            shape, pool = (text.size, 1, 1), 1
        if min(shape) < 1:
            problem = f"leave nothing of samples of {sample[1]} x {sample[2]} pixels"
            remedy = "use fewer or smaller strides and pools"
            raise InputError(problem, field="layers", value=settings.layers, remedy=remedy)
    found.append((Dense(classes, shape[0], shape[1] * shape[2]), pool))
    largest = max(math.prod(synapses.shape) for synapses, _ in found)
    if largest > LARGEST:
        remedy = f"use smaller layers: {LARGEST} weights in one at most"
        raise InputError(f"have a tensor of {largest} weights", field="layers", value=settings.layers, remedy=remedy)
    return found
