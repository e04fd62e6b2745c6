"""The golden executor: the microcode interpreter on every group, messages by plain array indexing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.fixed import Integers, wrap
from hmn_lava.microcode.interpreter import execute
from hmn_lava.microcode.ir import WORD
from hmn_lava.network import Constant, Group, IntegerNetwork, Link, Topology
from hmn_lava.simulator.executor import Executor


class Interpreter(Executor):
    """Runs each program instruction by instruction in int64. What it computes is what a bundle means."""

    backend = "interpreter"

    def __init__(self, network: IntegerNetwork) -> None:
        super().__init__(network)
        self._observed: dict[str, dict[str, Integers]] = {}

    def compute(self, observe: Mapping[str, set[str]]) -> None:
        slot = self.time % self.depth
        for group in self.network.groups.values():
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
                self.buffers[group.name, name][slot] = wrap(emitted, WORD)

    def observed(self, group: str, name: str) -> NDArray[Any]:
        return self._observed[group][name]

    def _ports(self, group: Group) -> dict[str, Integers]:
        """What every port of a group reads: the sum of its links' messages, wrapped to a word."""
        ports = {variable.name: np.zeros(group.size, np.int64) for variable in group.program.inputs}
        for link in self.network.links_to(group.name):
            ports[link.target[1]] = ports[link.target[1]] + self._arriving(link, group)
        return {name: wrap(values, WORD) for name, values in ports.items()}

    def _arriving(self, link: Link, group: Group) -> Any:
        buffer, slots = self.buffers[link.source], self.slots(link)
        if link.kind == "matrix" and link.topology is not None and link.weights is not None:
            products = link.weights * buffer[slots, link.topology.col]
            total = row_sums(products, link.topology)
            return total << link.shift if link.shift >= 0 else total >> -link.shift
        if link.kind == "pre" and group.topology is not None:
            return buffer[slots, group.topology.col]
        if link.kind == "post" and group.topology is not None:
            return buffer[slots[0], group.topology.row]
        if link.kind == "total":
            return buffer[slots[0]].sum()
        if link.kind == "all":
            return buffer[slots[0], 0]
        return buffer[slots[0]]  # same, rows


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
