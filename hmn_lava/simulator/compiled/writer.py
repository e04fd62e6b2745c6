"""Writes LLVM's text: integers, explicit vectors of LANES of them, loops and branches.

A :class:`Value` is a scalar or a vector of integers. Operations broadcast scalars and Python's integers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hmn_lava.microcode.ir import WORD

POINTER = 64
"""Bits of an address or a size in a table."""

_SIGNATURE = "ptr %table, i64 %now, i64 %step, i64 %phase, i64 %lo, i64 %hi"


@dataclass(frozen=True)
class Value:
    """A name in the text: an integer of ``bits`` bits, or a vector of ``lanes`` of them if lanes is not 1."""

    name: str
    bits: int
    lanes: int = 1

    @property
    def type(self) -> str:
        return _type(self.bits, self.lanes)


@dataclass(frozen=True)
class Variable:
    """A place for a value that changes; LLVM makes a register of it."""

    address: str
    bits: int
    lanes: int


@dataclass(frozen=True)
class Array:
    """An address with what lies there: integers of ``bits`` bits, read as ``wide`` bits."""

    address: str
    bits: int
    signed: bool = True
    wide: int = 32


def _type(bits: int, lanes: int = 1) -> str:
    return f"i{bits}" if lanes == 1 else f"<{lanes} x i{bits}>"


class Writer:
    """Writes one function. ``lanes`` is the number of elements in a vector."""

    def __init__(self, name: str, lanes: int) -> None:
        self.name, self.lanes = name, lanes
        self.now, self.step, self.phase = (Value(f"%{n}", 64) for n in ("now", "step", "phase"))
        self.lo, self.hi = Value("%lo", 64), Value("%hi", 64)
        self._count = 0
        self._places: list[str] = []
        self._slots: dict[int, str] = {}
        self._lines: list[str] = []
        self._declared: dict[str, str] = {}

    def text(self) -> str:
        """The module with the function."""
        table = [
            line
            for slot, name in self._slots.items()
            for line in (
                f"%place{slot} = getelementptr i64, ptr %table, i64 {slot}",
                f"{name} = load i64, ptr %place{slot}",
            )
        ]
        body = [f"define void @{self.name}({_SIGNATURE}) nounwind {{", "entry:"]
        body += [f"  {line}" for line in (*self._places, *table)]
        body += [line if line.endswith(":") else f"  {line}" for line in self._lines]
        return "\n".join([*self._declared.values(), *body, "  ret void", "}"]) + "\n"

    # the table

    def number(self, slot: int) -> Value:
        """An integer of the table."""
        return Value(self._slots.setdefault(slot, f"%slot{slot}"), 64)

    def array(self, slot: int, bits: int, signed: bool = True, wide: int = 32) -> Array:
        """An array whose address is in the table."""
        address = self._name()
        self._line(f"{address} = inttoptr i64 {self.number(slot).name} to ptr")
        return Array(address, bits, signed, max(bits, wide))

    # values

    def constant(self, integer: int, bits: int = 32) -> Value:
        return Value(str(integer), bits)

    def splat(self, value: Value | int, bits: int = 32) -> Value:
        """A vector of the same integer."""
        if isinstance(value, int):
            value = self.constant(value, bits)
        if value.lanes != 1:
            return value
        if not value.name.startswith("%"):
            return Value(f"splat ({value.type} {value.name})", value.bits, self.lanes)
        wide = _type(value.bits, self.lanes)
        first = self._new(value.bits, f"insertelement {wide} poison, {value.type} {value.name}, i64 0", self.lanes)
        return self._new(
            value.bits,
            f"shufflevector {wide} {first.name}, {wide} poison, <{self.lanes} x i32> zeroinitializer",
            self.lanes,
        )

    def binary(self, op: str, a: Value | int, b: Value | int) -> Value:
        """An instruction of LLVM on two integers: add, sub, mul, and, or, xor, shl, ashr, lshr, urem."""
        a, b = self._pair(a, b)
        return self._new(a.bits, f"{op} {a.type} {a.name}, {b.name}", a.lanes)

    def add(self, a: Value | int, b: Value | int) -> Value:
        return self.binary("add", a, b)

    def sub(self, a: Value | int, b: Value | int) -> Value:
        return self.binary("sub", a, b)

    def mul(self, a: Value | int, b: Value | int) -> Value:
        return self.binary("mul", a, b)

    def both(self, a: Value | int, b: Value | int) -> Value:
        return self.binary("and", a, b)

    def either(self, a: Value | int, b: Value | int) -> Value:
        return self.binary("or", a, b)

    def invert(self, condition: Value) -> Value:
        return self.binary("xor", condition, self.constant(1, 1) if condition.lanes == 1 else self.splat(1, 1))

    def shl(self, a: Value, bits: Value | int) -> Value:
        return a if bits == 0 else self.binary("shl", a, bits)

    def shr(self, a: Value, bits: Value | int) -> Value:
        """Arithmetic: floored."""
        return a if bits == 0 else self.binary("ashr", a, bits)

    def compare(self, predicate: str, a: Value | int, b: Value | int) -> Value:
        """Eq, ne, slt, sle, sgt, sge, ult ...: of one bit."""
        a, b = self._pair(a, b)
        return self._new(1, f"icmp {predicate} {a.type} {a.name}, {b.name}", a.lanes)

    def nonzero(self, a: Value) -> Value:
        return self.compare("ne", a, 0)

    def select(self, condition: Value, a: Value | int, b: Value | int) -> Value:
        """A where the condition holds, else b."""
        a, b = self._pair(a, b)
        if condition.lanes != 1 and a.lanes == 1:
            a, b = self.splat(a), self.splat(b)
        return self._new(
            a.bits, f"select {condition.type} {condition.name}, {a.type} {a.name}, {b.type} {b.name}", a.lanes
        )

    def smallest(self, a: Value | int, b: Value | int) -> Value:
        return self._extreme("smin", a, b)

    def largest(self, a: Value | int, b: Value | int) -> Value:
        return self._extreme("smax", a, b)

    def clip(self, a: Value, low: Value | int, high: Value | int) -> Value:
        return self.smallest(self.largest(a, low), high)

    def resize(self, a: Value, bits: int, signed: bool = True) -> Value:
        """Extended or cut to ``bits`` bits."""
        if bits == a.bits:
            return a
        op = "trunc" if bits < a.bits else "sext" if signed else "zext"
        return self._new(bits, f"{op} {a.type} {a.name} to {_type(bits, a.lanes)}", a.lanes)

    def wrap(self, a: Value, bits: int = WORD, signed: bool = True) -> Value:
        """The low ``bits`` bits, as two's complement if signed."""
        if not signed:
            return self.both(a, (1 << bits) - 1)
        return self.shr(self.shl(a, a.bits - bits), a.bits - bits)

    def counted(self) -> Value:
        """The vector 0, 1, 2, ..."""
        return Value(f"<{', '.join(f'i32 {n}' for n in range(self.lanes))}>", 32, self.lanes)

    def below(self, count: Value) -> Value:
        """Which lanes are below a count of 64 bits."""
        return self.compare("slt", self.counted(), self.resize(count, 32))

    def saturating(self, a: Value, b: Value) -> Value:
        """A + b, at the ends of its bits where it would pass them."""
        a, b = self._pair(a, b)
        name = f"llvm.sadd.sat.v{a.lanes}i{a.bits}"
        return self._called(f"{name}({a.type} {a.name}, {b.type} {b.name})", f"{a.type}, {b.type}", a.bits, a.lanes)

    def rotate(self, a: Value, bits: int) -> Value:
        """Rotated left."""
        if bits == 0:
            return a
        name, by = f"llvm.fshl.v{a.lanes}i{a.bits}", self.splat(bits, a.bits)
        arguments = ", ".join(f"{a.type} {v.name}" for v in (a, a, by))
        return self._called(f"{name}({arguments})", ", ".join([a.type] * 3), a.bits, a.lanes)

    def any(self, condition: Value) -> Value:
        """Whether any lane holds."""
        if condition.lanes == 1:
            return condition
        return self._reduced("or", condition)

    def total(self, a: Value) -> Value:
        """The sum of all lanes, in the bits of one."""
        return self._reduced("add", a) if a.lanes != 1 else a

    def expect(self, condition: Value, value: int) -> Value:
        """The condition, with a hint that it is mostly ``value``."""
        return self._called(f"llvm.expect.i1({condition.type} {condition.name}, i1 {value})", "i1, i1", 1)

    # memory

    def load(self, array: Array, index: Value | int, lanes: int = 1, mask: Value | None = None) -> Value:
        """The element at an index, or a vector of those from there; 0 in lanes that ``mask`` leaves out."""
        address = self.address(array, index)
        return self._widened(array, self._loaded(array.bits, address, lanes, mask))

    def gather(self, array: Array, index: Value, mask: Value | None = None) -> Value:
        """The elements at a vector of indices; 0 in lanes that ``mask`` leaves out."""
        lanes = self.lanes
        addresses = self._name()
        self._line(f"{addresses} = getelementptr i{array.bits}, ptr {array.address}, {index.type} {index.name}")
        kind = _type(array.bits, lanes)
        pointers, bits = f"<{lanes} x ptr>", f"<{lanes} x i1>"
        chosen = mask.name if mask is not None else "splat (i1 true)"
        call = (
            f"llvm.masked.gather.v{lanes}i{array.bits}.v{lanes}p0({pointers} {addresses}, i32 {array.bits // 8}, "
            f"{bits} {chosen}, {kind} zeroinitializer)"
        )
        return self._widened(array, self._called(call, f"{pointers}, i32, {bits}, {kind}", array.bits, lanes))

    def store(
        self, array: Array, index: Value | int, value: Value | int, lanes: int = 1, mask: Value | None = None
    ) -> None:
        """Write the low bits of a value, to a vector of elements if ``lanes`` says so."""
        if isinstance(value, int):
            value = self.constant(value, array.bits)
        value = self.resize(value, array.bits)
        if lanes != 1:
            value = self.splat(value)
        address = self.address(array, index)
        if mask is None:
            self._line(f"store {value.type} {value.name}, ptr {address}, align {array.bits // 8}")
            return
        kind, bits = value.type, f"<{lanes} x i1>"
        self._declare(f"llvm.masked.store.v{lanes}i{array.bits}.p0", "void", f"{kind}, ptr, i32, {bits}")
        self._line(
            f"call void @llvm.masked.store.v{lanes}i{array.bits}.p0({kind} {value.name}, ptr {address}, "
            f"i32 {array.bits // 8}, {bits} {mask.name})"
        )

    def prefetch(self, array: Array, index: Value) -> None:
        """Have the element at an index brought near; any index will do."""
        address = self.address(array, index)
        self._declare("llvm.prefetch.p0", "void", "ptr, i32, i32, i32")
        self._line(f"call void @llvm.prefetch.p0(ptr {address}, i32 0, i32 3, i32 1)")

    def address(self, array: Array, index: Value | int) -> str:
        name = self._name()
        if isinstance(index, int):
            index = self.constant(index, 64)
        self._line(f"{name} = getelementptr i{array.bits}, ptr {array.address}, {index.type} {index.name}")
        return name

    def part(self, array: Array, index: Value | int) -> Array:
        """The array from an index on."""
        return Array(self.address(array, index), array.bits, array.signed, array.wide)

    # variables

    def variable(self, start: Value | int, bits: int = 32, lanes: int = 1) -> Variable:
        """A variable that begins with a value here."""
        if not isinstance(start, int):
            bits, lanes = start.bits, max(lanes, start.lanes)
        place = Variable(f"%var{len(self._places)}", bits, lanes)
        self._places.append(f"{place.address} = alloca {_type(bits, lanes)}")
        self.set(place, start)
        return place

    def get(self, variable: Variable) -> Value:
        kind = _type(variable.bits, variable.lanes)
        return self._new(variable.bits, f"load {kind}, ptr {variable.address}", variable.lanes)

    def set(self, variable: Variable, value: Value | int) -> None:
        if isinstance(value, int):
            value = self.constant(value, variable.bits)
        if variable.lanes != 1:
            value = self.splat(value)
        self._line(f"store {value.type} {value.name}, ptr {variable.address}")

    # control

    @contextmanager
    def loop(self, start: Value | int, stop: Value | int, step: Value | int = 1) -> Iterator[Value]:
        """For index in range(start, stop, step), of 64 bits."""
        place = self.variable(start, 64)
        test, body, end = self._labels("test", "body", "end")
        self._line(f"br label %{test}")
        self._lines.append(f"{test}:")
        index = self.get(place)
        inside = self.compare("slt", index, stop)
        self._line(f"br i1 {inside.name}, label %{body}, label %{end}")
        self._lines.append(f"{body}:")
        yield index
        self.set(place, self.add(index, step))
        self._line(f"br label %{test}")
        self._lines.append(f"{end}:")

    @contextmanager
    def when(self, condition: Value | None) -> Iterator[None]:
        """What is written inside runs if the condition (None: always) holds."""
        if condition is None:
            yield
            return
        then, end = self._labels("then", "end")
        self._line(f"br i1 {condition.name}, label %{then}, label %{end}")
        self._lines.append(f"{then}:")
        yield
        self._line(f"br label %{end}")
        self._lines.append(f"{end}:")

    # text

    def _labels(self, *names: str) -> list[str]:
        self._count += 1
        return [f"{name}{self._count}" for name in names]

    def _name(self) -> str:
        self._count += 1
        return f"%v{self._count}"

    def _line(self, text: str) -> None:
        self._lines.append(text)

    def _new(self, bits: int, expression: str, lanes: int = 1) -> Value:
        value = Value(self._name(), bits, lanes)
        self._line(f"{value.name} = {expression}")
        return value

    def _pair(self, a: Value | int, b: Value | int) -> tuple[Value, Value]:
        """Both as values of one shape."""
        bits = (
            next(v.bits for v in (a, b) if isinstance(v, Value))
            if not (isinstance(a, int) and isinstance(b, int))
            else 32
        )
        x = self.constant(a, bits) if isinstance(a, int) else a
        y = self.constant(b, bits) if isinstance(b, int) else b
        if x.bits != y.bits:
            raise ValueError(f"integers of {x.bits} and {y.bits} bits")
        if x.lanes != y.lanes:
            x, y = self.splat(x), self.splat(y)
        return x, y

    def _extreme(self, name: str, a: Value | int, b: Value | int) -> Value:
        a, b = self._pair(a, b)
        suffix = f"i{a.bits}" if a.lanes == 1 else f"v{a.lanes}i{a.bits}"
        return self._called(
            f"llvm.{name}.{suffix}({a.type} {a.name}, {b.type} {b.name})", f"{a.type}, {b.type}", a.bits, a.lanes
        )

    def _reduced(self, name: str, a: Value) -> Value:
        return self._called(f"llvm.vector.reduce.{name}.v{a.lanes}i{a.bits}({a.type} {a.name})", a.type, a.bits)

    def _called(self, call: str, arguments: str, bits: int, lanes: int = 1) -> Value:
        kind = _type(bits, lanes)
        self._declare(call.partition("(")[0], kind, arguments)
        return self._new(bits, f"call {kind} @{call}", lanes)

    def _declare(self, name: str, kind: str, arguments: str) -> None:
        self._declared[name] = f"declare {kind} @{name}({arguments})"

    def _loaded(self, bits: int, address: str, lanes: int, mask: Value | None) -> Value:
        kind = _type(bits, lanes)
        if mask is None:
            return self._new(bits, f"load {kind}, ptr {address}, align {bits // 8}", lanes)
        chosen = f"<{lanes} x i1>"
        return self._called(
            f"llvm.masked.load.v{lanes}i{bits}.p0(ptr {address}, i32 {bits // 8}, {chosen} {mask.name}, "
            f"{kind} zeroinitializer)",
            f"ptr, i32, {chosen}, {kind}",
            bits,
            lanes,
        )

    def _widened(self, array: Array, value: Value) -> Value:
        return self.resize(value, array.wide, array.signed)
