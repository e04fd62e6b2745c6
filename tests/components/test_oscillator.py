"""The oscillator: its gate against the equation, and a counter that never drifts."""

import math

import numpy as np
import pytest

from hmn_lava.components.oscillator import GATE, WAVE, counter_format, oscillator, own_gate
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.builder import Builder
from hmn_lava.microcode.interpreter import execute
from hmn_lava.microcode.ir import WORD
from hmn_lava.microcode.ranges import overflows
from hmn_lava.microcode.verify import verify
from hmn_lava.reference import equations as eq

# The cosine's 3.8e-6, half a unit of 2**-16, and the phase: two floors of 2**-22 turns at most.
BOUND = 3.9e-6 + 2**-17 + 2 * math.pi * 2**-21
PERIODS = [2.0, 3.0, 7.5, 16.0, 100.0, math.pi * 10, 1000.0, 65536.0]


def constants(program, period):
    inverse = program.variable("turns_per_step")
    return {"period": program.variable("period").low, "turns_per_step": int(inverse.format.quantise(1.0 / period))}


def step(program, period, count):
    count = np.asarray(count, np.int64)
    return execute(
        program,
        states={"count": count},
        inputs={},
        constants=constants(program, period),
        index=np.zeros(count.size, np.int64),
        time=0,
    )


@pytest.mark.parametrize("per_synapse", [False, True])
@pytest.mark.parametrize("period", [*PERIODS, 1.0, 2.5, 10_000.25])
def test_programs_are_well_formed(period, per_synapse):
    program = oscillator("theta", period, per_synapse)
    assert verify(program) == []
    assert overflows(program) == []


@pytest.mark.parametrize("period", PERIODS)
def test_the_gate_is_the_equation(period):
    """Every phase of a period that a count can stand for, or 20000 of them."""
    program = oscillator("theta", period, False)
    stored = program.variable("period").low
    count = np.unique(np.linspace(0, stored - 1, 20_000).astype(np.int64))
    phase = 2 * math.pi * np.ldexp(count, -counter_format(period).frac) / period
    gate = GATE.real(step(program, period, count).outputs["gate"])
    assert np.abs(gate - eq.phase_gate(0.0, phase)).max() < BOUND
    assert gate[0] == 1.0
    assert gate.min() == 0.0


@pytest.mark.parametrize("period", PERIODS)
def test_the_waves_and_the_gate_that_a_synapse_makes_of_them(period):
    program = oscillator("theta", period, True)
    b = Builder("synapse")
    waves = [b.input(name, WAVE, (-(1 << 16), 1 << 16)) for name in ("cos", "sin")]
    b.observe("gate", own_gate(b, waves))
    synapse = b.build()
    assert verify(synapse) == []
    assert overflows(synapse) == []
    rng = np.random.default_rng(0)
    count = rng.integers(0, program.variable("period").low, 3000)
    phase = 2 * math.pi * np.ldexp(count, -counter_format(period).frac) / period
    phi = rng.uniform(-10, 10, 3000)
    outputs = step(program, period, count).outputs
    assert np.abs(WAVE.real(outputs["cos"]) - np.cos(phase)).max() < BOUND
    assert np.abs(WAVE.real(outputs["sin"]) - np.sin(phase)).max() < BOUND
    effects = execute(
        synapse,
        states={},
        inputs=outputs,
        index=np.arange(3000),
        time=0,
        constants={"cos_phase": WAVE.quantise(np.cos(phi)), "sin_phase": WAVE.quantise(np.sin(phi))},
    )
    exact = np.array([float(eq.phase_gate(p, f)) for p, f in zip(phase, phi, strict=True)])
    # Both waves, both constants (half a unit each), two floors.
    assert np.abs(np.ldexp(effects.observed["gate"], -16) - exact).max() < 2 * BOUND + 3 * 2**-16


@pytest.mark.parametrize("period", [1, 2, 3, 10, 16, 100, 999, 4096])
def test_an_integer_period_never_drifts(period):
    """The count's update maps step k of the period to step k + 1, exactly, for every k; so do 10**6 steps."""
    program, frac = oscillator("theta", float(period), False), counter_format(float(period)).frac
    k = np.arange(period)
    after = step(program, float(period), k << frac).states["count"]
    assert (after == (k + 1) % period << frac).all()
    following = dict(zip((k << frac).tolist(), after.tolist(), strict=True))
    count = 0
    for _ in range(10**6):
        count = following[count]
    assert count == 10**6 % period << frac


def test_a_fractional_period_drifts_less_than_half_a_unit_a_period():
    """The stored period is off by at most half a unit; over 1000 periods that stays far below a step."""
    period = math.pi * 10
    program, frac = oscillator("theta", period, False), counter_format(period).frac
    stored, count = program.variable("period").low, 0
    steps = 31_416
    for t in range(steps):
        if t % 3000 == 0:  # the program's own update, now and then
            expected = count + (1 << frac)
            assert step(program, period, [count]).states["count"] == (
                expected - stored if expected >= stored else expected
            )
        count += 1 << frac
        count -= stored * (count >= stored)
    exact = math.fmod(steps, period)
    assert abs(math.ldexp(count, -frac) - exact) <= 1000 * 2.0 ** -(frac + 1)
    assert 1000 * 2.0 ** -(frac + 1) < 0.01


def test_counts_use_the_word():
    for period in PERIODS:
        format = counter_format(period)
        assert format.holds(0, round(math.ldexp(period, format.frac)) + (1 << format.frac))
        assert format == Fixed(WORD - 1, False, format.frac)
        finer = Fixed(WORD - 1, False, format.frac + 1)
        assert not finer.holds(0, math.floor(math.ldexp(period + 1.0, finer.frac)))
