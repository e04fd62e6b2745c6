"""The compiled machine: runs any network's programs from tables, many steps in one call.

All integers of a network lie in one array, the memory: states, constants, messages in flight, topology, what probes
watch. Tables say where, and which operations to run. The one function that reads them is compiled once for all
networks, so that a new network or rule is ready at once. Instructions run over blocks of compartments, so that fetching
an instruction costs little.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hmn_lava.microcode.ir import WORD
from hmn_lava.simulator.cache import compiled
from hmn_lava.simulator.learner import Learner, learn

BLOCK = 256
"""Compartments that an instruction is run over at a time: a few dozen registers of them fit the first cache."""

# Operations of the table. A shift is an operand; ``wrap`` follows where a result may leave its word.
(MOV, ADD, SUB, NEG, MIN, AND, OR, SHL, SHR, MUL, LT, GE, EQ, SEL, TIME, INDEX, STORE, EMIT, OBSERVE) = range(19)

# Columns of the tables.
OP, TARGET, A, B, C, GUARD, PLACE, WIDTH, SIGNED = range(9)
CODE_COLUMNS = 9
(SIZE, ROWS, CODE_FROM, CODE_TO, LEAF_FROM, LEAF_TO, ROW_AT, COL_AT, OUT_FROM, OUT_TO) = range(10)
GROUP_COLUMNS = 10
LEAF_KIND, LEAF_REGISTER, LEAF_AT, LEAF_TO_LINK = range(4)
LEAF_COLUMNS = 4
(KIND, BUFFER, BUFFER_WIDTH, DELAY_AT, DELAYS, STARTS_AT, COLS_AT, WEIGHTS_AT, SHIFT) = range(9)
LINK_COLUMNS = 9
WATCH_FROM, WATCH_RING, WATCH_SIZE, WATCH_TO, WATCH_START, WATCH_STOP, WATCH_STRIDE, WATCH_PHASE = range(8)
WATCH_COLUMNS = 8

# What fills a register before the instructions run.
IMMEDIATE, ONE_FOR_ALL, ONE_EACH, ONE_PER_PRE, ONE_PER_POST, PORT = range(6)

# Kinds of links, as in ``hmn_lava.network.Link``.
LINK_KINDS = {"same": 0, "rows": 0, "all": 1, "pre": 2, "post": 3, "total": 4, "matrix": 5, "plastic": 6}

_SAME, _ALL, _PRE, _POST, _TOTAL, _MATRIX, _PLASTIC = range(7)
_HIGH = 1 << (WORD - 1)
_MASK = (1 << WORD) - 1


@compiled
def step_group(
    memory: Any, group: Any, code: Any, leaves: Any, links: Any, outs: Any, registers: Any, time: int, depth: int
) -> None:
    """One step of one group."""
    size, rows = group[SIZE], group[ROWS]
    slot = time % depth
    for o in range(group[OUT_FROM], group[OUT_TO]):
        base = outs[o, 0] + slot * outs[o, 1]
        for j in range(outs[o, 1]):
            memory[base + j] = 0
    for lo in range(0, size, BLOCK):
        count = min(BLOCK, size - lo)
        for leaf in range(group[LEAF_FROM], group[LEAF_TO]):
            kind, at = leaves[leaf, LEAF_KIND], leaves[leaf, LEAF_AT]
            r = leaves[leaf, LEAF_REGISTER] * BLOCK
            if kind == IMMEDIATE:
                for e in range(count):
                    registers[r + e] = at
            elif kind == ONE_FOR_ALL:
                for e in range(count):
                    registers[r + e] = memory[at]
            elif kind == ONE_EACH:
                for e in range(count):
                    registers[r + e] = memory[at + lo + e]
            elif kind == ONE_PER_PRE:
                for e in range(count):
                    registers[r + e] = memory[at + memory[group[COL_AT] + lo + e]]
            elif kind == ONE_PER_POST:
                for e in range(count):
                    registers[r + e] = memory[at + memory[group[ROW_AT] + lo + e]]
            else:
                for e in range(count):
                    registers[r + e] = 0
                for number in range(at, leaves[leaf, LEAF_TO_LINK]):
                    _receive(memory, links[number], group, registers[r : r + BLOCK], lo, count, time, depth)
                for e in range(count):
                    registers[r + e] = ((registers[r + e] + _HIGH) & _MASK) - _HIGH
        for pc in range(group[CODE_FROM], group[CODE_TO]):
            _execute(memory, code, pc, group, registers, lo, count, time, slot)
    if rows > 0:
        for o in range(group[OUT_FROM], group[OUT_TO]):
            base = outs[o, 0] + slot * rows
            for j in range(rows):
                memory[base + j] = ((memory[base + j] + _HIGH) & _MASK) - _HIGH


@compiled
def _receive(memory: Any, link: Any, group: Any, port: Any, lo: int, count: int, time: int, depth: int) -> None:
    """Add what a link brings to compartments lo, lo + 1, ... of its target."""
    kind, width, at = link[KIND], link[BUFFER_WIDTH], link[DELAY_AT]
    if kind == _MATRIX:
        for e in range(count):
            total = 0
            for k in range(memory[link[STARTS_AT] + lo + e], memory[link[STARTS_AT] + lo + e + 1]):
                delay = memory[at + k] if link[DELAYS] > 1 else memory[at]
                ring = link[BUFFER] + ((time - 1 - delay) % depth) * width
                total += memory[link[WEIGHTS_AT] + k] * memory[ring + memory[link[COLS_AT] + k]]
            port[e] += total << link[SHIFT] if link[SHIFT] >= 0 else total >> -link[SHIFT]
        return
    if kind == _PRE and link[DELAYS] > 1:
        for e in range(count):
            ring = link[BUFFER] + ((time - 1 - memory[at + lo + e]) % depth) * width
            port[e] += memory[ring + memory[group[COL_AT] + lo + e]]
        return
    if kind == _PLASTIC:
        for e in range(count):
            total = memory[link[BUFFER] + lo + e]
            port[e] += total << link[SHIFT] if link[SHIFT] >= 0 else total >> -link[SHIFT]
        return
    ring = link[BUFFER] + ((time - 1 - memory[at]) % depth) * width
    if kind == _SAME:
        for e in range(count):
            port[e] += memory[ring + lo + e]
    elif kind == _ALL:
        for e in range(count):
            port[e] += memory[ring]
    elif kind == _PRE:
        for e in range(count):
            port[e] += memory[ring + memory[group[COL_AT] + lo + e]]
    elif kind == _POST:
        for e in range(count):
            port[e] += memory[ring + memory[group[ROW_AT] + lo + e]]
    else:
        total = 0
        for i in range(width):
            total += memory[ring + i]
        for e in range(count):
            port[e] += total


@compiled
def _execute(memory: Any, code: Any, pc: int, group: Any, x: Any, lo: int, elements: int, time: int, slot: int) -> None:
    """One instruction for a block of compartments, on the registers ``x``."""
    op, shift = code[pc, OP], code[pc, C]
    # Unsigned, so that nothing is spent on what a negative index would mean.
    count, block = np.uint64(elements), np.uint64(BLOCK)
    r, a, b = np.uint64(code[pc, TARGET]) * block, np.uint64(code[pc, A]) * block, np.uint64(code[pc, B]) * block
    if op == ADD:
        for e in range(count):
            x[r + e] = ((x[a + e] + x[b + e] + _HIGH) & _MASK) - _HIGH
    elif op == SUB:
        for e in range(count):
            x[r + e] = ((x[a + e] - x[b + e] + _HIGH) & _MASK) - _HIGH
    elif op == MUL:
        for e in range(count):
            x[r + e] = ((((x[a + e] * x[b + e]) >> shift) + _HIGH) & _MASK) - _HIGH
    elif op == SHR:
        for e in range(count):
            x[r + e] = x[a + e] >> shift
    elif op == SHL:
        for e in range(count):
            x[r + e] = (((x[a + e] << shift) + _HIGH) & _MASK) - _HIGH
    elif op == SEL:
        c = np.uint64(shift) * block
        for e in range(count):
            x[r + e] = x[b + e] if x[a + e] != 0 else x[c + e]
    elif op == LT:
        for e in range(count):
            x[r + e] = 1 if x[a + e] < x[b + e] else 0
    elif op == MIN:
        for e in range(count):
            x[r + e] = min(x[a + e], x[b + e])
    elif op == NEG:
        for e in range(count):
            x[r + e] = ((-x[a + e] + _HIGH) & _MASK) - _HIGH
    elif op == AND:
        for e in range(count):
            x[r + e] = x[a + e] & x[b + e]
    elif op == OR:
        for e in range(count):
            x[r + e] = x[a + e] | x[b + e]
    elif op == GE:
        for e in range(count):
            x[r + e] = 1 if x[a + e] >= x[b + e] else 0
    elif op == EQ:
        for e in range(count):
            x[r + e] = 1 if x[a + e] == x[b + e] else 0
    elif op == MOV:
        for e in range(count):
            x[r + e] = x[a + e]
    elif op == TIME:
        for e in range(count):
            x[r + e] = ((time + _HIGH) & _MASK) - _HIGH
    elif op == INDEX:
        for e in range(count):
            x[r + e] = ((lo + np.int64(e) + _HIGH) & _MASK) - _HIGH
    else:
        _effect(memory, code, pc, group, x, lo, elements, slot)


@compiled
def _effect(memory: Any, code: Any, pc: int, group: Any, x: Any, lo: int, count: int, slot: int) -> None:
    """A store, an emission or an observation: nothing, or zero, where the guard is not zero."""
    op, place, width = code[pc, OP], code[pc, PLACE], code[pc, WIDTH]
    a, guard, guarded = code[pc, A] * BLOCK, code[pc, GUARD] * BLOCK, code[pc, GUARD] >= 0
    if op == STORE:
        mask = (1 << width) - 1
        high = (1 << (width - 1)) if code[pc, SIGNED] else 0
        for e in range(count):
            if not (guarded and x[guard + e] != 0):
                memory[place + lo + e] = ((x[a + e] + high) & mask) - high
    elif op == OBSERVE:
        for e in range(count):
            memory[place + lo + e] = 0 if guarded and x[guard + e] != 0 else x[a + e]
    elif group[ROWS] > 0:
        base = place + slot * width
        for e in range(count):
            if not (guarded and x[guard + e] != 0):
                memory[base + memory[group[ROW_AT] + lo + e]] += x[a + e]
    else:
        base = place + slot * width
        for e in range(count):
            memory[base + lo + e] = 0 if guarded and x[guard + e] != 0 else x[a + e]


@compiled
def run_steps(
    memory: Any,
    groups: Any,
    code: Any,
    leaves: Any,
    links: Any,
    outs: Any,
    registers: Any,
    learner: Learner,
    driven: Any,
    inputs: Any,
    watches: Any,
    record: Any,
    steps: int,
    frame: int,
    time: int,
    depth: int,
) -> None:
    """``steps`` frames of a run that begins at step ``time`` of the chip.

    Feed the host's input, run all groups and all learning synapses, record what is watched.

    ``driven`` (steps, total) holds the input of each frame; rows of ``inputs`` say which of its columns go to which
    buffer.
    """
    now = time
    for step in range(steps):
        for phase in range(frame):
            feed(memory, inputs, driven, step, phase, now, depth)
            for g in range(groups.shape[0]):
                step_group(memory, groups[g], code, leaves, links, outs, registers, now, depth)
            for n in range(learner.synapses.shape[0]):
                learn(memory, learner, n, now, depth)
            watch(memory, watches, record, step, phase, now, depth)
            now += 1


@compiled
def feed(memory: Any, inputs: Any, driven: Any, step: int, phase: int, now: int, depth: int) -> None:
    """Write the host's input of a step of the chip into its ring buffers: that of the frame, then silence."""
    slot = now % depth
    for n in range(inputs.shape[0]):
        column, at, size = inputs[n, 0], inputs[n, 1], inputs[n, 2]
        for i in range(size):
            memory[at + slot * size + i] = driven[step, column + i] if phase == 0 else 0


@compiled
def watch(memory: Any, watches: Any, record: Any, step: int, phase: int, now: int, depth: int) -> None:
    """Copy what is watched after a step of the chip to its place in ``record``."""
    for n in range(watches.shape[0]):
        w = watches[n]
        if phase != w[WATCH_PHASE] or step < w[WATCH_START] or step >= w[WATCH_STOP]:
            continue
        if (step - w[WATCH_START]) % w[WATCH_STRIDE] != 0:
            continue
        size = w[WATCH_SIZE]
        source = w[WATCH_FROM] + (now % depth) * size if w[WATCH_RING] else w[WATCH_FROM]
        target = w[WATCH_TO] + (step - w[WATCH_START]) // w[WATCH_STRIDE] * size
        for i in range(size):
            record[target + i] = memory[source + i]
