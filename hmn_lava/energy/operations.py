"""What neurons and messages cost: updates and instructions of compartments, synaptic operations, spikes and hops."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hmn_lava.energy.activity import Activity, either, neither
from hmn_lava.energy.history import History
from hmn_lava.energy.layout import Layout, Output, Routes
from hmn_lava.energy.ledger import Key, Ledger
from hmn_lava.energy.path import alive, by_region
from hmn_lava.energy.terms import Terms
from hmn_lava.network import Group, IntegerNetwork

HOPS = ("east_west", "north_south", "between_chips")


class Operations:
    """Counts what happens while the network spikes: all but the learning engine's work."""

    def __init__(self, network: IntegerNetwork, layout: Layout, terms: Terms) -> None:
        self.network, self.layout, self.terms = network, layout, terms
        self._regions = {
            g.name: by_region(g.program, terms.instructions(g.name, g.program)) for g in network.groups.values()
        }

    def count(self, activity: Activity, history: History, ledger: Ledger) -> NDArray[np.float64]:
        """Count into ``ledger``; returns the longest way of a message in each step, (3, steps) in ns."""
        for group in self.network.groups.values():
            if group.size:
                self._updates(group, activity, history, ledger)
                self._instructions(group, activity, ledger)
        self._synapses(history, ledger)
        ways = np.zeros((3, activity.steps))
        for output, routes in self.layout.routes.items():
            np.maximum(ways, self._messages(output, routes, activity, ledger), out=ways)
        for source in self.network.inputs.values():
            purpose = self.terms.sends((source.name, "x"))
            key = Key(source.name, source.name, "host", "embedded", "embedded_message", "input", purpose)
            ledger.add(key, activity.messages[source.name, "x"].sum(axis=1, keepdims=True))
        return ways

    def _updates(self, group: Group, activity: Activity, history: History, ledger: Ledger) -> None:
        """Every compartment once in each step: active if something that is not zero arrives or leaves."""
        active = history.arrives(group.name)
        sent = activity.messages if group.topology is None else activity.emitted
        for output in group.program.outputs:
            active = either(active, sent[group.name, output.name])
        component, cores = self.terms.component(group.name), self.layout.cores(group.name)
        term = self.terms.part(group.name)
        for operation, values in (("neuron_update_active", active), ("neuron_update_inactive", neither(active))):
            key = Key(component, group.name, "spike", term, operation, "", self.terms.purpose(term))
            ledger.add(key, self.layout.per_core(group.name, values), cores)

    def _instructions(self, group: Group, activity: Activity, ledger: Ledger) -> None:
        component, cores = self.terms.component(group.name), self.layout.cores(group.name)
        for (around, term), count in self._regions[group.name].items():
            executed = self.layout.per_core(group.name, alive(group, around, activity))
            key = Key(component, group.name, "spike", term, "microcode_instruction", "", self.terms.purpose(term))
            ledger.add(key, count * executed, cores)

    def _synapses(self, history: History, ledger: Ledger) -> None:
        """A synaptic operation for each message that is not zero and each synapse, or compartment, that reads it."""
        for number, link in enumerate(self.network.links):
            if link.kind == "plastic":
                continue  # it brings what its synapses have read from their axons
            onto, port = link.target
            group = self.network.learning[onto].neuron if onto in self.network.learning else onto
            purpose = self.terms.spikes(link)
            key = Key(self.terms.link(number), onto, "spike", "transport", "synaptic_operation", port, purpose)
            ledger.add(key, self.layout.per_core(group, history.come(link)), self.layout.cores(group))

    def _messages(self, output: Output, routes: Routes, activity: Activity, ledger: Ledger) -> NDArray[np.float64]:
        """Deliveries and hops of an output's messages, charged to the core that sends; the longest way, (3, steps)."""
        name, hosted = output[0], output[0] in self.network.inputs
        sent = activity.emitted.get(output, activity.messages[output])
        counted = {"spike_within_tile": routes.delivered} | {f"hop_{kind}": getattr(routes, kind) for kind in HOPS}
        for operation, each in counted.items():
            values = sent * each
            key = Key(self.terms.component(name), name, "spike", "transport", operation, output[1],
                      self.terms.sends(output))  # fmt: skip
            if hosted:
                ledger.send(key, values.sum(axis=1, keepdims=True))
            else:
                ledger.send(key, self.layout.per_core(name, values), self.layout.cores(name))
        found = np.zeros((3, activity.steps))
        hops, within = ledger.coefficients.hops(), ledger.coefficients.within()
        for end in range(3):
            longest = routes.longest(hops[:, end]) + np.where(routes.delivered > 0, within[end], 0.0)
            found[end] = ((sent > 0) * longest).max(axis=1, initial=0.0)
        return found
