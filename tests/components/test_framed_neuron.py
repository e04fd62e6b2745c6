"""A neuron in frames of several steps of the chip computes, once a frame, what it computes in one step without them."""

from dataclasses import replace

import numpy as np
import pytest

from hmn_lava import streams
from hmn_lava.components.neuron import COMPETITION_STEPS, Z_SIGMOID, Z_SPIKE, NeuronForm, neuron
from hmn_lava.components.supply import SupplyForm
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.interpreter import execute
from hmn_lava.microcode.ranges import WORD_RANGE, overflows
from hmn_lava.microcode.verify import verify

N, STEPS = 40, 9
A, BOUNDS = Fixed(24, True, 14), (-(2**17), 2**17)

FORMS = {
    "relu": NeuronForm("relu", A, BOUNDS, Fixed(16, False, 13), 2**16 - 1),
    "biased relu": NeuronForm("relu", A, BOUNDS, Fixed(8, False, 5), 200, bias=Fixed(20, True, 14)),
    "sigmoid": NeuronForm("sigmoid", A, BOUNDS, Z_SIGMOID, 1 << 16),
    "lif": NeuronForm("lif", Fixed(24, True, 8), WORD_RANGE, Z_SPIKE, 1),
    "biased lif": NeuronForm(
        "lif", Fixed(24, True, 8), WORD_RANGE, Z_SPIKE, 1, bias=Fixed(23, True, 14), bias_in_voltage=True
    ),
}

CONSTANTS = {
    "bias": np.random.default_rng(1).integers(-5000, 5000, N),
    "noise": 1 << 16,
    "inverse_temperature": 1 << 15,
    "keep_u": 3000,
    "keep_v": 3500,
    "vth": 1 << 18,
    "offset": 0,
} | {f"{draw}_draw_k{n}": key for draw in ("noise", "sample") for n, key in enumerate(streams.keys(2, f"out.{draw}"))}


def variants():
    for name in FORMS:
        for competition in ("none", "winner_take_all", "sample"):
            for noisy in (False, True) if name in ("relu", "lif") else (False,):
                yield pytest.param(name, competition, noisy, id=f"{name}, {competition}{', noise' * noisy}")


def form_of(name, competition, noisy):
    return replace(
        FORMS[name],
        competition=competition,
        noise=Fixed(18, False, 18) if noisy else None,
        inverse_temperature=Fixed(18, False, 14) if competition == "sample" else None,
    )


def checked(form):
    program = neuron("out", form)
    assert verify(program) == []
    assert overflows(program) == []
    return program


def step(program, states, time, offset, **inputs):
    inputs = {v.name: np.broadcast_to(inputs.get(v.name, 0), N) for v in program.inputs}
    constants = {v.name: CONSTANTS.get(v.name, 0) for v in program.constants} | {"offset": offset}
    constants = {v.name: constants[v.name] for v in program.constants}
    return execute(program, states=states, inputs=inputs, constants=constants, index=np.arange(N), time=time)


def start(program, hold):
    return {v.name: np.zeros(N, np.int64) for v in program.states} | {"hold": np.full(N, hold)}


def drive(form):
    rng = np.random.default_rng(3)
    a = (
        rng.integers(-(2**15), 2**15, (STEPS, N))
        if form.activation != "lif"
        else rng.integers(-(2**9), 2**12, (STEPS, N))
    )
    return a, rng.random((STEPS, N)) < 0.7


def plain(form, hold):
    """z and key of each step of the model without frames, and the states after each of them."""
    program, (a, beaten) = checked(form), drive(form)
    states, z, key, after = start(program, hold), [], [], []
    late = COMPETITION_STEPS if form.competition != "none" else 0
    for t in range(STEPS + late):
        verdict = beaten[t - late].astype(np.int64) if t >= late else np.ones(N, np.int64)
        run = step(program, states, t, 0, a=a[min(t, STEPS - 1)], beaten=verdict)
        states = run.states
        if t >= late:
            z.append(run.outputs["z"])
        if t < STEPS:
            key.append(run.outputs.get("key"))
            after.append({k: states[k] for k in ("u", "v", "hold") if k in states})
    return np.array(z), key, after


@pytest.mark.parametrize(("frame", "slot", "supplies"), [(4, 3, True), (8, 0, False)])
@pytest.mark.parametrize(("name", "competition", "noisy"), list(variants()))
def test_a_frame_is_a_step_of_the_model(name, competition, noisy, frame, slot, supplies):
    form, hold = form_of(name, competition, noisy), 2
    expected, keys, states_after = plain(form, hold)
    late = COMPETITION_STEPS if competition != "none" else 0
    # Where it competes, z can wait for a verdict that crosses the frame's end.
    activity = Fixed(7, False, form.z.frac - max(0, form.z.bits - 7))
    known = slot + late
    supplied = SupplyForm(Fixed(7, False), activity, ()) if supplies else None
    program = checked(replace(form, frame=frame, slot=slot, supply=supplied))
    a, beaten = drive(form)
    states, rng = start(program, hold), np.random.default_rng(0)
    z = {}
    for s in range(frame * STEPS + known + 2):
        t, place = divmod(s, frame)
        junk = rng.integers(*BOUNDS, N)  # what arrives in other steps does not matter
        verdict = rng.integers(0, 2, N)
        if late and s >= known and (s - known) % frame == 0 and (s - known) // frame < STEPS:
            verdict = beaten[(s - known) // frame].astype(np.int64)
        run = step(program, states, s, slot, a=a[min(t, STEPS - 1)] if place == slot else junk, beaten=verdict)
        if supplies and s >= known and (s - known) // frame < STEPS:  # with z itself
            last = expected[(s - known) // frame]
            assert run.outputs["y0"].tolist() == ((last != 0) * ((s - known) % frame == 0)).tolist()
            exact = np.minimum(np.ldexp(form.z.real(last), activity.frac), 127)
            assert np.abs(run.states["y1"] - exact).max() <= 0.5
        states = run.states
        if place == slot and t < STEPS:
            for k, v in states_after[t].items():
                assert np.array_equal(states[k], v), k
            if late:
                assert np.array_equal(run.outputs["key"], keys[t])
        elif late and place != slot:
            assert not run.outputs["key"].any()
        if s >= known and (s - known) % frame == 0:
            z[(s - known) // frame] = run.outputs["z"]
        else:
            assert not run.outputs["z"].any()
    for t in range(STEPS):
        assert np.array_equal(z[t], expected[t]), t
    assert expected[hold:].any() and not expected[:hold].any()
