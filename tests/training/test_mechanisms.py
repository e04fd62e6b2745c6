"""Each mechanism against its equation, written again in numpy, sample by sample and synapse by synapse."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: make test-training")

import torch

from hmn_lava.training.network import Mpsl
from hmn_lava.training.settings import MECHANISMS, settings_of
from hmn_lava.training.stbp import spike
from hmn_lava.training.synapses import Conv, Dense

SAMPLE = (2, 5, 4)


def made(**fields: Any) -> Mpsl:
    """A small network with every kind of layer, and weights large enough for it to spike."""
    content = {"layers": "3c3s2,p2,4", "steps": 3, "eta": 0.3, "beta": -0.4, "kappa": 0.7, "tau_w": 5.0, "seed": 1}
    network = Mpsl(settings_of(content | fields), SAMPLE, 3)
    with torch.no_grad():
        for part in network.parts:
            part.stbp *= 3.0
    return network


def batch(seed: int, samples: int = 3) -> tuple[Any, Any]:
    draws = np.random.default_rng(seed)
    shown = draws.random((samples, *SAMPLE), np.float32)
    return torch.from_numpy(shown), torch.from_numpy(draws.integers(0, 3, samples))


class ByHand:
    """The same network: synapses as a list of (post, pre, which weight), the equations as loops over them."""

    def __init__(self, network: Mpsl) -> None:
        self.settings, self.network = network.settings, network
        self.weights = [[np.zeros(part.synapses.shape), np.zeros(part.synapses.shape)] for part in network.parts]
        self.lists = [_synapses(part.synapses) for part in network.parts]

    def merged(self) -> list[Any]:
        return [
            sum(
                scale.item() * each
                for scale, each in zip(part.fusion.lambdas, (part.stbp.detach().numpy(), *two), strict=True)
            )
            for part, two in zip(self.network.parts, self.weights, strict=True)
        ]

    def run(self, shown: Any, labels: Any) -> Any:
        """Scores; W_2 and W_3 become those after the batch, which computes with those from before it."""
        s, network = self.settings, self.network
        merged, scores = self.merged(), []
        sums = [[np.zeros(part.synapses.shape) for _ in range(s.steps)] for part in network.parts]
        means = [[np.zeros(part.synapses.shape) for _ in range(s.steps)] for part in network.parts]
        for sample, label in zip(shown.numpy(), labels.numpy(), strict=True):
            left = [np.zeros(part.synapses.post) for part in network.parts]
            for step in range(s.steps):
                pre = sample
                for number, part in enumerate(network.parts):
                    if part.pool > 1:
                        height, width = (side // part.pool for side in pre.shape[1:])
                        cut = pre[:, : height * part.pool, : width * part.pool]
                        pre = cut.reshape(len(pre), height, part.pool, width, part.pool).mean((2, 4))
                    voltage = left[number].copy()
                    for post, before, weight in self.lists[number]:
                        voltage[post] += merged[number][weight] * pre.reshape(-1)[before]
                    last = number + 1 == len(network.parts)
                    rho = np.eye(3)[label] if last else np.clip(voltage / s.threshold, 0, 1)
                    places = len(shown) * (voltage[0].size if isinstance(part.synapses, Conv) else 1)
                    for post, before, weight in self.lists[number]:
                        sums[number][step][weight] += pre.reshape(-1)[before] * rho[post] / places
                        means[number][step][weight] += pre.reshape(-1)[before] / places
                    if last:
                        left[number] = voltage
                    else:
                        pre = (voltage > s.threshold).astype(float)
                        left[number] = s.decay * (voltage - pre * s.threshold)
            scores.append(left[-1] / s.steps)
        self._learn(sums, means)
        return np.array(scores)

    def _learn(self, sums: Any, means: Any) -> None:
        s, parts, keep = self.settings, self.network.parts, math.exp(-1.0 / self.settings.tau_w)
        for step in range(s.steps):
            changes = [
                part.hebbian.eta.item() * (c[step] + part.hebbian.beta.item() * m[step])
                for part, c, m in zip(parts, sums, means, strict=True)
            ]
            signals = changes if s.reuse else [s.eta * c[step] for c in sums]
            for number, part in enumerate(parts):
                if number + 1 == len(parts):
                    third = part.sbp.kappa.item() * signals[number]
                else:
                    above = signals[number + 1]
                    if above.ndim == 2:  # dense: the mean over neurons, and over the places of a channel
                        spread = above.mean(0).reshape(len(self.weights[number][0]), -1).mean(1)
                    else:
                        spread = above.mean((0, 2, 3))
                    spread = spread.reshape(-1, *[1] * (means[number][step].ndim - 1))
                    third = part.sbp.kappa.item() * means[number][step] * spread
                two = self.weights[number]
                two[0] = keep * two[0] + changes[number]
                two[1] = keep * two[1] + third


def _synapses(synapses: Any) -> list[Any]:
    """All synapses: index of the post neuron, number of the pre neuron, index of the weight."""
    if isinstance(synapses, Dense):
        size, count = synapses.shape
        return [((j,), i, (j, i)) for j, i in product(range(size), range(count))]
    _, inputs, kernel, _ = synapses.shape
    found = []
    for o, y, x in np.ndindex(*synapses.post):
        for i, j, k in product(range(inputs), range(kernel), range(kernel)):
            row, column = y * synapses.stride + j - kernel // 2, x * synapses.stride + k - kernel // 2
            if 0 <= row < synapses.height and 0 <= column < synapses.width:
                found.append(((o, y, x), (i * synapses.height + row) * synapses.width + column, (o, i, j, k)))
    return found


@pytest.mark.parametrize("reuse", [True, False])
def test_two_batches_are_those_of_the_equations(reuse):
    network = made(reuse=reuse)
    hand = ByHand(network)
    for seed in (0, 1):
        shown, labels = batch(seed)
        scores = network(shown, labels).detach().numpy()
        assert np.allclose(scores, hand.run(shown, labels), atol=1e-5), seed
        for part, signal, two in zip(network.parts, network.signals(), hand.weights, strict=True):
            _, second, third = (each.detach().numpy() for each in part.three(signal))
            for name, ours, theirs in (("W_2", second, two[0]), ("W_3", third, two[1])):
                assert np.abs(theirs).max() > 1e-4, name
                assert np.allclose(ours, theirs, rtol=1e-4, atol=1e-7), name


def test_nothing_is_learned_without_labels():
    network = made()
    network(*batch(0))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network(batch(1)[0])
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_labels_do_not_reach_the_scores_of_their_own_samples():
    one, other = made(), made()
    shown, labels = batch(0)
    assert torch.equal(one(shown, labels), other(shown, (labels + 1) % 3))
    assert not torch.equal(one(shown), other(shown))


def test_merged_is_unmerged():
    """Σ_n λ_n (W_n S), three currents, against (Σ_n λ_n W_n) S, one."""
    network = made()
    for seed in range(3):
        network(*batch(seed))
    for part, merged, signal in zip(network.parts, network.merged(), network.signals(), strict=True):
        pre = torch.rand(7, *_pre_shape(part))
        apart = sum(
            scale * part.synapses.current(each, pre)
            for scale, each in zip(part.fusion.lambdas, part.three(signal), strict=True)
        )
        assert torch.allclose(apart, part.synapses.current(merged, pre), rtol=1e-5, atol=1e-6)
        assert part.three(signal)[1].abs().max().item() > 1e-3
    shown = batch(5)[0]
    assert torch.equal(network(shown), network.run(network.merged(), shown))


def _pre_shape(part: Any) -> tuple[int, ...]:
    synapses = part.synapses
    if isinstance(synapses, Conv):
        return (synapses.inputs, synapses.height, synapses.width)
    return (synapses.shape[1],)


@pytest.mark.parametrize("name", ["eta", "beta"])
def test_the_global_error_guides_the_hebbian_parameters(name):
    """The gradient of the next batch's error in η and β of the last layer is that of finite differences.

    The error is a sum of squares: β's part is the same for all classes, which a softmax does not see. Without SBP,
    they change nothing else.
    """
    network = made(mechanisms=("stbp", "hebbian"))
    network(*batch(0))
    shown, _ = batch(1)
    last = network.parts[-1].hebbian
    parameter = getattr(last, name)
    assert last.activity.max().item() > 0.0

    def error(value: float) -> Any:
        with torch.no_grad():
            parameter.fill_(value)
        weights = [part.merge(signal) for part, signal in zip(network.parts, network.signals(), strict=True)]
        return network.run(weights, shown).square().sum()

    at = parameter.item()
    (gradient,) = torch.autograd.grad(error(at), parameter)
    with torch.no_grad():
        numeric = (error(at + 1e-2) - error(at - 1e-2)) / 2e-2
    assert abs(gradient.item()) > 1e-4
    assert gradient.item() == pytest.approx(numeric.item(), rel=0.02)


@pytest.mark.parametrize(("change", "sign"), [({}, 1), ({"eta": -0.3}, -1), ({"kappa": -0.7}, 1), ({"beta": -5.0}, -1)])
def test_signs_of_the_hebbian_rule(change, sign):
    """η, and ρ(U) + β: β below -1 turns every change around. κ has no say in W_2."""
    network = made(**({"beta": 0.0} | change))
    shown = torch.ones(4, *SAMPLE)
    with torch.no_grad():
        for part in network.parts:
            part.stbp.abs_()
    network(shown, torch.zeros(4, dtype=torch.int64))
    second = network.parts[0].three(network.signals()[0])[1]
    assert (torch.sign(second) == sign).all()


@pytest.mark.parametrize(
    ("change", "sign"), [({}, 1), ({"eta": -0.3}, -1), ({"kappa": -0.7}, -1), ({"beta": -5.0}, -1)]
)
def test_signs_of_sbp(change, sign):
    """κ, and the sign of the change above, which has those of η and ρ + β."""
    network = made(**({"beta": 0.0} | change))
    with torch.no_grad():
        for part in network.parts:
            part.stbp.abs_()
    network(torch.ones(4, *SAMPLE), torch.zeros(4, dtype=torch.int64))
    third = network.parts[0].three(network.signals()[0])[2]
    assert (torch.sign(third) == sign).all()


def test_what_is_off_does_not_learn():
    for mechanisms in (("stbp",), ("hebbian",), ("sbp",), ("stbp", "hebbian"), MECHANISMS):
        network = made(mechanisms=mechanisms)
        start = network.parts[0].stbp.detach().clone()
        optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.1)
        for seed in range(3):
            shown, labels = batch(seed)
            torch.nn.functional.cross_entropy(network(shown, labels), labels).backward()
            optimizer.step()
        _, second, third = network.parts[0].three(network.signals()[0])
        assert torch.equal(start, network.parts[0].stbp) == ("stbp" not in mechanisms)
        assert (second is not None) == ("hebbian" in mechanisms)
        assert (third is not None) == ("sbp" in mechanisms)


def test_switches():
    assert all(not part.fusion.lambdas.requires_grad for part in made(fusion=(1.0, 0.5, 0.25)).parts)
    assert made(fusion=(1.0, 0.5, 0.25)).lambdas()[0] == [1.0, 0.5, 0.25]
    assert not made(guided=False).parts[0].hebbian.eta.requires_grad
    assert made().parts[0].hebbian.eta.requires_grad and made().parts[0].fusion.lambdas.requires_grad


def test_the_surrogate_is_a_rectangle():
    voltage = torch.linspace(-2.0, 3.0, 501, requires_grad=True)
    spikes = spike(voltage, 0.5, 1.6)
    (slope,) = torch.autograd.grad(spikes.sum(), voltage)
    inside = (voltage.detach() - 0.5).abs() < 0.8
    assert torch.equal(spikes, (voltage > 0.5).float())
    assert torch.equal(slope, inside / 1.6)
    assert abs(float(slope.sum()) * 0.01 - 1.0) < 0.02  # its area is 1
