"""One broken program for each rule of the verifier; the finding names the rule."""

import random
from dataclasses import replace

import pytest

from hmn_lava.fixed import Fixed
from hmn_lava.microcode.ir import OPERATIONS, Instruction, Observable, Program, Variable
from hmn_lava.microcode.verify import live_registers, verify

WORD = Fixed(24)


def state(name="s", format=WORD, low=0, high=1):
    return Variable(name, format, low, high)


def code(*lines):
    """Instructions from short text: ``r = add s 1``, ``skip r 1``."""
    instructions = []
    for line in lines:
        words = line.split()
        target = None
        if words[1:2] == ["="]:
            target, words = words[0], words[2:]
        operands = tuple(int(w) if w.lstrip("-").isdigit() else w for w in words[1:])
        instructions.append(Instruction(words[0], target, operands))
    return tuple(instructions)


def program(*lines, **parts):
    return Program("p", instructions=code(*lines), **{"states": (state(),), "outputs": (state("y"),)} | parts)


GOOD = [
    program(),
    program("r = add s 1", "store s r", "emit y r"),
    program("skip s 2", "r = mov 1", "emit y r", "q = mov 2"),
    program("skip s 3", "skip s 2", "r = mov 1", "emit y r", "store s 0"),
    program("r = mul s s 47", "q = shr r 23", "store s 1"),
    program("t = time", "i = index", "r = sel t i -8388608", "emit y 8388607"),
    program("store s s", observables=(Observable("seen", "s", WORD),)),
]

BROKEN = {
    "name-once": [
        program(states=(state(), state())),
        program(states=(state(),), inputs=(state(),)),
        program(constants=(state("y"),)),
    ],
    "name-form": [
        program(states=(state("a-b"),)),
        program(states=(state(""),)),
        program(states=(state("1a"),)),
        program(states=(state("a" * 65),)),
        program(states=(state("a\n"),)),
        program("r.1 = mov 1"),
        program("mov 1"),  # no register for the result
    ],
    "declared-range": [
        program(states=(state(low=2, high=1),)),
        program(states=(state(format=Fixed(4), high=8),)),
        program(states=(state(format=Fixed(4, False), low=-1),)),
        program(outputs=(state("y", Fixed(4), high=8),)),
    ],
    "word-width": [
        program(states=(state(format=Fixed(32), high=2**23),)),
        program(inputs=(state("x", Fixed(32), -(2**23) - 1),)),
        program("r = mov 8388608"),
        program("r = add -8388609 1"),
        program("emit y 8388608"),
        program("skip 8388608 1", "r = mov 1"),
    ],
    "operation": [program("r = xor s 1"), program("r = mod s 3"), program("halt")],
    "operands": [
        program("r = add s"),
        program("r = add s 1 2"),
        program("r = mul s s"),
        program("t = time 1"),
        program("store s"),
        program("r = store s 1"),
        program("r = skip s 1", "q = mov 1"),
    ],
    "undefined-read": [
        program("r = mov q"),
        program("r = mov r"),
        program("r = mov y"),  # an output cannot be read
        program("emit y q"),
        program("skip s 1", "r = mov 1", "emit y r"),  # behind the region that assigns it
        program("skip s 2", "skip s 1", "r = mov 1", "emit y 0", "q = mov r"),
        program(observables=(Observable("seen", "q", WORD),)),
    ],
    "read-after-store": [
        program("store s 1", "r = mov s"),
        program("skip s 1", "store s 1", "emit y s"),
    ],
    "assigned-once": [
        program("r = mov 1", "r = mov 2"),
        program("s = mov 1"),
        program("y = mov 1"),
        program("skip s 1", "r = mov 1", "r = mov 2"),
    ],
    "shift": [
        program("r = shl s 24"),
        program("r = shr s -1"),
        program("r = shr s s"),
        program("r = mul s s 48"),
        program("r = mul s s s"),
    ],
    "undeclared": [program("store y 1"), program("emit s 1"), program("emit q 1")],
    "written-once": [
        program("store s 1", "store s 0"),
        program("emit y 1", "emit y 0"),
        program("r = mov s", "skip r 1", "store s 1", "skip r 1", "store s 0"),
    ],
    "jump": [
        program("skip s 1"),
        program("skip s 0", "r = mov 1"),
        program("skip s -1", "r = mov 1"),
        program("skip s 3", "r = mov 1", "q = mov 1"),
        program("skip s s", "r = mov 1"),
        program("skip s 2", "skip s 2", "r = mov 1", "q = mov 1"),  # out of the region around it
    ],
}


@pytest.mark.parametrize("good", GOOD)
def test_a_good_program_has_no_findings(good):
    assert verify(good) == []


@pytest.mark.parametrize(("rule", "broken"), [(rule, p) for rule, ps in BROKEN.items() for p in ps])
def test_a_broken_program_is_found(rule, broken):
    findings = verify(broken)
    assert rule in {f.rule for f in findings}
    # No other rule complains; only a jump that is wrong makes no region, so that what is in it counts as outside.
    also = {"undefined-read"} if rule == "jump" else set()
    assert {f.rule for f in findings} <= {rule} | also
    for finding in findings:
        assert finding.severity == "error"
        assert finding.object.startswith("p")
        assert finding.remedy


def test_findings_name_the_place():
    (finding,) = verify(program("r = mov 1", "q = add r missing"))
    assert finding.object == "p:1 missing"
    (finding,) = verify(program(states=(state("a-b"),)))
    assert finding.object == "p a-b"


def test_all_rules_run():
    broken = program("r = xor s 1", "r = shl s 24", "r = mov q", "skip s 9", states=(state(), state("1a")))
    assert {f.rule for f in verify(broken)} == {
        "operation",
        "shift",
        "undefined-read",
        "assigned-once",
        "jump",
        "name-form",
    }


def test_every_single_damage_to_a_random_program_is_found(programs):
    """An operation without a name, a missing operand, an unknown register: in every place of many programs."""
    damages = 0
    for seed in range(60):
        good = programs(random.Random(seed))
        assert verify(good) == []
        for n, instruction in enumerate(good.instructions):
            damaged = [replace(instruction, op="nop"), replace(instruction, operands=(*instruction.operands, 0))]
            if OPERATIONS[instruction.op].operands:
                damaged += [replace(instruction, operands=(*instruction.operands[:-1], "nowhere"))]
                damaged += [replace(instruction, operands=instruction.operands[:-1])]
            for one in damaged:
                assert verify(replace(good, instructions=(*good.instructions[:n], one, *good.instructions[n + 1 :])))
                damages += 1
    assert damages > 1000


# --------------------------------------------------------------------------------------------------- limits

SIZES = Program(
    "sizes",
    states=(state("a"), state("b")),
    inputs=(state("c", Fixed(8)), state("d", Fixed(9)), state("e", Fixed(8))),
    constants=(state("f"),),
    outputs=(state("g", Fixed(11)), state("h"), state("i", Fixed(3)), state("j", Fixed(3))),
    instructions=code("p = add a b", "q = add c d", "r = add p q", "emit g r", "s = mov 1"),
)

USED = {
    "instructions_per_program": 5,
    "state_words_per_compartment": 2,
    "inputs_per_compartment": 3,
    "outputs_per_compartment": 4,
    "constants_per_program": 1,
    "live_registers": 2,
    "message_bits": 24,
}


@pytest.mark.parametrize(("rule", "used"), USED.items())
def test_limits(rule, used):
    assert verify(SIZES, {rule: used}) == []
    (finding,) = verify(SIZES, {rule: used - 1})
    assert (finding.rule, finding.used, finding.limit, finding.object) == (rule, used, used - 1, "sizes")


def test_all_limits_at_once_and_none():
    assert verify(SIZES) == verify(SIZES, {}) == verify(SIZES, USED | {"word_bits": 24, "unknown": 0}) == []
    assert {f.rule for f in verify(SIZES, {rule: 0 for rule in USED})} == set(USED)


def test_another_word_width_is_refused():
    (finding,) = verify(SIZES, {"word_bits": 16})
    assert (finding.rule, finding.used, finding.limit) == ("word_bits", 24, 16)


def test_live_registers_by_hand():
    # p and q live together until r replaces both; s is never read; declared names live in the state memory.
    assert live_registers(SIZES) == 2
    assert live_registers(Program("p")) == 0
    chain = Program("p", instructions=code("a = mov 1", "b = add a 1", "c = add b 1", "d = add c 1"))
    assert live_registers(chain) == 1
    fan = Program(
        "p", instructions=code("a = mov 1", "b = mov 2", "c = mov 3", "d = add a b", "e = add d c", "f = add e a")
    )
    # After d: a, c, d.
    assert live_registers(fan) == 3
