"""One part of a cut network, step by step, with messages through ports: what a Lava ProcessModel does in a step."""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.fixed import Integers, wrap
from hmn_lava.network import LearningSynapses
from hmn_lava.partition import SUPPLIED, Part
from hmn_lava.simulator.interpreter import Interpreter

CURRENT_BITS = 32
"""Bits of a synaptic current on its way: Lava's ports carry as many."""

Receive = Callable[[str], NDArray[Any]]
Send = Callable[[str, Integers], None]


class PartExecutor(Interpreter):
    """The interpreter of one part. ``states`` and ``buffers`` are all that its next step depends on, with ``time``.

    In each step it receives the early messages, computes, sends, and receives the others, which are read in the next
    step. Synapses of the learning engine send the current of the last step, then receive what they learn from in this
    one. So no ring of parts ever waits for itself.
    """

    def __init__(self, part: Part) -> None:
        self.part = part
        super().__init__(part.network, part.depth)

    def allocate(self) -> None:
        super().allocate()
        for name, synapses in self.network.learning.items():  # Lava shows these two as well
            sizes = {"x0": synapses.topology.n_pre, "y0": synapses.topology.n_post}
            self.states[name] |= {state: np.zeros(size, np.int64) for state, size in sizes.items()}

    @property
    def own(self) -> dict[str, NDArray[Any]]:
        """The states of all groups, or of the synapses, by name."""
        owners = [*self.part.network.groups, *self.part.network.learning]
        return {name: state for owner in owners for name, state in self.states[owner].items()}

    def step_once(self, receive: Receive, send: Send, observe: Set[str] = frozenset()) -> None:
        """One step of the chip. ``observe`` names the observables that :meth:`observed` must give after it."""
        synapses = self.part.learning
        for port in self.part.inputs:
            if port.early:  # read in this step, as if it had been sent in the one before
                self.buffers[port.name, "x"][(self.time - 1) % self.depth] = receive(port.name)
        if synapses is None:
            self.compute({self.part.name: set(observe)})
        for out in self.part.outputs:
            send(out.name, self.emitted(*out.source))
        for port in self.part.inputs:
            if not port.early:
                arrived = receive(port.name)
                self.buffers[port.name, "x"][self.time % self.depth] = arrived != 0 if port.binary else arrived
        if synapses is not None:
            self._learn(synapses, receive)
        self.time += 1

    def _learn(self, synapses: LearningSynapses, receive: Receive) -> None:
        ports = {sender.replace("_out_", "_in_"): variable for variable, sender in SUPPLIED.items()}
        self.learn(synapses, {ports[p.name]: np.asarray(receive(p.name), np.int64) for p in self.part.supplied})
        states = self.states[synapses.name]
        states["y0"][:] = states["ty"] > 0  # x0 is set within Lava's learning phase alone

    def emitted(self, owner: str, variable: str) -> Integers:
        """What leaves by a port in this step: a message, a state that a neuron supplies, or a synaptic current."""
        if self.part.component in ("static", "learning"):
            link = next(link for link in self.network.links if link.kind in ("matrix", "plastic"))
            return np.asarray(wrap(self.synaptic(link), CURRENT_BITS))
        if (owner, variable) in self.buffers:
            return np.asarray(self.buffers[owner, variable][self.time % self.depth])
        return self.states[owner][variable]
