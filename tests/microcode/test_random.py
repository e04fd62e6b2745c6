"""The draw as a piece of program gives the integers of ``hmn_lava.streams``."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmn_lava import streams
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.builder import Builder
from hmn_lava.microcode.interpreter import execute
from hmn_lava.microcode.ir import WORD
from hmn_lava.microcode.random import DRAW_BITS, uniform
from hmn_lava.microcode.ranges import WORD_RANGE, overflows
from hmn_lava.microcode.verify import verify

WORDS = st.integers(*WORD_RANGE)


def program(own_index=False):
    b = Builder("draw")
    time = b.input("t", Fixed(WORD), WORD_RANGE)
    index = None if own_index else b.input("i", Fixed(WORD), WORD_RANGE)
    draw = uniform(b, "noise", time, index)
    assert (draw.frac, draw.low, draw.high) == (DRAW_BITS, 0, 2**DRAW_BITS - 1)
    b.observe("u", draw)
    return b.build()


PROGRAM, OWN = program(), program(own_index=True)


def draws(program, seed, name, t, index):
    constants = {f"noise_k{n}": key for n, key in enumerate(streams.keys(seed, name))}
    inputs = {"t": np.asarray(t)} | ({} if program is OWN else {"i": np.asarray(index)})
    size = np.broadcast_shapes(np.shape(t), np.shape(index))
    index = np.broadcast_to(np.asarray(index), size)
    return execute(program, states={}, inputs=inputs, constants=constants, index=index, time=0).observed["u"]


def test_the_program_is_well_formed_and_short():
    assert verify(PROGRAM) == []
    assert overflows(PROGRAM) == []
    assert [c.name for c in PROGRAM.constants] == [f"noise_k{n}" for n in range(streams.KEYS)]
    assert len(PROGRAM.instructions) == 3 * 8 + 2


@pytest.mark.parametrize("which", [PROGRAM, OWN], ids=["given index", "own index"])
@pytest.mark.parametrize(("seed", "name"), [(0, "out.noise"), (7, "out.sample"), (2**40, "readout.gate")])
def test_program_and_stream_draw_the_same_for_many_counters(which, seed, name):
    rng = np.random.default_rng(0)
    t, index = rng.integers(WORD_RANGE[0], WORD_RANGE[1] + 1, (2, 20_000))
    assert (draws(which, seed, name, t, index) == streams.uniform(seed, name, t, index)).all()
    for time in (0, 1, 2, 1000):  # what a run meets: small steps, all neurons
        neurons = np.arange(4096)
        assert (
            draws(which, seed, name, np.full(4096, time), neurons) == streams.uniform(seed, name, time, neurons)
        ).all()


@settings(max_examples=100)
@given(st.integers(0, 2**64), st.text(max_size=20), WORDS, WORDS)
def test_program_and_stream_draw_the_same_for_any_stream(seed, name, t, index):
    assert draws(PROGRAM, seed, name, [t], [index]) == streams.uniform(seed, name, t, index)


def test_two_streams_in_one_program_have_keys_of_their_own():
    b = Builder("two")
    time = b.raw("time")
    for name in ("noise", "sample"):
        b.observe(name, uniform(b, name, time))
    two = b.build()
    assert verify(two) == []
    constants = {f"{s}_k{n}": key for s in ("noise", "sample") for n, key in enumerate(streams.keys(3, f"out.{s}"))}
    seen = execute(two, states={}, inputs={}, constants=constants, index=np.arange(50), time=9).observed
    for name in ("noise", "sample"):
        assert (seen[name] == streams.uniform(3, f"out.{name}", 9, np.arange(50))).all()
