"""The plastic synapse: its message, its weight change factor by factor, its bounds, and runs."""

import math

import numpy as np
import pytest

from hmn_lava import streams
from hmn_lava.components.oscillator import WAVE
from hmn_lava.components.port import Port
from hmn_lava.components.synapse import GateForm, SynapseForm, synapse
from hmn_lava.components.trace import DECAY
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.interpreter import execute
from hmn_lava.microcode.ranges import overflows
from hmn_lava.microcode.verify import verify
from hmn_lava.reference import equations as eq

W = Fixed(22, True, 20)
X = Z = Fixed(17, True, 14)
THIRD = Fixed(20, True, 18)
ENDS = (-(2**16) + 1, 2**16 - 1)
PSI = Fixed(20, True, 14)
DW_UNIT = 2.0**-17
"""The scale of dw, which is floored: the finest at which third factor (2) times trace (32) fit a word."""
LOW, HIGH = -(2**20), 2**20  # -1 and 1
PLAIN = {
    "w": W,
    "w_bounds": (LOW, HIGH),
    "x": Port(X, ENDS),
    "a_frac": 14,
    "learning": True,
    "z": Port(Z, ENDS),
    "psi_fast": PSI,
    "third": Port(THIRD, (-(2**19) + 1, 2**19 - 1)),
}
SPIKE = Port(Fixed(24, False, 0), (0, 1))


def checked(**form):
    program = synapse("s", SynapseForm(**(PLAIN | form)))
    assert verify(program) == []
    assert overflows(program) == []
    return program


def step(program, states=None, constants=None, time=0, **inputs):
    """One step in real numbers; everything that is not given is zero. Returns reals."""
    declared = {v.name: v.format for v in (*program.states, *program.inputs, *program.constants)}
    size = np.broadcast_shapes(*(np.shape(v) for v in (*inputs.values(), *(states or {}).values())), (1,))

    def integers(variables, values):
        return {v.name: np.broadcast_to(declared[v.name].quantise(values.get(v.name, 0.0)), size) for v in variables}

    effects = execute(
        program,
        states=integers(program.states, states or {}),
        inputs=integers(program.inputs, inputs),
        constants=integers(program.constants, constants or {}),
        index=np.arange(size[0]),
        time=time,
    )
    found = {o.name: o.format.real(effects.observed[o.name]) for o in program.observables}
    found |= {v.name: v.format.real(effects.outputs[v.name]) for v in program.outputs}
    return found | {f"{v.name}'": v.format.real(effects.states[v.name]) for v in program.states}


LEARN = checked()


def test_the_message_is_w_x_to_half_a_unit():
    rng = np.random.default_rng(0)
    w, x = W.real(rng.integers(LOW, HIGH + 1, 2000)), X.real(rng.integers(ENDS[0], ENDS[1] + 1, 2000))
    for program in (LEARN, checked(learning=False)):
        a = step(program, {"w": w}, x=x)["a"]
        assert np.abs(a - w * x).max() <= 2.0**-15
    assert step(LEARN, {"w": 0.5}, x=-2.0)["a"] == -1.0


def test_the_message_goes_out_before_the_weight_moves():
    found = step(LEARN, {"w": 0.5}, x=1.0, x_learn=1.0, z=1.0, third=0.25)
    assert (found["a"], found["w'"]) == (0.5, 0.75)


@pytest.mark.parametrize("x", [1.5, -1.5])
@pytest.mark.parametrize("z", [0.5, -0.5])
@pytest.mark.parametrize("third", [0.25, -0.25])
@pytest.mark.parametrize("mode", ["replacing", "accumulating"])
def test_the_sign_of_every_factor(x, z, third, mode):
    found = step(checked(mode=mode), {"w": 0.125}, x_learn=x, z=z, third=third)
    assert found["dw"] == third * x * z
    assert found["w'"] == 0.125 + third * x * z


@pytest.mark.parametrize("missing", ["x_learn", "z", "third"])
def test_without_a_factor_nothing_moves(missing):
    factors = {"x_learn": 1.0, "z": 1.0, "third": 0.25} | {missing: 0.0}
    found = step(LEARN, {"w": 0.5}, **factors)
    assert (found["dw"], found["w'"]) == (0.0, 0.5)


def test_the_presynaptic_message_does_not_learn():
    assert step(LEARN, {"w": 0.5}, x=3.0, z=1.0, third=0.25)["dw"] == 0.0


@pytest.mark.parametrize(
    ("w", "dw", "after"), [(0.9, 0.5, 1.0), (-0.9, -0.5, -1.0), (0.9, -0.5, 0.4), (1.0, 1.875, 1.0), (-1.0, 1.75, 0.75)]
)
def test_the_weight_stays_inside_its_bounds(w, dw, after):
    found = step(LEARN, {"w": w}, x_learn=1.0, z=1.0, third=dw)
    assert abs(found["w'"] - after) <= W.unit
    assert found["dw"] == dw


def test_a_huge_step_is_bounded_by_the_span():
    found = step(LEARN, {"w": [-1.0, 1.0]}, x_learn=3.5, z=3.5, third=[1.875, -1.875])
    assert found["dw"].tolist() == [2.0, -2.0]
    assert found["w'"].tolist() == [1.0, -1.0]


def test_bounds_without_zero():
    program = checked(w_bounds=(2**18, 2**19))
    for third, after in ((1.5, 0.5), (-1.5, 0.25)):
        assert step(program, {"w": 0.375}, x_learn=1.0, z=1.0, third=third)["w'"] == after


@pytest.mark.parametrize("mode", ["replacing", "accumulating"])
def test_both_traces_add_up(mode):
    program = checked(mode=mode, psi_slow=Fixed(20, True, 14))
    states = {"w": 0.0, "psi_fast": 2.0, "psi_slow": -4.0}
    decays = {"psi_fast_decay": 0.5, "psi_slow_decay": 0.75}
    found = step(program, states, decays, third=0.25)
    assert (found["psi_fast'"], found["psi_slow'"], found["dw"]) == (1.0, -3.0, -0.5)
    found = step(program, states, decays, third=0.25, x_learn=1.0, z=2.0)
    expected = (2.0, 2.0) if mode == "replacing" else (3.0, -1.0)
    assert (found["psi_fast'"], found["psi_slow'"], found["dw"]) == (*expected, 0.25 * sum(expected))


def test_spikes_and_graded_signals_mix():
    for x, z in ((SPIKE, SPIKE), (SPIKE, PLAIN["z"]), (PLAIN["x"], SPIKE)):
        program = checked(x=x, z=z)
        assert step(program, {"w": 0.5}, x_learn=1.0, z=1.0, third=0.25)["dw"] == 0.25
        assert step(program, {"w": 0.5}, x_learn=1.0, z=0.0, third=0.25)["dw"] == 0.0


# ---------------------------------------------------------------------------------------------------------- gates


@pytest.mark.parametrize("wave", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("third", [0.25, -0.25])
def test_one_phase_gate_for_all(wave, third):
    program = checked(phase=Port(Fixed(24, True, 16), (0, 1 << 16)))
    found = step(program, {"w": 0.5}, x_learn=2.0, z=1.0, third=third, gate=wave)
    assert found["dw"] == third * 2.0 * wave


def test_a_phase_gate_of_each_synapse():
    program = checked(phase=Port(Fixed(24, True, 16), (-(1 << 16), 1 << 16)), phase_per_synapse=True)
    phi = np.linspace(-np.pi, np.pi, 50)
    for phase in (0.0, 1.0, 2.5, 4.0):
        constants = {"cos_phase": np.cos(phi), "sin_phase": np.sin(phi)}
        for third in (0.25, -0.25):
            found = step(
                program,
                {"w": np.zeros(50)},
                constants,
                x_learn=1.0,
                z=1.0,
                third=third,
                cos=np.cos(phase),
                sin=np.sin(phase),
            )
            exact = eq.phase_gate(phase, phi)
            np.testing.assert_allclose(found["gate"], exact, rtol=0, atol=5 * WAVE.unit)
            np.testing.assert_allclose(found["dw"], third * exact, rtol=0, atol=2 * WAVE.unit + DW_UNIT)


def test_the_probabilistic_gate_lets_whole_steps_through():
    n, program = 20_000, checked(gate=GateForm(Fixed(18, False, 10), Fixed(18, False, 20)))
    constants = {"beta_p": 50.0, "threshold": 0.01, "offset": 3.0}
    constants |= {f"gate_k{k}": float(key) for k, key in enumerate(streams.keys(0, "readout.gate"))}
    for third in (0.03125, -0.03125):
        p = float(eq.gate_probability(np.array([third]), 50.0, 0.01)[0])
        found = step(program, {"w": np.full(n, 0.5)}, constants, time=10, x_learn=1.0, z=1.0, third=third)
        assert set(found["dw"].tolist()) == {0.0, third}
        assert (found["w'"] == 0.5 + found["dw"]).all()
        assert abs((found["dw"] != 0).mean() - p) < 4 * math.sqrt(p * (1 - p) / n) + 2e-4
        # The clock of the draws is the model's step.
        draw = streams.uniform(0, "readout.gate", 7, np.arange(n)) / 2**16
        clear = np.abs(draw - p) > 5e-4
        assert ((draw < p) == (found["dw"] != 0))[clear].all()


def test_a_closed_gate_keeps_the_traces_going():
    program = checked(gate=GateForm(Fixed(18, False, 10), Fixed(18, False, 10)))
    found = step(
        program, {"w": 0.5, "psi_fast": 1.0}, {"beta_p": 200.0, "threshold": 100.0, "psi_fast_decay": 0.5}, third=0.25
    )
    assert (found["dw"], found["w'"], found["psi_fast'"]) == (0.0, 0.5, 0.5)


# ------------------------------------------------------------------------------------------------- the whole rule


@pytest.mark.parametrize("mode", ["replacing", "accumulating"])
def test_a_run_follows_the_equations(mode):
    """200 steps of 40 synapses with both traces and a phase gate, within the errors of traces and roundings."""
    program = checked(mode=mode, psi_slow=Fixed(22, True, 16), phase=Port(Fixed(24, True, 16), (0, 1 << 16)))
    rng, n = np.random.default_rng(1), 40
    fast, slow = eq.trace_decay(5.0), eq.trace_decay(30.0)
    assert abs(float(DECAY.real(DECAY.quantise(fast))) - fast) < 2**-22
    w, psi_fast, psi_slow = rng.uniform(-1, 1, n), np.zeros(n), np.zeros(n)
    states = {"w": w, "psi_fast": psi_fast, "psi_slow": psi_slow}
    decays = {"psi_fast_decay": fast, "psi_slow_decay": slow}
    moved = worst = 0.0
    for t in range(200):
        x, z = (X.real(rng.integers(-4096, 4096, n) * (rng.random(n) < 0.2)) for _ in range(2))
        factor, gate = (
            float(THIRD.real(rng.integers(-8000, 8000))),
            float(eq.phase_gate(eq.oscillator_phase(t, 16.0, 0.0), np.array(0.5))),
        )
        found = step(program, states, decays, x_learn=x, z=z, third=factor, gate=gate)
        states = {name: found[f"{name}'"] for name in states}
        update = eq.eligibility_replacing if mode == "replacing" else eq.eligibility_accumulating
        psi_fast, psi_slow = update(psi_fast, x, z, fast), update(psi_slow, x, z, slow)
        dw = eq.gated_update(
            eq.preliminary_update(0.0, 1.0, factor, eq.eligibility(psi_fast, psi_slow)), np.array(gate)
        )
        # A unit over 1 - lambda of each trace (2**-14, 2**-16), times the factor; two floors at the scale of dw, of
        # both traces twice
        # as coarse; the gate's half unit.
        slack = (
            abs(factor) * (2.0**-14 / (1 - fast) + 2.0**-16 / (1 - slow))
            + 4 * DW_UNIT
            + 2.0**-16 * float(np.abs(dw).max())
        )
        assert np.abs(found["dw"] - dw).max() <= slack
        w = eq.apply_update(w, dw, -1.0, 1.0)
        worst += slack
        moved += float(np.abs(dw).sum())
        assert np.abs(states["w"] - w).max() <= worst + W.unit
    assert moved > 0.3  # thousands of times DW_UNIT


def test_what_a_learning_synapse_needs():
    for missing in ("z", "psi_fast", "third"):
        with pytest.raises(ValueError, match="a learning synapse needs"):
            synapse("s", SynapseForm(**(PLAIN | {missing: None})))
