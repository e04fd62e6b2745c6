"""Write a program in real arithmetic; the builder keeps the binary points and proves that nothing overflows.

A :class:`Value` is an operand with its binary point and its proven bounds. The operations of :class:`Builder` align
binary points, choose the finest scale at which the worst case still fits a word, and emit instructions. Since bounds
follow from the declarations, a program that can be built cannot overflow, unless an operation is marked as wrapping.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from hmn_lava.fixed import Fixed
from hmn_lava.microcode.ir import WORD, Instruction, Observable, Operand, Program, Variable
from hmn_lava.microcode.ranges import WORD_RANGE, Interval, Ranges

Rounding = Literal["floor", "nearest", "zero"]


class ProgramError(ValueError):
    """A program cannot be built in the word width: the message names the program, the value and its bounds."""


@dataclass(frozen=True)
class Value:
    """An operand that stands for the real value ``n * 2**-frac``, where the integer n is in [low, high]."""

    operand: Operand
    frac: int
    low: int
    high: int

    @property
    def reach(self) -> int:
        """The largest magnitude of the integer."""
        return max(abs(self.low), abs(self.high))

    @property
    def real_bounds(self) -> tuple[float, float]:
        """Bounds of the real value."""
        return math.ldexp(self.low, -self.frac), math.ldexp(self.high, -self.frac)


class Builder:
    """Builds one :class:`Program`.

    Operands are values; reals and integers are written by :meth:`number` and :meth:`literal`.
    """

    def __init__(self, name: str, comment: str = "") -> None:
        self.name, self.comment = name, comment
        self._declared: dict[str, list[Variable]] = {"states": [], "inputs": [], "constants": [], "outputs": []}
        self._observables: list[Observable] = []
        self._instructions: list[Instruction] = []
        self._ranges = Ranges()
        self._note = ""

    # declarations

    def state(self, name: str, format: Fixed, bounds: Interval | None = None) -> Value:
        """A state word, kept from step to step."""
        return self._declare("states", name, format, bounds)

    def input(self, name: str, format: Fixed, bounds: Interval | None = None) -> Value:
        """An input port: the sum of the payloads that arrived."""
        return self._declare("inputs", name, format, bounds)

    def constant(self, name: str, format: Fixed, bounds: Interval | None = None) -> Value:
        """A constant of the group or of each compartment.

        Its value is stored beside the program and may change between runs.
        """
        return self._declare("constants", name, format, bounds)

    def _declare(self, section: str, name: str, format: Fixed, bounds: Interval | None) -> Value:
        top = min(format.max, WORD_RANGE[1])
        low, high = bounds or (
            -top if format.signed else 0,
            top,
        )  # symmetric: the one extra negative value has no magnitude
        self._declared[section].append(Variable(name, format, low, high))
        self._ranges.declare(name, low, high)
        return Value(name, format.frac, low, high)

    # effects

    def store(self, state: Value, value: Value) -> None:
        """Write a state: ``value`` must have its binary point and lie in its bounds."""
        variable = next(v for v in self._declared["states"] if v.name == state.operand)
        self._check(value, variable, "store")
        self._instructions.append(Instruction("store", None, (variable.name, value.operand), comment=self._take_note()))

    def delayed(self, name: str, value: Value, steps: int) -> Value:
        """``value`` as it was ``steps`` steps ago (zero at first): a line of states ``<name>_1``, ``<name>_2``, ..."""
        format = narrowest(value)
        line = [self.state(f"{name}_{n + 1}", format, (min(0, value.low), max(0, value.high))) for n in range(steps)]
        oldest = self.raw("mov", line[-1])
        for register, newer in zip(reversed(line), [*reversed(line[:-1]), value], strict=True):
            self.store(register, newer)
        return oldest

    def emit(self, name: str, value: Value, format: Fixed | None = None) -> None:
        """Send ``value`` through the output ``name``, which is declared here.

        ``format`` defaults to the narrowest that holds it.
        """
        format = format or narrowest(value)
        variable = Variable(name, format, value.low, value.high)
        self._check(value, variable, "emit")
        self._declared["outputs"].append(variable)
        self._instructions.append(Instruction("emit", None, (name, value.operand), comment=self._take_note()))

    def observe(self, name: str, value: Value) -> None:
        """Let probes record ``value`` under ``name``."""
        register = value.operand if isinstance(value.operand, str) else str(self.raw("mov", value).operand)
        self._observables.append(Observable(name, register, narrowest(value)))

    @contextmanager
    def unless(self, condition: Value) -> Iterator[None]:
        """Skip the instructions of the block where ``condition`` is not zero."""
        position = len(self._instructions)
        self._instructions.append(Instruction("skip", None, (condition.operand, 0)))
        yield
        length = len(self._instructions) - position - 1
        self._instructions[position] = Instruction("skip", None, (condition.operand, length))

    def note(self, text: str) -> None:
        """A comment for the next instruction in the listing."""
        self._note = text

    def build(self) -> Program:
        """The finished program."""
        return Program(
            self.name,
            tuple(self._declared["states"]),
            tuple(self._declared["inputs"]),
            tuple(self._declared["constants"]),
            tuple(self._declared["outputs"]),
            tuple(self._instructions),
            self.comment,
            tuple(self._observables),
        )

    # operands

    @staticmethod
    def literal(integer: int, frac: int = 0) -> Value:
        """An immediate integer at a binary point."""
        return Value(integer, frac, integer, integer)

    def number(self, real: float, frac: int | None = None) -> Value:
        """An immediate for a real number, rounded to nearest; without ``frac`` at the finest scale that fits a word."""
        if frac is None:
            frac = WORD - 2 - (math.frexp(real)[1] if real else 0)
        integer = round(math.ldexp(real, frac))
        if not WORD_RANGE[0] <= integer <= WORD_RANGE[1]:
            raise ProgramError(f"{self.name}: the number {real} does not fit a word with {frac} fractional bits")
        return self.literal(integer, frac)

    def raw(self, op: str, *operands: Value | int, frac: int | None = None, wraps: bool = False) -> Value:
        """Emit one instruction on integers. ``frac`` of the result defaults to that of the first operand."""
        plain = tuple(o.operand if isinstance(o, Value) else o for o in operands)
        instruction = Instruction(op, f"r{len(self._instructions)}", plain, wraps, self._take_note())
        low, high = self._ranges.apply(instruction)
        if not wraps and not (WORD_RANGE[0] <= low and high <= WORD_RANGE[1]):
            raise ProgramError(f"{self.name}: {op} could overflow a word: [{low}, {high}]")
        self._instructions.append(instruction)
        if frac is None:
            frac = operands[0].frac if operands and isinstance(operands[0], Value) else 0
        return Value(str(instruction.target), frac, *self._ranges.of[str(instruction.target)])

    # arithmetic

    def rescale(self, value: Value, frac: int, rounding: Rounding = "nearest") -> Value:
        """The value at another binary point: exact to the left, rounded to the right."""
        if frac == value.frac:
            return value
        shift = value.frac - frac
        if isinstance(value.operand, int):
            integer = _rounded(value.operand, shift, rounding)
            if not WORD_RANGE[0] <= integer <= WORD_RANGE[1]:
                raise ProgramError(
                    f"{self.name}: the number {value.real_bounds[0]} does not fit a word with {frac} fractional bits"
                )
            return self.literal(integer, frac)
        if frac > value.frac:
            if value.reach == 0:  # at any binary point, even beyond the widest shift
                return self.literal(0, frac)
            return self.raw("shl", value, frac - value.frac, frac=frac)
        if shift >= WORD:
            if rounding == "floor" and value.low < 0:
                raise ProgramError(f"{self.name}: a shift by {shift} bits loses the value")
            return self.literal(0, frac)
        if rounding == "zero":
            return self._towards_zero(value, lambda magnitude: self.raw("shr", magnitude, shift, frac=frac))
        if rounding == "floor":
            return self.raw("shr", value, shift, frac=frac)
        half = value if shift == 1 else self.raw("shr", value, shift - 1)
        if half.high == WORD_RANGE[1]:  # no room for the 1: add the bit that is shifted out instead
            return self.raw("add", self.raw("shr", half, 1, frac=frac), self.raw("and", half, 1, frac=frac))
        return self.raw("shr", self.raw("add", half, 1), 1, frac=frac)

    def align(self, *values: Value) -> list[Value]:
        """The values at one binary point: the finest of theirs at which all of them, and their sum, fit a word."""
        finest = max(value.frac for value in values)
        frac = finest
        while sum(_rounded(value.reach, value.frac - frac, "nearest") for value in values) > WORD_RANGE[1]:
            frac -= 1
        return [self.rescale(value, frac) for value in values]

    def add(self, a: Value, b: Value) -> Value:
        """a + b."""
        a, b = self.align(a, b)
        return self.raw("add", a, b)

    def sub(self, a: Value, b: Value) -> Value:
        """a - b."""
        a, b = self.align(a, b)
        return self.raw("sub", a, b)

    def mul(self, a: Value, b: Value, frac: int | None = None, rounding: Rounding = "floor") -> Value:
        """a * b. Without ``frac`` at the finest scale at which the worst case fits a word."""
        corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
        low, high = (0 if a is b and a.low <= 0 <= a.high else min(corners)), max(corners)
        full = a.frac + b.frac
        if frac is None:
            reach, shift = max(abs(low), abs(high)), 0
            while (
                (reach >> max(0, shift - 1)) + 1 > WORD_RANGE[1]
                if rounding == "nearest"
                else max(high >> shift, -(low >> shift)) > WORD_RANGE[1]  # -2**23 has no magnitude in a word
            ):
                shift += 1
            frac = full - shift
        shift = full - frac
        if shift < 0:
            return self.rescale(self.raw("mul", a, b, 0, frac=full), frac)
        if shift >= 2 * WORD:
            if rounding == "floor" and low < 0:
                raise ProgramError(f"{self.name}: a shift by {shift} bits loses the value")
            return self.literal(0, frac)
        if rounding == "zero" and low < 0:
            if a.low < 0 <= b.low:
                return self._towards_zero(a, lambda magnitude: self.raw("mul", magnitude, b, shift, frac=frac))
            if b.low < 0 <= a.low:
                return self._towards_zero(b, lambda magnitude: self.raw("mul", magnitude, a, shift, frac=frac))
            raise ProgramError(f"{self.name}: rounding towards zero needs one factor without a sign")
        if rounding == "nearest" and shift > 0:
            half = self.raw("mul", a, b, shift - 1, frac=frac)
            return self.raw("shr", self.raw("add", half, 1), 1)
        return self.raw("mul", a, b, shift, frac=frac)

    def neg(self, a: Value) -> Value:
        """-a."""
        return self.raw("neg", a)

    def minimum(self, a: Value, b: Value) -> Value:
        """min(a, b)."""
        a, b = self._compared(a, b)
        return self.raw("min", a, b)

    def maximum(self, a: Value, b: Value) -> Value:
        """max(a, b) = -min(-a, -b); where the lowest word has no negative, ~min(~a, ~b), ~a = -1 - a."""
        a, b = self._compared(a, b)
        if min(a.low, b.low) == WORD_RANGE[0]:
            return self._complement(self.raw("min", self._complement(a), self._complement(b)))
        return self.neg(self.raw("min", self._negative(a), self._negative(b)))

    def absolute(self, a: Value) -> Value:
        """|a| = -min(a, -a)."""
        return a if a.low >= 0 else self.neg(self.raw("min", a, self.neg(a)))

    def clip(self, value: Value, low: int, high: int) -> Value:
        """Saturate the integer of ``value`` to [low, high]; emits only the sides that can be reached."""
        if value.low < low:
            value = self.maximum(value, self.literal(low, value.frac))
        if value.high > high:
            value = self.raw("min", value, high)
        return value

    def convert(self, value: Value, format: Fixed, rounding: Rounding = "nearest") -> Value:
        """The value in ``format``: rounded to its binary point and saturated to its (symmetric) ends."""
        top, bottom = format.max, -format.max if format.signed else 0
        shift = format.frac - value.frac
        if shift <= 0 or _scaled(value.reach, shift) <= WORD_RANGE[1] >> 1:
            return self.clip(self.rescale(value, format.frac, rounding), bottom, top)
        # To the left, what lies beyond the edge saturates before it is shifted out of the word.
        edge = top >> shift
        inside = self.clip(value, -edge if format.signed else 0, edge)
        result = self.rescale(inside, format.frac) if edge else self.literal(0, format.frac)
        if value.high > edge:
            result = self.raw("sel", self.raw("lt", edge, value, frac=0), top, result, frac=format.frac)
        if value.low < -edge:
            result = self.raw("sel", self.raw("lt", value, -edge, frac=0), bottom, result, frac=format.frac)
        return result

    # comparison

    def less(self, a: Value, b: Value) -> Value:
        """1 where a < b, else 0."""
        a, b = self._compared(a, b)
        return self.raw("lt", a, b, frac=0)

    def at_least(self, a: Value, b: Value) -> Value:
        """1 where a >= b, else 0."""
        a, b = self._compared(a, b)
        return self.raw("ge", a, b, frac=0)

    def is_zero(self, a: Value) -> Value:
        """1 where a = 0, else 0."""
        return self.raw("eq", a, 0, frac=0)

    def select(self, condition: Value, a: Value, b: Value) -> Value:
        """a where the condition is not zero, else b."""
        a, b = self._compared(a, b)
        return self.raw("sel", condition, a, b, frac=a.frac)

    # helpers

    def _compared(self, a: Value, b: Value) -> tuple[Value, Value]:
        """Two values at one binary point, the finest at which both fit."""
        frac = max(a.frac, b.frac)
        while not all(
            WORD_RANGE[0] <= _scaled(n, frac - v.frac) <= WORD_RANGE[1] for v in (a, b) for n in (v.low, v.high)
        ):
            frac -= 1
        return self.rescale(a, frac), self.rescale(b, frac)

    def _complement(self, value: Value) -> Value:
        if isinstance(value.operand, int):
            return self.literal(-1 - value.operand, value.frac)
        return self.raw("sub", -1, value, frac=value.frac)

    def _negative(self, value: Value) -> Value:
        return self.literal(-value.operand, value.frac) if isinstance(value.operand, int) else self.neg(value)

    def _towards_zero(self, value: Value, shifted: Callable[[Value], Value]) -> Value:
        """Apply a flooring operation to the magnitude, then give the sign back."""
        if value.low >= 0:
            return shifted(value)
        magnitude = shifted(self.absolute(value))
        return self.raw("sel", self.raw("lt", value, 0, frac=0), self.neg(magnitude), magnitude, frac=magnitude.frac)

    def _check(self, value: Value, variable: Variable, what: str) -> None:
        if value.frac != variable.format.frac or not (variable.low <= value.low and value.high <= variable.high):
            raise ProgramError(
                f"{self.name}: {what} {variable.name}: [{value.low}, {value.high}] at {value.frac} fractional bits"
                f" is not inside {variable}"
            )

    def _take_note(self) -> str:
        note, self._note = self._note, ""
        return note


def narrowest(value: Value) -> Fixed:
    """The narrowest format that holds every integer of ``value``."""
    signed = value.low < 0
    bits = max(max(0, value.high).bit_length(), (-value.low - 1).bit_length() if signed else 0) + int(signed)
    return Fixed(max(1, bits), signed, value.frac)


def _scaled(integer: int, shift: int) -> int:
    return integer << shift if shift >= 0 else integer >> -shift


def _rounded(integer: int, shift: int, rounding: Rounding) -> int:
    """An integer shifted right by ``shift`` bits (left if negative), rounded as the instructions round.

    Nearest is half up.
    """
    if shift <= 0:
        return integer << -shift
    if rounding == "nearest":
        return (integer + (1 << (shift - 1))) >> shift
    return -(-integer >> shift) if rounding == "zero" and integer < 0 else integer >> shift
