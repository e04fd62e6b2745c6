"""A clocked program is the program itself, run once in each frame of the chip's steps."""

import random

import numpy as np
import pytest

from hmn_lava import streams
from hmn_lava.components.attention import RATE, context
from hmn_lava.components.clock import clocked, model_time, off_beat
from hmn_lava.components.oscillator import oscillator
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.builder import Builder
from hmn_lava.microcode.interpreter import execute
from hmn_lava.microcode.random import uniform
from hmn_lava.microcode.ranges import overflows
from hmn_lava.microcode.verify import verify

FRAMES = [2, 4, 8, 32]
N = 5


def run(program, states, inputs, constants, time):
    return execute(program, states=states, inputs=inputs, constants=constants, index=np.arange(N), time=time)


def well_formed(program):
    assert verify(program) == []
    assert overflows(program) == []
    return program


# ------------------------------------------------------------------------------------------------------------- slots


@pytest.mark.parametrize("frame", [2, 4, 16])
def test_off_beat_is_zero_in_its_slot_alone(frame):
    for slot in range(frame):
        b = Builder("beat")
        b.observe("off", off_beat(b, frame, slot))
        program = well_formed(b.build())
        silent = [run(program, {}, {}, {}, t).observed["off"][0] == 0 for t in range(3 * frame)]
        assert silent == [t % frame == slot for t in range(3 * frame)]


def test_off_beat_goes_on_where_the_step_counter_wraps():
    b = Builder("beat")
    b.observe("off", off_beat(b, 8, 3))
    program = b.build()
    for start in (2**23 - 16, 2**24 - 16):
        silent = [run(program, {}, {}, {}, start + t).observed["off"][0] == 0 for t in range(32)]
        assert silent == [t % 8 == 3 for t in range(32)]


@pytest.mark.parametrize("frame", [1, 2, 8, 32])
@pytest.mark.parametrize("offset", [0, 1, 7, 64, 129])
def test_model_time_counts_frames_from_the_offset(frame, offset):
    b = Builder("time")
    b.observe("t", model_time(b, b.constant("offset", Fixed(16, signed=False)), frame))
    program = well_formed(b.build())
    steps = [0, 1, 63, 64, 65, 200, 4095, 2**23 - 1]
    found = [int(run(program, {}, {}, {"offset": offset}, t).observed["t"][0]) for t in steps]
    assert found == [(t - offset) // frame for t in steps]


def test_a_frame_of_one_step_needs_no_clock():
    program = oscillator("theta", 16.0, False)
    assert clocked(program, 1, 0) is program


# -------------------------------------------------------------------------------------------- programs of this package


def mean_program():
    """A running mean (of a context) with inputs, constants, a state and an output."""
    return context("c", Fixed(16, True, 12), (-(2**15), 2**15 - 1), [Fixed(18, True, 16)] * 2, 16.0)


PROGRAMS = {
    "oscillator": (
        oscillator("theta", 12.5, False),
        {
            "period": oscillator("theta", 12.5, False).variable("period").low,
            "turns_per_step": int(
                oscillator("theta", 12.5, False).variable("turns_per_step").format.quantise(1.0 / 12.5)
            ),
        },
    ),
    "mean": (mean_program(), {"rate": int(RATE.quantise(0.1)), "key_0": 1 << 16, "key_1": -(1 << 15)}),
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("frame", FRAMES)
def test_a_clocked_program_acts_once_in_a_frame(name, frame):
    """Same states and outputs as the program that runs once a frame; between its slots nothing moves or is sent."""
    program, constants = PROGRAMS[name]
    rng = np.random.default_rng(frame)
    for slot in sorted({0, 1, frame // 2, frame - 1}):
        slow = well_formed(clocked(program, frame, slot))
        states = before = {v.name: np.zeros(N, np.int64) for v in program.states}
        acted = 0
        for t in range(6 * frame):
            inputs = {v.name: rng.integers(v.low, v.high + 1, N) for v in program.inputs}
            after = run(slow, states, inputs, constants, t)
            if t % frame == slot:
                plain = run(program, before, inputs, constants, t // frame)
                before = plain.states
                acted += 1
                assert all(np.array_equal(after.outputs[k], v) for k, v in plain.outputs.items())
                assert all(np.array_equal(after.observed[k], v) for k, v in plain.observed.items())
            else:
                assert not any(v.any() for v in after.outputs.values())
            states = after.states
            assert all(np.array_equal(states[k], v) for k, v in before.items())
        assert acted == 6
        assert any(v.any() for v in before.values())  # something moved at all


def test_draws_of_a_clocked_program_are_of_the_model_step():
    """Where the program asks for the step, a clock does not change what ``time`` means: the caller gives model_time."""
    b = Builder("draw")
    time = model_time(b, b.constant("offset", Fixed(16, signed=False)), 4)
    b.emit("u", uniform(b, "draw", time))
    program = clocked(b.build(), 4, 2)
    keys = {f"draw_k{n}": key for n, key in enumerate(streams.keys(3, "a.draw"))}
    for step in range(5):
        found = run(program, {}, {}, {"offset": 6, **keys}, 4 * step + 6).outputs["u"]
        assert found.tolist() == streams.uniform(3, "a.draw", step, np.arange(N)).tolist()


# ---------------------------------------------------------------------------------------------------- random programs


@pytest.mark.parametrize("number", range(40))
def test_random_programs(programs, words, number):
    """Also with nested skips, stores of states that are read, and observables: nothing but the clock is added."""
    rng = random.Random(number)
    program = programs(rng)
    frame = rng.choice(FRAMES)
    slot = rng.randrange(frame)
    slow = clocked(program, frame, slot)
    assert verify(slow) == []
    assert (slow.name, slow.states, slow.inputs, slow.constants) == (
        program.name,
        program.states,
        program.inputs,
        program.constants,
    )
    assert (slow.outputs, slow.observables) == (program.outputs, program.observables)
    assigned = [i.target for i in slow.instructions if i.target is not None]
    assert len(set(assigned)) == len(assigned)
    assert len(slow.instructions) <= len(program.instructions) + 4
    constants = {v.name: words(rng, v.low, v.high) for v in program.constants}
    states = {v.name: np.array([words(rng, v.low, v.high) for _ in range(N)]) for v in program.states}
    for t in range(2 * frame):
        inputs = {v.name: np.array([words(rng, v.low, v.high) for _ in range(N)]) for v in program.inputs}
        after = run(slow, states, inputs, constants, t)
        if t % frame == slot:
            plain = run(program, states, inputs, constants, t)
            for kind in ("states", "outputs", "observed"):
                expected = getattr(plain, kind)
                assert all(np.array_equal(getattr(after, kind)[k], v) for k, v in expected.items())
        else:
            assert all(np.array_equal(after.states[k], states[k]) for k in states)
            assert not any(v.any() for v in after.outputs.values())
        states = after.states
