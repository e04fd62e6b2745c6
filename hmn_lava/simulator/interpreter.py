"""The golden executor: the microcode's interpreter, the learning engine's connection, messages by array indexing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.fixed import Integers, wrap
from hmn_lava.learning.records import Y_TRACES
from hmn_lava.microcode.interpreter import execute
from hmn_lava.microcode.ir import WORD
from hmn_lava.network import Constant, Group, IntegerNetwork, LearningSynapses, Link, Topology
from hmn_lava.simulator.executor import Executor


class Interpreter(Executor):
    """Runs each program instruction by instruction in int64. What it computes is what a bundle means."""

    backend = "interpreter"

    def __init__(self, network: IntegerNetwork, depth: int | None = None) -> None:
        self._connections = {s.name: s.connection() for s in network.learning.values()}
        self._payloads: dict[str, Integers] = {}
        self._observed: dict[str, dict[str, Integers]] = {}
        super().__init__(network, depth)

    def allocate(self) -> None:
        super().allocate()
        self.states |= {name: connection.states for name, connection in self._connections.items()}

    def compute(self, observe: Mapping[str, set[str]]) -> None:
        for synapses in self.network.learning.values():
            self.receive(synapses)
        for group in self.network.groups.values():
            self._run(group)
        for synapses in self.network.learning.values():
            self.learn(synapses)

    def receive(self, synapses: LearningSynapses) -> None:
        """Take the payloads that arrive at the axons in this step."""
        arriving = np.zeros(synapses.topology.n_pre, np.int64)
        for link in self.network.links_to(synapses.name):
            arriving += self.buffers[link.source][self.slots(link)[0]]
        self._payloads[synapses.name] = wrap(arriving, WORD)

    def _run(self, group: Group) -> None:
        effects = execute(
            group.program,
            states=self.states[group.name],
            inputs=self._ports(group),
            constants={name: _spread(constant, group) for name, constant in group.constants.items()},
            index=np.arange(group.size),
            time=self.time,
        )
        self.states[group.name] = effects.states
        self._observed[group.name] = effects.observed
        for name, payload in effects.outputs.items():
            emitted = payload if group.topology is None else row_sums(payload, group.topology)
            self.buffers[group.name, name][self.time % self.depth] = wrap(emitted, WORD)

    def observed(self, group: str, name: str) -> NDArray[Any]:
        return self._observed[group][name]

    def learn(self, synapses: LearningSynapses) -> None:
        """The learning step, with what the postsynaptic group supplies; a state that it does not declare reads 0."""
        states, size = self.states[synapses.neuron], synapses.topology.n_post
        post = np.asarray(states.get("y0", np.zeros(size, np.int64)) != 0)
        y = np.array([states.get(name, np.zeros(size, np.int64)) for name in Y_TRACES])
        plastic = self._connections[synapses.name]
        plastic.step_number = self.time
        plastic.step(self._payloads[synapses.name], post, y if synapses.rule.supplied else None)

    def _ports(self, group: Group) -> dict[str, Integers]:
        """What every port of a group reads: the sum of its links' messages, wrapped to a word."""
        ports = {variable.name: np.zeros(group.size, np.int64) for variable in group.program.inputs}
        for link in self.network.links_to(group.name):
            ports[link.target[1]] = ports[link.target[1]] + self._arriving(link, group)
        return {name: wrap(values, WORD) for name, values in ports.items()}

    def _arriving(self, link: Link, group: Group) -> Any:
        if link.kind in ("plastic", "matrix"):
            return self.synaptic(link)
        buffer, slots = self.buffers[link.source], self.slots(link)
        if link.kind == "pre" and group.topology is not None:
            return buffer[slots, group.topology.col]
        if link.kind == "post" and group.topology is not None:
            return buffer[slots[0], group.topology.row]
        if link.kind == "total":
            return buffer[slots[0]].sum()
        if link.kind == "all":
            return buffer[slots[0], 0]
        return buffer[slots[0]]  # same, rows

    def synaptic(self, link: Link) -> Integers:
        """What a link of kind ``matrix`` or ``plastic`` delivers in this step: weights times payloads, row by row."""
        if link.kind == "plastic":
            topology = self.network.learning[link.source[0]].topology
            weights, payload = self.states[link.source[0]]["weights"], self._payloads[link.source[0]][topology.col]
        else:
            if link.topology is None or link.weights is None:
                raise ValueError(f"a link of kind matrix has a topology and weights: {link.source} to {link.target}")
            topology, weights = link.topology, link.weights
            payload = self.buffers[link.source][self.slots(link), topology.col]
        total = row_sums(weights * payload, topology)
        return total << link.shift if link.shift >= 0 else total >> -link.shift


def row_sums(values: Integers, topology: Topology) -> Integers:
    """Σ over the synapses of each row, exactly."""
    total = np.zeros(topology.n_post, np.int64)
    np.add.at(total, topology.row, values)
    return total


def _spread(constant: Constant, group: Group) -> Integers:
    """A constant's value for each compartment."""
    if constant.along == "pre" and group.topology is not None:
        return constant.values[group.topology.col]
    if constant.along == "post" and group.topology is not None:
        return constant.values[group.topology.row]
    return np.broadcast_to(constant.values, (group.size,))
