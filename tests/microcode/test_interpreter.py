"""The golden interpreter against a second reading of the semantics, one compartment in big integers."""

import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hmn_lava.fixed import Fixed
from hmn_lava.microcode.interpreter import execute
from hmn_lava.microcode.ir import OPERATIONS, Instruction, Observable, Program, Variable
from hmn_lava.microcode.verify import verify

TOP = 2**23 - 1
BOTTOM = -(2**23)


def word(n):
    """The 24-bit two's complement of an integer."""
    n %= 2**24
    return n - 2**24 if n >= 2**23 else n


def stored(n, format):
    n %= 2**format.bits
    return n - 2**format.bits if format.signed and n >= 2 ** (format.bits - 1) else n


def run_one(program, states, inputs, constants, index, time):
    """One step of one compartment. Returns (states, outputs, observed)."""
    names = {**states, **inputs, **constants}
    registers = {}
    after = dict(states)
    outputs = {v.name: 0 for v in program.outputs}

    def read(operand):
        if isinstance(operand, int):
            return operand
        return registers[operand] if operand in registers else names[operand]

    pc = 0
    while pc < len(program.instructions):
        instruction = program.instructions[pc]
        op, operands = instruction.op, instruction.operands
        pc += 1
        if op == "skip":
            if read(operands[0]) != 0:
                pc += operands[1]
            continue
        if op == "store":
            after[operands[0]] = read(operands[1])
            continue
        if op == "emit":
            outputs[operands[0]] = read(operands[1])
            continue
        v = [read(o) for o in operands]
        if op == "mov":
            result = v[0]
        elif op == "add":
            result = v[0] + v[1]
        elif op == "sub":
            result = v[0] - v[1]
        elif op == "neg":
            result = -v[0]
        elif op == "min":
            result = v[0] if v[0] < v[1] else v[1]
        elif op == "and":
            result = v[0] & v[1]
        elif op == "or":
            result = v[0] | v[1]
        elif op == "shl":
            result = v[0] * 2 ** v[1]
        elif op == "shr":
            result = v[0] // 2 ** v[1]
        elif op == "mul":
            result = v[0] * v[1] // 2 ** v[2]
        elif op == "lt":
            result = int(v[0] < v[1])
        elif op == "ge":
            result = int(v[0] >= v[1])
        elif op == "eq":
            result = int(v[0] == v[1])
        elif op == "sel":
            result = v[1] if v[0] else v[2]
        elif op == "time":
            result = time
        elif op == "index":
            result = index
        registers[instruction.target] = word(result)
    after = {v.name: stored(after[v.name], v.format) for v in program.states}
    observed = {o.name: registers.get(o.register, names.get(o.register, 0)) for o in program.observables}
    return after, outputs, observed


def check(program, rng, words, size=6):
    """Run both on random values inside the declared bounds, and at times on any words."""

    def values(variables, whole):
        return {v.name: [words(rng) if whole else words(rng, v.low, v.high) for _ in range(size)] for v in variables}

    whole = rng.randrange(4) == 0
    states, inputs, constants = (
        values(program.states, False),
        values(program.inputs, whole),
        values(program.constants, whole),
    )
    index = [words(rng) for _ in range(size)]
    time = rng.choice((0, 1, 5, TOP, TOP + 1, 2**24, 2**31, words(rng, 0)))
    effects = execute(
        program,
        states={k: np.array(v) for k, v in states.items()},
        inputs={k: np.array(v) for k, v in inputs.items()},
        constants={k: np.array(v) for k, v in constants.items()},
        index=np.array(index),
        time=time,
    )
    for e in range(size):
        one = [{name: v[e] for name, v in names.items()} for names in (states, inputs, constants)]
        after, outputs, observed = run_one(program, *one, index[e], time)
        assert {k: int(v[e]) for k, v in effects.states.items()} == after
        assert {k: int(v[e]) for k, v in effects.outputs.items()} == outputs
        assert {k: int(v[e]) for k, v in effects.observed.items()} == observed


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(rng=st.randoms(use_true_random=False))
def test_random_programs_by_hypothesis(programs, words, rng):
    program = programs(rng)
    assert verify(program) == []
    check(program, rng, words)


def test_random_programs_by_seed(programs, words):
    """Longer ones than hypothesis likes, and a proof that the sample reaches everything."""
    seen, deepest = set(), 0
    for seed in range(400):
        rng = random.Random(seed)
        program = programs(rng, longest=40)
        assert verify(program) == []
        check(program, rng, words, size=4)
        seen |= {i.op for i in program.instructions}
        ends = []
        for number, instruction in enumerate(program.instructions):
            ends = [end for end in ends if number < end]
            if instruction.op == "skip":
                ends.append(number + 1 + instruction.operands[1])
                deepest = max(deepest, len(ends))
    assert seen == set(OPERATIONS)
    assert deepest >= 3


# ----------------------------------------------------------------------------------------------- by hand


def step(instructions, size=1, time=0, **values):
    """Run instructions that read the words ``values``; every register is observed."""
    program = Program(
        "p",
        inputs=tuple(Variable(name, Fixed(24), BOTTOM, TOP) for name in values),
        instructions=tuple(instructions),
        observables=tuple(Observable(i.target, i.target, Fixed(24)) for i in instructions if i.target),
    )
    assert verify(program) == []
    inputs = {name: np.asarray(value) for name, value in values.items()}
    return execute(program, states={}, inputs=inputs, constants={}, index=np.arange(size), time=time)


@pytest.mark.parametrize(
    ("op", "operands", "expected"),
    [
        ("mov", (BOTTOM,), BOTTOM),
        ("add", (TOP, 1), BOTTOM),
        ("sub", (BOTTOM, 1), TOP),
        ("neg", (BOTTOM,), BOTTOM),
        ("neg", (5,), -5),
        ("min", (-3, 2), -3),
        ("and", (-1, 0x0F0), 0x0F0),
        ("or", (-8, 3), -5),
        ("shl", (TOP, 1), -2),
        ("shl", (1, 23), BOTTOM),
        ("shr", (-1, 5), -1),
        ("shr", (-5, 1), -3),
        ("mul", (-1, 1, 1), -1),
        ("mul", (BOTTOM, BOTTOM, 24), 2**22),
        ("mul", (BOTTOM, BOTTOM, 23), BOTTOM),
        ("mul", (TOP, TOP, 0), 1),
        ("mul", (BOTTOM, TOP, 47), -1),
        ("lt", (-1, 0), 1),
        ("lt", (0, 0), 0),
        ("ge", (0, 0), 1),
        ("ge", (-1, 0), 0),
        ("eq", (7, 7), 1),
        ("eq", (7, -7), 0),
        ("sel", (-1, 10, 20), 10),
        ("sel", (0, 10, 20), 20),
    ],
)
def test_an_operation_by_hand(op, operands, expected):
    immediate = step([Instruction(op, "r", operands)])
    assert immediate.observed["r"].tolist() == [expected]
    shift = int(OPERATIONS[op].shift)
    names = [f"x{n}" for n in range(len(operands) - shift)]
    read = step([Instruction(op, "r", (*names, *operands[len(names) :]))], **dict(zip(names, operands, strict=False)))
    assert read.observed["r"].tolist() == [expected]


def test_time_and_index_wrap_to_a_word():
    effects = step([Instruction("time", "t", ()), Instruction("index", "i", ())], size=3, time=2**23 + 1)
    assert effects.observed["t"].tolist() == [BOTTOM + 1] * 3
    assert effects.observed["i"].tolist() == [0, 1, 2]


def test_nested_skips_by_hand():
    """An inner skip inside a skipped region decides nothing; each compartment skips on its own."""
    program = Program(
        "skips",
        inputs=(Variable("a", Fixed(2), -1, 1), Variable("b", Fixed(2), -1, 1)),
        outputs=tuple(Variable(name, Fixed(24), 0, 9) for name in ("first", "inner", "outer", "last")),
        instructions=(
            Instruction("skip", None, ("a", 4)),
            Instruction("emit", None, ("first", 1)),
            Instruction("skip", None, ("b", 1)),
            Instruction("emit", None, ("inner", 2)),
            Instruction("emit", None, ("outer", 3)),
            Instruction("emit", None, ("last", 4)),
        ),
    )
    assert verify(program) == []
    a, b = np.array([0, 0, 1, -1]), np.array([0, 1, 0, 1])
    outputs = execute(program, states={}, inputs={"a": a, "b": b}, constants={}, index=np.arange(4), time=0).outputs
    assert outputs["first"].tolist() == [1, 1, 0, 0]
    assert outputs["inner"].tolist() == [2, 0, 0, 0]
    assert outputs["outer"].tolist() == [3, 3, 0, 0]
    assert outputs["last"].tolist() == [4, 4, 4, 4]


def test_a_state_is_read_as_it_was_and_wraps_to_its_format_when_stored():
    program = Program(
        "state",
        states=(
            Variable("s", Fixed(4), -8, 7),
            Variable("n", Fixed(3, False), 0, 7),
            Variable("kept", Fixed(4), -8, 7),
        ),
        instructions=(
            Instruction("add", "r", ("s", "n")),
            Instruction("store", None, ("n", -1)),
            Instruction("store", None, ("s", "r")),
        ),
    )
    before = {"s": np.array([7, -8]), "n": np.array([2, 7]), "kept": np.array([3, 4])}
    copies = {name: value.copy() for name, value in before.items()}
    after = execute(program, states=before, inputs={}, constants={}, index=np.arange(2), time=0).states
    assert after["s"].tolist() == [-7, -1]
    assert after["n"].tolist() == [7, 7]
    assert after["kept"].tolist() == [3, 4]
    assert all((before[name] == copies[name]).all() for name in before), "what is handed in must not change"


def test_scalars_are_for_all_compartments():
    program = Program(
        "scalars",
        states=(Variable("s", Fixed(24), BOTTOM, TOP),),
        inputs=(Variable("x", Fixed(24), BOTTOM, TOP),),
        constants=(Variable("k", Fixed(24), BOTTOM, TOP),),
        outputs=(Variable("y", Fixed(24), BOTTOM, TOP), Variable("silent", Fixed(24), BOTTOM, TOP)),
        instructions=(Instruction("add", "r", ("x", "k")), Instruction("emit", None, ("y", "r"))),
        observables=(Observable("input", "x", Fixed(24)),),
    )
    effects = execute(
        program, states={"s": 3}, inputs={"x": 4}, constants={"k": np.array([1, 2])}, index=np.arange(2), time=0
    )
    assert effects.states["s"].tolist() == [3, 3]
    assert effects.outputs["y"].tolist() == [5, 6]
    assert effects.outputs["silent"].tolist() == [0, 0]
    assert effects.observed["input"].tolist() == [4, 4]
