"""All counts of a network, from what it did or would do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.energy.activity import Activity
from hmn_lava.energy.assume import Assumed, populations
from hmn_lava.energy.coefficients import Coefficients
from hmn_lava.energy.history import History
from hmn_lava.energy.layout import Layout
from hmn_lava.energy.learning import Learning
from hmn_lava.energy.ledger import Key, Ledger
from hmn_lava.energy.neurobench import Metrics
from hmn_lava.energy.operations import Operations
from hmn_lava.energy.terms import Terms
from hmn_lava.network import IntegerNetwork


@dataclass(eq=False)
class Tally:
    """What was counted in ``steps`` steps of the model.

    ``counts``: by key; whole numbers, or expected ones. ``energy``: typical, of each step of the model, pJ, without
    what flows anyway. ``time`` and ``spiking``: (3, kept), ns; low, typical, high. ``longest``: the longest step of
    the chip, (3,). ``by_core``: pJ. ``activity``: messages that were not zero, by population, in each step.
    ``changed``: weights that were another after a step than before, or None where nobody knows.

    Series have an entry for each step of a run; without a run, for each of the steps that repeat themselves.
    """

    steps: int
    counts: dict[Key, Any]
    energy: NDArray[np.float64]
    time: NDArray[np.float64]
    spiking: NDArray[np.float64]
    longest: NDArray[np.float64]
    by_core: NDArray[np.float64]
    activity: dict[str, NDArray[Any]] = field(default_factory=dict)
    changed: int | None = None
    metrics: Metrics | None = None

    @property
    def kept(self) -> int:
        """Entries of a series."""
        return int(self.energy.size)

    def total(self, series: NDArray[Any]) -> NDArray[np.float64]:
        """The sum of a series over all steps, (..., kept) -> (...,)."""
        return np.asarray(series.sum(axis=-1) * (self.steps / max(1, self.kept)))


class Counter:
    """Counts part after part. Everything but what a message passes on its way is the same for all placements."""

    def __init__(self, network: IntegerNetwork, layout: Layout, terms: Terms, coefficients: Coefficients) -> None:
        self.network, self.layout, self.coefficients = network, layout, coefficients
        self.history = History(network)
        self.operations = Operations(network, layout, terms)
        self.learning = Learning(network, layout, terms, coefficients.profile)

    def ledger(self) -> Ledger:
        """An empty one."""
        return Ledger(self.layout.size, self.coefficients)

    def count(self, activity: Activity, ledger: Ledger) -> None:
        """Count the next steps."""
        self.history.extend(activity)
        ledger.open(activity.steps)
        ways = self.operations.count(activity, self.history, ledger)
        ledger.close(ways, self.learning.count(activity, self.history, ledger))


def observed(counter: Counter, activities: Iterable[Activity], metrics: Metrics) -> Tally:
    """Count a run."""
    ledger, frame = counter.ledger(), counter.network.frame
    activity: dict[str, list[NDArray[Any]]] = {name: [] for name in populations(counter.network)}
    changed, steps = 0, 0
    for part in activities:
        counter.count(part, ledger)
        metrics.add(part)
        changed += sum(int(values.sum()) for values in part.changed.values())
        steps += part.steps // frame
        _extend(activity, part, frame)
    series = {name: np.concatenate(parts) if parts else np.zeros(0) for name, parts in activity.items()}
    return _tally(ledger, steps, frame, series, changed, metrics)


def assumed(counter: Counter, regular: Assumed, steps: int) -> Tally:
    """Count what repeats itself, and take it as often as ``steps`` steps of the model need."""
    counter.count(regular.before, counter.ledger())
    ledger, frame = counter.ledger(), counter.network.frame
    counter.count(regular.activity, ledger)
    activity: dict[str, list[NDArray[Any]]] = {name: [] for name in populations(counter.network)}
    _extend(activity, regular.activity, frame)
    changed = sum(int(v.sum()) for v in regular.activity.changed.values()) if regular.activity.changed else None
    series = {name: np.concatenate(parts) for name, parts in activity.items()}
    once = _tally(ledger, regular.steps, frame, series, changed, None)

    return replace(
        once,
        steps=steps,
        counts={key: _scaled(value, steps, regular.steps) for key, value in once.counts.items()},
        by_core=once.by_core * (steps / regular.steps),
        changed=None if changed is None else _scaled(changed, steps, regular.steps),
    )


def _scaled(value: Any, steps: int, of: int) -> Any:
    """value · steps / of, whole where it is."""
    whole = isinstance(value, int) and value * steps % of == 0
    return value * steps // of if whole else value * steps / of


def _extend(activity: dict[str, list[NDArray[Any]]], part: Activity, frame: int) -> None:
    for name, parts in activity.items():
        sent = part.messages[name, "x" if (name, "x") in part.messages else "z"]
        parts.append(sent.sum(axis=1).reshape(-1, frame).sum(axis=1))


def _tally(
    ledger: Ledger,
    steps: int,
    frame: int,
    activity: dict[str, NDArray[Any]],
    changed: int | None,
    metrics: Metrics | None,
) -> Tally:
    def by_step(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(values.reshape(*values.shape[:-1], steps, frame).sum(axis=-1))

    return Tally(
        steps,
        dict(sorted(ledger.counts.items())),
        by_step(ledger.energy),
        by_step(ledger.time),
        by_step(ledger.spiking),
        ledger.time.max(axis=1, initial=0.0),
        ledger.by_core,
        activity,
        changed,
        metrics,
    )
