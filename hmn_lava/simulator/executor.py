"""What all integer backends share: state, messages in flight, checkpoints; and what executors do with them.

A backend keeps the messages of the last steps of the chip in ring buffers, one for each output: slot s % depth holds
what was emitted at step s.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import InputError
from hmn_lava.fixed import Integers
from hmn_lava.network import IntegerNetwork, Link
from hmn_lava.simulator.interface import Session, quantise_inputs
from hmn_lava.simulator.probes import Recorder

Drive = Callable[[int, int], Mapping[str, Integers]]


class IntegerSession(Session):
    """The state of an integer network, from its initial one. ``time`` counts steps of the chip.

    Subclasses say who computes the steps: this process (:class:`Executor`), or another.
    """

    dtype = np.int64

    def __init__(self, network: IntegerNetwork, depth: int | None = None) -> None:
        """``depth``: slots of a ring buffer, where a part of a network keeps those of the whole."""
        self.network = network
        self.signals = dict(network.signals)
        self.time = 0
        # One slot more, so that a message is never overwritten in the step that reads it.
        self.depth = network.depth + 1 if depth is None else depth
        self.buffers: dict[tuple[str, str], NDArray[Any]] = {}
        self.states: dict[str, dict[str, NDArray[Any]]] = {}
        self.allocate()

    def allocate(self) -> None:
        """Make ``buffers`` (zero) and ``states`` (initial)."""
        for source in self.network.inputs.values():
            self.buffers[source.name, "x"] = np.zeros((self.depth, source.size), np.int64)
        for group in self.network.groups.values():
            for output in group.program.outputs:
                self.buffers[group.name, output.name] = np.zeros((self.depth, group.width), np.int64)
            self.states[group.name] = {
                state.name: np.broadcast_to(group.initial[state.name], (group.size,)).astype(np.int64)
                for state in group.program.states
            }

    # running

    @property
    def step(self) -> int:
        return self.time // self.network.frame

    def advance(self, inputs: Mapping[str, NDArray[np.float64]], steps: int, recorder: Recorder) -> None:
        observe: dict[str, set[str]] = {}
        for name in recorder.data:
            signal = self.network.signals[name]
            if signal.kind == "observable":
                observe.setdefault(signal.owner, set()).add(signal.variable)

        def drive(first: int, beyond: int) -> dict[str, Integers]:
            part = {name: values[first:beyond] for name, values in inputs.items()}
            return quantise_inputs(self.network, part, beyond - first)

        self.execute(drive, steps, recorder, observe)

    @abstractmethod
    def execute(self, drive: Drive, steps: int, recorder: Recorder, observe: Mapping[str, set[str]]) -> None:
        """Compute ``steps`` frames, each with its row of the host's input, and record.

        ``drive`` gives the input of frames from the first to the one before the second, (frames, size) for each name.

        A signal is recorded once in each frame, in the step of the chip that its offset names. ``observe`` names the
        observables among them, by group.
        """

    def real(self, name: str) -> NDArray[np.float64]:
        signal = self.network.signals[name]
        if signal.kind != "state":
            raise InputError(
                "only states can be read between runs", field="signal", value=name, remedy="probe it instead"
            )
        return signal.format.real(self.states[signal.owner][signal.variable]).reshape(signal.shape)

    # checkpoints

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Everything that the next step depends on, as named arrays; :meth:`restore` takes it back."""
        arrays = {"time": np.array([self.time], np.int64)}
        arrays |= {f"message/{group}/{name}": buffer.copy() for (group, name), buffer in self.buffers.items()}
        arrays |= {
            f"state/{group}/{name}": s.flatten() for group, states in self.states.items() for name, s in states.items()
        }
        return arrays

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a snapshot of the same network, taken by any executor.

        Raises InputError if it is of another one, or holds what no run can have left; then nothing has changed.
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
        fitting = {name: _as(array.dtype, name, arrays[name]) for name, array in expected.items()}
        self.time = int(fitting["time"][0])
        for (group, name), buffer in self.buffers.items():
            buffer[...] = fitting[f"message/{group}/{name}"]
        for group, states in self.states.items():
            for name, state in states.items():
                state[...] = fitting[f"state/{group}/{name}"].reshape(state.shape)


def _as(dtype: np.dtype[Any], name: str, values: NDArray[Any]) -> NDArray[Any]:
    """Values of a snapshot as another type. Raises InputError if one does not fit."""
    with np.errstate(invalid="ignore"):
        found = values.astype(dtype)
    if not np.array_equal(found, values) or (name == "time" and found[0] < 0):
        wrong = values[found != values]
        raise InputError(
            "the snapshot holds a value that cannot be",
            field=name,
            value=(wrong if wrong.size else values).flat[0].item(),
            remedy="use a snapshot as a session of this network has given it",
        )
    return found


class Executor(IntegerSession):
    """Runs an integer network step by step in this process."""

    @abstractmethod
    def compute(self, observe: Mapping[str, set[str]]) -> None:
        """Run all groups, then all learning synapses, for the step ``self.time`` of the chip.

        Read ``buffers``, change ``states``, write slot ``time % depth`` of ``buffers``.

        ``observe`` maps groups to the observables that :meth:`observed` must give after the step.
        """

    @abstractmethod
    def observed(self, group: str, name: str) -> NDArray[Any]:
        """The value of an observable in the last step."""

    def execute(self, drive: Drive, steps: int, recorder: Recorder, observe: Mapping[str, set[str]]) -> None:
        network, driven = self.network, drive(0, steps)
        for step in range(steps):
            wanted = recorder.wanted(step)
            for phase in range(network.frame):
                slot = self.time % self.depth
                for name, values in driven.items():
                    self.buffers[name, "x"][slot] = values[step] if phase == 0 else 0
                self.compute(observe)
                for name in wanted:
                    if network.signals[name].offset % network.frame == phase:
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

    # messages

    def slots(self, link: Link) -> Integers:
        """The ring slots that a link's messages of this step are read from."""
        return (self.time - 1 - link.delay) % self.depth
