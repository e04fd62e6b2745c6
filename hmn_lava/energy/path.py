"""How many instructions of a program a compartment executes in a step: those that no skip jumps over.

``skip c n`` jumps over the next n instructions where c is not zero, so the count depends on the path. A condition that
follows from the step counter alone (a program waiting for its step of the frame) is computed; any other is observed, as
an observable that is added to the program and costs it nothing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hmn_lava.energy.activity import Activity, Likely, both, neither
from hmn_lava.fixed import Fixed, Integers, wrap
from hmn_lava.microcode.interpreter import execute
from hmn_lava.microcode.ir import WORD, Instruction, Observable, Program, Variable
from hmn_lava.network import Group

_WORD = Fixed(WORD, True)
_NOTHING = 0


def skips(program: Program) -> dict[int, Instruction]:
    """The skips of a program, by their numbers."""
    return {n: instruction for n, instruction in enumerate(program.instructions) if instruction.op == "skip"}


def regions(program: Program) -> list[tuple[int, ...]]:
    """For each instruction, the numbers of the skips that may jump over it, outermost first."""
    found: list[tuple[int, ...]] = []
    open_until: list[tuple[int, int]] = []
    for number, instruction in enumerate(program.instructions):
        open_until = [(skip, end) for skip, end in open_until if number < end]
        found.append(tuple(skip for skip, _ in open_until))
        if instruction.op == "skip":
            open_until.append((number, number + 1 + int(instruction.operands[1])))
    return found


def clocked_skips(program: Program) -> tuple[int, ...]:
    """The skips whose condition follows from the step counter."""
    known: set[str] = set()
    for i in program.instructions:
        if i.target is not None and i.op != "index" and all(o in known for o in i.operands if isinstance(o, str)):
            known.add(i.target)
    return tuple(n for n, i in skips(program).items() if isinstance(i.operands[0], int) or i.operands[0] in known)


def clock(program: Program, first: int, steps: int) -> dict[int, NDArray[np.bool_]]:
    """Where the conditions of :func:`clocked_skips` hold in the steps from ``first`` on, (steps, 1) each."""
    wanted = clocked_skips(program)
    if not wanted:
        return {}
    known: set[str] = set()
    part: list[Instruction] = []
    for i in program.instructions:
        if i.target is None or i.op == "index" or not all(o in known for o in i.operands if isinstance(o, str)):
            continue
        known.add(i.target)
        # The interpreter takes one time for all compartments: here each compartment stands for a step.
        part.append(replace(i, op="mov", operands=("step",)) if i.op == "time" else i)
    conditions = {n: program.instructions[n].operands[0] for n in wanted}
    registers = sorted({c for c in conditions.values() if isinstance(c, str)})
    observables = tuple(Observable(name, name, _WORD) for name in registers)
    alone = Program(
        program.name,
        inputs=(Variable("step", _WORD, _WORD.min, _WORD.max),),
        instructions=tuple(part),
        observables=observables,
    )
    time = np.arange(first, first + steps, dtype=np.int64)
    seen = execute(alone, states={}, inputs={"step": wrap(time, WORD)}, constants={}, index=time, time=0).observed
    values = {n: seen[c] if isinstance(c, str) else np.full(steps, c) for n, c in conditions.items()}
    return {n: (value != _NOTHING)[:, None] for n, value in values.items()}


def watched(program: Program, outputs: bool) -> Program:
    """The program with observables for the conditions that must be observed, ``skip_<number>``.

    With ``outputs``, also for all that it emits, ``emit_<number>``.
    """
    computed = clocked_skips(program)
    added = [Observable(f"skip_{n}", str(i.operands[0]), _WORD) for n, i in skips(program).items() if n not in computed]
    if outputs:
        added += [
            Observable(f"emit_{n}", str(i.operands[1]), _WORD)
            for n, i in enumerate(program.instructions)
            if i.op == "emit" and isinstance(i.operands[1], str)
        ]
    return replace(program, observables=(*program.observables, *added))


def alive(group: Group, around: tuple[int, ...], activity: Activity) -> Likely:
    """Where an instruction with the skips ``around`` it is executed, (steps, size) or (steps, 1)."""
    found: Likely = np.ones((activity.steps, 1), bool)
    for number in around:
        found = both(found, neither(activity.skipped[group.name, number]))
    return found


def sent(group: Group, output: str, values: dict[int, Integers], skipped: dict[int, Likely], steps: int) -> Likely:
    """Which compartments sent something that is not zero: the last emission that was not skipped counts.

    ``values``: of each emission's register, by its number, (steps, size).
    """
    found = np.zeros((steps, group.size), bool)
    around = regions(group.program)
    for n, i in enumerate(group.program.instructions):
        if i.op == "emit" and i.operands[0] == output:
            here = np.ones((steps, 1), bool)
            for number in around[n]:
                here = here & ~skipped[number]
            value = values[n] != 0 if n in values else np.full((steps, 1), i.operands[1] != 0)
            found = np.where(here, value, found)
    return found


def by_region(program: Program, terms: list[str]) -> dict[tuple[tuple[int, ...], str], int]:
    """How many instructions there are for each set of skips around them, and each term that they serve."""
    found: dict[tuple[tuple[int, ...], str], int] = defaultdict(int)
    for around, term in zip(regions(program), terms, strict=True):
        found[around, term] += 1
    return dict(found)
