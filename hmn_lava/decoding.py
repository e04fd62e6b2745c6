"""From the output of a network to an answer: decoders, which score each neuron; the largest score is the class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hmn_lava.encoding import padded
from hmn_lava.errors import InputError
from hmn_lava.simulator.result import Result
from hmn_lava.spec import Spec
from hmn_lava.spec.neurons import LifPopulation
from hmn_lava.spec.records import InputPopulation
from hmn_lava.spec.restart import lags

if TYPE_CHECKING:
    from hmn_lava.bundle import Bundle

Floats = NDArray[np.float64]


def count(z: ArrayLike) -> Floats:
    """Σ_t z over the steps, (..., n) of (..., steps, n): spikes, or what graded messages add up to.

    The inverse of encoding by rate where it is divided by the steps, of encoding changes as it is.
    """
    found: Floats = np.asarray(z, np.float64).sum(axis=-2)
    return found


def last(z: ArrayLike) -> Floats:
    """z in the last step: the inverse of encoding values that are held."""
    found: Floats = np.asarray(z, np.float64)[..., -1, :]
    return found


def membrane(v: ArrayLike) -> Floats:
    """The largest voltage v over the steps, for neurons that seldom fire or have no threshold."""
    found: Floats = np.asarray(v, np.float64).max(axis=-2)
    return found


@dataclass(frozen=True)
class Decoder:
    """A decoder, and the symbol of the signal that it reads."""

    decode: Callable[[ArrayLike], Floats]
    symbol: str


DECODERS: Mapping[str, Decoder] = {
    "count": Decoder(count, "z"),
    "last": Decoder(last, "z"),
    "membrane": Decoder(membrane, "v"),
}


def decoder(name: str, spec: Spec, population: str) -> tuple[Decoder, str]:
    """A decoder by its name, and the signal of a population that it reads.

    A head's ``a`` stands for the voltage of neurons that have none. Raises InputError.
    """
    if name not in DECODERS:
        raise InputError("no such decoder", field="decode", value=name, remedy=f"one of: {', '.join(DECODERS)}")
    found = DECODERS[name]
    record = spec.populations[population]
    symbol = "a" if found.symbol == "v" and not isinstance(record, LifPopulation) else found.symbol
    return found, f"{population}.{symbol}"


def first_step(bundle: Bundle, signal: str) -> int:
    """The step of a run that shows what a sample's first step comes to: the lag of the layers, and the chip's latency.

    A sample's answer is in as many steps from there on as the sample has.
    """
    model = bundle.model
    return lags(model.populations, model.connections)[signal.partition(".")[0]] + bundle.network.latency(signal)


def output_of(spec: Spec, population: str | None = None) -> str:
    """The population to decode: the one that is named, else the only one that nothing but itself listens to.

    Raises InputError for a name that is none, and where there are several.
    """
    sources = {c.source for c in spec.connections.values() if c.source != c.target} | {
        m.source for m in spec.modulators.values()
    }
    ends = [n for n, p in spec.populations.items() if n not in sources and not isinstance(p, InputPopulation)]
    known = [name for name, p in spec.populations.items() if not isinstance(p, InputPopulation)]
    if population is None and len(ends) == 1:
        return ends[0]
    if population in known:
        return population
    problem = "which population is the output?" if population is None else "no such population"
    raise InputError(problem, field="output", value=population, remedy=f"one of: {', '.join(known)}")


class Reader:
    """Reads the class of each sample from a run of a bundle: what a run needs besides its input, and the answers."""

    def __init__(self, bundle: Bundle, decode: str, population: str | None, steps: int) -> None:
        """``steps``: of a sample. Raises InputError for an unknown decoder or population."""
        name = output_of(bundle.spec, population)
        self._decoder, self.signal = decoder(decode, bundle.spec, name)
        self._first, self._steps = first_step(bundle, self.signal), steps

    def prepared(self, inputs: Mapping[str, NDArray[np.float64]]) -> tuple[dict[str, Floats], int]:
        """The samples with as much silence behind them as the answers take longer, and the steps of the run.

        Raises InputError for input that is no samples.
        """
        for name, array in inputs.items():
            if array.ndim != 3:
                remedy = "give samples: (samples, steps, size), or (samples, size) and an encoder"
                raise InputError("holds no samples", field=f"inputs.{name}", value=array.shape, remedy=remedy)
        total = self._steps + self._first
        return {name: padded(array, total) for name, array in inputs.items()}, total

    def answers(self, result: Result) -> list[int]:
        """The class of each sample of a batch."""
        shown = result.real(self.signal)[:, self._first : self._first + self._steps]
        found: list[int] = self._decoder.decode(shown).argmax(axis=-1).tolist()
        return found
