"""Neuromodulators, the third factor and global attention against the equations."""

import numpy as np
import pytest

from hmn_lava.components.attention import DIRECTION, RATE, temperature
from hmn_lava.components.modulation import (
    GlobalAttentionForm,
    ModulatorForm,
    Port,
    context_terms,
    entropy,
    entropy_terms,
    modulation,
    novelty,
    novelty_terms,
)
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.interpreter import execute
from hmn_lava.microcode.ranges import overflows
from hmn_lava.microcode.verify import verify
from hmn_lava.reference import equations as eq

MESSAGE = Fixed(16, True, 13)
PORT = Port(Fixed(24, True, 13), (-(2**15), 2**15 - 1))
PARAMETER = Fixed(18, True, 15)
ETA = Fixed(18, True, 17)


def checked(program):
    assert verify(program) == []
    assert overflows(program) == []
    return program


class Modulation:
    """A modulation program that runs step by step in real numbers."""

    def __init__(self, modulators, weights, attention=None, eta=(0.125, 0.5), constants=None):
        self.program = checked(modulation("m", modulators, attention, ETA, ETA))
        self.constants = {"eta_local": eta[0], "eta_global": eta[1]} | {f"weight_{n}": w for n, w in weights.items()}
        self.constants |= constants or {}
        self.constants = {v.name: self.constants[v.name] for v in self.program.constants}
        self.states = {v.name: np.zeros(1, np.int64) for v in self.program.states}

    def __call__(self, **inputs):
        declared = {v.name: v.format for v in (*self.program.constants, *self.program.inputs)}

        def integers(values):
            return {name: declared[name].quantise([value]) for name, value in values.items()}

        effects = execute(
            self.program,
            states=self.states,
            inputs=integers(inputs),
            constants=integers(self.constants),
            index=np.zeros(1, np.int64),
            time=0,
        )
        self.states = effects.states
        found = {o.name: float(o.format.real(effects.observed[o.name])[0]) for o in self.program.observables}
        return found | {"third": float(self.program.outputs[0].format.real(effects.outputs["third"])[0])}

    def state(self, name):
        return float(self.program.variable(name).format.real(self.states[name])[0])


def plain(name, type="input", **more):
    return ModulatorForm(name, type, PORT, PARAMETER, **more)


# ------------------------------------------------------------------------------------------------- third factor


def test_without_modulators_the_third_factor_is_the_local_rate():
    assert Modulation([], {}, eta=(0.375, 0.5))()["third"] == 0.375


def test_the_third_factor_is_the_weighted_sum():
    rng = np.random.default_rng(0)
    weights = {"a": 0.75, "b": -1.5, "c": 0.1}
    m = Modulation([plain(name) for name in weights], weights)
    for _ in range(100):
        e = MESSAGE.real(rng.integers(-(2**15), 2**15, 3))
        found = m(e_a=e[0], e_b=e[1], e_c=e[2])
        g = eq.third_factor(np.array(list(weights.values())), e)
        # 0.1 is off by half a unit of 2**-15, times |E| of at most 4.
        assert abs(found["G"] - g) < 4 * 2**-16 + 2**-18
        assert abs(found["third"] - (0.125 + 0.5 * g)) < 4 * 2**-16
        assert [found[f"E_{name}"] for name in weights] == e.tolist()


@pytest.mark.parametrize("value", [2.0, -2.0])
@pytest.mark.parametrize("weight", [0.5, -0.5])
@pytest.mark.parametrize("eta", [0.25, -0.25])
def test_the_sign_of_every_factor(value, weight, eta):
    found = Modulation([plain("a")], {"a": weight}, eta=(0.0, eta))(e_a=value)
    assert found["G"] == value * weight
    assert found["third"] == value * weight * eta


# ------------------------------------------------------------------------------------------------------- reward


@pytest.mark.parametrize("on_delivery", [False, True])
@pytest.mark.parametrize("rate", [0.5, 0.01])
def test_reward_is_the_equation(on_delivery, rate):
    m = Modulation([plain("r", "reward", on_delivery=on_delivery)], {"r": 1.0}, constants={"mean_rate_r": rate})
    rng, mean = np.random.default_rng(1), 0.0
    unit = m.program.variable("mean_r").format.unit
    for _ in range(500):
        r = float(MESSAGE.real(rng.integers(-(2**15), 2**15))) * float(rng.random() < 0.3)
        e, mean = eq.reward(r, mean, rate, on_delivery)
        found = m(e_r=r)
        # The mean moves in rounded steps: half a unit each, which decays with the rate; the rate itself is off by
        # 2**-23.
        slack = 0.5 * unit / rate + unit + 8 * 2**-23 / rate
        assert abs(found["E_r"] - e) <= slack
        assert abs(m.state("mean_r") - mean) <= slack


def test_on_delivery_silence_changes_nothing():
    for on_delivery in (True, False):
        m = Modulation([plain("r", "reward", on_delivery=on_delivery)], {"r": 1.0}, constants={"mean_rate_r": 0.5})
        assert m(e_r=2.0)["E_r"] == 2.0
        assert m.state("mean_r") == 1.0
        silence = m(e_r=0.0)
        assert (silence["E_r"], silence["third"]) == ((0.0, 0.125) if on_delivery else (-1.0, 0.125 - 0.5))
        assert m.state("mean_r") == (1.0 if on_delivery else 0.5)


# --------------------------------------------------------------------------------------------- global attention


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize("beta", [0.5, 3.0])
def test_global_attention_is_the_equation(dimensions, beta):
    rng = np.random.default_rng(2)
    weights = {"a": 1.0, "b": 0.5, "c": -0.75}
    keys = rng.normal(size=(3, dimensions))
    unit_keys = eq.unit(keys)
    rate = 0.25
    form = GlobalAttentionForm((PORT,) * dimensions, Fixed(18, False, 17), beta)
    constants = {"context_rate": rate, "context_gain": 1.0, "beta_g": beta}
    constants |= {f"key_{n}_{d}": unit_keys[k, d] for k, n in enumerate(weights) for d in range(dimensions)}
    m = Modulation([plain(name) for name in weights], weights, form, constants=constants)
    c = np.zeros(dimensions)
    for t in range(50):
        e = MESSAGE.real(rng.integers(-(2**15), 2**15, 3))
        if t % 5 == 0:
            e[rng.integers(3)] = 0.0
        target = MESSAGE.real(rng.integers(-(2**15), 2**15, dimensions))
        c = eq.running_average(c, target, rate)
        found = m(e_a=e[0], e_b=e[1], e_c=e[2], **{f"context_{d}": target[d] for d in range(dimensions)})
        for d in range(dimensions):
            unit = m.program.variable(f"C_{d}").format.unit
            assert abs(m.state(f"C_{d}") - c[d]) <= unit / rate
        gamma = eq.global_attention(beta, e, keys, c)
        g = eq.third_factor(np.array(list(weights.values())), e, gamma)
        # gamma: its scores have 18 bits and directions 15; |E| is up to 4.
        assert abs(found["G"] - g) < 4 * (2e-5 + beta * dimensions * 3 * DIRECTION.unit)
        assert abs(found["third"] - (0.125 + 0.5 * found["G"])) < 2**-15


def test_attention_weighs_and_its_absence_does_not():
    """One modulator with the context, one against it, of one value: gamma = 1/(1 + exp(-2 beta)) and its rest."""
    beta, form = 1.0, GlobalAttentionForm((PORT,), Fixed(18, False, 17), 1.0)
    constants = {"context_rate": 1.0, "context_gain": 1.0, "beta_g": beta, "key_with_0": 1.0, "key_against_0": -1.0}
    modulators, weights = [plain("with"), plain("against")], {"with": 1.0, "against": 0.0}
    attended = Modulation(modulators, weights, form, constants=constants)
    assert abs(attended(e_with=1.0, e_against=1.0, context_0=0.5)["G"] - 1 / (1 + np.exp(-2.0))) < 1e-4
    # A negative value turns its key around: both agree with a negative context alike when both turn.
    assert abs(attended(e_with=-1.0, e_against=-1.0, context_0=-0.5)["G"] + 1 / (1 + np.exp(-2.0))) < 1e-4
    # Without a context all are alike.
    fresh = Modulation(modulators, weights, form, constants=constants)
    assert abs(fresh(e_with=1.0, e_against=1.0, context_0=0.0)["G"] - 0.5) < 1e-4
    assert Modulation(modulators, weights)(e_with=1.0, e_against=1.0)["G"] == 1.0


def test_temperatures_fit_their_format():
    for beta in (0.0, 0.01, 1.0, 7.3, 100.0):
        format, (low, high) = temperature(beta)
        assert low == 0
        assert format.holds(low, high)
        assert abs(float(format.real(format.quantise(beta))) - beta) <= max(beta, 2**-8) * 2**-17


def test_context_terms_are_z_times_key():
    rng = np.random.default_rng(3)
    keys = [Fixed(18, True, 16), Fixed(18, True, 14)]
    program = checked(context_terms("terms", PORT, keys))
    z = rng.integers(-(2**15), 2**15, 500)
    constants = {f"key_{d}": rng.integers(-(2**17), 2**17, 500) for d in range(2)}
    outputs = execute(program, states={}, inputs={"z": z}, constants=constants, index=np.arange(500), time=0).outputs
    for d, output in enumerate(program.outputs):
        assert output.format.bits <= 18
        error = output.format.real(outputs[f"term_{d}"]) - MESSAGE.real(z) * keys[d].real(constants[f"key_{d}"])
        assert np.abs(error).max() <= 1.5 * output.format.unit


# ----------------------------------------------------------------------------------------- uncertainty, novelty


def uncertainty(z, port):
    """H of softmax(z) of populations (many, n) by the two programs and the sums between them."""
    many, n = z.shape
    terms = checked(entropy_terms("terms", port, n))
    formats = {v.name: v for v in terms.outputs}
    ports = {
        name: Port(Fixed(24, True, v.format.frac), (min(0, v.low * n), max(0, v.high * n)))
        for name, v in formats.items()
    }
    total = checked(
        entropy("total", ports["exp"], ports["zexp"], port.bounds[1] * port.format.unit, n * formats["exp"].low)
    )
    outputs = execute(terms, states={}, inputs={"z": z.ravel()}, constants={}, index=np.arange(z.size), time=0).outputs
    sums = {name: outputs[name].reshape(many, n).sum(1) for name in ("exp", "zexp")}
    e = execute(total, states={}, inputs=sums, constants={}, index=np.arange(many), time=0).outputs["E"]
    return total.outputs[0].format.real(e)


@pytest.mark.parametrize("n", [1, 2, 10, 100])
@pytest.mark.parametrize(("high", "bound"), [(1.0, 5e-5), (8.0, 0.02)])
def test_uncertainty_is_the_entropy_of_the_softmax(n, high, bound):
    rng = np.random.default_rng(5)
    format = Fixed.fitting(0.0, high, 16)
    port = Port(Fixed(24, True, format.frac), (0, int(format.quantise(high))))
    z = format.quantise(rng.uniform(0, high, (200, n)) * rng.integers(0, 2, (200, n)))
    z[0], z[1] = 0, port.bounds[1]
    z[2] = 0
    z[2, 0] = port.bounds[1]
    exact = np.array([eq.uncertainty(row) for row in format.real(z)])
    # The terms and the reciprocal of their sum have to hold exp(-z_max) as well as one: the more, the fewer bits are
    # left.
    assert np.abs(uncertainty(z, port) - exact).max() < bound


def test_novelty_is_the_distance_from_the_running_mean():
    rng = np.random.default_rng(6)
    n, rate, port = 9, 0.05, Port(Fixed(24, True, 15), (0, 2**15))
    terms = checked(novelty_terms("terms", port, n))
    square = terms.outputs[0]
    total = checked(novelty("total", Port(Fixed(24, True, square.format.frac), (0, square.high * n))))
    states, mean = {"mean": np.zeros(n, np.int64)}, np.zeros(n)
    state = terms.variable("mean").format
    for t in range(300):
        x = rng.integers(0, 2**15 + 1, n)
        effects = execute(
            terms,
            states=states,
            inputs={"x": x},
            constants={"rate": int(RATE.quantise(rate))},
            index=np.arange(n),
            time=t,
        )
        states = effects.states
        e, mean = eq.novelty(np.ldexp(x, -15), mean, rate)
        summed = {"sum": np.atleast_1d(effects.outputs["square"].sum())}
        output = execute(total, states={}, inputs=summed, constants={}, index=np.arange(1), time=t).outputs["E"]
        found = float(total.outputs[0].format.real(output)[0])
        # d(sqrt s) = ds / (2 sqrt s), n terms of at most a unit each.
        assert abs(found - e) < n * square.format.unit / e + 1e-5
        assert np.abs(state.real(states["mean"]) - mean).max() <= state.unit / rate
    assert e > 0.5


def test_nothing_new_is_no_novelty():
    port = Port(Fixed(24, True, 15), (0, 2**15))
    terms = novelty_terms("terms", port, 3)
    x = np.array([0, 100, 2**15])
    shift = terms.variable("mean").format.frac - 15
    effects = execute(
        terms, states={"mean": x << shift}, inputs={"x": x}, constants={"rate": 2**20}, index=np.arange(3), time=0
    )
    assert (effects.outputs["square"] == 0).all()
    assert (effects.states["mean"] == x << shift).all()
