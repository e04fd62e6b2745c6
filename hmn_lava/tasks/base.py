"""What a task is, and what running one gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hmn_lava.errors import Finding, FitError
from hmn_lava.session import Session
from hmn_lava.spec import Spec, load_spec

Tick = Callable[[], None]
"""Called by a run whenever one of its parts is done."""


class Run(Protocol):
    """The protocol of a task: drives a fresh session and measures."""

    def __call__(self, session: Session, seed: int, tick: Tick) -> dict[str, float]:
        """Return the value of each metric for this seed; call ``tick`` after each of the task's ``parts``."""


@dataclass(frozen=True)
class Task:
    """A network's spec together with the protocol that teaches and examines it.

    The spec is ``<name>.yaml`` beside this module. ``metrics`` says what each figure is, ``chance`` what it is
    expected to be if the network does not learn. A run uses nothing but the session it is given, so that a task works
    on every backend.
    """

    name: str
    title: str
    metrics: Mapping[str, str]
    chance: Mapping[str, float]
    parts: int
    run: Run

    @property
    def spec_file(self) -> Path:
        """The spec, as a file."""
        return Path(__file__).with_name(f"{self.name}.yaml")

    def spec(self, *, learning: bool = True) -> Spec:
        """Read the spec; without ``learning``, with the rule of every connection switched off."""
        spec = load_spec(self.spec_file)
        return spec if learning else without_learning(spec)


@dataclass(frozen=True)
class Metric:
    """One figure over all seeds: mean, sample standard deviation (0 for one seed), and the value of each seed."""

    mean: float
    std: float
    per_seed: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float]) -> Metric:
        """Summarise one value per seed."""
        std = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
        return cls(float(np.mean(values)), std, tuple(float(value) for value in values))


@dataclass(frozen=True)
class Chance(Metric):
    """The same figure with learning off, and what it is expected to be."""

    expected: float


@dataclass(frozen=True)
class TaskReport:
    """The outcome of a task on seeds 0 .. ``seeds`` - 1.

    ``chance`` holds the metrics with learning off, on the same backend and seeds. ``reference`` holds those of the
    float reference, with the latencies of the compiled network, for the same seeds; None if it was not run.
    """

    task: str
    backend: str
    plasticity: str
    seeds: int
    metrics: dict[str, Metric]
    chance: dict[str, Chance]
    reference: dict[str, Metric] | None

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values, as ``hmn-lava task run --json`` prints it."""
        return asdict(self)


def without_learning(spec: Spec) -> Spec:
    """Return the spec with ``learning: false`` on every connection that learns."""
    connections = {
        name: record.model_copy(update={"learning": False}) if record.type == "hmn" else record
        for name, record in spec.connections.items()
    }
    return spec.model_copy(update={"connections": connections})


def latency_below(session: Session, signal: str, steps: int) -> int:
    """Return the latency of ``signal``; raises FitError if it is not below ``steps``, which the protocol waits."""
    latency = session.latency(signal)
    if latency >= steps:
        remedy = "The task waits no longer; use a lowering with shorter latencies."
        late = Finding("task-latency", signal, f"{latency} steps late", f"{steps - 1} steps", "error", remedy)
        raise FitError(f"the task cannot be run on the backend {session.backend}:", [late])
    return latency
