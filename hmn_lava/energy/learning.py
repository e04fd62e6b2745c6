"""What the learning engine costs: traces, products whose dependency holds, and writes.

dz = Σ D·S·ΠF is evaluated at the end of each epoch. A product counts for a synapse where its dependency D holds: x0, a
payload came to its axon in the epoch; y0, its neuron spiked in the epoch; u_k, in every 2^k-th epoch. A variable is
written where any of its products counted. A trace that a product has as a factor is updated once for its neuron.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.energy.activity import Activity, Likely, any_along, either, row_events
from hmn_lava.energy.history import History
from hmn_lava.energy.layout import Layout
from hmn_lava.energy.ledger import Key, Ledger
from hmn_lava.energy.terms import Terms
from hmn_lava.errors import InputError
from hmn_lava.hardware_profiles import Profile
from hmn_lava.learning.records import TRACES, X_TRACES, Y_TRACES, Rule
from hmn_lava.network import IntegerNetwork, LearningSynapses

TERM = {"dw": "weight", "dt": "tag", "dd": "tag"}


@dataclass(eq=False)
class Epoch:
    """What came in the epoch so far: payloads at the axons, and spikes of the neurons."""

    x: Likely
    y: Likely


class Learning:
    """Counts the learning engine's work, connection by connection."""

    def __init__(self, network: IntegerNetwork, layout: Layout, terms: Terms, profile: Profile) -> None:
        self.network, self.layout, self.terms = network, layout, terms
        self._embedded = profile.learning.third_factor.value == "embedded_processor"
        self._open: dict[str, Epoch] = {}
        for synapses in network.learning.values():
            if synapses.graded == 3:
                remedy = "use graded 0, 1 or 2: with 3, what counts as a spike depends on values, not on messages"
                raise InputError("cannot be counted", where=synapses.name, field="graded", value=3, remedy=remedy)

    def count(self, activity: Activity, history: History, ledger: Ledger) -> NDArray[np.bool_]:
        """Count into ``ledger``; returns the steps in which an epoch of any connection ends, (steps,)."""
        ends = np.zeros(activity.steps, bool)
        number = np.arange(activity.start + 1, activity.start + activity.steps + 1)
        for synapses in self.network.learning.values():
            last = np.flatnonzero(number % synapses.rule.t_epoch == 0)
            ends[last] = True
            epochs = self._epochs(synapses, activity, history, last)
            if last.size and synapses.size:
                x, y = (np.array([getattr(epoch, side) for epoch in epochs]) for side in ("x", "y"))
                self._learn(synapses, Epoch(x, y), last, activity, ledger)
        return ends

    def _epochs(
        self, synapses: LearningSynapses, activity: Activity, history: History, last: NDArray[np.int64]
    ) -> list[Epoch]:
        """The epochs that end, as what came in them; what came after the last one is kept for the next."""
        x = history.payloads(synapses)
        y = activity.messages.get((synapses.neuron, "y0"), np.zeros((activity.steps, synapses.topology.n_post), bool))
        found, first = [], 0
        for end in (*(last + 1), activity.steps):
            part = Epoch(any_along(x[first:end], 0), any_along(y[first:end], 0))
            before = self._open.pop(synapses.name, None)
            if before is not None:
                part = Epoch(either(before.x, part.x), either(before.y, part.y))
            found.append(part)
            first = int(end)
        self._open[synapses.name] = found.pop()
        return found

    def _learn(
        self, synapses: LearningSynapses, came: Epoch, last: NDArray[np.int64], activity: Activity, ledger: Ledger
    ) -> None:
        """Count the epochs that end in the steps ``last``; a first axis of ``came`` is these epochs."""
        rule, topology, neuron = synapses.rule, synapses.topology, synapses.neuron
        number = (activity.start + last + 1) // rule.t_epoch
        fires = number % (1 << (rule.decimation or 0)) == 0
        x, counts = row_events(came.x, topology), topology.counts
        rows = {"x0": x, "y0": came.y * counts, "u": fires[:, None] * counts}
        # At a synapse with both, x0 and y0 are one: of a row's events, those of rows that spiked are in both.
        rows["x0 y0"] = x + rows["y0"] - x * came.y
        component, cores = self.terms.component(synapses.name), self.layout.cores(neuron)

        def add(term: str, operation: str, kind: str, values: NDArray[Any]) -> None:
            each = self.layout.per_core(neuron, values)
            whole = np.zeros((activity.steps, each.shape[1]), each.dtype)
            whole[last] = each
            ledger.add(Key(component, synapses.name, "learning", term, operation, kind), whole, cores)

        for each in rule.rules:
            term = TERM[each.target]
            for product in each:
                depends = product.dependency if product.decimation is None else f"u{product.decimation}"
                add(term, "learning_product", f"{each.target} {depends}", rows[product.dependency])
            add(term, "learning_write", each.target[1], _written(each, rows))
        always = np.ones((last.size, 1), np.int64)
        for trace in traces(synapses):
            kept = np.ones(topology.n_post, np.int64) if trace in Y_TRACES else _spread(topology.n_pre, topology.n_post)
            add("trace", "learning_trace_update", trace, always * kept)
        if self._embedded:
            for trace in supplied(synapses):
                key = Key(component, synapses.name, "management", "embedded", "embedded_message", trace)
                values = np.zeros((activity.steps, 1), np.int64)
                values[last] = topology.n_post
                ledger.add(key, values)


def traces(synapses: LearningSynapses) -> list[str]:
    """The traces that the engine keeps: factors of a product that the neuron does not supply, and that can move."""
    rule = synapses.rule
    used = frozenset[str]().union(*(each.variables for each in rule.rules))
    moved = {t for t in TRACES if getattr(rule, f"{t}_impulse") > 0 or (t == "x1" and synapses.graded)}
    return [t for t in TRACES if t in used & moved and (t in X_TRACES or not rule.supplied)]


def supplied(synapses: LearningSynapses) -> list[str]:
    """The y traces among the factors that the neuron, or the embedded processor for it, supplies."""
    used = frozenset[str]().union(*(each.variables for each in synapses.rule.rules))
    return [t for t in Y_TRACES if t in used] if synapses.rule.supplied else []


def period(network: IntegerNetwork) -> int:
    """Steps of the model after which the engine's epochs, with their decimation, meet the frame again."""
    found = network.frame
    for synapses in network.learning.values():
        found = math.lcm(found, synapses.rule.t_epoch << (synapses.rule.decimation or 0))
    return found // network.frame


def _written(rule: Rule, rows: dict[str, NDArray[Any]]) -> NDArray[Any]:
    """Synapses of each row at which any product's dependency holds."""
    depends = {product.dependency for product in rule}
    spikes = " ".join(d for d in ("x0", "y0") if d in depends)
    if "u" not in depends:
        return rows[spikes]
    return np.maximum(rows["u"], rows[spikes]) if spikes else rows["u"]  # u_k acts at all synapses or at none


def _spread(count: int, over: int) -> NDArray[np.int64]:
    """``count`` things over ``over`` neurons: presynaptic traces are kept where the synapses are."""
    ends = np.arange(over + 1, dtype=np.int64) * count // max(1, over)
    return np.diff(ends)
