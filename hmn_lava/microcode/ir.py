"""The neurocore IR: programs that every microcoded compartment of a group runs once per time step.

This microcode is the project's own. It uses only operations that Intel's public Loihi 2 brief names in prose (add,
subtract, negate, minimum, and, or, shift, multiply-shift-right, compare, select, conditional skip, a time counter,
reading and writing state, emitting a message); encodings, register files and cycle counts of the chip are not public,
and nothing here claims them.

Semantics
---------
* A word has ``WORD`` bits, two's complement. Every result is wrapped to a word; a product has twice the bits and is
  shifted right (arithmetically, i.e. floored) before it is wrapped.
* A register is assigned once. State is read as it was at the start of the step; a state is stored at most once per
  step.
* ``skip c n`` jumps over the next ``n`` instructions where ``c`` is not zero. Jumps go forward only, skipped regions
  nest, and a register that is assigned in a skipped region cannot be read outside it.
* ``emit`` sends a message with its payload; a payload of zero sends nothing, and the receiver's accumulator reads zero.
* ``index`` is the number of the compartment inside its group, ``time`` the step counter (both wrapped to a word).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hmn_lava.fixed import Fixed

WORD = 24
"""Bits of a neurocore word (the ``word_bits`` of the hardware profiles.

The verifier refuses a profile that has another).
"""

Operand = str | int


@dataclass(frozen=True)
class Operation:
    """What an operation computes, for the reader, and how many operands it takes.

    ``shift``: its last operand is an immediate shift.
    """

    meaning: str
    operands: int
    assigns: bool = True
    shift: bool = False
    product: bool = False


OPERATIONS: dict[str, Operation] = {
    "mov": Operation("a", 1),
    "add": Operation("a + b", 2),
    "sub": Operation("a - b", 2),
    "neg": Operation("-a", 1),
    "min": Operation("min(a, b)", 2),
    "and": Operation("a & b", 2),
    "or": Operation("a | b", 2),
    "shl": Operation("a << n", 2, shift=True),
    "shr": Operation("a >> n (arithmetic)", 2, shift=True),
    "mul": Operation("(a * b) >> n (arithmetic)", 3, shift=True, product=True),
    "lt": Operation("1 if a < b else 0", 2),
    "ge": Operation("1 if a >= b else 0", 2),
    "eq": Operation("1 if a == b else 0", 2),
    "sel": Operation("a if c != 0 else b (operands c a b)", 3),
    "time": Operation("the step counter", 0),
    "index": Operation("the compartment's number in its group", 0),
    "skip": Operation("jump over the next n instructions where c != 0", 2, assigns=False),
    "store": Operation("write register a to a state", 2, assigns=False),
    "emit": Operation("send register a through an output", 2, assigns=False),
}
"""The whole instruction set."""


@dataclass(frozen=True)
class Variable:
    """A declared name: a state, an input port, a constant or an output port.

    ``low`` and ``high`` bound its integer values. The format bounds them too; a tighter bound is a promise that the
    compiler proves.
    """

    name: str
    format: Fixed
    low: int
    high: int

    def __str__(self) -> str:
        return f"{self.name} {self.format} {self.low}..{self.high}"


@dataclass(frozen=True)
class Observable:
    """A register that a probe can record under ``name``; it costs the program nothing."""

    name: str
    register: str
    format: Fixed

    def __str__(self) -> str:
        return f"{self.name} {self.register} {self.format}"


@dataclass(frozen=True)
class Instruction:
    """One instruction. ``target`` is the register that it assigns, None for skip, store and emit.

    ``wraps`` says that the result is meant to wrap (hashes, phase counters): range analysis does not report it.
    """

    op: str
    target: str | None
    operands: tuple[Operand, ...]
    wraps: bool = False
    comment: str = ""

    def registers(self) -> Iterator[str]:
        """Names that it reads."""
        names = self.operands[1:] if self.op in ("store", "emit") else self.operands
        return (name for name in names if isinstance(name, str))


@dataclass(frozen=True)
class Program:
    """A neurocore program: its declarations and its instructions in order."""

    name: str
    states: tuple[Variable, ...] = ()
    inputs: tuple[Variable, ...] = ()
    constants: tuple[Variable, ...] = ()
    outputs: tuple[Variable, ...] = ()
    instructions: tuple[Instruction, ...] = ()
    comment: str = ""
    observables: tuple[Observable, ...] = ()

    def variable(self, name: str) -> Variable:
        """The declaration of ``name``; raises KeyError if there is none."""
        for variable in self.readable + self.outputs:
            if variable.name == name:
                return variable
        raise KeyError(name)

    @property
    def readable(self) -> tuple[Variable, ...]:
        """Everything that an operand may name without being computed first."""
        return self.states + self.inputs + self.constants
