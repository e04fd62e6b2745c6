"""Learning goes on after deployment: the Hebbian rule of the last layer, in the integers of the learning engine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import hmn_lava as hl
from hmn_lava.accuracy import measure
from hmn_lava.spec import Spec
from hmn_lava.training.data import Ints, Singles
from hmn_lava.training.deploy import PLASTIC, TEACHER, Deployed, Run, deploy, held, inputs_of, steps_of
from hmn_lava.training.perturbations import perturb

SECTION = 50
"""Lessons that run at once."""


@dataclass(frozen=True)
class Adapted:
    """Accuracies on perturbed test samples, by the integers, before and after the lessons; the rule off in both."""

    before: float
    after: float
    lessons: int
    samples: int
    spec: Spec
    """With the weights that were learned, and the rule off."""


def adapt(
    run: Run, perturbation: str, level: float, lessons: int, samples: int, gain: float = 1.0, seed: int = 0
) -> Adapted:
    """Teach a plastic network perturbed training samples with their labels, and test it on perturbed test samples.

    Each lesson shows a sample for T steps, in the order of ``seed``. Raises as :func:`deploy` and :func:`perturb`.
    """
    deployed = deploy(run, plastic=True, gain=gain)
    known = run.samples.labels("train")
    which = np.random.default_rng(seed).permutation(len(known))[:lessons]
    shown = perturb(run.samples.shown("train", which), perturbation, level, seed)
    labels = run.samples.labels("test")[:samples]
    test = perturb(run.samples.shown("test", np.arange(len(labels))), perturbation, level, seed)
    learned = _taught(run, deployed, shown, known[which])
    before, after = (_accuracy(run, deployed, weights, test, labels) for weights in (None, learned))
    return Adapted(before, after, len(which), len(labels), held(deployed, learned))


def _taught(run: Run, deployed: Deployed, shown: Singles, labels: Ints) -> NDArray[np.float64]:
    """The plastic weights after the lessons."""
    steps = run.settings.steps
    session = hl.compile(deployed.spec, plasticity="engine", seed=run.settings.seed).session()
    target = np.where(np.eye(run.network.classes, dtype=bool)[labels], 1.0, -1.0)
    inputs = {
        deployed.input: steps_of(shown, steps).reshape(len(shown) * steps, -1),
        TEACHER: np.repeat(target, steps, 0),
    }
    signal = f"{PLASTIC}.w"
    for first in range(0, len(shown) * steps, SECTION * steps):
        part = {name: array[first : first + SECTION * steps] for name, array in inputs.items()}
        session.run(part, outputs=False)
    # What the last step changed is there when it has come through the chip.
    silent = {name: np.zeros((session.latency(signal) + 1, array.shape[1])) for name, array in inputs.items()}
    result = session.run(silent, probes=[hl.Probe(signal)], outputs=False)
    weights: NDArray[np.float64] = result.real(signal)[0]
    return weights


def _accuracy(run: Run, deployed: Deployed, weights: NDArray[np.float64] | None, shown: Singles, labels: Ints) -> float:
    bundle = hl.compile(held(deployed, weights), seed=run.settings.seed)
    return measure(bundle, inputs_of(run, deployed, shown), labels, output=deployed.output, decode="last").accuracy
