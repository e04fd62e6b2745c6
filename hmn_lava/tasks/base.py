"""What a task is, and what running one gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import Finding, FitError
from hmn_lava.session import Session
from hmn_lava.spec import Spec, load_spec
from hmn_lava.spec.records import MetaLearningSpec
from hmn_lava.tasks.subsystems import without as cut
from hmn_lava.tasks.subsystems import without_learning

Tick = Callable[[], None]
"""Called by a run whenever one of its parts is done."""


class Run(Protocol):
    """The protocol of a task: drives a fresh session and measures."""

    def __call__(self, session: Session, seed: int, tick: Tick) -> dict[str, float]:
        """Return the value of each metric for this seed; call ``tick`` after each of the task's ``parts``."""


@dataclass(frozen=True)
class Meta:
    """How the rule's constants of a task are learned: by which loss, and from where.

    ``loss(session, seed)`` is L_meta of one episode, which a fresh session plays; it is below 1, and 1 - loss is the
    score. ``baselines(seed)`` has the losses of others in the same episode. ``spec`` says how the outer loop goes
    (``meta_learning`` of a spec), ``start`` where it begins.
    """

    loss: Callable[[Session, int], float]
    baselines: Callable[[int], dict[str, float]]
    spec: MetaLearningSpec
    start: Mapping[str, float]


Baseline = Callable[[int], dict[str, float]]
"""Another learner, or none, in the task's place: the metrics that it reaches on the data of a seed."""


@dataclass(frozen=True)
class Task:
    """A network's spec together with the protocol that teaches and examines it.

    The spec is ``<name>.yaml`` beside this module, or ``file``. ``metrics`` says what each figure is; the first is the
    score, of which more is better. ``chance`` is what each is expected to be if the network does not learn;
    ``baselines`` are others who do the same, by name. ``meta``: how the rule's constants are learned, where they are.
    ``on``: the same task on a user's own data, where it has any. ``excerpt``: inputs of a seed, a short stretch of what
    the task feeds, to count operations on. A run uses nothing but the session it is given, so
    that a task works on every backend.
    """

    name: str
    title: str
    metrics: Mapping[str, str]
    chance: Mapping[str, float]
    parts: int
    run: Run
    meta: Meta | None = None
    file: str = ""
    baselines: Mapping[str, Baseline] = field(default_factory=dict)
    on: Callable[[Path], Task] | None = None
    needs_data: str = ""  # what to name, where the task has none of its own
    excerpt: Callable[[int], dict[str, NDArray[np.float64]]] | None = None

    @property
    def spec_file(self) -> Path:
        """The spec, as a file."""
        return Path(__file__).with_name(self.file or f"{self.name}.yaml")

    @property
    def start(self) -> Mapping[str, float]:
        """The constants that the outer loop began with; none for a task without."""
        return {} if self.meta is None else self.meta.start

    def spec(self, *, learning: bool = True, without: Sequence[str] = ()) -> Spec:
        """Read the spec; without ``learning``, with the rule of every connection switched off.

        ``without``: subsystems that are switched off, see :mod:`hmn_lava.tasks.subsystems`.
        """
        spec = cut(load_spec(self.spec_file), without, self.start)
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
    ``baselines`` are others on the same data, by name. ``data``: the user's data, ``without``: what was switched off.
    ``energy_per_update`` as :func:`hmn_lava.tasks.cost.energy_per_update`.
    """

    task: str
    backend: str
    plasticity: str
    seeds: int
    metrics: dict[str, Metric]
    chance: dict[str, Chance]
    reference: dict[str, Metric] | None
    baselines: dict[str, dict[str, Metric]] = field(default_factory=dict)
    data: str | None = None
    without: tuple[str, ...] = ()
    energy_per_update: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values, as ``hmn-lava task run --json`` prints it."""
        return asdict(self)


def latency_below(session: Session, signal: str, steps: int) -> int:
    """Return the latency of ``signal``; raises FitError if it is not below ``steps``, which the protocol waits."""
    latency = session.latency(signal)
    if latency >= steps:
        remedy = "The task waits no longer; use a lowering with shorter latencies."
        late = Finding("task-latency", signal, f"{latency} steps late", f"{steps - 1} steps", "error", remedy)
        raise FitError(f"the task cannot be run on the backend {session.backend}:", [late])
    return latency
