"""A network on labelled data, in floats and in the chip's integers, in one table: what quantisation costs.

Each sample begins anew. Besides the share of right answers there is, for each population, how far the integers'
messages are from the floats', how often its neurons send something in both, and how often a signal leaves its format.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hmn_lava.decoding import decoder, first_step, output_of
from hmn_lava.encoding import encode, padded
from hmn_lava.errors import Finding, InputError
from hmn_lava.simulator.result import Result

if TYPE_CHECKING:
    from hmn_lava.bundle import Bundle

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CHUNK = 16
"""Samples whose signals are kept at a time."""

SATURATED = 0.01
"""The share of messages at the end of their format, or of inputs beyond it, from which it is said."""


@dataclass
class Layer:
    """One population: sums over all samples, steps and neurons, and the figures that they make.

    ``rate`` is the share of messages that are not zero, in floats and in integers; ``saturated`` that of the integers
    at an end of what z can hold; ``outside`` that of float inputs a beyond the integers' format, which wrap.
    """

    name: str
    values: int = 0
    signal: float = 0.0
    noise: float = 0.0
    sent: list[int] = field(default_factory=lambda: [0, 0])
    ends: int = 0
    beyond: int = 0

    @property
    def snr_db(self) -> float | None:
        """10 log10(Σ z² / Σ (z - z')²), z in floats and z' in integers; None where they are equal or z is 0."""
        return 10.0 * math.log10(self.signal / self.noise) if self.noise and self.signal else None

    @property
    def rate(self) -> tuple[float, float]:
        return self.sent[0] / max(self.values, 1), self.sent[1] / max(self.values, 1)

    @property
    def saturated(self) -> float:
        return self.ends / max(self.sent[1], 1)

    @property
    def outside(self) -> float:
        return self.beyond / max(self.values, 1)

    def as_dict(self) -> dict[str, Any]:
        return {
            "population": self.name,
            "rate_float": self.rate[0],
            "rate_integers": self.rate[1],
            "snr_db": self.snr_db,
            "saturated": self.saturated,
            "outside": self.outside,
        }


@dataclass(frozen=True)
class Accuracy:
    """What :func:`measure` found. ``float_answers`` and ``answers`` (samples,) are classes, by floats and integers."""

    output: str
    decode: str
    float_accuracy: float
    accuracy: float
    agreement: float
    commonest: float
    samples: int
    steps: int
    layers: tuple[Layer, ...]
    findings: tuple[Finding, ...]
    float_answers: Ints
    answers: Ints

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as ``hmn-lava accuracy --json`` prints them; without the single answers."""
        kept = {k: v for k, v in self.__dict__.items() if k not in ("layers", "findings", "float_answers", "answers")}
        return {
            **kept,
            "layers": [layer.as_dict() for layer in self.layers],
            "findings": [asdict(finding) for finding in self.findings],
        }


def measure(
    bundle: Bundle,
    inputs: Mapping[str, ArrayLike],
    labels: ArrayLike,
    *,
    output: str | None = None,
    decode: str = "count",
    encoder: str | None = None,
    steps: int | None = None,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Accuracy:
    """Answers of a bundle on labelled samples, by the float reference and by the executor ``fast``.

    ``inputs``: for each input population (samples, steps, size), or with an ``encoder`` of :mod:`hmn_lava.encoding`
    what that takes, made ``steps`` long. ``labels`` (samples,): the neuron of ``output`` that should score most. The
    decoder of :mod:`hmn_lava.decoding` reads as many steps as a sample has, from when it first comes there.
    ``progress`` is called with how many samples are done more. Raises InputError for arrays that do not fit.
    """
    population = output_of(bundle.spec, output)
    found, signal = decoder(decode, bundle.spec, population)
    shown = {
        name: np.asarray(values, np.float64) if encoder is None else encode(encoder, values, steps, seed)
        for name, values in inputs.items()
    }
    known = _checked(bundle, shown, labels, population)
    length = min(array.shape[1] for array in shown.values())
    layers = {name: Layer(name) for name, p in bundle.model.populations.items() if p.type != "input"}
    late = first_step(bundle, signal) - bundle.network.latency(signal)
    answers: list[list[int]] = [[], []]
    signals = sorted({signal, *(f"{name}.{symbol}" for name in layers for symbol in ("a", "z"))})
    for exact, integers in _runs(bundle, shown, length + late, signals):
        for answer, result in zip(answers, (exact, integers), strict=True):
            scores = found.decode(result[signal][late : late + length])
            answer.append(int(scores.argmax()))
        for layer in layers.values():
            _add(bundle, layer, exact, integers)
        if progress is not None:
            progress(1)
    floats, whole = (np.array(answer, np.int64) for answer in answers)
    return Accuracy(
        population,
        decode,
        float(np.mean(floats == known)),
        float(np.mean(whole == known)),
        float(np.mean(floats == whole)),
        float(np.bincount(known).max() / known.size),
        known.size,
        length,
        tuple(layers.values()),
        tuple(_findings(layers.values())),
        floats,
        whole,
    )


def _checked(bundle: Bundle, shown: Mapping[str, Floats], labels: ArrayLike, population: str) -> Ints:
    known = np.asarray(labels)
    if known.ndim != 1 or not known.size or known.dtype.kind not in "iu":
        remedy = "give one whole number for each sample"
        raise InputError("are no labels", field="labels", value=known.shape, remedy=remedy)
    size = bundle.spec.populations[population].size
    if known.min() < 0 or known.max() >= size:
        remedy = f"use 0 to {size - 1}: the neurons of {population}"
        raise InputError("is no neuron of the output", field="labels", value=int(known.max()), remedy=remedy)
    if not shown:
        raise InputError("there is no input", field="inputs", remedy="give an array for each input population")
    for name, array in shown.items():
        if array.ndim != 3 or len(array) != known.size:
            remedy = f"give ({known.size}, steps, size): a sample for each label"
            raise InputError("wrong shape", field=f"inputs.{name}", value=array.shape, remedy=remedy)
    return known.astype(np.int64)


def _runs(
    bundle: Bundle, shown: Mapping[str, Floats], steps: int, signals: list[str]
) -> Iterator[tuple[dict[str, Floats], dict[str, Floats]]]:
    """For each sample the signals of both, (steps, ...), the latencies of the chip taken off."""
    late = {name: bundle.network.latency(name) for name in signals}
    total = steps + max(late.values())
    count = len(next(iter(shown.values())))

    def cut(result: Result) -> dict[str, Floats]:
        return {name: result.real(name)[late[name] : late[name] + steps] for name in signals}

    for first in range(0, count, CHUNK):
        part = {name: padded(array[first : first + CHUNK], total) for name, array in shown.items()}
        batch = bundle.run_batch(part, total, signals)
        for number, integers in enumerate(batch):
            sample = {name: array[number] for name, array in part.items()}
            exact = bundle.session("reference").run(sample, total, signals)
            yield cut(exact), cut(integers)


def _add(bundle: Bundle, layer: Layer, exact: Mapping[str, Floats], integers: Mapping[str, Floats]) -> None:
    z, whole = exact[f"{layer.name}.z"], integers[f"{layer.name}.z"]
    layer.values += z.size
    layer.signal += float((z**2).sum())
    layer.noise += float(((z - whole) ** 2).sum())
    layer.sent = [layer.sent[0] + int(np.count_nonzero(z)), layer.sent[1] + int(np.count_nonzero(whole))]
    population = bundle.model.populations[layer.name]
    if population.signal == "graded" and population.activation != "sigmoid":  # a sigmoid ends where it should
        port = bundle.network.groups[layer.name].program.variable("z")
        ends = [n * port.format.unit for n in (port.low, port.high) if n]
        layer.ends += int(np.isin(whole, ends).sum())
    format = bundle.network.signals[f"{layer.name}.a"].format
    a = exact[f"{layer.name}.a"]
    layer.beyond += int(np.sum((a > format.max * format.unit) | (a < format.min * format.unit)))


def _findings(layers: Any) -> Iterator[Finding]:
    for layer in layers:
        if layer.sent[0] and not layer.sent[1]:
            remedy = "Calibrate, scale the weights per channel, or give the population's input more bits."
            used = f"nothing sent, {layer.rate[0]:.3g} a step in floats"
            yield Finding("silent-population", layer.name, used, "a message", "warning", remedy)
        elif not layer.sent[0]:
            remedy = "Raise the weights or lower the threshold of what leads to it."
            yield Finding(
                "silent-population", layer.name, "nothing sent, in floats either", "a message", "warning", remedy
            )
        for rule, share, what, remedy in (
            ("saturated-messages", layer.saturated, "z", "Raise z_max, or calibrate on data such as this."),
            ("wrapped-input", layer.outside, "a", "Calibrate on data such as this, or leave --calibrate out."),
        ):
            if share > (SATURATED if what == "z" else 0.0):
                limit = f"{SATURATED:.0%}" if what == "z" else "none"
                yield Finding(rule, f"{layer.name}.{what}", f"{share:.3%}", limit, "warning", remedy)
