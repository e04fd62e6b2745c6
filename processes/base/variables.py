"""The Vars of a Process, and where they are in the executor of its part. No Lava here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.fixed import Fixed, Integers
from hmn_lava.learning.records import VARIABLE_NAMES
from hmn_lava.microcode.ir import WORD
from hmn_lava.network import Constant, Topology
from hmn_lava.partition import Part
from hmn_lava.simulator.part import CURRENT_BITS, PartExecutor

NAMES = {"w": "weights"}
"""States that Lava has another name for."""

SYNAPTIC = frozenset(VARIABLE_NAMES.values())
"""Variables of the synapses among those of a connection that learns."""


def initial_values(
    part: Part, observe: Collection[str] = (), states: Mapping[str, Integers] | None = None
) -> dict[str, Integers]:
    """Every Var but ``messages``, with its first value: states, constants or static weights, observables."""
    executor = PartExecutor(part)
    own = executor.own | dict(states or {})
    synaptic = SYNAPTIC if part.learning is not None else executor.states.get(part.name, {})
    values = {NAMES.get(name, name): shaped(part, v) if name in synaptic else v for name, v in own.items()}
    values |= {name: np.array(value) for name, value in parameters(part).items()}
    group = part.group
    if group is not None:
        values |= {observable(name, values): shaped(part, np.zeros(group.size, np.int64)) for name in observe}
    return values


def observable(name: str, taken: Collection[str]) -> str:
    """The Var of an observable."""
    return f"{name}_observed" if name in taken else name


def parameters(part: Part) -> dict[str, Integers]:
    """What may be set while the component runs: constants of its programs, weights of static synapses."""
    if part.network.groups:
        groups = part.network.groups.values()
        return {n: c.values.astype(np.int64) for group in groups for n, c in group.constants.items()}
    if part.component == "static":
        link = part.network.links[0]
        if link.weights is not None:
            return {"weights": shaped(part, link.weights.astype(np.int64))}
    return {}


def formats(part: Part) -> dict[str, Fixed]:
    """The format of each port, state and constant, as the programs declare it.

    Whole numbers where no program does. States and constants go by the names of their Vars.
    """
    network = part.network
    own = {
        NAMES.get(v.name, v.name): v.format
        for group in network.groups.values()
        for v in (*group.program.states, *group.program.constants)
    }
    declared = {
        (group.name, v.name): v.format
        for group in network.groups.values()
        for v in (*group.program.inputs, *group.program.states, *group.program.outputs)
    }
    read = {link.source[0]: link.target for link in reversed(network.links)}
    ends = {port.name: read.get(port.name) for port in (*part.inputs, *part.supplied)}
    ends |= {out.name: out.source for out in part.outputs}
    found = {port: Fixed(WORD) if end is None else declared.get(end, Fixed(WORD)) for port, end in ends.items()}
    return own | found | ({"a_out": Fixed(CURRENT_BITS)} if part.learning is not None else {})


def topology(part: Part) -> Topology | None:
    """The synapses of a part that has any."""
    if part.group is not None:
        return part.group.topology
    if part.learning is not None:
        return part.learning.topology
    return part.network.links[0].topology


def shaped(part: Part, values: Integers) -> Integers:
    """One value for each synapse as a matrix (n_post, n_pre), where all synapses are there."""
    synapses = topology(part)
    if synapses is not None and synapses.dense and values.size == synapses.size:
        return values.reshape(synapses.n_post, synapses.n_pre)
    return values


def messages_shape(part: Part) -> tuple[int, int]:
    """Slots, and integers in each: the ring buffers of all ports side by side, as :class:`Bound` lays them out."""
    return part.depth, sum(buffer.shape[1] for buffer in PartExecutor(part).buffers.values())


def pack_messages(part: Part, buffers: Mapping[tuple[str, str], NDArray[Any]]) -> Integers:
    """``messages`` from the ring buffers of the whole network."""
    executor = PartExecutor(part)
    ports = {port.name for port in part.inputs}
    columns = []
    for key, ring in executor.buffers.items():
        source = part.sources.get(key[0]) if key[0] in ports else key  # an early port keeps nothing
        columns.append(ring if source is None else buffers[source])
    return np.concatenate([*columns, np.zeros((part.depth, 0), np.int64)], axis=1)


def unpack_messages(part: Part, messages: Integers) -> dict[tuple[str, str], Integers]:
    """The ring buffers that this part writes, by (owner, variable) of the whole network."""
    found, column = {}, 0
    for key, ring in PartExecutor(part).buffers.items():
        if key[0] == part.name:
            found[key] = messages[:, column : column + ring.shape[1]]
        column += ring.shape[1]
    return found


class Bound:
    """An executor of a part that works on the Vars of a ProcessModel: it computes with what a Var is set to."""

    def __init__(self, part: Part, variables: dict[str, NDArray[Any]], observe: Collection[str], time: int) -> None:
        """``variables`` are the arrays of the Vars; they are kept, and written in place."""
        self.part, self.observe = part, frozenset(observe)
        self.variables = variables
        settable = {name: variables[name] for name in parameters(part)}
        self.executor = PartExecutor(_with_parameters(part, settable))
        self.executor.time = time
        column = 0
        for key, ring in self.executor.buffers.items():
            self.executor.buffers[key] = variables["messages"][:, column : column + ring.shape[1]]
            column += ring.shape[1]

    def load(self) -> None:
        """Take the states as the Vars have them."""
        for name, state in self.executor.own.items():
            state[...] = self.variables[NAMES.get(name, name)].reshape(-1)

    def store(self) -> None:
        """Let the Vars show the states, and what is observed."""
        for name, state in self.executor.own.items():
            variable = self.variables[NAMES.get(name, name)]
            variable[...] = state.reshape(variable.shape)
        own = [name for name in self.variables if name not in self.observe]
        for name in self.observe:
            variable = self.variables[observable(name, own)]
            variable[...] = self.executor.observed(self.part.name, name).reshape(variable.shape)


def _with_parameters(part: Part, arrays: Mapping[str, NDArray[Any]]) -> Part:
    """The part with its constants in these arrays."""
    network = part.network
    if network.groups:
        groups = {}
        for group in network.groups.values():
            constants = {name: Constant(arrays[name], c.along) for name, c in group.constants.items()}
            groups[group.name] = replace(group, constants=constants)
        network = replace(network, groups=groups)
    elif part.component == "static":
        link = network.links[0]
        network = replace(network, links=(replace(link, weights=arrays["weights"].reshape(-1)), *network.links[1:]))
    return replace(part, network=network)
