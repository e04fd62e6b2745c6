"""The front end of the task digits-new-class: trained in floats on nine digits, and turned into spiking neurons.

A layer of 64 rectified neurons is trained with a softmax behind it (scikit-learn's ``MLPClassifier``); the softmax is
thrown away. As integrate-and-fire neurons whose threshold is the 99.5th percentile of what each rectified one reached,
they fire in a share of the steps that is its value over that threshold (Rueckauer et al. 2017). A head of the delta
rule learns the nine digits from these shares. What comes out is the spec in ``digits-front-end`` and the head's weights
beside it: ``python -m hmn_lava.tasks.front_end FOLDER`` writes them.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hmn_lava.spec import Network, Spec, dump_spec
from hmn_lava.tasks.digits import Floats, Images, Ints, images

NEW = 9
"""The digit that the front end has never seen."""
HIDDEN = 64
STEPS = 16
"""Steps in which a sample is shown."""
KNOWN = 1000
"""Images that the front end may be trained with, those of the new digit left out; the task draws from the other 797."""
PASSES, HEAD_PASSES, HEAD_RATE = 60, 5, 0.05
LIMIT = 4.0
"""Bounds of the head's weights."""


@dataclass(frozen=True, eq=False)
class FrontEnd:
    """``weights`` (64, pixels), ``bias`` and ``vth`` (64,) of the neurons, ``head`` (10, 64)."""

    weights: Floats
    bias: Floats
    vth: Floats
    head: Floats

    def features(self, pixels: Floats) -> Floats:
        """The share of ``STEPS`` in which each neuron fires, in floats, (n, 64)."""
        return shares(pixels @ self.weights.T + self.bias, self.vth)

    def spec(self) -> Spec:
        """The front end as a network."""
        net = Network("digits_front_end", f"64 spiking neurons, trained on digits without the {NEW}")
        pixels = net.input("pixels", self.weights.shape[1], range=(0, 1))
        hidden = net.lif("hidden", HIDDEN, du=1.0, dv=0.0, vth=self.vth, bias=self.bias, reset="subtract")
        net.connect_static(pixels, hidden, name="encode", weights=self.weights)
        net.restart(STEPS)
        return net.spec()


def known_and_other(new: int = NEW) -> tuple[Images, Images]:
    """The images that the front end is trained with, and those that it is not."""
    everything = images()
    order = np.random.default_rng(1234).permutation(len(everything))
    known = everything[order[:KNOWN]]
    return known[np.flatnonzero(known.digit != new)], everything[order[KNOWN:]]


def train(new: int = NEW) -> FrontEnd:
    """Train a front end, and a head, that have never seen the digit ``new``."""
    from sklearn.neural_network import MLPClassifier

    known, _ = known_and_other(new)
    net = MLPClassifier((HIDDEN,), random_state=0, alpha=1e-3, learning_rate_init=3e-3, batch_size=64)
    for _ in range(PASSES):
        net.partial_fit(known.pixels, known.digit, classes=np.unique(known.digit))
    weights, bias = (np.asarray(found[0].T, np.float64) for found in (net.coefs_, net.intercepts_))
    reached = np.maximum(known.pixels @ weights.T + bias, 0.0)
    vth = np.maximum(np.percentile(reached, 99.5, axis=0), 2.0**-6)
    head = _head(shares(known.pixels @ weights.T + bias, vth), known.digit)
    # Single precision is what is stored: small files, and the same numbers wherever they are read.
    return FrontEnd(*(array.astype(np.float32).astype(np.float64) for array in (weights, bias, vth, head)))


def shares(drive: Floats, vth: Floats) -> Floats:
    """The share of ``STEPS`` in which integrate-and-fire neurons fire that ``drive`` comes to in each step."""
    v, count = np.zeros_like(drive), np.zeros_like(drive)
    for _ in range(STEPS):
        v = v + drive
        fired = v > vth
        v = v - fired * vth
        count += fired
    return count / STEPS


def delta_rule(weights: Floats, features: Floats, digit: Ints, rate: float) -> Floats:
    """The weights after a pass of w += rate (target - sigmoid(w x)) x over samples, within ±LIMIT."""
    known = np.eye(len(weights))
    for x, target in zip(features, known[digit], strict=True):
        step = rate * np.outer(target - 1.0 / (1.0 + np.exp(-weights @ x)), x)
        weights = np.clip(weights + step, -LIMIT, LIMIT)
    return weights


def _head(features: Floats, digit: Ints) -> Floats:
    draws, weights = np.random.default_rng(0), np.zeros((10, HIDDEN))
    for _ in range(HEAD_PASSES):
        order = draws.permutation(len(digit))
        weights = delta_rule(weights, features[order], digit[order], HEAD_RATE)
    return weights


def write(folder: Path) -> None:
    """Train, and write the spec of the front end with its arrays, and the head's weights, into a folder."""
    found = train()
    dump_spec(found.spec(), folder)
    np.savez(folder / "head.npz", weights=np.float32(found.head))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
