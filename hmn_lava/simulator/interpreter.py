"""The golden executor: the microcode's interpreter, the learning engine's connection, messages by array indexing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.fixed import Integers, wrap
from hmn_lava.learning.records import Y_TRACES
from hmn_lava.memory import refuse_above_memory
from hmn_lava.microcode.interpreter import execute
from hmn_lava.microcode.ir import WORD
from hmn_lava.network import Constant, Group, IntegerNetwork, LearningSynapses, Link, Topology
from hmn_lava.simulator.executor import Executor


class Interpreter(Executor):
    """Runs each program instruction by instruction in int64. What it computes is what a bundle means."""

    backend = "interpreter"

    def __init__(self, network: IntegerNetwork, depth: int | None = None) -> None:
        refuse_above_memory(
            network.bytes(wide=True), field=network.name, remedy="use the backend fast, or fewer synapses"
        )
        self._connections = {s.name: s.connection() for s in network.learning.values()}
        self._observed: dict[str, dict[str, Integers]] = {}
        super().__init__(network, depth)

    def allocate(self) -> None:
        super().allocate()
        for name, synapses in self.network.learning.items():
            self.states[name] = synapses.states(self._connections[name])

    def compute(self, observe: Mapping[str, set[str]]) -> None:
        for group in self.network.groups.values():
            self._run(group)
        for synapses in self.network.learning.values():
            self.learn(synapses, self.supplied(synapses))

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

    def supplied(self, synapses: LearningSynapses) -> dict[str, Integers]:
        """What the postsynaptic group supplies in this step: the output y0 and the states y1 to y3 that it has."""
        emitted = self.buffers.get((synapses.neuron, "y0"))
        spike = {} if emitted is None else {"y0": emitted[self.time % self.depth]}
        return spike | {y: v for y, v in self.states[synapses.neuron].items() if y in Y_TRACES}

    def learn(self, synapses: LearningSynapses, supplied: Mapping[str, Integers]) -> None:
        """Take the payloads p of this step; a_buff = W p; then the engine learns. What is not supplied reads 0."""
        payloads, topology, silent = self._payloads(synapses), synapses.topology, np.zeros(synapses.topology.n_post)
        states = self.states[synapses.name]
        states["a_buff"][:] = row_sums(states["weights"] * payloads[topology.col], topology)
        y = np.array([supplied.get(name, silent) for name in Y_TRACES], np.int64)
        plastic = self._connections[synapses.name]
        plastic.step_number = self.time
        plastic.step(payloads, np.asarray(supplied.get("y0", silent) != 0), y if synapses.rule.supplied else None)

    def _payloads(self, synapses: LearningSynapses) -> Integers:
        """The payloads that are at the axons in this step."""
        arriving = np.zeros(synapses.topology.n_pre, np.int64)
        for link in self.network.links_to(synapses.name):
            arriving += self.buffers[link.source][(self.time - link.delay[0]) % self.depth]
        payloads: Integers = wrap(arriving, WORD)
        return payloads

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
            total = self.states[link.source[0]]["a_buff"]
        elif link.topology is not None and link.weights is not None:
            payload = self.buffers[link.source][self.slots(link), link.topology.col]
            total = row_sums(link.weights * payload, link.topology)
        else:
            raise ValueError(f"a link of kind matrix has a topology and weights: {link.source} to {link.target}")
        return total << link.shift if link.shift >= 0 else total >> -link.shift


def row_sums(values: Integers, topology: Topology) -> Integers:
    """Σ over the synapses of each row, exactly."""
    total = np.zeros(topology.n_post, np.int64)
    np.add.at(total, topology.row, values)
    return total


def _spread(constant: Constant, group: Group) -> Integers:
    """A constant's value for each compartment."""
    values = constant.values.astype(np.int64)
    if constant.along in ("pre", "post") and group.topology is not None:
        spread: Integers = values[group.topology.col if constant.along == "pre" else group.topology.row]
        return spread
    return np.broadcast_to(values, (group.size,))
