"""What all integer executors share: state, messages in flight, the host's input, probes.

An executor keeps the messages of the last steps in ring buffers, one for each output: slot s % depth holds what was
emitted at step s. Subclasses say how the groups compute one step.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hmn_lava.errors import InputError
from hmn_lava.fixed import Integers
from hmn_lava.memory import refuse_above_memory
from hmn_lava.network import IntegerNetwork, Link
from hmn_lava.simulator.probes import Probe, Recorder
from hmn_lava.simulator.result import Result


class Executor(ABC):
    """Runs an integer network step by step, from its initial state.

    Keeps the state between calls of :meth:`run`.
    """

    backend: str

    def __init__(self, network: IntegerNetwork) -> None:
        self.network = network
        self.time = 0
        self.depth = (
            network.depth + 1
        )  # one slot more, so that a message is never overwritten in the step that reads it
        self.buffers: dict[tuple[str, str], NDArray[Any]] = {}
        self.states: dict[str, dict[str, NDArray[Any]]] = {}
        self.allocate()

    def allocate(self) -> None:
        """Make ``buffers`` (zero) and ``states`` (initial)."""
        for source in self.network.inputs.values():
            self.buffers[source.name, "x"] = np.zeros((self.depth, source.size), np.int64)
        for group in self.network.groups.values():
            width = group.size if group.topology is None else group.topology.n_post
            for output in group.program.outputs:
                self.buffers[group.name, output.name] = np.zeros((self.depth, width), np.int64)
            self.states[group.name] = {
                state.name: np.broadcast_to(group.initial[state.name], (group.size,)).astype(np.int64)
                for state in group.program.states
            }

    @abstractmethod
    def compute(self, observe: Mapping[str, set[str]]) -> None:
        """Run all groups for the step ``self.time``.

        Read ``buffers``, change ``states``, write slot ``time % depth`` of ``buffers``.

        ``observe`` maps groups to the observables that :meth:`observed` must give after the step.
        """

    @abstractmethod
    def observed(self, group: str, name: str) -> NDArray[Any]:
        """The value of an observable in the last step."""

    # running

    def run(
        self,
        inputs: Mapping[str, ArrayLike] | None = None,
        steps: int | None = None,
        probes: Iterable[Probe | str] = (),
        outputs: bool = True,
    ) -> Result:
        """Run ``steps`` steps and record.

        ``inputs`` maps input populations to real values of shape (steps, size); an input that is left out is zero, or
        its lowest value. Returns a Result whose steps count from the beginning of this call. Raises InputError for an
        unknown input, a wrong shape, or a value outside the declared range.
        """
        driven, steps = quantise_inputs(self.network, inputs or {}, steps)
        asked = [p if isinstance(p, Probe) else Probe.parse(p) for p in probes]
        named = {p.signal for p in asked}
        always = [Probe(name) for name in self.network.outputs if outputs and name not in named]
        recorder = Recorder([*asked, *always], self.network.signals, steps, np.int64)
        observe: dict[str, set[str]] = {}
        for name in recorder.data:
            signal = self.network.signals[name]
            if signal.kind == "observable":
                observe.setdefault(signal.owner, set()).add(signal.variable)
        self.advance(driven, steps, recorder, observe)
        return Result(
            self.backend, steps, self.time - steps, dict(self.network.signals), recorder.data, self.network.outputs
        )

    def advance(
        self, driven: Mapping[str, Integers], steps: int, recorder: Recorder, observe: Mapping[str, set[str]]
    ) -> None:
        """Compute ``steps`` steps with the host's input ``driven`` and record."""
        for step in range(steps):
            slot = self.time % self.depth
            for name, values in driven.items():
                self.buffers[name, "x"][slot] = values[step]
            self.compute(observe)
            for name in recorder.wanted(step):
                recorder.record(step, name, self.value(name))
            self.time += 1

    def value(self, name: str) -> NDArray[Any]:
        """The integers of a signal after the last computed step, flat.

        Observables are there only if the step was asked to observe them.
        """
        signal = self.network.signals[name]
        if signal.kind == "state":
            return self.states[signal.owner][signal.variable]
        if signal.kind == "observable":
            return self.observed(signal.owner, signal.variable)
        return np.asarray(self.buffers[signal.owner, signal.variable][self.time % self.depth])

    def real(self, name: str) -> NDArray[np.float64]:
        """The real values of a state signal, in its shape."""
        signal = self.network.signals[name]
        if signal.kind != "state":
            raise InputError(
                "only states can be read between runs", field="signal", value=name, remedy="probe it instead"
            )
        return signal.format.real(self.states[signal.owner][signal.variable]).reshape(signal.shape)

    def latency(self, name: str) -> int:
        """Steps by which the executor shows a signal later than the step of the model that it belongs to."""
        return self.network.signals[name].offset

    # checkpoints

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Everything that the next step depends on, as named arrays; :meth:`restore` takes it back."""
        arrays = {"time": np.array([self.time], np.int64)}
        arrays |= {f"message/{group}/{name}": buffer.copy() for (group, name), buffer in self.buffers.items()}
        arrays |= {
            f"state/{group}/{name}": s.copy() for group, states in self.states.items() for name, s in states.items()
        }
        return arrays

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a snapshot of the same network, taken by any executor.

        Raises InputError if it is of another one.
        """
        expected = self.snapshot()
        wrong = [name for name, array in expected.items() if name not in arrays or arrays[name].shape != array.shape]
        if wrong or len(arrays) != len(expected):
            raise InputError(
                "the snapshot is of another network",
                field="snapshot",
                value=wrong[:3],
                remedy="use the bundle it came from",
            )
        self.time = int(arrays["time"][0])
        for (group, name), buffer in self.buffers.items():
            buffer[...] = arrays[f"message/{group}/{name}"]
        for group, states in self.states.items():
            for name, state in states.items():
                state[...] = arrays[f"state/{group}/{name}"]

    # messages

    def slots(self, link: Link) -> Integers:
        """The ring slots that a link's messages of this step are read from."""
        return (self.time - 1 - link.delay) % self.depth


def quantise_inputs(
    network: IntegerNetwork, inputs: Mapping[str, ArrayLike], steps: int | None
) -> tuple[dict[str, Integers], int]:
    """Integers of the host's input for each step. Raises InputError for names, shapes and values that do not fit."""
    arrays: dict[str, NDArray[np.float64]] = {}
    for name, values in inputs.items():
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
            raise InputError(
                "wrong shape", field=f"inputs.{name}", value=array.shape, remedy=f"pass shape (steps, {size})"
            )
        arrays[name] = array
    lengths = {name: len(array) for name, array in arrays.items()}
    if steps is None:
        if not lengths:
            raise InputError("how many steps?", field="steps", remedy="give steps, or an input that says how many")
        steps = min(lengths.values())
    if steps < 0:
        raise InputError("must not be negative", field="steps", value=steps, remedy="give a number of steps from 0")
    refuse_above_memory(
        24 * steps * sum(source.size for source in network.inputs.values()),
        field="steps",
        value=steps,
        remedy="run fewer steps at once",
    )
    driven = {}
    for name, source in network.inputs.items():
        if name not in arrays:
            driven[name] = np.full(
                (steps, source.size), max(source.low, 0) if source.high >= 0 else source.high, np.int64
            )
            continue
        if lengths[name] < steps:
            raise InputError("too few steps", field=f"inputs.{name}", value=lengths[name], remedy=f"pass {steps} steps")
        array = arrays[name][:steps]
        low, high = source.low * source.format.unit, source.high * source.format.unit
        slack = source.format.unit / 2
        bad = ~((array >= low - slack) & (array <= high + slack))  # also true for NaN
        if bad.any():
            step, index = (int(n) for n in np.argwhere(bad)[0])
            raise InputError(
                f"outside the input's range [{low:g}, {high:g}] at step {step}, neuron {index}",
                field=f"inputs.{name}",
                value=float(array[step, index]),
                remedy="scale the input, or widen the population's range in the spec",
            )
        driven[name] = np.clip(source.format.quantise(array), source.low, source.high)
    return driven, steps
