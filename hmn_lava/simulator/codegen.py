"""From the program of a group of synapses to the source of one compiled loop over them.

The generated function computes one step of the group for the rows [lo, hi). Registers become local variables of 32
bits; the interval analysis tells where a result must be wrapped and where a product needs 64 bits. What does not depend
on the compartment is computed before the loops, and what depends only on the row before the inner loop.

Only names that this module makes up, operation names and integers reach the generated text: nothing of a bundle is
pasted in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hmn_lava.fixed import Fixed
from hmn_lava.microcode.ir import WORD, Instruction, Operand, Program
from hmn_lava.microcode.ranges import WORD_RANGE, Interval, Ranges, analyse
from hmn_lava.network import Along, LinkKind

INT32: Interval = (-(1 << 31), (1 << 31) - 1)
UNIFORM, ROW, ELEMENT = 0, 1, 2
_PORTS: dict[LinkKind, tuple[str, int]] = {"all": ("0", UNIFORM), "pre": ("i", ELEMENT), "post": ("j", ROW)}


@dataclass(frozen=True)
class Form:
    """All that the generated text depends on: the program, how constants and ports are laid out, and what is observed.

    ``ports`` maps a port to its links, each (kind, whether delays differ from synapse to synapse). ``constants`` maps a
    name to its layout.
    """

    program: Program
    dense: bool
    ports: tuple[tuple[str, tuple[tuple[LinkKind, bool], ...]], ...]
    constants: tuple[tuple[str, Along], ...]
    observed: tuple[str, ...]


@dataclass(frozen=True)
class Argument:
    """One argument of a generated function: ``role`` and ``name`` say what array to pass.

    ``link`` counts the links of a port.
    """

    role: str
    name: str
    link: int = 0


def storage(format: Fixed) -> str:
    """The narrowest numpy integer type that holds a state of ``format``."""
    for bits in (8, 16, 32):
        if format.bits <= bits:
            return f"{'' if format.signed else 'u'}int{bits}" if bits < 32 else "int32"
    raise ValueError(f"no storage for {format}")


def generate(form: Form) -> tuple[str, list[Argument]]:
    """The source of ``kernel(t, lo, hi, ...)`` and the meaning of its further arguments."""
    return _Generator(form).source()


class _Generator:
    def __init__(self, form: Form) -> None:
        self.form, self.program = form, form.program
        self.ranges: Ranges = analyse(form.program)
        self.arguments: list[Argument] = []
        self.local: dict[str, str] = {}  # name in the program -> variable in the text
        self.level: dict[str, int] = {}
        self.sections: dict[int, list[str]] = {UNIFORM: [], ROW: [], ELEMENT: []}

    def source(self) -> tuple[str, list[Argument]]:
        tail: list[str] = []  # after the inner loop
        self._argument("starts", "")
        if not self.form.dense:
            self._argument("col", "")
        self._constants()
        self._ports()
        self._states()
        results: dict[str, str] = {}
        for output in self.program.outputs:
            name = self._argument("output", output.name)
            results[output.name] = name
            self.sections[ROW].append(f"total_{name} = np.int64(0)")
            tail.append(f"{name}[now, j] = {_wrapped(f'total_{name}')}")
        self._instructions(results)
        return self._assemble(tail), self.arguments

    # declarations

    def _argument(self, role: str, name: str, link: int = 0) -> str:
        self.arguments.append(Argument(role, name, link))
        return f"a{len(self.arguments) - 1}"

    def _define(self, name: str, level: int, expression: str) -> None:
        variable = f"v{len(self.local)}"
        self.local[name], self.level[name] = variable, level
        self.sections[level].append(f"{variable} = np.int32({expression})")

    def _constants(self) -> None:
        for name, along in self.form.constants:
            array = self._argument("constant", name)
            index, level = {"all": ("0", UNIFORM), "each": ("k", ELEMENT), "pre": ("i", ELEMENT), "post": ("j", ROW)}[
                along
            ]
            self._define(name, level, f"{array}[{index}]")

    def _ports(self) -> None:
        for port, links in self.form.ports:
            terms, level = [], UNIFORM
            for number, (kind, uneven) in enumerate(links):
                buffer = self._argument("message", port, number)
                delay = self._argument("delay", port, number)
                slot = f"(t - 1 - {delay}[{'k' if uneven else '0'}]) % {buffer}.shape[0]"
                if not uneven:
                    name = f"s{len(self.arguments)}"
                    self.sections[UNIFORM].append(f"{name} = {slot}")
                    slot = name
                index, at = _PORTS[kind]
                terms.append(f"{buffer}[{slot}, {index}]")
                level = max(level, ELEMENT if uneven else at)
            total = " + ".join(terms) or "0"
            self._define(port, level, total if len(terms) < 2 else _wrapped(total))

    def _states(self) -> None:
        self.state_arrays = {}
        for state in self.program.states:
            array = self._argument("state", state.name)
            self.state_arrays[state.name] = array
            self._define(state.name, ELEMENT, f"{array}[k]")

    # instructions

    def _instructions(self, results: dict[str, str]) -> None:
        observers: dict[str, list[str]] = {}
        for observable in self.program.observables:
            if observable.name in self.form.observed:
                observers.setdefault(observable.register, []).append(self._argument("observed", observable.name))
        for register, arrays in observers.items():
            if register in self.local:
                self.sections[ELEMENT] += [f"{array}[k] = {self.local[register]}" for array in arrays]
        skips: list[tuple[int, str]] = []
        for number, instruction in enumerate(self.program.instructions):
            skips = [skip for skip in skips if number < skip[0]]
            active = " and ".join(condition for _, condition in skips)
            if instruction.op == "skip":
                condition, length = instruction.operands
                skips.append((number + 1 + int(length), f"{self._operand(condition)} == 0"))
            elif instruction.op == "store":
                self._store(str(instruction.operands[0]), instruction.operands[1], active)
            elif instruction.op == "emit":
                self._emit(results[str(instruction.operands[0])], instruction.operands[1], active)
            else:
                target = str(instruction.target)
                level = max((self.level[name] for name in instruction.registers()), default=UNIFORM)
                if instruction.op == "index":
                    level = ELEMENT
                self._define(target, level, self._expression(instruction))
                for array in observers.get(target, ()):
                    value = f"{self.local[target]} if {active} else 0" if active else self.local[target]
                    self.sections[ELEMENT].append(f"{array}[k] = {value}")

    def _operand(self, operand: Operand) -> str:
        return str(operand) if isinstance(operand, int) else self.local[operand]

    def _store(self, state: str, operand: Operand, active: str) -> None:
        variable = self.program.variable(state)
        value, array = self._operand(operand), self.state_arrays[state]
        low, high = self.ranges.bounds(operand)
        if not variable.format.holds(low, high):
            value = _wrapped(value, variable.format.bits, variable.format.signed)
        self.sections[ELEMENT].append(
            f"{array}[k] = {value} if {active} else {self.local[state]}" if active else f"{array}[k] = {value}"
        )

    def _emit(self, array: str, operand: Operand, active: str) -> None:
        value = f"({self._operand(operand)} if {active} else 0)" if active else self._operand(operand)
        self.sections[ELEMENT].append(f"total_{array} += {value}")

    def _expression(self, instruction: Instruction) -> str:
        operands = [self._operand(o) for o in instruction.operands]
        target = str(instruction.target)
        raw = self.ranges.raw[target]
        text = _EXPRESSIONS[instruction.op](*operands)
        if instruction.op == "mul":
            text = self._product(instruction, operands)
        elif instruction.op in ("time", "index"):
            return _wrapped(text)
        if WORD_RANGE[0] <= raw[0] and raw[1] <= WORD_RANGE[1]:
            return text
        return _wrapped(text)

    def _product(self, instruction: Instruction, operands: list[str]) -> str:
        a, b, shift = operands
        corners = [
            x * y
            for x in self.ranges.bounds(instruction.operands[0])
            for y in self.ranges.bounds(instruction.operands[1])
        ]
        wide = min(corners) < INT32[0] or max(corners) > INT32[1]
        # The low word of a product without shift does not need its upper half.
        if wide and shift != "0":
            return f"(np.int64({a}) * np.int64({b})) >> {shift}"
        product = f"np.int32({a} * {b})"
        return product if shift == "0" else f"{product} >> {shift}"

    # text

    def _assemble(self, tail: list[str]) -> str:
        names = ", ".join(["t", "lo", "hi", *(f"a{n}" for n in range(len(self.arguments)))])
        lines = [
            "import numpy as np",
            "from numba import njit",
            "",
            "",
            "@njit(nogil=True, cache=True, boundscheck=False, error_model='numpy')",
            f"def kernel({names}):",
        ]
        outputs = [a for a in range(len(self.arguments)) if self.arguments[a].role == "output"]
        if outputs:
            lines.append(f"    now = t % a{outputs[0]}.shape[0]")
        lines += [f"    {line}" for line in self.sections[UNIFORM]]
        starts = next(n for n, a in enumerate(self.arguments) if a.role == "starts")
        lines += [
            "    for j in range(lo, hi):",
            f"        first = a{starts}[j]",
            f"        width = a{starts}[j + 1] - first",
        ]
        lines += [f"        {line}" for line in self.sections[ROW]]
        lines += ["        for i_k in range(width):", "            k = first + i_k"]
        col = next((f"a{n}" for n, a in enumerate(self.arguments) if a.role == "col"), None)
        lines += [f"            i = {'i_k' if col is None else f'{col}[k]'}"]
        lines += [f"            {line}" for line in self.sections[ELEMENT]]
        lines += [f"        {line}" for line in tail]
        return "\n".join(lines) + "\n"


def _wrapped(expression: str, bits: int = WORD, signed: bool = True) -> str:
    """The low ``bits`` bits of an expression, as two's complement if signed."""
    if not signed:
        return f"({expression}) & {(1 << bits) - 1}"
    return f"np.int32(({expression}) << {32 - bits}) >> {32 - bits}"


_EXPRESSIONS: dict[str, Callable[..., str]] = {
    "mov": lambda a: a,
    "add": lambda a, b: f"{a} + {b}",
    "sub": lambda a, b: f"{a} - {b}",
    "neg": lambda a: f"-{a}" if not a.startswith("-") else a[1:],
    "min": lambda a, b: f"{a} if {a} < {b} else {b}",
    "and": lambda a, b: f"{a} & {b}",
    "or": lambda a, b: f"{a} | {b}",
    "shl": lambda a, n: f"{a} << {n}",
    "shr": lambda a, n: f"{a} >> {n}",
    "mul": lambda a, b, n: f"({a} * {b}) >> {n}",
    "lt": lambda a, b: f"1 if {a} < {b} else 0",
    "ge": lambda a, b: f"1 if {a} >= {b} else 0",
    "eq": lambda a, b: f"1 if {a} == {b} else 0",
    "sel": lambda c, a, b: f"{a} if {c} != 0 else {b}",
    "time": lambda: "t",
    "index": lambda: "k",
}
