"""The clock of a network whose model step takes several steps of the chip: what runs when within a frame."""

from __future__ import annotations

from hmn_lava.microcode.builder import Builder, Value
from hmn_lava.microcode.ir import Instruction, Program


def off_beat(b: Builder, frame: int, slot: int) -> Value:
    """0 in step ``slot`` of every frame of ``frame`` steps (a power of two), not 0 in its other steps."""
    b.note(f"step {slot} of {frame}")
    return b.raw("sub", b.raw("and", b.raw("time"), frame - 1), slot)


def model_time(b: Builder, offset: Value, frame: int) -> Value:
    """The model's step: (time - offset) / frame."""
    time = b.raw("sub", b.raw("time"), offset, wraps=True)
    return time if frame == 1 else b.raw("shr", time, frame.bit_length() - 1)


def clocked(program: Program, frame: int, slot: int) -> Program:
    """``program`` in step ``slot`` of every frame; in its other steps no state moves and nothing is sent."""
    if frame == 1:
        return program
    b = Builder(program.name)
    waiting = str(off_beat(b, frame, slot).operand)
    clock = [*b.build().instructions, Instruction("skip", None, (waiting, len(program.instructions)))]
    # The registers of a program are numbered; those of the clock get a letter of their own.
    names = {i.target: f"clock_{n}" for n, i in enumerate(clock) if i.target is not None}
    renamed = [
        Instruction(
            i.op,
            names.get(i.target) if i.target is not None else None,
            tuple(names.get(o, o) if isinstance(o, str) else o for o in i.operands),
            i.wraps,
            i.comment,
        )
        for i in clock
    ]
    return Program(
        program.name,
        program.states,
        program.inputs,
        program.constants,
        program.outputs,
        (*renamed, *program.instructions),
        program.comment,
        program.observables,
    )
