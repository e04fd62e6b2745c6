"""A part of a network in floating point: the equations on the ports, and with the delays, of its program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hmn_lava.network import Group, Link
from hmn_lava.partition import Part
from hmn_lava.reference.equations import Floats


class Equations(Protocol):
    """What a component computes in a step.

    ``states`` are its states by the names that they have as Vars, in the shapes that they have there or flat.
    """

    states: dict[str, Floats]

    def step(self, ports: Mapping[str, Floats], t: int) -> Mapping[str, Floats]:
        """Move ``states`` by one step and return what leaves, by the names of the program's outputs.

        ``ports`` holds what each input of the program reads, one number for each compartment. ``t`` is the step.
        """


class FloatPart:
    """``equations`` in the place of a part's program; ports and delays are those of the part.

    In each step it receives the early messages, computes, sends, and receives the others, as
    :class:`hmn_lava.simulator.part.PartExecutor` does.
    """

    def __init__(self, part: Part, equations: Equations) -> None:
        self.part, self.equations = part, equations
        self.time = 0
        self._rings = {port.name: np.zeros((part.depth, port.size)) for port in part.inputs}

    @property
    def states(self) -> dict[str, Floats]:
        """The states by the names of their Vars."""
        return self.equations.states

    def load(self, variables: Mapping[str, NDArray[Any]]) -> None:
        """Take the states as the Vars have them."""
        for name, state in self.states.items():
            state[...] = variables[name].reshape(state.shape)

    def step_once(self, receive: Callable[[str], NDArray[Any]], send: Callable[[str, Floats], None]) -> None:
        """One step of the chip."""
        for port in self.part.inputs:
            if port.early:
                self._rings[port.name][(self.time - 1) % self.part.depth] = receive(port.name)
        left = self.equations.step(self._ports(), self.time)
        for out in self.part.outputs:
            send(out.name, np.asarray(left[out.source[1]]))
        for port in self.part.inputs:
            if not port.early:
                self._rings[port.name][self.time % self.part.depth] = receive(port.name)
        self.time += 1

    def _ports(self) -> dict[str, Floats]:
        group = self.part.group
        if group is None:
            return {"x": self._arriving(self.part.network.links[0], None)}
        ports = {variable.name: np.zeros(group.size) for variable in group.program.inputs}
        for link in self.part.network.links_to(group.name):
            ports[link.target[1]] = ports[link.target[1]] + self._arriving(link, group)
        return ports

    def _arriving(self, link: Link, group: Group | None) -> Any:
        """What a link brings; for static synapses, the presynaptic activity of each."""
        ring, slots = self._rings[link.source[0]], (self.time - 1 - link.delay) % self.part.depth
        if link.kind == "matrix" and link.topology is not None:
            return ring[slots, link.topology.col]
        topology = None if group is None else group.topology
        if link.kind == "pre" and topology is not None:
            return ring[slots, topology.col]
        if link.kind == "post" and topology is not None:
            return ring[slots[0], topology.row]
        if link.kind == "total":
            return ring[slots[0]].sum()
        return ring[slots[0], 0] if link.kind == "all" else ring[slots[0]]
