"""From data to the input of a network, and back: encoders, each with its inverse.

An encoder takes values (samples, size), ``delta`` a series (samples, steps, size), and gives (samples, steps, size).
Its inverse takes what it gave, and returns the values: exactly, or within what it says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hmn_lava.errors import InputError

Floats = NDArray[np.float64]


def rate(values: ArrayLike, steps: int, seed: int = 0) -> Floats:
    """Random spikes: 1 with probability x in each step, x in [0, 1], drawn from ``seed``.

    Inverse: :func:`share`, with a standard error of sqrt(x (1 - x) / steps).
    """
    x = _fractions(values)
    drawn = np.random.default_rng(seed).random((x.shape[0], _steps(steps), x.shape[1]))
    return (drawn < x[:, None]).astype(np.float64)


def even(values: ArrayLike, steps: int) -> Floats:
    """Spikes at even distances, x in [0, 1] a step: ⌊(t + 1) x⌋ - ⌊t x⌋ in step t.

    Inverse: :func:`share`, which is less than x by 1/steps at most.
    """
    x = _fractions(values)
    # A little is added so that 3 times a third is one.
    reached = np.floor(np.arange(_steps(steps) + 1)[None, :, None] * x[:, None] + 1e-9)
    found: Floats = np.diff(reached, axis=1)
    return found


def share(spikes: ArrayLike) -> Floats:
    """The share of the steps with a spike, (samples, size): the inverse of :func:`rate` and :func:`even`."""
    found: Floats = _series(spikes).mean(axis=1)
    return found


def graded(values: ArrayLike, steps: int) -> Floats:
    """The value itself in every step. Inverse: :func:`held`, exactly."""
    return np.repeat(_matrix(values)[:, None], _steps(steps), axis=1)


def held(series: ArrayLike) -> Floats:
    """The value of the last step, (samples, size): the inverse of :func:`graded`."""
    found: Floats = _series(series)[:, -1]
    return found


def delta(series: ArrayLike, threshold: float = 0.0) -> Floats:
    """The changes of a series, sent where the sum of those not sent reaches ``threshold``; what is left stays.

    As a sigma-delta neuron sends them: d = x(t) - x(t-1) + residue, x(-1) = 0; d is sent where |d| >= threshold, and
    the residue is then 0. Inverse: :func:`summed`, within the threshold.
    """
    x = _series(series)
    if not threshold >= 0.0:
        raise InputError("must be 0 or more", field="threshold", value=threshold, remedy="use the error to allow")
    found, sent = np.zeros_like(x), np.zeros_like(x[:, 0])
    for step in range(x.shape[1]):
        change = x[:, step] - sent
        found[:, step] = np.where(np.abs(change) >= threshold, change, 0.0)
        sent = sent + found[:, step]
    return found


def summed(changes: ArrayLike) -> Floats:
    """The series behind its changes, (samples, steps, size): the inverse of :func:`delta`."""
    found: Floats = np.cumsum(_series(changes), axis=1)
    return found


def bias(values: ArrayLike, steps: int, weight: float = 1.0, offset: float = 0.0) -> Floats:
    """What drives a bias in every step: weight x + offset, cut to a whole number.

    That is how lava-dl feeds an input layer, with the file's transform (the data sets of its PilotNet). Inverse:
    :func:`unbiased`, within 1 / |weight|.
    """
    return np.repeat(np.trunc(weight * _matrix(values) + offset)[:, None], _steps(steps), axis=1)


def unbiased(series: ArrayLike, weight: float = 1.0, offset: float = 0.0) -> Floats:
    """The values behind a bias, (samples, size): the inverse of :func:`bias`."""
    if weight == 0.0:
        raise InputError("has no inverse", field="weight", value=weight, remedy="use a weight that is not 0")
    found: Floats = (held(series) - offset) / weight
    return found


@dataclass(frozen=True)
class Encoder:
    """An encoder and its inverse."""

    encode: Callable[..., Floats]
    decode: Callable[..., Floats]


ENCODERS: Mapping[str, Encoder] = {
    "rate": Encoder(rate, share),
    "even": Encoder(even, share),
    "graded": Encoder(graded, held),
    "delta": Encoder(delta, summed),
    "bias": Encoder(bias, unbiased),
}


def encode(name: str, values: ArrayLike, steps: int | None, seed: int = 0) -> Floats:
    """Encode by an encoder's name, as commands do; ``delta`` takes series and no ``steps``.

    ``bias:WEIGHT,OFFSET`` gives the numbers of a bias. Raises InputError for an unknown name, missing steps, or values
    that do not fit.
    """
    name, colon, numbers = name.partition(":")
    options: dict[str, Any] = {"seed": seed} if name == "rate" else {}
    if colon:
        options = _affine(name, numbers)
    if name not in ENCODERS:
        raise InputError("no such encoder", field="encode", value=name, remedy=f"one of: {', '.join(ENCODERS)}")
    if name == "delta":
        return delta(values)
    if steps is None:
        raise InputError("how many steps?", field="steps", remedy="say how many steps a sample takes")
    return ENCODERS[name].encode(values, steps, **options)


def _affine(name: str, numbers: str) -> dict[str, float]:
    try:
        weight, offset = (float(number) for number in numbers.split(","))
    except ValueError:
        weight = offset = np.nan
    if name != "bias" or not np.isfinite([weight, offset]).all():
        remedy = "only a bias takes numbers, two of them: bias:WEIGHT,OFFSET, such as bias:36,34"
        raise InputError("are no numbers of an encoder", field="encode", value=f"{name}:{numbers}", remedy=remedy)
    return {"weight": weight, "offset": offset}


def padded(series: Floats, steps: int) -> Floats:
    """The samples with silence behind them, or cut, to ``steps``."""
    silence = np.zeros((len(series), max(steps - series.shape[1], 0), series.shape[2]))
    found: Floats = np.concatenate([series, silence], axis=1)[:, :steps]
    return found


def _matrix(values: ArrayLike) -> Floats:
    found = np.asarray(values, np.float64)
    if found.ndim != 2:
        raise InputError("wrong shape", field="values", value=found.shape, remedy="give (samples, size)")
    return found


def _series(values: ArrayLike) -> Floats:
    found = np.asarray(values, np.float64)
    if found.ndim != 3 or found.shape[1] < 1:
        raise InputError("wrong shape", field="values", value=found.shape, remedy="give (samples, steps, size)")
    return found


def _fractions(values: ArrayLike) -> Floats:
    found = _matrix(values)
    if not ((found >= 0.0) & (found <= 1.0)).all():  # a NaN fails this too
        wrong = found[~((found >= 0.0) & (found <= 1.0))]
        raise InputError("outside [0, 1]", field="values", value=float(wrong[0]), remedy="scale the values")
    return found


def _steps(steps: int) -> int:
    if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or steps < 1:
        raise InputError("must be a whole number from 1", field="steps", value=steps, remedy="use 1 or more")
    return int(steps)
