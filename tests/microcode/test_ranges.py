"""Interval analysis: sound for random programs, and it finds what can overflow."""

import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hmn_lava.fixed import Fixed
from hmn_lava.microcode.interpreter import execute
from hmn_lava.microcode.ir import Instruction, Observable, Program, Variable
from hmn_lava.microcode.ranges import WORD_RANGE, Ranges, analyse, overflows

LOW, HIGH = WORD_RANGE
WORD = Fixed(24)


def program(*instructions, **bounds):
    """A program over inputs with the given bounds."""
    return Program("p", inputs=tuple(Variable(n, WORD, *b) for n, b in bounds.items()), instructions=instructions)


def interval(op, *operands, **bounds):
    """The interval of one operation before wrapping."""
    return analyse(program(Instruction(op, "r", operands), **bounds)).raw["r"]


def exact(instruction, values):
    """The result of an arithmetic operation before it is wrapped, in Python's integers."""
    a, b, c = [values[o] if isinstance(o, str) else o for o in (*instruction.operands, 0, 0, 0)[:3]]
    return {
        "mov": lambda: a,
        "add": lambda: a + b,
        "sub": lambda: a - b,
        "neg": lambda: -a,
        "min": lambda: min(a, b),
        "and": lambda: a & b,
        "or": lambda: a | b,
        "shl": lambda: a << b,
        "shr": lambda: a >> b,
        "mul": lambda: a * b >> c,
        "lt": lambda: int(a < b),
        "ge": lambda: int(a >= b),
        "eq": lambda: int(a == b),
        "sel": lambda: b if a else c,
    }[instruction.op]()


def check(rng, programs, words):
    """Run a program without skips in effect and compare every register with its interval."""
    random_program = programs(rng, longest=25)
    # Registers of skipped regions have their value too; observing them would show zero, so the jumps are taken out.
    instructions = tuple(i for i in random_program.instructions if i.op != "skip")
    assigned = [i.target for i in instructions if i.target]
    p = Program(
        "p",
        random_program.states,
        random_program.inputs,
        random_program.constants,
        random_program.outputs,
        instructions,
        observables=tuple(Observable(name, name, WORD) for name in assigned),
    )
    ranges = analyse(p)
    size = 8
    values = {v.name: np.array([words(rng, v.low, v.high) for _ in range(size)]) for v in p.readable}
    sections = {"states": p.states, "inputs": p.inputs, "constants": p.constants}
    given = {section: {v.name: values[v.name] for v in variables} for section, variables in sections.items()}
    effects = execute(p, **given, index=np.array([words(rng) for _ in range(size)]), time=words(rng, 0))
    wrapped = 0
    for e in range(size):
        known = {name: int(v[e]) for name, v in values.items()}
        for instruction in instructions:
            if instruction.target is None:
                continue
            name = instruction.target
            known[name] = int(effects.observed[name][e])
            low, high = ranges.of[name]
            assert low <= known[name] <= high
            if instruction.op not in ("time", "index"):
                before = exact(instruction, known)
                low, high = ranges.raw[name]
                assert low <= before <= high
                if before != known[name]:
                    wrapped += 1
                    assert not (low >= LOW and high <= HIGH)
    for finding in overflows(p):
        assert finding.rule in ("word-overflow", "store-range")
    return wrapped


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(rng=st.randoms(use_true_random=False))
def test_every_register_lies_in_its_interval_by_hypothesis(programs, words, rng):
    check(rng, programs, words)


def test_every_register_lies_in_its_interval_by_seed(programs, words):
    assert sum(check(random.Random(seed), programs, words) for seed in range(300)) > 100  # wraps were among them


SMALL = st.integers(-9, 9)
INTERVALS = st.tuples(SMALL, SMALL).map(sorted).map(tuple)


@pytest.mark.parametrize("op", ["add", "sub", "min", "mul", "lt", "ge", "eq", "and", "or"])
@given(a=INTERVALS, b=INTERVALS)
def test_intervals_of_two_operands_hold_all_results_and_are_tight_where_promised(op, a, b):
    shift = (1,) if op == "mul" else ()
    low, high = interval(op, "a", "b", *shift, a=a, b=b)
    results = [
        exact(Instruction(op, "r", ("a", "b", *shift)), {"a": x, "b": y})
        for x in range(a[0], a[1] + 1)
        for y in range(b[0], b[1] + 1)
    ]
    assert low <= min(results) and max(results) <= high
    if op in ("add", "sub", "min", "mul"):
        assert (low, high) == (min(results), max(results))


@given(a=INTERVALS, n=st.integers(0, 10))
def test_intervals_of_shifts_are_tight(a, n):
    assert interval("shl", "a", n, a=a) == (a[0] << n, a[1] << n)
    assert interval("shr", "a", n, a=a) == (a[0] >> n, a[1] >> n)
    assert interval("neg", "a", a=a) == (-a[1], -a[0])
    assert interval("mov", "a", a=a) == a


def test_intervals_by_hand():
    assert interval("sel", "c", "a", -7, c=(0, 1), a=(3, 4)) == (-7, 4)
    assert interval("and", "a", 15, a=(LOW, HIGH)) == (0, 15)
    assert interval("and", "a", "b", a=(-1, 5), b=(-1, 5)) == WORD_RANGE
    assert interval("or", "a", "b", a=(1, 4), b=(2, 9)) == (2, 15)
    assert interval("time") == interval("index") == WORD_RANGE
    assert interval("mul", "a", "b", 23, a=WORD_RANGE, b=WORD_RANGE) == (-HIGH, 2**23)
    with pytest.raises(ValueError, match="unknown operation"):
        Ranges().apply(Instruction("xor", "r", (1, 2)))


# ------------------------------------------------------------------------------------------------ the two idioms


def test_a_square_is_not_negative():
    assert interval("mul", "a", "a", 0, a=(-5, 3)) == (0, 25)
    assert interval("mul", "a", "a", 0, a=(-5, -3)) == (9, 25)
    assert interval("mul", "a", "b", 0, a=(-5, 3), b=(-5, 3)) == (-15, 25)


@pytest.mark.parametrize("operands", [("a", "n"), ("n", "a")])
def test_the_minimum_of_a_number_and_its_negative_is_not_positive(operands):
    p = program(
        Instruction("neg", "n", ("a",)), Instruction("min", "m", operands), Instruction("neg", "abs", ("m",)), a=(-5, 8)
    )
    ranges = analyse(p)
    assert ranges.raw["m"] == (-8, 0)
    assert ranges.raw["abs"] == (0, 8)


def test_the_idiom_is_about_the_same_number():
    p = program(Instruction("neg", "n", ("b",)), Instruction("min", "m", ("a", "n")), a=(2, 8), b=(-9, -3))
    assert analyse(p).raw["m"] == (2, 8)


# ------------------------------------------------------------------------------------------------ findings


@pytest.mark.parametrize(
    ("instruction", "bounds"),
    [
        (Instruction("add", "r", ("a", 1)), (0, HIGH)),
        (Instruction("sub", "r", ("a", 1)), (LOW, 0)),
        (Instruction("neg", "r", ("a",)), (LOW, 0)),
        (Instruction("shl", "r", ("a", 1)), (0, 2**22)),
        (Instruction("mul", "r", ("a", "a", 22)), (LOW, HIGH)),
    ],
)
def test_an_overflow_is_found_unless_it_is_meant(instruction, bounds):
    (finding,) = overflows(program(instruction, a=bounds))
    assert (finding.rule, finding.object, finding.severity) == ("word-overflow", "p:0 r", "error")
    assert finding.limit == WORD_RANGE
    meant = Instruction(instruction.op, "r", instruction.operands, wraps=True)
    assert overflows(program(meant, a=bounds)) == []


@pytest.mark.parametrize(
    ("instruction", "bounds"),
    [
        (Instruction("add", "r", ("a", 1)), (0, HIGH - 1)),
        (Instruction("sub", "r", ("a", 1)), (LOW + 1, 0)),
        (Instruction("neg", "r", ("a",)), (LOW + 1, 0)),
        (Instruction("shl", "r", ("a", 1)), (0, 2**22 - 1)),
        (Instruction("mul", "r", ("a", "a", 23)), (LOW + 1, HIGH)),
    ],
)
def test_one_less_is_no_overflow(instruction, bounds):
    assert overflows(program(instruction, a=bounds)) == []


def test_after_an_overflow_a_register_may_be_any_word():
    p = program(Instruction("add", "r", ("a", "a"), wraps=True), Instruction("add", "q", ("r", 1)), a=(0, HIGH))
    assert analyse(p).of["r"] == WORD_RANGE
    assert [f.object for f in overflows(p)] == ["p:1 q"]


@pytest.mark.parametrize(("value", "found"), [(7, False), (8, True), (-4, False), (-5, True)])
def test_writes_stay_inside_the_declared_bounds(value, found):
    narrow = Variable("s", Fixed(8), -4, 7)
    store = Program("p", states=(narrow,), instructions=(Instruction("store", None, ("s", value)),))
    emit = Program("p", outputs=(narrow,), instructions=(Instruction("emit", None, ("s", value)),))
    assert [f.rule for f in overflows(store)] == ["store-range"] * found
    assert [f.rule for f in overflows(emit)] == ["emit-range"] * found
