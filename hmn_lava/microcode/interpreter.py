"""The golden interpreter: what a program means, one instruction at a time, in int64.

It is written to be read, not to be fast. Every other executor must give the same integers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hmn_lava.fixed import Integers, wrap
from hmn_lava.microcode.ir import WORD, Operand, Program


@dataclass
class Effects:
    """What one step of a program did.

    New states, emitted payloads, and the observables (zero where they were skipped).
    """

    states: dict[str, Integers]
    outputs: dict[str, Integers]
    observed: dict[str, Integers]


def execute(
    program: Program,
    *,
    states: Mapping[str, Integers],
    inputs: Mapping[str, Any],
    constants: Mapping[str, Any],
    index: Integers,
    time: int,
) -> Effects:
    """Run ``program`` once for all compartments of a group.

    ``states``, ``inputs`` and ``constants`` map declared names to integers or to arrays that broadcast to the shape of
    ``index``, the numbers of the compartments. Nothing that is handed in is changed. The program must have passed the
    verifier.
    """
    values: dict[str, Any] = {**states, **inputs, **constants}
    after = {name: np.broadcast_to(np.asarray(value, np.int64), index.shape) for name, value in states.items()}
    outputs = {port.name: np.zeros(index.shape, np.int64) for port in program.outputs}
    observed: dict[str, Integers] = {}
    skips: list[tuple[int, Any]] = []  # (first instruction behind the region, where it is skipped)

    def read(operand: Operand) -> Any:
        return operand if isinstance(operand, int) else values[operand]

    for number, instruction in enumerate(program.instructions):
        skips = [skip for skip in skips if number < skip[0]]
        active = np.ones(index.shape, bool)
        for _, skipped in skips:
            active = active & ~skipped
        op = instruction.op
        if op == "skip":
            condition, length = instruction.operands
            skips.append((number + 1 + int(length), np.not_equal(read(condition), 0)))
        elif op in ("store", "emit"):
            name, operand = instruction.operands
            where = after if op == "store" else outputs
            where[str(name)] = np.where(active, read(operand), where[str(name)]).astype(np.int64)
        else:
            operands = [read(operand) for operand in instruction.operands]
            values[str(instruction.target)] = wrap(_compute(op, operands, index, time), WORD)
            observed[str(instruction.target)] = np.where(active, values[str(instruction.target)], 0)
    for state in program.states:
        after[state.name] = state.format.wrap(after[state.name])
    readable = {variable.name for variable in program.readable}
    watched = {
        o.name: np.broadcast_to(np.asarray(values[o.register]), index.shape)
        if o.register in readable
        else observed[o.register]
        for o in program.observables
    }
    return Effects(after, outputs, watched)


def _compute(op: str, operands: list[Any], index: Integers, time: int) -> Any:
    """The result of one operation before it is wrapped to a word."""
    if op == "time":
        return np.int64(time)
    if op == "index":
        return index
    a = np.asarray(operands[0], np.int64)
    if op == "mov":
        return a
    if op == "neg":
        return -a
    b = operands[1]
    if op == "add":
        return a + b
    if op == "sub":
        return a - b
    if op == "min":
        return np.minimum(a, b)
    if op == "and":
        return a & b
    if op == "or":
        return a | b
    if op == "shl":
        return a << b
    if op == "shr":
        return a >> b
    if op == "mul":
        return (a * b) >> operands[2]
    if op == "lt":
        return (a < b).astype(np.int64)
    if op == "ge":
        return (a >= b).astype(np.int64)
    if op == "eq":
        return (a == b).astype(np.int64)
    if op == "sel":
        return np.where(a != 0, b, operands[2])
    raise ValueError(f"unknown operation {op!r}")
