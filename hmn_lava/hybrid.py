"""Hybrid networks: a frozen network in front, and an HMN layer on one of its layers that learns on the chip.

The head is that of the task digits: neurons with a sigmoid, all of whose synapses learn. A lesson shows a sample twice.
At the end of the first showing the network answers, and the teaching signal -1 makes it unlearn that answer; at the
end of the second the label drives the right neuron up and the others down, and +1 makes it learn that. Traces are
replaced at coincidences, so that the two updates add up to the delta rule, x_i (target_j - z_j).

Showing the sample twice, with the network in front beginning anew each time, gives both updates the same x, whatever
that network does between. Spikes are counted by relays that begin anew with it: x_i is the share of the sample's steps
in which neuron i fired.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import pi
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hmn_lava.errors import InputError
from hmn_lava.interchange.imported import Imported
from hmn_lava.session import Session
from hmn_lava.simulator.probes import Probe
from hmn_lava.spec import Network, Population, Spec, resolve
from hmn_lava.spec.restart import lags

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WAIT = 8
"""Steps of a showing at least: an update has come back to the weights before the next."""

BOUNDS = (-4.0, 4.0)
GAIN = 16.0
"""How far a label drives a neuron."""


@dataclass(frozen=True, eq=False)
class Hybrid:
    """A network with a head that learns, and what one has to know to teach it.

    ``input`` takes the samples, ``head`` is the layer that learns; ``show`` is the number of steps of a showing, of
    which the sample takes the first ``steps``, and the answer is that of step ``answer``.
    """

    spec: Spec
    input: str
    head: str
    classes: int
    steps: int
    show: int
    answer: int

    @property
    def lesson_steps(self) -> int:
        """Steps of one lesson: two showings."""
        return 2 * self.show

    def question(self, samples: ArrayLike) -> dict[str, Floats]:
        """Input that shows the samples one after the other, (n show, size).

        ``samples``: (n, size), each held for ``steps`` steps, or (n, steps, size) where they were encoded. Raises
        InputError for another shape.
        """
        return {self.input: self._shown(samples).reshape(-1, self._size)}

    def lesson(self, samples: ArrayLike, labels: ArrayLike) -> dict[str, Floats]:
        """Input that teaches the samples one after the other, (n 2 show, size) for each population.

        ``labels`` (n,): whole numbers below ``classes``. Raises InputError for other shapes or labels.
        """
        shown, known = self._shown(samples), np.asarray(labels)
        n = len(shown)
        if known.shape != (n,) or known.dtype.kind not in "iu" or ((known < 0) | (known >= self.classes)).any():
            remedy = f"give {n} whole numbers from 0 to {self.classes - 1}"
            raise InputError("are no labels", field="labels", value=known.shape, remedy=remedy)
        label, teach = np.zeros((n, 2, self.show, self.classes)), np.zeros((n, 2, self.show, 1))
        teach[:, :, self.answer, 0] = -1.0, 1.0
        label[:, 1, self.answer] = np.where(np.arange(self.classes) == known[:, None], 1.0, -1.0)
        twice = np.repeat(shown[:, None], 2, axis=1)
        return {
            self.input: twice.reshape(-1, self._size),
            f"{self.head}_label": label.reshape(-1, self.classes),
            f"{self.head}_teach": teach.reshape(-1, 1),
        }

    def learn(self, session: Session, samples: ArrayLike, labels: ArrayLike) -> Ints:
        """Teach the samples; returns the class that each was taken for before it was told, (n,)."""
        return self._answers(session, self.lesson(samples, labels), self.lesson_steps)

    def classify(self, session: Session, samples: ArrayLike) -> Ints:
        """The class that each sample is taken for, (n,); nothing is learned. The largest ``a`` of the head is it."""
        return self._answers(session, self.question(samples), self.show)

    def _answers(self, session: Session, inputs: Mapping[str, Floats], period: int) -> Ints:
        if session.step % self.show:
            remedy = f"run whole showings of {self.show} steps before it"
            raise InputError("is inside a showing", field="session.step", value=session.step, remedy=remedy)
        signal = f"{self.head}.a"
        late = self.answer + session.latency(signal)
        steps = len(inputs[self.input])
        probe = Probe(signal, start=late % period, stride=period)
        over = late // period * period  # what shows after the last step is read in silence
        shown = {name: np.concatenate([array, np.zeros((over, array.shape[1]))]) for name, array in inputs.items()}
        result = session.run(shown, steps + over, probes=[probe], outputs=False)
        found: Ints = result.real(signal)[late // period :][: steps // period].argmax(1)
        return found

    def _shown(self, samples: ArrayLike) -> Floats:
        """The samples in the steps of a showing, (n, show, size)."""
        given = np.asarray(samples, np.float64)
        if given.ndim == 2:
            given = np.repeat(given[:, None], self.steps, axis=1)
        if given.ndim != 3 or given.shape[1:] != (self.steps, self._size):
            remedy = f"give (n, {self._size}), or (n, {self.steps}, {self._size})"
            raise InputError("have a wrong shape", field="samples", value=np.shape(samples), remedy=remedy)
        shown = np.zeros((len(given), self.show, self._size))
        shown[:, : self.steps] = given
        return shown

    @property
    def _size(self) -> int:
        return self.spec.populations[self.input].size


def attach(
    network: Imported | Spec,
    layer: str | None = None,
    *,
    classes: int,
    steps: int = 1,
    rate: float = 0.1,
    weights: Any = 0.0,
    head: str = "head",
    rule: Mapping[str, Any] | None = None,
) -> Hybrid:
    """Put a head that learns ``classes`` classes on a layer of a network; all else of the network stays as it is.

    ``layer``: a population, by default the import's last. ``steps``: of a sample. ``rate``: η of the delta rule that
    two updates of a lesson add up to where attention is even, Δw_ij = η (target_j - z_j) x_i. ``weights`` (classes,
    neurons of the layer): what the head knows already. ``head``: its name, and what its parts' names begin with.
    ``rule``: fields of its connection that are to be otherwise, such as ``bounds`` or ``probabilistic_gate: None``.

    Added: inputs ``head_label`` and ``head_teach``, the neurons ``head``, the connections ``head_clamp`` and
    ``head_readout``; where the layer sends spikes or changes, the relays ``head_features``, which add them up; and for
    all neurons that have none a restart at each showing. Raises InputError for a layer that is none, and where the
    network has more than one input, or restarts in another rhythm.
    """
    base, layer = _base(network, layer)
    for field, value in (("classes", classes), ("steps", steps)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InputError("must be a whole number from 1", field=field, value=value, remedy="use 1 or more")
    model = resolve(base)
    source = _input(model.populations)
    late = lags(model.populations, model.connections)[layer]
    show = max(steps + late, WAIT)
    answer = steps - 1 + late
    _check_rhythm(model.populations, show)
    net = Network(base.name, base.description, folder=base.folder)
    net.include(base)
    if base.restart is None:
        net.restart(show)
    presynaptic = _features(net, model.populations[layer], layer, f"{head}_features", steps)
    label = net.input(f"{head}_label", classes, range=(-1, 1))
    teach = net.input(f"{head}_teach", 1, range=(-1, 1))
    net.hmn(head, classes, activation="sigmoid")
    net.connect_static(label, head, name=f"{head}_clamp", weights={"init": "identity", "gain": GAIN})
    teacher = net.modulator(f"{head}_teacher", type="input", source=teach)
    theta = net.oscillator(f"{head}_theta", period=float(show))
    fields: dict[str, Any] = {
        "bounds": BOUNDS,
        # A trace that lasted to the next showing would teach a sample what was of the one before it.
        "traces": {"tau_fast": 1.0, "tau_slow": None},
        # Both updates come at the top of the phase gate; attention shares 1 among all synapses.
        "rates": {"global": rate * model.populations[layer].size},
        "attention": {"beta": 1.0},
        "phase_gate": {"oscillator": theta, "phase": 2.0 * pi * answer / show},
        "probabilistic_gate": {"beta": 200.0, "threshold": 0.002},
        "modulators": [teacher],
    }
    fields |= rule or {}
    net.connect(presynaptic, head, name=f"{head}_readout", weights=weights, **fields)
    return Hybrid(net.spec(), source, head, classes, steps, show, answer)


def _base(network: Imported | Spec, layer: str | None) -> tuple[Spec, str]:
    spec = network if isinstance(network, Spec) else network.spec
    if layer is None:
        if isinstance(network, Spec):
            remedy = f"name one of: {', '.join(spec.populations)}"
            raise InputError("which layer?", field="layer", remedy=remedy)
        layer = network.output
    if layer not in spec.populations:
        remedy = f"one of: {', '.join(spec.populations)}"
        raise InputError("no such layer", field="layer", value=layer, remedy=remedy)
    return spec, layer


def _input(populations: Mapping[str, Population]) -> str:
    inputs = [name for name, p in populations.items() if p.type == "input"]
    if len(inputs) != 1:
        remedy = "build the head with hl.Network().include(spec)"
        raise InputError("needs a network with one input", field="network", value=inputs, remedy=remedy)
    return inputs[0]


def _check_rhythm(populations: Mapping[str, Population], show: int) -> None:
    """A restart of the network's own must come once in a showing."""
    for name, p in populations.items():
        if p.restart is not None and p.restart[0] != show:
            remedy = f"let it restart every {show} steps, or not at all"
            problem = f"restarts every {p.restart[0]} steps, a showing takes {show}"
            raise InputError(problem, field=f"populations.{name}.restart", value=p.restart[0], remedy=remedy)


def _features(net: Network, layer: Population, name: str, relays: str, steps: int) -> str:
    """What the head reads: the layer itself if it sends values, else relays that add up what it sends."""
    changes = layer.sigma_delta is not None and layer.sigma_delta.difference
    if layer.signal != "spike" and not changes:
        return name
    top = 1.0 if layer.signal == "spike" else layer.high
    net.sigma_delta(relays, layer.size, difference=False, z_max=top)
    weight = 1.0 / steps if layer.signal == "spike" else 1.0
    net.connect_static(name, relays, name=f"{relays}_in", weights=weight, topology="one_to_one")
    return relays
