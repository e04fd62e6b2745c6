"""What every backend offers, and the host's input on its way in."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hmn_lava.errors import InputError
from hmn_lava.fixed import Integers
from hmn_lava.memory import refuse_above_memory
from hmn_lava.network import Input, IntegerNetwork, Signal
from hmn_lava.simulator.probes import Probe, Recorder
from hmn_lava.simulator.result import Result


class Session(ABC):
    """A network on a backend, with its state, from its initial one.

    All steps are steps of the model. ``signals`` are those that the backend can show; ``dtype`` is what it stores.
    """

    backend: str
    network: IntegerNetwork
    signals: Mapping[str, Signal]
    dtype: type

    def run(
        self,
        inputs: Mapping[str, ArrayLike] | None = None,
        steps: int | None = None,
        probes: Iterable[Probe | str] = (),
        outputs: bool = True,
    ) -> Result:
        """Run ``steps`` steps and record; the state is kept for the next call.

        ``inputs`` maps input populations to real values of shape (steps, size); an input that is left out is zero, or
        the value of its range that is nearest to zero. Without ``steps``, a run is as long as its shortest input.
        ``outputs`` says whether the network's outputs are recorded besides what ``probes`` name. Returns a Result whose
        samples count from the beginning of this call. Raises InputError for an unknown input or signal, a wrong shape,
        or a value outside the declared range.
        """
        arrays, steps = check_inputs(self.network, inputs or {}, steps)
        asked = [p if isinstance(p, Probe) else Probe.parse(p) for p in probes]
        named = {p.signal for p in asked}
        always = [Probe(name) for name in self.network.outputs if outputs and name not in named]
        recorder = Recorder([*asked, *always], self.signals, steps, self.dtype)
        start = self.step
        self.advance(arrays, steps, recorder)
        return Result(self.backend, steps, start, self.signals, recorder.data, self.network.outputs)

    @property
    @abstractmethod
    def step(self) -> int:
        """Steps that have been run."""

    @abstractmethod
    def advance(self, inputs: Mapping[str, NDArray[np.float64]], steps: int, recorder: Recorder) -> None:
        """Compute ``steps`` steps and record. ``inputs`` are checked, (steps, size) each; some may be left out."""

    @abstractmethod
    def real(self, name: str) -> NDArray[np.float64]:
        """The real values of a state signal now, in its shape."""

    def latency(self, name: str) -> int:
        """Steps by which a signal shows later than the step of the model that it belongs to."""
        return self.network.latency(name)


def check_inputs(
    network: IntegerNetwork, inputs: Mapping[str, ArrayLike], steps: int | None
) -> tuple[dict[str, NDArray[np.float64]], int]:
    """The host's input, (steps, size) for each name, and the number of steps.

    Raises InputError for names, shapes and values that do not fit.
    """
    arrays = {name: _matrix(network, name, values) for name, values in inputs.items()}
    if steps is None:
        if not arrays:
            raise InputError("how many steps?", field="steps", remedy="give steps, or an input that says how many")
        steps = min(map(len, arrays.values()))
    if steps < 0:
        raise InputError("must not be negative", field="steps", value=steps, remedy="give a number of steps from 0")
    refuse_above_memory(
        24 * steps * sum(source.size for source in network.inputs.values()),
        field="steps",
        value=steps,
        remedy="run fewer steps at once",
    )
    for name, array in arrays.items():
        if len(array) < steps:
            raise InputError("too few steps", field=f"inputs.{name}", value=len(array), remedy=f"pass {steps} steps")
        arrays[name] = array[:steps]
        _check_range(network.inputs[name], arrays[name])
    return arrays, steps


def _matrix(network: IntegerNetwork, name: str, values: ArrayLike) -> NDArray[np.float64]:
    if name not in network.inputs:
        raise InputError(
            "no such input", field="inputs", value=name, remedy=f"one of: {', '.join(network.inputs) or 'none'}"
        )
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise InputError(
            "not numbers", field=f"inputs.{name}", remedy="pass real numbers of shape (steps, size)"
        ) from None
    size = network.inputs[name].size
    if array.ndim != 2 or array.shape[1] != size:
        raise InputError("wrong shape", field=f"inputs.{name}", value=array.shape, remedy=f"pass shape (steps, {size})")
    return array


def _check_range(source: Input, array: NDArray[np.float64]) -> None:
    low, high = source.low * source.format.unit, source.high * source.format.unit
    slack = source.format.unit / 2
    if not array.size or (array.min() >= low - slack and array.max() <= high + slack):
        return
    bad = ~((array >= low - slack) & (array <= high + slack))  # also true for NaN
    step, index = (int(n) for n in np.argwhere(bad)[0])
    raise InputError(
        f"outside the input's range [{low:g}, {high:g}] at step {step}, neuron {index}",
        field=f"inputs.{source.name}",
        value=float(array[step, index]),
        remedy="scale the input, or widen the population's range in the spec",
    )


def quantise_inputs(network: IntegerNetwork, inputs: Mapping[str, Any], steps: int) -> dict[str, Integers]:
    """Integers of every host input for each step, (steps, size), of what :func:`check_inputs` has passed."""
    driven = {}
    for name, source in network.inputs.items():
        if name in inputs:
            driven[name] = _quantised(source, inputs[name])
        else:
            silent = max(source.low, 0) if source.high >= 0 else source.high
            driven[name] = np.full((steps, source.size), silent, np.int64)
    return driven


def _quantised(source: Input, values: NDArray[np.float64]) -> Integers:
    """The nearest integers of the input's range; some rows at a time, so that what is in between stays in a cache."""
    found = np.empty(values.shape, np.int64)
    rows = max(1, _CACHED // max(1, source.size))
    scale = math.ldexp(1.0, source.format.frac)
    for first in range(0, len(values), rows):
        scaled = values[first : first + rows] * scale
        np.rint(scaled, out=scaled)
        np.clip(scaled, source.low, source.high, out=scaled)
        found[first : first + rows] = scaled
    return found


_CACHED = 1 << 15
"""Values that are quantised at a time."""
