"""Writes an integer network into the memory and the tables that ``machine`` runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from hmn_lava.fixed import Integers
from hmn_lava.learning.records import X_TRACES, Y_TRACES
from hmn_lava.microcode.ir import Instruction, Operand, Program
from hmn_lava.network import Group, IntegerNetwork, LearningSynapses, Link
from hmn_lava.simulator import machine as m
from hmn_lava.simulator.learner_tables import Rooms

_OPS = {
    "mov": m.MOV,
    "add": m.ADD,
    "sub": m.SUB,
    "neg": m.NEG,
    "min": m.MIN,
    "and": m.AND,
    "or": m.OR,
    "shl": m.SHL,
    "shr": m.SHR,
    "mul": m.MUL,
    "lt": m.LT,
    "ge": m.GE,
    "eq": m.EQ,
    "sel": m.SEL,
    "time": m.TIME,
    "index": m.INDEX,
}
_ALONG = {"all": m.ONE_FOR_ALL, "each": m.ONE_EACH, "pre": m.ONE_PER_PRE, "post": m.ONE_PER_POST}


class Memory:
    """Where everything lies in the one array.

    Kernels of large groups keep states and topology of their own; messages are shared.
    """

    def __init__(self, network: IntegerNetwork, depth: int, members: Iterable[str]) -> None:
        self.network, self.depth, self.members = network, depth, tuple(members)
        self._pieces: list[Integers] = []
        self._size = 0
        self.buffers: dict[tuple[str, str], tuple[int, int]] = {}  # output -> (place, width)
        self.states: dict[tuple[str, str], int] = {}
        self.observed: dict[tuple[str, str], int] = {}
        self._known: dict[int, int] = {}  # id of an array that is in the memory already -> place
        for source in network.inputs.values():
            self.buffers[source.name, "x"] = (self._room(depth * source.size), source.size)
        for group in network.groups.values():
            width = group.size if group.topology is None else group.topology.n_post
            for output in group.program.outputs:
                self.buffers[group.name, output.name] = (self._room(depth * width), width)
        for name in self.members:
            group = network.groups[name]
            for state in group.program.states:
                self.states[name, state.name] = self._put(np.broadcast_to(group.initial[state.name], (group.size,)))
            for observable in group.program.observables:
                self.observed[name, observable.name] = self._room(group.size)
        self.groups = [network.groups[name] for name in self.members]
        self.learning = {s.name: self._learning(s) for s in network.learning.values()}
        self.links = {link: self._link(link) for group in self.groups for link in network.links_to(group.name)}
        self.topology = {
            g.name: (self.place(g.topology.row), self.place(g.topology.col))
            for g in self.groups
            if g.topology is not None
        }
        self.constants = {
            (g.name, name): self.place(constant.values) for g in self.groups for name, constant in g.constants.items()
        }
        self.array: Integers = np.concatenate([*self._pieces, np.zeros(1, np.int64)])
        self._pieces = []

    def place(self, array: Integers) -> int:
        """The place of an array that does not change; arrays that several users share are written once."""
        if id(array) not in self._known:
            self._known[id(array)] = self._put(array)
        return self._known[id(array)]

    def view(self, place: int, *shape: int) -> Integers:
        """A view of a piece of memory."""
        return self.array[place : place + int(np.prod(shape))].reshape(shape)

    def _put(self, array: Integers) -> int:
        self._pieces.append(np.array(array, np.int64).ravel())
        self._size += array.size
        return self._size - array.size

    def _room(self, size: int) -> int:
        return self._put(np.zeros(size, np.int64))

    def _learning(self, synapses: LearningSynapses) -> Rooms:
        network, name, topology = self.network, synapses.name, synapses.topology
        n_pre, n_post, moments = topology.n_pre, topology.n_post, synapses.rule.t_epoch + 1
        for variable, values in synapses.initial.items():
            self.states[name, variable] = self._put(values)
        for names, size in ((X_TRACES, n_pre), (Y_TRACES, n_post), (("tx",), n_pre), (("ty",), n_post)):
            for variable in names:  # the traces of a side lie side by side
                self.states[name, variable] = self._room(size)
        self.states[name, "a_buff"] = self._room(n_post)
        spikes, _ = self.buffers.get((synapses.neuron, "y0"), (-1, 0))
        return Rooms(
            starts=self._put(topology.starts),
            col=self.place(topology.col),
            states={variable: place for (owner, variable), place in self.states.items() if owner == name},
            neuron=(spikes, *(self.states.get((synapses.neuron, state), -1) for state in Y_TRACES)),
            payloads=self._room(n_pre),
            listed=self._room(1 + n_pre),
            x_history=self._room(moments * len(X_TRACES) * n_pre),
            y_history=self._room(moments * len(Y_TRACES) * n_post),
            axons=tuple((self.buffers[link.source][0], int(link.delay[0])) for link in network.links_to(name)),
        )

    def _link(self, link: Link) -> list[int]:
        if link.kind == "plastic":
            synapses = self.network.learning[link.source[0]]
            currents, width = self.states[synapses.name, "a_buff"], synapses.topology.n_post
            return [m.LINK_KINDS[link.kind], currents, width, 0, 1, 0, 0, 0, link.shift]
        buffer, width = self.buffers[link.source]
        starts = cols = weights = 0
        if link.kind == "matrix" and link.topology is not None and link.weights is not None:
            starts, cols, weights = (
                self._put(link.topology.starts),
                self.place(link.topology.col),
                self.place(link.weights),
            )
        delay = link.delay if link.delay.size else np.zeros(1, np.int64)
        return [m.LINK_KINDS[link.kind], buffer, width, self._put(delay), delay.size, starts, cols, weights, link.shift]


@dataclass(frozen=True, eq=False)
class Tables:
    """The tables of ``machine.run_steps`` for a set of observables."""

    groups: Integers
    code: Integers
    leaves: Integers
    links: Integers
    outs: Integers
    registers: Integers


def tables(memory: Memory, observe: Mapping[str, frozenset[str]]) -> Tables:
    """Tables of the member groups; ``observe`` maps groups to the observables whose values are kept."""
    code: list[list[int]] = []
    leaves: list[list[int]] = []
    links: list[list[int]] = []
    outs: list[list[int]] = []
    groups: list[list[int]] = []
    most = 1
    for group in memory.groups:
        starts = (len(code), len(leaves), len(outs))
        writer = _Writer(memory, group, observe.get(group.name, frozenset()), links)
        code += writer.code
        leaves += writer.leaves
        outs += [list(memory.buffers[group.name, output.name]) for output in group.program.outputs]
        most = max(most, writer.registers)
        row, col = memory.topology.get(group.name, (0, 0))
        rows = 0 if group.topology is None else group.topology.n_post
        groups.append([group.size, rows, starts[0], len(code), starts[1], len(leaves), row, col, starts[2], len(outs)])
    return Tables(
        _table(groups, m.GROUP_COLUMNS),
        _table(code, m.CODE_COLUMNS),
        _table(leaves, m.LEAF_COLUMNS),
        _table(links, m.LINK_COLUMNS),
        _table(outs, 2),
        np.zeros(most * m.BLOCK, np.int64),
    )


class _Writer:
    """The code and the leaves of one group."""

    def __init__(self, memory: Memory, group: Group, observed: frozenset[str], links: list[list[int]]) -> None:
        self.memory, self.group, self.observed = memory, group, observed
        self.code: list[list[int]] = []
        self.leaves: list[list[int]] = []
        self.registers = 0
        self._register: dict[Operand, int] = {}
        self._guards: list[tuple[int, int]] = []  # (end of the skipped region, register of its condition)
        self._leaves(group.program, links)
        for number, instruction in enumerate(group.program.instructions):
            self._guards = [guard for guard in self._guards if number < guard[0]]
            self._instruction(number, instruction)

    def _new(self) -> int:
        self.registers += 1
        return self.registers - 1

    def _leaves(self, program: Program, links: list[list[int]]) -> None:
        name = self.group.name
        for state in program.states:
            self._leaf(state.name, m.ONE_EACH, self.memory.states[name, state.name])
        for variable in program.constants:
            constant = self.group.constants[variable.name]
            self._leaf(variable.name, _ALONG[constant.along], self.memory.constants[name, variable.name])
        for port in program.inputs:
            first = len(links)
            links += [
                self.memory.links[link] for link in self.memory.network.links_to(name) if link.target[1] == port.name
            ]
            self._leaf(port.name, m.PORT, first, len(links))
        for observable in program.observables:
            if observable.name in self.observed and observable.register in self._register:
                self._effect(
                    m.OBSERVE, self._register[observable.register], -1, self.memory.observed[name, observable.name]
                )

    def _leaf(self, operand: Operand, kind: int, place: int, end: int = 0) -> int:
        register = self._new()
        self._register[operand] = register
        self.leaves.append([kind, register, place, end])
        return register

    def _operand(self, operand: Operand) -> int:
        if operand not in self._register and isinstance(operand, int):
            return self._leaf(operand, m.IMMEDIATE, operand)
        return self._register[operand]

    def _instruction(self, number: int, instruction: Instruction) -> None:
        op, name = instruction.op, self.group.name
        if op == "skip":
            condition, length = instruction.operands
            register = self._operand(condition)
            if self._guards:  # skipped where this or an outer condition says so
                both = self._new()
                self._row(m.OR, both, self._guards[-1][1], register)
                register = both
            self._guards.append((number + 1 + int(length), register))
            return
        guard = self._guards[-1][1] if self._guards else -1
        if op == "store":
            state = self.group.program.variable(str(instruction.operands[0]))
            place = self.memory.states[name, state.name]
            self._effect(
                m.STORE,
                self._operand(instruction.operands[1]),
                guard,
                place,
                state.format.bits,
                int(state.format.signed),
            )
            return
        if op == "emit":
            place, width = self.memory.buffers[name, str(instruction.operands[0])]
            self._effect(m.EMIT, self._operand(instruction.operands[1]), guard, place, width)
            return
        operands = list(instruction.operands)
        shift = int(operands.pop()) if op in ("shl", "shr", "mul") else 0
        registers = [self._operand(operand) for operand in operands]
        target = self._new()
        self._register[str(instruction.target)] = target
        a, b, c = [*registers, 0, 0, 0][:3]
        self._row(_OPS[op], target, a, b, c if op == "sel" else shift)
        for observable in self.group.program.observables:
            if observable.register == instruction.target and observable.name in self.observed:
                self._effect(m.OBSERVE, target, guard, self.memory.observed[name, observable.name])

    def _row(self, op: int, target: int, a: int, b: int = 0, c: int = 0) -> None:
        self.code.append([op, target, a, b, c, -1, 0, 0, 0])

    def _effect(self, op: int, register: int, guard: int, place: int, width: int = 0, signed: int = 0) -> None:
        self.code.append([op, 0, register, 0, 0, guard, place, width, signed])


def _table(rows: list[list[int]], columns: int) -> Integers:
    return np.array(rows, np.int64).reshape(len(rows), columns)
