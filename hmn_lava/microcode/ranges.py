"""Interval analysis of a program: the bounds of every register, and where a result could leave its word.

The intervals are exact Python integers, so the analysis itself cannot overflow. It is sound and not relational, but for
two idioms that the programs lean on: ``mul a a`` is not negative, and ``min a (neg a)`` is not positive.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hmn_lava.errors import Finding
from hmn_lava.microcode.ir import WORD, Instruction, Operand, Program

Interval = tuple[int, int]

WORD_RANGE: Interval = (-(1 << (WORD - 1)), (1 << (WORD - 1)) - 1)


@dataclass
class Ranges:
    """Bounds of every name of a program, built up instruction by instruction."""

    of: dict[str, Interval] = field(default_factory=dict)
    raw: dict[str, Interval] = field(default_factory=dict)
    """Bounds of a register's result before it is wrapped to a word."""
    _definitions: dict[str, Instruction] = field(default_factory=dict)

    def declare(self, name: str, low: int, high: int) -> None:
        """Bound a declared name, or a register that a caller knows better than the analysis."""
        self.of[name] = (low, high)

    def bounds(self, operand: Operand) -> Interval:
        """The interval of an operand; an immediate is its own bound."""
        return (operand, operand) if isinstance(operand, int) else self.of[operand]

    def apply(self, instruction: Instruction) -> Interval:
        """Bound the register that ``instruction`` assigns; returns its interval before wrapping."""
        raw = self._result(instruction)
        target = str(instruction.target)
        self.raw[target] = raw
        self.of[target] = raw if _inside(raw, WORD_RANGE) else WORD_RANGE
        self._definitions[target] = instruction
        return raw

    def _result(self, instruction: Instruction) -> Interval:
        op, operands = instruction.op, instruction.operands
        if op in ("time", "index"):
            return WORD_RANGE
        if op in ("lt", "ge", "eq"):
            return (0, 1)
        a = self.bounds(operands[0])
        if op == "mov":
            return a
        if op == "neg":
            return (-a[1], -a[0])
        b = self.bounds(operands[1])
        if op == "add":
            return (a[0] + b[0], a[1] + b[1])
        if op == "sub":
            return (a[0] - b[1], a[1] - b[0])
        if op == "min":
            return (min(a[0], b[0]), min(0 if self._opposite(*operands) else a[1], b[1], a[1]))
        if op == "shl":
            return (a[0] << b[0], a[1] << b[0])
        if op == "shr":
            return (a[0] >> b[0], a[1] >> b[0])
        if op == "mul":
            shift = self.bounds(operands[2])[0]
            corners = [x * y for x in a for y in b]
            low = 0 if operands[0] == operands[1] and a[0] <= 0 <= a[1] else min(corners)
            return (low >> shift, max(corners) >> shift)
        if op == "sel":
            c = self.bounds(operands[2])
            return (min(b[0], c[0]), max(b[1], c[1]))
        if op == "and":
            caps = [high for low, high in (a, b) if low >= 0]
            return (0, min(caps)) if caps else WORD_RANGE
        if op == "or":
            if a[0] < 0 or b[0] < 0:
                return WORD_RANGE
            return (max(a[0], b[0]), (1 << max(a[1], b[1]).bit_length()) - 1)
        raise ValueError(f"unknown operation {op!r}")

    def _opposite(self, a: Operand, b: Operand) -> bool:
        return any(
            isinstance(x, str)
            and x in self._definitions
            and self._definitions[x].op == "neg"
            and self._definitions[x].operands == (y,)
            for x, y in ((a, b), (b, a))
        )


def analyse(program: Program) -> Ranges:
    """The bounds of every register of a verified program, from its declarations."""
    ranges = Ranges()
    for variable in program.readable:
        ranges.declare(variable.name, variable.low, variable.high)
    for instruction in program.instructions:
        if instruction.target is not None:
            ranges.apply(instruction)
    return ranges


def overflows(program: Program) -> list[Finding]:
    """Where a result could wrap without being meant to, or a state or message could leave its declared bounds."""
    ranges = analyse(program)
    found = []
    for number, instruction in enumerate(program.instructions):
        place = f"{program.name}:{number}"
        if (
            instruction.target is not None
            and not instruction.wraps
            and not _inside(ranges.raw[instruction.target], WORD_RANGE)
        ):
            found.append(
                Finding(
                    "word-overflow",
                    f"{place} {instruction.target}",
                    ranges.raw[instruction.target],
                    WORD_RANGE,
                    "error",
                    "Shift further right, saturate the operands, or give the signals tighter bounds.",
                )
            )
        elif instruction.op in ("store", "emit"):
            variable = program.variable(str(instruction.operands[0]))
            bounds = ranges.bounds(instruction.operands[1])
            if not _inside(bounds, (variable.low, variable.high)):
                found.append(
                    Finding(
                        f"{instruction.op}-range",
                        f"{place} {variable.name}",
                        bounds,
                        (variable.low, variable.high),
                        "error",
                        "Saturate the value before it is written, or widen the declared bounds.",
                    )
                )
    return found


def _inside(inner: Interval, outer: Interval) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]
