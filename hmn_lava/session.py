"""One interface for all backends: a session holds a network's state and runs it.

``interpreter`` and ``fast`` run a bundle's integers; ``reference`` runs its spec in float64, with the latencies of the
compiled network (``as-compiled``) or with none (``ideal``). ``lava`` runs the integers in Lava's runtime, ``board`` on
Loihi, ``rehearsal`` in Lava's runtime what goes on a board; they need what this machine may lack, and never fall back
to another.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import InputError
from hmn_lava.latency import Latency
from hmn_lava.reference import Reference
from hmn_lava.simulator.interface import Session
from hmn_lava.simulator.interpreter import Interpreter
from hmn_lava.simulator.probes import Recorder
from hmn_lava.threads import thread_number

if TYPE_CHECKING:
    from hmn_lava.backends.contained import Limits
    from hmn_lava.bundle import Bundle

__all__ = ["BACKENDS", "LATENCIES", "ReferenceSession", "Session", "open_session"]

BACKENDS = ("reference", "interpreter", "fast", "lava", "rehearsal", "board")
LATENCIES = ("as-compiled", "ideal")


def open_session(
    bundle: Bundle,
    backend: str = "fast",
    *,
    threads: int | None = None,
    latency: str = "as-compiled",
    limits: Limits | None = None,
    host: str | None = None,
    translator: str | None = None,
) -> Session:
    """A session of ``bundle`` on ``backend``.

    ``threads`` is for ``fast``, ``latency`` for ``reference``, ``limits`` (of time) for ``lava``, ``rehearsal`` and
    ``board``, ``host`` and ``translator`` for ``board``. Raises InputError for a name that is none, BackendError for a
    backend that is not here.
    """
    if latency not in LATENCIES:
        raise InputError("no such latency", field="latency", value=latency, remedy=f"one of: {', '.join(LATENCIES)}")
    thread_number(threads)
    for name, value in (("host", host), ("translator", translator)):
        if value is not None and backend != "board":
            remedy = "leave it out, or use the backend board"
            raise InputError(f"the backend {backend} has none", field=name, value=value, remedy=remedy)
    if backend == "fast":
        from hmn_lava.simulator.fast import Fast  # takes half a second

        return Fast(bundle.network, threads)
    if backend == "interpreter":
        return Interpreter(bundle.network)
    if backend == "reference":
        return ReferenceSession(bundle, latency == "ideal")
    if backend == "lava":
        from hmn_lava.backends.lava import LavaSession

        return LavaSession(bundle, limits)
    if backend in ("rehearsal", "board"):
        from hmn_lava.backends.board import BoardSession

        return BoardSession(bundle, limits, rehearsal=backend == "rehearsal", host=host, translator=translator)
    raise InputError("no such backend", field="backend", value=backend, remedy=f"one of: {', '.join(BACKENDS)}")


class ReferenceSession(Session):
    """The float reference as a session.

    Its signals show as late as the compiled network's, so that the two compare step by step.
    """

    backend = "reference"
    dtype = np.float64

    def __init__(self, bundle: Bundle, ideal: bool = False) -> None:
        network = bundle.network
        self.network, self.ideal = network, ideal
        model = bundle.model
        _check_agreement(bundle)
        delay = {name: np.broadcast_to(network.delay[name], (c.n_syn,)) for name, c in model.connections.items()}
        self.reference = Reference(model, None if ideal else Latency(network.weight_lag, delay, {}))
        known = set(self.reference.signals)
        self._parts = {name: part for name in network.signals if (part := _part(name, known)) is not None}
        self.signals = {name: network.signals[name] for name in self._parts}
        for name, (source, column) in self._parts.items():
            values = self.reference[source]
            found = values if column is None else values[..., column : column + 1]
            if found.size != math.prod(self.signals[name].shape):
                raise _another_network("signals", name)
        self._waiting: dict[str, list[NDArray[np.float64]]] = {}

    @property
    def step(self) -> int:
        return self.reference.t

    def advance(self, inputs: Mapping[str, NDArray[np.float64]], steps: int, recorder: Recorder) -> None:
        delayed = {name: self.latency(name) for name in {**recorder.data, **dict.fromkeys(self.network.outputs)}}
        for name in [n for n in self._waiting if n not in delayed]:
            del self._waiting[name]
        for name, offset in delayed.items():
            # A line as long as the offset. What was not watched from the beginning is not known at first.
            before = self._now(name) if self.step == 0 else np.full(self.signals[name].shape, np.nan)
            self._waiting.setdefault(name, [before] * offset)
        for step in range(steps):
            self.reference.step({name: values[step] for name, values in inputs.items()})
            due = set(recorder.wanted(step))
            for name, offset in delayed.items():
                if offset == 0:
                    if name in due:
                        recorder.record(step, name, self._now(name))
                    continue
                line = self._waiting[name]
                line.append(self._now(name))
                value = line.pop(0)
                if name in due:
                    recorder.record(step, name, value)

    def real(self, name: str) -> NDArray[np.float64]:
        return self._now(name)

    def latency(self, name: str) -> int:
        return 0 if self.ideal else super().latency(name)

    def _now(self, name: str) -> NDArray[np.float64]:
        source, column = self._parts[name]
        values = self.reference[source]
        return (values if column is None else values[..., column]).reshape(self.signals[name].shape)


def _check_agreement(bundle: Bundle) -> None:
    """A bundle that was compiled here holds one network twice, as spec and as integers. One that was read may not."""
    network, model = bundle.network, bundle.model
    inputs = {name: p.size for name, p in model.populations.items() if p.type == "input"}
    if inputs != {name: source.size for name, source in network.inputs.items()}:
        raise _another_network("inputs", sorted(network.inputs))
    if network.delay.keys() != model.connections.keys() or not network.weight_lag.keys() <= model.connections.keys():
        raise _another_network("delay", sorted(network.delay))
    for name, connection in model.connections.items():
        if network.delay[name].shape not in ((1,), (connection.n_syn,)):
            raise _another_network("delay", name)


def _another_network(field: str, value: object) -> InputError:
    return InputError(
        "the spec of the bundle is of another network",
        field=f"network.{field}",
        value=value,
        remedy="compile the spec again",
    )


def _part(name: str, known: set[str]) -> tuple[str, int | None] | None:
    """The reference's signal behind a signal of the network.

    Contexts of D dimensions are D signals there, ``c_0`` for column 0 of ``c``.
    """
    if name in known:
        return name, None
    stem, _, column = name.rpartition("_")
    return (stem, int(column)) if column.isdecimal() and stem in known else None
