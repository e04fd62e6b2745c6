"""The text form: printed and parsed without loss, and one clear error for everything else."""

import random
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hmn_lava.errors import InputError
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.ir import Instruction, Observable, Program, Variable
from hmn_lava.microcode.text import from_text, to_text

COMMENTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30).map(str.strip)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(rng=st.randoms(use_true_random=False), lines=st.lists(COMMENTS, max_size=3), note=COMMENTS)
def test_round_trip_by_hypothesis(programs, rng, lines, note):
    program = programs(rng)
    instructions = tuple(replace(i, comment=note if n % 2 else "") for n, i in enumerate(program.instructions))
    program = replace(program, instructions=instructions, comment="\n".join(lines) if any(lines[-1:]) else "")
    assert from_text(to_text(program)) == program


def test_round_trip_by_seed(programs):
    for seed in range(300):
        program = programs(random.Random(seed), longest=60)
        text = to_text(program)
        assert from_text(text) == program
        assert to_text(from_text(text)) == text


TEXT = """\
program readout.synapse
; plastic synapse
;
;   w x, then learning
state w s24.22 -4194304..4194304
input x u16.15 0..32768
const rate s24.26 0..6000000
output a s24.13 -8388608..8388607
observe dw r1 s24.30
code
  r0 = mul w x 24                       ; the message
  r1 = add! r0 -3
  skip r1 1
  emit a r0
  t = time
  store w 0
"""

PROGRAM = Program(
    "readout.synapse",
    states=(Variable("w", Fixed(24, True, 22), -4194304, 4194304),),
    inputs=(Variable("x", Fixed(16, False, 15), 0, 32768),),
    constants=(Variable("rate", Fixed(24, True, 26), 0, 6000000),),
    outputs=(Variable("a", Fixed(24, True, 13), -8388608, 8388607),),
    instructions=(
        Instruction("mul", "r0", ("w", "x", 24), comment="the message"),
        Instruction("add", "r1", ("r0", -3), wraps=True),
        Instruction("skip", None, ("r1", 1)),
        Instruction("emit", None, ("a", "r0")),
        Instruction("time", "t", ()),
        Instruction("store", None, ("w", 0)),
    ),
    comment="plastic synapse\n\n  w x, then learning",
    observables=(Observable("dw", "r1", Fixed(24, True, 30)),),
)


def test_a_text_by_hand():
    assert from_text(TEXT) == PROGRAM
    assert to_text(PROGRAM) == TEXT


def test_space_and_comments_do_not_matter():
    loose = TEXT.replace("  r0 = mul w x 24", "\tr0  =  mul   w x\t24").replace(
        "  emit a r0", "\n  ; aside\n\n  emit a r0;"
    )
    assert from_text(loose) == PROGRAM


def test_a_program_without_instructions():
    assert from_text("program empty\ncode\n") == Program("empty")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("state w s24.22 -4194304..4194304", "state w s24.22", 5),
        ("state w s24.22 -4194304..4194304", "state w s24.22 -4194304", 5),
        ("state w s24.22 -4194304..4194304", "state w s24.22 a..b", 5),
        ("state w s24.22 -4194304..4194304", "state 7w s24.22 0..1", 5),
        ("state w s24.22", "state w-w s24.22", 5),
        ("input x u16.15", "input x f16.15", 6),
        ("input x u16.15", "input x u99.15", 6),
        ("input x u16.15", "inptu x u16.15", 6),
        ("observe dw r1 s24.30", "observe dw r1", 9),
        ("observe dw r1 s24.30", "observe d.w r1 s24.30", 9),
        ("; plastic synapse", "program again", 2),
        ("program readout.synapse", "program readout synapse", 1),
        ("; plastic synapse", "r0 = mov 1", 2),
        ("r1 = add! r0 -3", "r1 = add! r0 --3", 12),
        ("r1 = add! r0 -3", "r1 = add! r0 3.5", 12),
        ("r1 = add! r0 -3", "r1 = add! r0 $x", 12),
        ("r1 = add! r0 -3", "r.1 = add r0 3", 12),
        ("r1 = add! r0 -3", "r1 = add! r0 " + "9" * 5000, 12),
        ("store w 0", "store w " + "a" * 65, 16),
    ],
)
def test_a_malformed_line_is_named(old, new, line):
    assert old in TEXT
    with pytest.raises(InputError) as caught:
        from_text(TEXT.replace(old, new, 1), where="programs/synapse.ucode")
    assert caught.value.where == "programs/synapse.ucode"
    assert caught.value.field == f"line {line}"
    assert caught.value.remedy
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "text", ["", "\n\n", "program p\n", "code\n", "; program p\n; code\n", "state s s24.0 0..1\ncode\n"]
)
def test_a_program_needs_a_name_and_code(text):
    with pytest.raises(InputError, match="no name or no code"):
        from_text(text)


def test_a_text_is_bounded():
    with pytest.raises(InputError, match="too long"):
        from_text("program p\ncode\n" + "  r = mov 1\n" * 20_000)


@given(st.text(max_size=60))
def test_any_text_gives_a_program_or_an_input_error(text):
    for whole in (text, f"program p\n{text}\ncode\n", f"program p\ncode\n{text}"):
        with suppress(InputError):
            from_text(whole)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(rng=st.randoms(use_true_random=False), data=st.data())
def test_a_damaged_text_gives_a_program_or_an_input_error(programs, rng, data):
    text = to_text(programs(rng))
    at = data.draw(st.integers(0, len(text) - 1))
    junk = data.draw(st.text("=!.;-0a \n\x00é٣", max_size=4))
    with suppress(InputError):
        from_text(text[:at] + junk + text[at + data.draw(st.integers(0, 8)) :])
