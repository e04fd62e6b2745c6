"""Interrupts that arrive, and random well-formed programs for every test that compares two readers of the microcode."""

import random
import signal
from collections.abc import Callable

import pytest

from hmn_lava.fixed import Fixed
from hmn_lava.microcode.ir import OPERATIONS, WORD, Instruction, Observable, Program, Variable
from hmn_lava.microcode.ranges import WORD_RANGE

LOW, HIGH = WORD_RANGE

# A shell lets its jobs in the background ignore interrupts, and so would every process that a test interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def random_word(rng: random.Random, low: int = LOW, high: int = HIGH) -> int:
    """A word in [low, high]; as often near an end, or small, or near a power of two, as anywhere."""
    kind = rng.randrange(4)
    if kind == 0:
        return rng.randint(low, high)
    if kind == 1:
        return rng.choice((low, high, low + (high > low), high - (high > low)))
    near = rng.randint(-3, 3) if kind == 2 else rng.choice((-1, 1)) * (1 << rng.randrange(WORD)) + rng.randint(-1, 1)
    return min(max(near, low), high)


def random_program(rng: random.Random, longest: int = 20, whole_words: bool = False) -> Program:
    """A program that the verifier accepts: all operations, nested skips, stores, emissions, marks of wrapping.

    Results may wrap. States may hold every value of their format. The bounds of inputs and constants are random and
    include zero; with ``whole_words`` inputs may be any word.
    """

    def variable(name: str, whole: bool = False) -> Variable:
        signed = bool(rng.randrange(2))
        format = Fixed(rng.randint(1, WORD if signed else WORD - 1), signed, rng.randint(-4, 30))
        if whole:
            return Variable(name, format, format.min, format.max)
        return Variable(name, format, random_word(rng, format.min, 0), random_word(rng, 0, format.max))

    states = tuple(variable(f"s{n}", whole=True) for n in range(rng.randint(0, 3)))
    inputs = tuple(variable(f"x{n}") for n in range(rng.randint(0, 3)))
    if whole_words:
        inputs = tuple(Variable(v.name, Fixed(WORD, True, v.format.frac), LOW, HIGH) for v in inputs)
    constants = tuple(variable(f"k{n}") for n in range(rng.randint(0, 2)))
    outputs = tuple(Variable(f"y{n}", Fixed(WORD), LOW, HIGH) for n in range(rng.randint(0, 2)))
    length = rng.randint(1, longest)
    ends = [length]  # of the program and of the open skipped regions
    scopes = [[v.name for v in states + inputs + constants]]
    stored: set[str] = set()
    emitted: set[str] = set()
    assigned: list[str] = []
    instructions = []
    for number in range(length):
        while len(ends) > 1 and number >= ends[-1]:
            ends.pop()
            scopes.pop()
        visible = [name for scope in scopes for name in scope if name not in stored]

        def operand(visible: list[str] = visible) -> str | int:
            return rng.choice(visible) if visible and rng.randrange(4) else random_word(rng)

        op = rng.choice((*OPERATIONS, "skip", "store", "emit"))
        free = [v.name for v in states if v.name not in stored] if op == "store" else []
        open_outputs = [v.name for v in outputs if v.name not in emitted] if op == "emit" else []
        room = ends[-1] - number - 1
        if (op == "store" and not free) or (op == "emit" and not open_outputs) or (op == "skip" and room < 1):
            op = "sub"
        if op == "store":
            name = rng.choice(free)
            instructions.append(Instruction("store", None, (name, operand())))
            stored.add(name)
        elif op == "emit":
            name = rng.choice(open_outputs)
            emitted.add(name)
            instructions.append(Instruction("emit", None, (name, operand())))
        elif op == "skip":
            size = rng.randint(1, room)
            instructions.append(Instruction("skip", None, (operand(), size)))
            ends.append(number + 1 + size)
            scopes.append([])
        else:
            shape = OPERATIONS[op]
            operands: list[str | int] = [operand() for _ in range(shape.operands - int(shape.shift))]
            if shape.shift:
                operands.append(rng.randrange(2 * WORD if shape.product else WORD))
            instructions.append(Instruction(op, f"r{number}", tuple(operands), bool(rng.randrange(2))))
            scopes[-1].append(f"r{number}")
            assigned.append(f"r{number}")
    watched = [name for name in (*assigned, *(v.name for v in states + inputs + constants)) if rng.randrange(2)]
    observables = tuple(Observable(f"o{n}", name, Fixed(WORD)) for n, name in enumerate(watched))
    return Program("random", states, inputs, constants, outputs, tuple(instructions), "", observables)


@pytest.fixture(scope="session")
def programs() -> Callable[..., Program]:
    """The generator of random programs, ``programs(rng, longest=20, whole_words=False)``."""
    return random_program


@pytest.fixture(scope="session")
def words() -> Callable[..., int]:
    """The generator of random words, ``words(rng, low, high)``."""
    return random_word
