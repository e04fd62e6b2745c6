"""Calibration: what the signals of a network reach on a user's input, run by the float reference.

Formats then follow what was seen instead of the worst case. What is beyond them is defined: a message z saturates at
the ends of its format, the voltage of a LIF at those of its word; sums, currents and the sums of sigma-delta neurons
wrap. So what wraps has room for twice what was seen, and what saturates may leave out the largest values, as a
percentile says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hmn_lava.errors import Finding, InputError
from hmn_lava.reference import Reference
from hmn_lava.reference.equations import Floats
from hmn_lava.spec.model import Model, Population

MARGIN = 2.0
"""How much more than what was seen has room, in what wraps."""

SATURATED = 0.01
"""The share of messages at z_max from which it is said."""

WATCHED = tuple(f".{symbol}" for symbol in ("a", "a_im", "z", "u", "sigma", "act", "re", "im"))

CHUNK = 64
"""Steps whose signals are kept at a time."""

_LEVELS = 2400
"""Exponents of a float64, with room: a histogram over them finds percentiles of magnitudes within a factor of two."""


@dataclass
class Seen:
    """What one population's signals reached: ``most`` by symbol, and the messages by their magnitude's exponent."""

    most: dict[str, float] = field(default_factory=dict)
    exponents: NDArray[np.int64] = field(default_factory=lambda: np.zeros(_LEVELS, np.int64))
    at_end: int = 0
    messages: int = 0

    @property
    def sends(self) -> bool:
        """Whether there was any message that is not zero."""
        return self.most.get("z", 0.0) > 0.0

    def take(self, symbol: str, values: Floats, z_max: float) -> None:
        """Note the values of a step."""
        size = np.abs(values)
        self.most[symbol] = max(self.most.get(symbol, 0.0), float(size.max(initial=0.0)))
        if symbol == "z":
            sent = size[size > 0]
            np.add.at(self.exponents, np.frexp(sent)[1] + _LEVELS // 2, 1)
            self.at_end += int(np.sum(sent >= z_max))
            self.messages += sent.size

    def reached(self, *symbols: str) -> float:
        """What has room for what was seen, and as much again."""
        return MARGIN * max((self.most.get(symbol, 0.0) for symbol in symbols), default=0.0)

    def within(self, percentile: float) -> float:
        """The magnitude that this share of all messages that are not zero does not exceed; a power of two below 100."""
        if percentile >= 100.0 or not self.messages:
            return self.most.get("z", 0.0)
        reached = np.cumsum(self.exponents) >= percentile / 100.0 * self.messages
        return min(float(np.ldexp(1.0, int(np.argmax(reached)) - _LEVELS // 2)), self.most["z"])


def observe(model: Model, calibration: Mapping[str, ArrayLike]) -> dict[str, Seen]:
    """What each population reached on ``calibration``: (steps, size) for each input, or (samples, steps, size).

    Each sample begins anew. Raises InputError for input that is none, or does not fit the model.
    """
    seen = {name: Seen() for name, p in model.populations.items() if p.type != "input"}
    for inputs, steps in _samples(calibration):
        reference = Reference(model)
        watched = [name for name in reference.signals if name.partition(".")[0] in seen and name.endswith(WATCHED)]
        for first in range(0, steps, CHUNK):
            part = {name: array[first : first + CHUNK] for name, array in inputs.items()}
            for name, history in reference.run(part, min(CHUNK, steps - first), watched).items():
                population, _, symbol = name.partition(".")
                seen[population].take(symbol, history, model.populations[population].z_max)
    return seen


def _samples(calibration: Mapping[str, ArrayLike]) -> Iterable[tuple[dict[str, Floats], int]]:
    arrays = {name: np.asarray(values, np.float64) for name, values in calibration.items()}
    steps = min((array.shape[-2] if array.ndim in (2, 3) else 0 for array in arrays.values()), default=0)
    if steps == 0:
        remedy = "give input of shape (steps, size), or (samples, steps, size)"
        raise InputError("has no steps", field="calibration", remedy=remedy)
    counts = {len(array) for array in arrays.values() if array.ndim == 3}
    if len(counts) > 1:
        remedy = "give as many samples for each input"
        raise InputError("has different numbers of samples", field="calibration", value=sorted(counts), remedy=remedy)
    for number in range(counts.pop() if counts else 1):
        yield {name: (a[number] if a.ndim == 3 else a)[:steps] for name, a in arrays.items()}, steps


def calibrated(model: Model, seen: Mapping[str, Seen], percentile: float) -> tuple[Model, list[Finding]]:
    """The model whose messages saturate at what was seen, and what the calibration has to say.

    Raises InputError for a percentile that is none.
    """
    if not 0.0 < percentile <= 100.0:
        remedy = "use 100 for all, or a little less"
        raise InputError("is no percentile", field="percentile", value=percentile, remedy=remedy)
    populations, findings = dict(model.populations), []
    for name, found in seen.items():
        p = model.populations[name]
        if not found.sends:
            remedy = "Raise the weights or lower the threshold of what leads to it, or calibrate on other input."
            findings.append(Finding("silent-population", name, "nothing sent", "a message", "warning", remedy))
            continue
        if p.signal == "spike" or p.activation == "sigmoid":
            continue
        share = found.at_end / found.messages
        if share > SATURATED:
            remedy = "Raise z_max of the population, or lower the weights that lead to it."
            used, limit = f"{share:.1%} at z_max {p.z_max:g}", f"{SATURATED:.0%}"
            findings.append(Finding("saturated-messages", f"{name}.z", used, limit, "warning", remedy))
        if f"{name}.z" in model.formats and isinstance(model.formats[f"{name}.z"], str):
            continue
        most = found.within(percentile)
        if most < p.z_max:
            populations[name] = narrowed(p, most)
            remedy = "Larger messages saturate; leave --calibrate out to keep z_max."
            used, limit = f"z_max {p.z_max:g}", f"calibrated {most:.6g}"
            findings.append(Finding("calibrated-messages", f"{name}.z", used, limit, "info", remedy))
    return replace(model, populations=populations), findings


def narrowed(p: Population, z_max: float) -> Population:
    """The population with messages up to ``z_max``."""
    lif = None if p.lif is None else replace(p.lif, z_max=z_max)
    sigma_delta = None if p.sigma_delta is None else replace(p.sigma_delta, z_max=z_max)
    low, high = max(p.low, -z_max), min(p.high, z_max)
    return replace(p, lif=lif, sigma_delta=sigma_delta, low=low, high=high, z_max=z_max)
