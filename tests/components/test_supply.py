"""What a neuron supplies to the learning engine: y0, y1 and third factors, against the equations in float."""

from dataclasses import replace

import numpy as np
import pytest

from hmn_lava import streams
from hmn_lava.components.clock import off_beat
from hmn_lava.components.oscillator import GATE, WAVE
from hmn_lava.components.port import Port
from hmn_lava.components.supply import (
    NeuronGateForm,
    SupplyForm,
    ThirdForm,
    VoltageForm,
    supply_activity,
    supply_thirds,
    supply_voltages,
)
from hmn_lava.components.trace import DECAY
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.builder import Builder
from hmn_lava.microcode.interpreter import execute
from hmn_lava.microcode.ir import WORD
from hmn_lava.microcode.ranges import overflows
from hmn_lava.microcode.verify import verify
from hmn_lava.reference import equations as eq

TRACE = Fixed(7, signed=False)
ACTIVITY = Fixed(7, False, 4)
Z = Fixed(16, signed=False, frac=12)
Z_HIGH = 2**15 - 1
THIRD = Port(Fixed(WORD, True, 16), (-(2**18), 2**18))  # -4 .. 4
SCALE = Fixed(18, False, 8)
FRAME, SLOT, THIRD_SLOT = 8, 2, 5
PAIR = ("y2", "y3")

# Stochastic rounding goes up or down; the last bits of the scale's and the product's rounding are far below this.
ROUNDING = 1 + 2**-8


def supplier(*thirds, activity=ACTIVITY, frame=FRAME, slot=SLOT, z=Z, z_high=Z_HIGH):
    """A program that supplies ``z``, which is known in step ``slot`` of a frame."""
    b = Builder("neuron")
    known, form = b.input("z", z, (0, z_high)), SupplyForm(TRACE, activity, thirds)
    supply_thirds(b, known, form, frame)
    with b.unless(off_beat(b, frame, slot)):
        supply_activity(b, known, form)
    program = b.build()
    assert verify(program) == []
    assert overflows(program) == []
    return program


def third(**changes):
    return replace(ThirdForm("0", THIRD, PAIR, SCALE, THIRD_SLOT), **changes)


def run(program, time=THIRD_SLOT, states=None, constants=None, **inputs):
    n = max((np.size(v) for v in inputs.values()), default=1)
    inputs = {v.name: np.zeros(n, np.int64) for v in program.inputs} | {
        name: np.broadcast_to(np.asarray(v, np.int64), n) for name, v in inputs.items()
    }
    states = {v.name: np.zeros(n, np.int64) for v in program.states} | (states or {})
    constants = {v.name: 0 for v in program.constants} | (constants or {})
    return execute(program, states=states, inputs=inputs, constants=constants, index=np.arange(n), time=time)


def values(n=4000, seed=0):
    """Third factors of all sizes and both signs, with zero and the ends."""
    rng = np.random.default_rng(seed)
    small = rng.integers(-1000, 1001, n // 2)
    large = rng.integers(THIRD.bounds[0], THIRD.bounds[1] + 1, n // 2)
    return np.concatenate([small, large, [0, *THIRD.bounds]])


def levels(real, top=127):
    return np.clip(real, 0, top)


# ------------------------------------------------------------------------------------------------------------- y0, y1


@pytest.mark.parametrize("slot", [0, 2, 7])
def test_y0_is_one_step_of_a_frame_and_only_where_z_is_not_zero(slot):
    program = supplier(slot=slot)
    z = np.array([0, 1, 2, Z_HIGH])
    states = {}
    for t in range(3 * FRAME):
        found = run(program, time=t, states=states, z=z)
        states = found.states
        assert found.outputs["y0"].tolist() == ([0, 1, 1, 1] if t % FRAME == slot else [0, 0, 0, 0])


@pytest.mark.parametrize("format", [Fixed(7, False, 4), Fixed(7, False, 7), Fixed(7, False, -2), Fixed(7, False, 0)])
def test_y1_is_z_rounded_and_saturated(format):
    z, states = np.arange(0, Z_HIGH + 1, 3), {}
    exact = levels(np.ldexp(Z.real(z), format.frac))
    for t in range(2 * FRAME):
        # In other steps of the frame it keeps what was written, whatever z is then.
        states = run(supplier(activity=format), time=t, states=states, z=z if t % FRAME == SLOT else z[::-1]).states
        y1 = states["y1"]
        assert np.abs(y1 - (exact if t >= SLOT else 0)).max() <= 0.5
        assert (y1 <= 127).all()
    assert (y1 == 127).any() == (np.ldexp(Z.real(Z_HIGH), format.frac) >= 126.5)


def test_a_spike_needs_no_y1():
    program = supplier(activity=None, z=Fixed(1, False, 0), z_high=1)
    assert (program.states, [v.name for v in program.outputs]) == ((), ["y0"])
    assert run(program, time=SLOT, z=[0, 1]).outputs["y0"].tolist() == [0, 1]


# ------------------------------------------------------------------------------------------- third factors as y traces


def test_a_pair_holds_the_positive_and_the_negative_part():
    v, scale = values(), 40.0
    found = run(supplier(third()), constants={"scale_0": int(SCALE.quantise(scale))}, third_0=v).states
    exact = scale * THIRD.format.real(v)
    assert np.abs(found["y2"] - levels(exact)).max() <= ROUNDING
    assert np.abs(found["y3"] - levels(-exact)).max() <= ROUNDING
    assert not (found["y2"] * found["y3"]).any()
    assert (found["y2"] == 127).any() and (found["y3"] == 127).any()
    assert (found["y2"][v > 2000] > 0).all() and (found["y3"][v < -2000] > 0).all()


def test_one_trace_holds_what_is_never_negative():
    v = np.concatenate([np.arange(0, 3000, 7), [THIRD.bounds[1]]])
    port = Port(THIRD.format, (0, THIRD.bounds[1]))
    program = supplier(third(third=port, traces=("y3",)))
    assert {s.name for s in program.states} == {"y1", "y3"}
    y = run(program, constants={"scale_0": int(SCALE.quantise(300.0))}, third_0=v).states["y3"]
    assert np.abs(y - levels(300.0 * THIRD.format.real(v))).max() <= ROUNDING
    assert y.max() == 127 and y[0] == 0


@pytest.mark.parametrize(("step", "offset"), [(0, 0), (0, 64), (3, 0), (3, 64)])
@pytest.mark.parametrize("real", [0.03, -0.4, 2.5, -7.9])
def test_a_third_factor_is_right_in_the_mean(step, offset, real):
    """floor(y + U): also what is far below a level counts. Within 4 standard deviations of 40,000 draws."""
    n, scale = 40_000, 40.0
    v = round(real / scale * 2**16)
    form = third(step=step, offset=offset, traces=("y2",) if offset else PAIR)
    constants = {f"level_0_k{k}": key for k, key in enumerate(streams.keys(1, "c.level"))}
    found = run(supplier(form), constants=constants | {"scale_0": int(SCALE.quantise(scale))}, third_0=np.full(n, v))
    y = found.states["y2"] - (offset or found.states["y3"])
    exact, size = scale * v / 2**16, 1 << step
    part = exact / size % 1.0
    assert abs(y.mean() - exact) < 4 * size * np.sqrt(part * (1 - part) / n) + size * 2**-11
    assert len(np.unique(y)) == 2
    silent = run(supplier(form), constants=constants, third_0=np.zeros(n)).states
    assert (silent["y2"] == offset).all()


def test_an_offset_stands_for_zero():
    v, scale = values(), 25.0
    program = supplier(third(traces=("y2",), offset=64))
    y = run(program, constants={"scale_0": int(SCALE.quantise(scale))}, third_0=v).states["y2"]
    exact = np.clip(scale * THIRD.format.real(v), -64, 63)
    assert np.abs(y - 64 - exact).max() <= ROUNDING
    assert (y[v == 0] == 64).all()
    assert (y.min(), y.max()) == (0, 127)


@pytest.mark.parametrize("step", [1, 2, 3, 5])
@pytest.mark.parametrize("offset", [0, 64])
def test_a_trace_moves_in_steps(step, offset):
    """Multiples of 2**step, and the top one among them where it saturates."""
    v, scale, size = values(), 40.0, 1 << step
    form = third(step=step, offset=offset, traces=("y2",) if offset else PAIR)
    found = run(supplier(form), constants={"scale_0": int(SCALE.quantise(scale))}, third_0=v).states
    exact = scale * THIRD.format.real(v)
    top = (127 - offset) // size * size
    if offset:
        assert (found["y2"] % size == 0).all()
        assert np.abs(found["y2"] - 64 - np.clip(exact, -64, top)).max() <= size * ROUNDING
        assert (found["y2"].min(), found["y2"].max()) == (0, 64 + top)
        return
    for name, sign in (("y2", 1), ("y3", -1)):
        assert (found[name] % size == 0).all()
        assert np.abs(found[name] - levels(sign * exact, top)).max() <= size * ROUNDING
        assert found[name].max() == top


@pytest.mark.parametrize("slot", [0, 3, 7])
def test_a_trace_is_written_in_its_slot_and_kept_else(slot):
    program = supplier(third(slot=slot))
    states, expected = {}, 0
    rng = np.random.default_rng(0)
    for t in range(4 * FRAME):
        v = int(rng.integers(1, 2**16))
        states = run(
            program, time=t, states=states, constants={"scale_0": int(SCALE.quantise(30.0))}, third_0=[v]
        ).states
        if t % FRAME == slot:
            expected = int(states["y2"][0])
            assert abs(expected - 30.0 * v / 2**16) <= ROUNDING
        assert states["y2"].tolist() == [expected]


def test_two_connections_have_a_trace_each():
    port = Port(Fixed(WORD, True, 10), (-(2**12), 2**12))
    forms = (
        third(traces=("y2",), offset=64),
        ThirdForm("1", port, ("y3",), Fixed(18, False, 8), 6, offset=64),
    )
    program = supplier(*forms)
    constants = {"scale_0": int(SCALE.quantise(10.0)), "scale_1": int(SCALE.quantise(20.0))}
    states = {}
    for t in (5, 6):
        states = run(
            program, time=t, states=states, constants=constants, third_0=[1 << 16], third_1=[-(1 << 10)]
        ).states
    assert (states["y2"].tolist(), states["y3"].tolist()) == ([74], [44])


# --------------------------------------------------------------------------------------------------------- phase gates


@pytest.mark.parametrize("sign", [1, -1])
def test_one_gate_for_all_neurons(sign):
    phase = np.linspace(-4, 9, 500)
    gate = GATE.quantise([float(eq.phase_gate(0.0, p)) for p in phase])
    program = supplier(third(phase=Port(Fixed(WORD, True, 16), (0, 1 << 16))))
    v, scale = sign * (1 << 17), 50.0
    found = run(program, constants={"scale_0": int(SCALE.quantise(scale))}, third_0=v, gate_0=gate).states
    exact = scale * 2.0 * np.maximum(0, np.cos(phase))
    assert np.abs(found["y2" if sign > 0 else "y3"] - levels(exact)).max() <= ROUNDING + 2**-8
    assert not found["y3" if sign > 0 else "y2"].any()


@pytest.mark.parametrize("sign", [1, -1])
def test_a_phase_for_each_neuron(sign):
    rng = np.random.default_rng(2)
    phi, phase = rng.uniform(-7, 7, 800), rng.uniform(-7, 7, 800)
    one = 1 << 16
    program = supplier(third(phase=Port(Fixed(WORD, True, 16), (-one, one)), phase_per_neuron=True))
    constants = {
        "scale_0": int(SCALE.quantise(60.0)),
        "cos_phase_0": WAVE.quantise(np.cos(phi)),
        "sin_phase_0": WAVE.quantise(np.sin(phi)),
    }
    waves = {"cos_0": WAVE.quantise(np.cos(phase)), "sin_0": WAVE.quantise(np.sin(phase))}
    found = run(program, constants=constants, third_0=sign * (1 << 17), **waves).states
    exact = 60.0 * 2.0 * np.array([float(eq.phase_gate(p, f)) for p, f in zip(phase, phi, strict=True)])
    # Two waves and two constants, half a unit of 2**-16 each, and two floors; times 120.
    assert np.abs(found["y2" if sign > 0 else "y3"] - levels(exact)).max() <= ROUNDING + 120 * 4 * 2**-16
    assert not found["y3" if sign > 0 else "y2"].any()
    assert (exact == 0).mean() > 0.3


# --------------------------------------------------------------------------------------- the denominator of attention


@pytest.mark.parametrize(("low", "high"), [(2, 2 * 127 * 3), (60, 2 * 127 * 1000), (4000, 2 * 127 * 1000)])
def test_scores_divide_the_third_factor(low, high):
    rng = np.random.default_rng(low)
    v = rng.integers(THIRD.bounds[0], THIRD.bounds[1] + 1, 3000)
    total = rng.integers(low, high + 1, 3000)
    scale_format = Fixed.fitting(0.0, 127.0 * low / 4.0, 18)
    program = supplier(third(scale=scale_format, scores=Port(Fixed(WORD, True, 0), (low, high))))
    scale = float(scale_format.real(scale_format.quantise(127.0 * low / 4.0)))
    constants = {"scale_0": int(scale_format.quantise(127.0 * low / 4.0))}
    found = run(program, constants=constants, third_0=v, scores_0=total).states
    exact = scale * THIRD.format.real(v) / total
    for name, sign in (("y2", 1), ("y3", -1)):
        # The quotient keeps 2**-22 of the largest quotient, 4 / low, which is 127 levels.
        assert np.abs(found[name] - levels(sign * exact)).max() <= ROUNDING + 127 * 2**-14
    assert found["y2"].any() and found["y3"].any()


def test_a_sum_below_its_bound_is_taken_as_the_bound():
    """Before the first payloads arrive there is no sum: the third factor stays within its range."""
    program = supplier(third(scores=Port(Fixed(WORD, True, 0), (50, 5000))))
    constants = {"scale_0": int(SCALE.quantise(1000.0))}
    y = run(program, constants=constants, third_0=1 << 16, scores_0=[0, 1, 49, 50, 100, 5000]).states["y2"]
    assert np.abs(y - [20, 20, 20, 20, 10, 0.2]).max() <= ROUNDING


# ------------------------------------------------------------------------------------------ the neuron's own gate

THRESHOLD, GAIN = Fixed(18, False, 18), Fixed(18, False, 12)
E = Fixed(18, False, 14)
N = 20_000


def temperature(beta):
    """The compiler's: at the scale of the value, since an exponent saturates relative to the format's end."""
    return Fixed.fitting(0.0, max(beta, 2.0**-20), 18)


def gated(beta, mode="replacing", traces=("psi_fast",)):
    gate = NeuronGateForm(temperature(beta), THRESHOLD, GAIN, traces, mode, (E,) * len(traces))
    return supplier(third(gate=gate))


def gate_constants(beta, threshold, gain, taus=(3.0,), offset=5):
    names = ("psi_fast", "psi_slow")
    return (
        {f"gate_0_k{k}": key for k, key in enumerate(streams.keys(0, "c.gate"))}
        | {f"{n}_0_decay": int(DECAY.quantise(np.exp(-1 / tau))) for n, tau in zip(names, taus, strict=False)}
        | {
            "beta_0": int(temperature(beta).quantise(beta)),
            "threshold_0": int(THRESHOLD.quantise(threshold)),
            "gain_0": int(GAIN.quantise(gain)),
            "scale_0": int(SCALE.quantise(50.0)),
            "offset_0": offset,
        }
    )


def near(opened, p, n):
    """Four standard deviations; the draw has 16 bits, the exponent is off by at most 2**-8."""
    return abs(opened - p) < 4 * np.sqrt(p * (1 - p) / n) + 2**-16 + 2**-8


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("beta", "threshold"), [(2.0, 0.3), (20.0, 0.1), (5.0, 0.0), (0.0, 0.5)])
@pytest.mark.parametrize("v", [0.0625, 0.5, 1.0])
def test_a_gate_opens_with_its_probability(sign, beta, threshold, v):
    """|dw| of the most eligible synapse: |third| e gain, with e = z right after a coincidence."""
    z, gain = 0.75, 0.5
    constants = gate_constants(beta, threshold, gain)
    found = run(
        gated(beta), constants=constants, third_0=sign * int(v * 2**16), z=np.full(N, int(Z.quantise(z)))
    ).states
    p = float(eq.gate_probability(np.array([v * z * gain]), beta, threshold)[0])
    y, other = (found["y2"], found["y3"]) if sign > 0 else (found["y3"], found["y2"])
    assert set(y.tolist()) <= {0, int(np.floor(50 * v)), int(np.ceil(50 * v))}
    assert not other.any()
    assert near((y > 0).mean(), p, N)


@pytest.mark.parametrize("mode", ["replacing", "accumulating"])
def test_a_gate_follows_the_neurons_traces(mode):
    """E = psi_fast + psi_slow of z, which decay where z is zero."""
    taus, beta, threshold, gain, v = (2.0, 8.0), 6.0, 0.4, 0.5, 0.25
    program, constants = gated(beta, mode, ("psi_fast", "psi_slow")), gate_constants(beta, threshold, gain, taus)
    states, psi = {}, np.zeros(2)
    decay = np.exp(-1 / np.array(taus))
    reached = []
    for step, z in enumerate([1.0, 0.0, 0.0, 0.5, 0.0, 2.0, 0.0, 0.0, 0.0]):
        integers = np.full(N, int(Z.quantise(z)))
        found = run(program, time=5 + 8 * step, states=states, constants=constants, third_0=int(v * 2**16), z=integers)
        states = found.states
        psi = decay * psi + z if mode == "accumulating" else np.where(z > 0, z, decay * psi)
        assert np.abs(E.real(states["psi_fast_0"]) - psi[0]).max() < 2e-3
        assert np.abs(E.real(states["psi_slow_0"]) - psi[1]).max() < 2e-3
        p = float(eq.gate_probability(np.array([v * psi.sum() * gain]), beta, threshold)[0])
        assert near((states["y2"] > 0).mean(), p, N)
        reached.append(p)
    assert max(reached) - min(reached) > 0.2


def test_a_gate_draws_anew_in_each_model_step_and_neuron():
    program, constants = gated(0.0), gate_constants(0.0, 0.0, 0.5)  # half of them, whatever dw
    opened = [
        run(program, time=t, constants=constants, third_0=1 << 16, z=np.full(N, 4096)).states["y2"] > 0
        for t in (5, 13, 21)
    ]
    for n, first in enumerate(opened):
        assert abs(first.mean() - 0.5) < 4 * 0.5 / np.sqrt(N)
        for second in opened[n + 1 :]:
            assert abs((first == second).mean() - 0.5) < 4 * 0.5 / np.sqrt(N)
        assert abs((first == np.roll(first, 1)).mean() - 0.5) < 4 * 0.5 / np.sqrt(N)
        draw = streams.uniform(0, "c.gate", n, np.arange(N))
        assert (first == (draw < 2**15)).mean() > 0.999  # the stream is that of the model's step


def test_the_gate_sees_the_third_factor_behind_its_phase():
    """A phase of 0 closes what a large third factor alone would open."""
    form = third(
        phase=Port(Fixed(WORD, True, 16), (0, 1 << 16)),
        gate=NeuronGateForm(temperature(40.0), THRESHOLD, GAIN, ("psi_fast",), "replacing", (E,)),
    )
    constants = gate_constants(40.0, 0.25, 1.0)
    gates = np.repeat([1 << 16, 1 << 14, 1 << 12], N)
    y = run(supplier(form), constants=constants, third_0=1 << 16, gate_0=gates, z=np.full(3 * N, 4096)).states["y2"]
    for n, gate in enumerate([1.0, 0.25, 0.0625]):
        p = float(eq.gate_probability(np.array([gate]), 40.0, 0.25)[0])
        assert near((y[n * N : (n + 1) * N] > 0).mean(), p, N)


# ----------------------------------------------------------------------------------------------- voltages as y traces


@pytest.mark.parametrize(("slope", "base"), [(100.0, 0.0), (80.0, 17.3), (0.05, 0.0), (200.0, 20.0)])
@pytest.mark.parametrize("full", [1.0, 3.5])
def test_a_voltage_is_cut_and_right_in_the_mean(slope, base, full):
    """y = floor(scale clip(U, 0, full) + base + draw), at most 127: within a level, and 4 standard errors."""
    volts, levels_, n = Fixed(WORD, True, 16), Fixed(20, False, 12), 20_000
    b = Builder("neuron")
    form = VoltageForm("y2", int(volts.quantise(full)), levels_, levels_)
    supply_voltages(b, b.input("v", volts), SupplyForm(TRACE, None, (), (form,)), FRAME)
    program = b.build()
    assert verify(program) == [] and overflows(program) == []
    constants = {f"level_y2_k{k}": key for k, key in enumerate(streams.keys(1, "c.level"))}
    constants |= {"full_y2": form.full, "scale_y2": int(levels_.quantise(slope / full))}
    constants |= {"base_y2": int(levels_.quantise(base))}
    for real in (-100.0, -1e-4, 0.0, 0.3 * full, 0.999 * full, full, 100.0):
        y = run(program, constants=constants, v=np.full(n, int(volts.quantise(real)))).states["y2"]
        exact = min(slope * min(max(real, 0.0), full) / full + base, 127.0)
        assert y.min() >= 0 and y.max() <= 127
        assert np.abs(y - exact).max() <= ROUNDING
        assert abs(y.mean() - exact) <= 4 * 0.5 / np.sqrt(n) + 2**-8
