"""Activations, noise and Lava's LIF: against the equations, and bit for bit against Lava's documented arithmetic."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmn_lava import streams
from hmn_lava.components.neuron import NeuronForm, neuron
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.interpreter import execute
from hmn_lava.microcode.ranges import WORD_RANGE, overflows
from hmn_lava.microcode.verify import verify
from hmn_lava.reference import equations as eq

TOP = 2**23
A = Fixed(24, True, 14)
WORDS = (-TOP + 1, TOP - 1)
Z_HIGH = 2**16 - 1  # the largest z of Fixed(16, False, 13), just below 8


def checked(form):
    program = neuron("n", form)
    assert verify(program) == []
    assert overflows(program) == []
    return program


def step(program, a, states=None, constants=None, time=0):
    a = np.atleast_1d(np.asarray(a, np.int64))
    states = {v.name: np.zeros(a.size, np.int64) for v in program.states} | (states or {})
    constants = {v.name: 0 for v in program.constants} | (constants or {})
    inputs = {v.name: np.zeros(a.size, np.int64) for v in program.inputs} | {"a": a}
    return execute(program, states=states, inputs=inputs, constants=constants, index=np.arange(a.size), time=time)


# --------------------------------------------------------------------------------------------------- relu, sigmoid

MANY = np.concatenate([np.arange(-3000, 3000), np.random.default_rng(0).integers(*WORDS, 20_000), WORDS])


def test_relu_is_the_equation_to_half_a_unit():
    z_format = Fixed(16, False, 13)
    for high in (Z_HIGH, 6 << 13, 1):
        z = step(checked(NeuronForm("relu", A, WORDS, z_format, high)), MANY).outputs["z"]
        expected = eq.relu(A.real(MANY), float(z_format.real(high)))
        assert np.abs(z_format.real(z) - expected).max() <= z_format.unit / 2
        assert z.max() == high
    assert (z[MANY <= 0] == 0).all()


def test_sigmoid_is_the_equation_and_never_zero():
    z = step(checked(NeuronForm("sigmoid", A, WORDS)), MANY).outputs["z"]
    # 6.7e-6 of the function and half a unit of 2**-16; the least z is one unit.
    assert np.abs(np.ldexp(z, -16) - eq.sigmoid(A.real(MANY))).max() < 6.7e-6 + 2**-17 + 2**-17
    assert z.min() == 1
    assert z[MANY == 0].tolist() == [2**15] * int((MANY == 0).sum())


def test_the_bias_is_part_of_a():
    program = checked(
        NeuronForm("relu", A, (-TOP // 4, TOP // 4), Fixed(16, False, 13), Z_HIGH, bias=Fixed(20, True, 14))
    )
    effects = step(program, [100, 100, 100], constants={"bias": np.array([-101, 0, 50])})
    assert effects.observed["a"].tolist() == [-1, 100, 150]
    assert effects.outputs["z"].tolist() == [0, 50, 75]


def test_a_neuron_waits_until_its_first_input():
    program = checked(NeuronForm("relu", A, WORDS, Fixed(16, False, 13), Z_HIGH))
    hold, z = np.array([0, 1, 3]), []
    for t in range(4):
        effects = step(program, [2000] * 3, {"hold": hold}, time=t)
        hold = effects.states["hold"]
        z.append(effects.outputs["z"].tolist())
    assert z == [[1000, 0, 0], [1000, 1000, 0], [1000, 1000, 0], [1000, 1000, 1000]]


def test_noise_is_normal_and_its_own_for_each_neuron_and_step():
    sigma = 0.25
    program = checked(
        NeuronForm("relu", A, (-(2**17), 2**17), Fixed(16, False, 13), Z_HIGH, noise=Fixed(18, False, 18))
    )
    constants = {f"noise_draw_k{n}": k for n, k in enumerate(streams.keys(0, "out.noise"))} | {
        "noise": round(sigma * 2**18),
        "offset": 5,
    }
    n = 20_000
    both = [step(program, np.full(n, 2**14), constants=constants, time=t).observed["a"] for t in (5, 6)]
    frac = next(o.format.frac for o in program.observables)
    for a in both:
        noise = np.ldexp(a, -frac) - 1.0
        assert abs(noise.mean()) < 4 * sigma / np.sqrt(n)
        assert abs(noise.std() - sigma) < 4 * sigma / np.sqrt(2 * n)
    assert abs(np.corrcoef(*both)[0, 1]) < 4 / np.sqrt(n)
    # The clock is the model's: with another offset, the same draws come later.
    later = step(program, np.full(n, 2**14), constants=constants | {"offset": 9}, time=9)
    assert (later.observed["a"] == both[0]).all()


# --------------------------------------------------------------------------------------------------------- Lava's LIF

LIF = checked(NeuronForm("lif", Fixed(24), WORD_RANGE))
BIASED = checked(NeuronForm("lif", Fixed(24), WORD_RANGE, bias=Fixed(24, True, 6), bias_in_voltage=True))


def lava_step(u, v, a, du, dv, vth, bias):
    """Lava's fixed-point LIF in Python's integers, from the docstring of ``components/neuron.py``.

    u decays by (4096 - du - 1)/4096 and v by (4096 - dv)/4096, both towards zero; the input comes in shifted left by 6;
    u wraps to 24 bits; v is clipped to +-(2**23 - 1); the threshold is shifted left by 6; a spike resets v.
    """

    def towards_zero(n, keep):
        return n * keep // 4096 if n >= 0 else -(-n * keep // 4096)

    u = (towards_zero(u, 4096 - du - 1) + 64 * a + TOP) % (2 * TOP) - TOP
    v = min(max(towards_zero(v, 4096 - dv) + u + bias, 1 - TOP), TOP - 1)
    spike = v > 64 * vth
    return u, 0 if spike else v, int(spike)


def lif_step(u, v, a, du, dv, vth, bias):
    constants = {"keep_u": 4096 - du - 1, "keep_v": 4096 - dv, "vth": 64 * np.asarray(vth)}
    program = LIF if bias is None else BIASED
    constants |= {} if bias is None else {"bias": bias}
    effects = step(program, a, {"u": u, "v": v}, constants)
    return effects.states["u"], effects.states["v"], effects.outputs["z"]


EXTREME = st.one_of(
    st.sampled_from([-TOP, -TOP + 1, -4097, -4096, -4095, -1, 0, 1, 4095, 4096, TOP - 1]), st.integers(-TOP, TOP - 1)
)
DECAYS = st.one_of(st.sampled_from([0, 1, 2048, 4095]), st.integers(0, 4095))
THRESHOLDS = st.one_of(st.sampled_from([0, 1, 2**17 - 1]), st.integers(0, 2**17 - 1))


@settings(max_examples=200, deadline=None)
@given(u=EXTREME, v=EXTREME, a=EXTREME, du=DECAYS, dv=DECAYS, vth=THRESHOLDS, bias=st.one_of(st.none(), EXTREME))
def test_lif_is_lavas_arithmetic_bit_for_bit(u, v, a, du, dv, vth, bias):
    after = lif_step(np.array([u]), np.array([v]), a, du, dv, vth, bias)
    assert tuple(int(n[0]) for n in after) == lava_step(u, v, a, du, dv, vth, bias or 0)


def test_lif_on_all_pairs_of_extreme_values():
    ends = [-TOP, 1 - TOP, -TOP // 2 - 1, -4097, -1, 0, 1, 4095, TOP // 2, TOP - 2, TOP - 1]
    u, v, a = (g.ravel() for g in np.meshgrid(ends, ends, ends))
    for du, dv, vth, bias in (
        (0, 0, 100, 0),
        (4095, 4095, 0, TOP - 1),
        (409, 1000, 2**17 - 1, -TOP),
        (4095, 0, 131071, 5),
    ):
        after = lif_step(u, v, a, du, dv, vth, bias)
        expected = [lava_step(*(int(n) for n in row), du, dv, vth, bias) for row in zip(u, v, a, strict=True)]
        assert list(zip(*(n.tolist() for n in after), strict=True)) == expected


@pytest.mark.parametrize("sign", [1, -1])
def test_lif_decays_towards_zero_and_dies_out(sign):
    u, v = np.array([sign * 5000]), np.array([0])
    for _ in range(200):
        before = abs(int(u[0]))
        u, v, _ = lif_step(u, v, 0, 409, 409, 2**17 - 1, None)
        assert abs(int(u[0])) <= before
        assert int(u[0]) * sign >= 0
    assert u[0] == 0


def test_lif_spikes_above_the_threshold_and_not_at_it():
    # du = 4095: u is the input alone; dv = 4096 cannot be asked of Lava, so v starts at zero.
    for a, spikes in ((10, 0), (11, 1)):
        _, v, z = lif_step(np.array([77]), np.array([0]), a, 4095, 0, 10, None)
        assert (int(z[0]), int(v[0])) == (spikes, 0 if spikes else 640)


def test_lif_follows_the_float_equation():
    """Over a few hundred steps of small random input, in units of 2**-14 of the threshold's scale."""
    rng = np.random.default_rng(3)
    n, du, dv, scale = 50, 409, 204, 1 << 12
    u, v = np.zeros(n, np.int64), np.zeros(n, np.int64)
    fu, fv, spikes, equal = np.zeros(n), np.zeros(n), 0, 0
    for _ in range(300):
        a = rng.integers(-scale // 8, scale // 4, n)
        u, v, z = lif_step(u, v, a, du, dv, 10 * scale, None)
        fz, fu, fv = eq.lif_step(fu, fv, a / scale, (du + 1) / 4096, dv / 4096, 10.0)
        spikes += int(fz.sum())
        equal += int((z == fz).sum())
    assert spikes > 100
    assert equal >= 300 * n - spikes // 10


LAVA = """
import sys
import numpy as np
from lava.proc.lif.models import PyLifModelBitAcc
data = dict(np.load(sys.argv[1]))
found = {name: [] for name in ("u", "v", "z")}
for du, dv, vth, mantissa, exponent in data["settings"].tolist():
    model = PyLifModelBitAcc({})
    model.u, model.v = data["u"].astype(np.int32), data["v"].astype(np.int32)
    model.du, model.dv, model.vth = du, dv, vth
    model.bias_mant, model.bias_exp = np.array([mantissa], np.int16), np.array([exponent], np.int16)
    for a in data["a"]:
        # What run_spk does between receiving and sending.
        model.scale_bias()
        if not model.isthrscaled:
            model.scale_threshold()
        model.subthr_dynamics(activation_in=a.astype(np.int32))
        z = model.spiking_activation()
        model.reset_voltage(spike_vector=z)
        for name, values in (("u", model.u), ("v", model.v), ("z", z)):
            found[name].append(np.array(values, np.int64))
np.savez(sys.argv[2], **{name: np.array(values) for name, values in found.items()})
"""


@pytest.mark.skipif(importlib.util.find_spec("lava") is None, reason="lava-nc is not installed (it needs Python 3.10)")
def test_lif_is_lavas_own_model_bit_for_bit(tmp_path):
    """PyLifModelBitAcc's methods, without Lava's runtime, in a process of its own: importing Lava changes the process.

    Input stays within +-2**17, as behind Lava's 16-bit port: beyond, Lava wraps u once only and leaves 24 bits. At an
    overflow to exactly 2**23 Lava keeps +2**23, which no 24-bit word holds; the sample does not meet it.
    """
    rng = np.random.default_rng(5)
    steps, n = 40, 400
    data = {
        "u": rng.integers(-TOP + 1, TOP, n),
        "v": rng.integers(-TOP + 1, TOP, n),
        "a": rng.integers(-(2**17), 2**17, (steps, n)) >> rng.integers(0, 16, (steps, n)),
        # du, dv, vth, bias mantissa and exponent
        "settings": np.array(
            [
                [409, 204, 100, 0, 0],
                [0, 0, 2**17 - 1, 4095, 7],
                [4095, 4095, 0, -4095, 7],
                [2000, 1, 1, -1, 3],
                [1, 4095, 131071, 17, 0],
                [4095, 0, 5000, -33, 5],
            ]
        ),
    }
    np.savez(tmp_path / "in.npz", **data)
    command = [sys.executable, "-c", LAVA, str(tmp_path / "in.npz"), str(tmp_path / "out.npz")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    lava = np.load(tmp_path / "out.npz")
    assert np.abs(lava["u"]).max() < TOP
    wrapped = row = 0
    for du, dv, vth, mantissa, exponent in data["settings"].tolist():
        u, v = data["u"], data["v"]
        for a in data["a"]:
            wrapped += int((np.abs(u * (4095 - du) // 4096 + 64 * a) >= TOP).sum())
            u, v, z = lif_step(u, v, a, du, dv, vth, mantissa << exponent)
            for name, values in (("u", u), ("v", v), ("z", z)):
                np.testing.assert_array_equal(values, lava[name][row], err_msg=f"{name}, row {row}")
            row += 1
    assert wrapped > 100
