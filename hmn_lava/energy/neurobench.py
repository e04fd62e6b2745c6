"""NeuroBench's metrics under NeuroBench's own names (Yik et al., Nature Communications 16, 1545, 2025).

The definitions are those of the neurobench package (``benchmarks/static_metrics.py``, ``workload_metrics.py``), carried
over to a network of the spec: a connection is one of its layers, the activations are those of all populations but host
inputs, and a step of the model is one of its time steps.

* ``Footprint``: bytes of all parameters and buffers; here, of the network's weights, constants and states, each in as
  many whole bytes as its integer format needs.
* ``ConnectionSparsity``: zeros among the weights over all weights, rounded to 4 decimals; a pair of neurons without a
  synapse is a zero. Of the weights at the beginning.
* ``ActivationSparsity``: zeros among the activations over all activations, of all steps from the first: a population
  that the input has not reached yet, after some steps of latency, counts as silent.
* ``SynapticOperations``, per sample: ``Effective_MACs`` or ``Effective_ACs``: pairs of an activation that is not zero
  with a weight that is not zero, an AC where all activations of that layer and step are -1, 0 or 1, else a MAC;
  ``Dense``: all weights, whatever their and the activations' values, in every step.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hmn_lava.bundle import Bundle
from hmn_lava.energy.activity import Activity, column_counts
from hmn_lava.energy.terms import Terms
from hmn_lava.spec.model import Connection


class Metrics:
    """Collects the metrics of a run, part after part."""

    def __init__(self, bundle: Bundle, terms: Terms) -> None:
        self.network, self.model, self.terms = bundle.network, bundle.model, terms
        self.macs = self.acs = self.dense = self.steps = 0
        self.activations = self.active = 0
        self._static = {
            name: column_counts(self._weights(c) != 0, c.topology) for name, c in self.model.connections.items()
        }

    def add(self, activity: Activity) -> None:
        """Go on with the next steps."""
        frame = self.network.frame
        count = activity.steps // frame
        self.steps += count
        for p in self.model.populations.values():
            if p.type != "input":
                self.activations += count * p.size
                self.active += int(self._by_step(activity, p.name).sum())
        for c in self.model.connections.values():
            senders = self._by_step(activity, c.pre)
            weights = activity.effective.get(f"{c.name}.synapse", self._static[c.name])
            operations = (senders * weights).sum(axis=1)
            spikes = activity.unit[self._output(c.pre)].reshape(count, frame).all(axis=1)
            self.acs += int(operations[spikes].sum())
            self.macs += int(operations[~spikes].sum())
            self.dense += count * c.n_pre * c.n_post

    def as_dict(self, steps_per_sample: int) -> dict[str, Any]:
        """The metrics, by NeuroBench's names. A sample takes ``steps_per_sample`` steps of the model."""
        samples = self.steps / steps_per_sample
        counts = {"Effective_MACs": self.macs, "Effective_ACs": self.acs, "Dense": self.dense}
        return {
            "Footprint": self.footprint,
            "ConnectionSparsity": self.connection_sparsity,
            "ActivationSparsity": 1.0 - self.active / self.activations if self.activations else 0.0,
            "SynapticOperations": {name: value / samples if samples else 0.0 for name, value in counts.items()},
        }

    @property
    def connection_sparsity(self) -> float:
        """Zeros among the weights over all weights."""
        everything = sum(c.n_pre * c.n_post for c in self.model.connections.values())
        present = sum(int(counts.sum()) for counts in self._static.values())
        return round(1.0 - present / everything, 4) if everything else 0.0

    @property
    def footprint(self) -> int:
        """Bytes of weights, constants and states."""
        total = 0
        for group in self.network.groups.values():
            total += group.size * sum(state.format.bytes for state in group.program.states)
            for constant in group.program.constants:
                values = group.constants[constant.name].values
                total += constant.format.bytes * values.size
        for link in self.network.links:
            if link.weights is not None:
                total += link.weights.size * link.weights.itemsize
        for synapses in self.network.learning.values():
            engine = synapses.engine
            variables = 1 + sum(rule.target != "dw" for rule in synapses.rule.rules)
            total += synapses.size * variables * -(-engine.variable_width // 8)
            total += 2 * synapses.topology.n_pre + (0 if synapses.rule.supplied else 3 * synapses.topology.n_post)
        return total

    def _output(self, population: str) -> tuple[str, str]:
        return population, "x" if self.model.populations[population].type == "input" else "z"

    def _by_step(self, activity: Activity, population: str) -> Any:
        """Which neurons sent something in each step of the model, (steps, size)."""
        sent = activity.messages[self._output(population)]
        return sent.reshape(-1, self.network.frame, sent.shape[1]).any(axis=1)

    def _weights(self, c: Connection) -> Any:
        """The integers of a connection's weights, as the network begins."""
        name = f"{c.name}.synapse"
        if name in self.network.learning:
            return self.network.learning[name].initial["weights"]
        if name in self.network.groups:
            return np.broadcast_to(self.network.groups[name].initial["w"], (c.n_syn,))
        found = np.zeros(c.n_syn, np.int64)
        for number, link in enumerate(self.network.links):  # one for each scale of the weights
            if link.kind == "matrix" and self.terms.link(number) == c.name and link.topology is not None:
                mine = np.repeat(link.topology.counts > 0, c.topology.counts)
                found[mine] = 1 if link.weights is None else link.weights
        return found
