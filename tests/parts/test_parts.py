"""What single parts do, by hand: timing, signs, formats, topologies, and what is refused."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "processes"))

from drive import Wired, alone

import hmn_lava as hl
from hmn_lava.errors import FitError, InputError
from hmn_lava.fixed import Fixed
from hmn_lava.parts.competition import competition_part
from hmn_lava.parts.connection import connection_part
from hmn_lava.parts.modulation import modulation_part
from hmn_lava.parts.neuron import neuron_part
from hmn_lava.parts.oscillator import oscillator_part, phase_gate_part
from hmn_lava.parts.ports import read_ports, sent_ports
from hmn_lava.parts.static import static_part
from hmn_lava.parts.trace import trace_part
from hmn_lava.reference import Reference
from hmn_lava.simulator.part import PartExecutor
from hmn_lava.spec import resolve

W = [[0.25, -0.5], [0.125, 0.0]]


def both(made: tuple[Any, Any]) -> list[Any]:
    """The executors of a part in integers and in real numbers."""
    return [PartExecutor(made[0]), made[1]]


def to(part: Any, port: str, value: float) -> float:
    """A real number as what a port of an executor reads."""
    if not isinstance(part, PartExecutor):
        return value
    return float(read_ports(part.part)[port].format.quantise(value))


@pytest.mark.parametrize("executor", both(neuron_part(2, "relu")), ids=["integers", "reals"])
def test_a_neuron_answers_in_the_step_in_which_it_is_asked(executor: Any):
    a = np.zeros((4, 2))
    a[1] = to(executor, "a_in", 1.5), to(executor, "a_in", -1.5)
    z = alone(executor, {"a_in": a.astype(np.int64 if isinstance(executor, PartExecutor) else float)}, 4)["s_out"]
    assert np.array_equal(z != 0, [[0, 0], [1, 0], [0, 0], [0, 0]])


FACTORS = [(port, sign) for port in ("s_in", "z_in", "third_in") for sign in (-1, 0, 1)]


@pytest.mark.parametrize("factor, sign", [*FACTORS, ("gate_in", 0), ("gate_in", 1)])
@pytest.mark.parametrize("kind", [0, 1], ids=["integers", "reals"])
def test_an_update_has_the_sign_of_each_factor(factor: str, sign: int, kind: int):
    ranges: dict[str, Any] = {"x_range": (-1.0, 1.0), "z_range": (-1.0, 1.0), "phase": "shared"}
    executor = both(connection_part([[0.0]], **ranges))[kind]
    values = dict.fromkeys(("s_in", "z_in", "third_in", "gate_in"), 0.5) | {factor: 0.5 * sign}
    unit = np.int64 if kind == 0 else float
    sent = {port: np.full((3, 1), to(executor, port, value)).astype(unit) for port, value in values.items()}
    alone(executor, sent, 3)  # x of step 0 and z of step 1 meet in step 2
    weights = executor.own["w"] if kind == 0 else executor.states["weights"]
    scale = executor.part.group.program.variable("w").format.unit if kind == 0 else 1.0
    assert weights[0] * scale == pytest.approx(sign * 0.5**4, abs=1e-4)


def test_weights_stay_within_their_bounds():
    made = connection_part([[0.9]], (-1.0, 1.0))
    for executor in both(made):
        sent = {"s_in": np.ones((20, 1), int), "z_in": np.ones((20, 1), int)}
        sent["third_in"] = np.full((20, 1), int(read_ports(made[0])["third_in"].bounds[1]) // 4)
        alone(executor, sent, 20)
        top = executor.own["w"] / 2**20 if isinstance(executor, PartExecutor) else executor.states["weights"]
        assert top == pytest.approx(1.0)


@pytest.mark.parametrize("delay", [0, 3])
@pytest.mark.parametrize("period, phase", [(8.0, 0.0), (12.5, 1.0), (7.3, -2.0), (1.0, 0.5)])
def test_an_oscillator_is_at_its_phase(period: float, phase: float, delay: int):
    t = np.arange(30)
    expected = np.cos(2 * np.pi * (t - delay) / period + phase)
    for executor in both(oscillator_part(period, phase, delay=delay)):
        gate = alone(executor, {}, 30)["gate_out"][:, 0] / (2**16 if isinstance(executor, PartExecutor) else 1)
        assert np.abs(gate - np.maximum(0.0, expected)).max() < 1e-4
    for executor in both(oscillator_part(period, phase, delay=delay, waves=True)):
        sent = alone(executor, {}, 30)
        unit = 2**16 if isinstance(executor, PartExecutor) else 1
        assert np.abs(sent["cos_out"][:, 0] / unit - expected).max() < 1e-4
        assert np.abs(sent["sin_out"][:, 0] / unit - np.sin(2 * np.pi * (t - delay) / period + phase)).max() < 1e-4


def test_a_phase_gate_of_waves_is_the_gate_of_its_phase():
    phi, phase = np.array([0.0, 1.0, 4.0]), np.linspace(0.0, 6.0, 20)
    for executor in both(phase_gate_part(phi)):
        unit = 2**16 if isinstance(executor, PartExecutor) else 1
        waves = {f"{name}_in": wave(phase)[:, None] * unit for name, wave in (("cos", np.cos), ("sin", np.sin))}
        sent = alone(executor, {n: np.rint(w).astype(int) if unit > 1 else w for n, w in waves.items()}, 20)["gate_out"]
        assert np.all(sent[0] == 0)  # nothing has come
        assert np.abs(sent[1:] / unit - np.maximum(0, np.cos(phase[:-1, None] - phi))).max() < 1e-4


def test_one_neuron_is_not_beaten():
    keys = np.random.default_rng(0).integers(-3, 4, (40, 5)) * 1000
    for executor in both(competition_part(5)):
        beaten = alone(executor, {"mine_in": keys, "other_in": keys}, 40)["beaten_out"]
        assert np.array_equal(np.argmax(beaten[1:] == 0, axis=1), np.argmax(keys[:-1], axis=1))
        assert np.all((beaten[1:] == 0).sum(axis=1) == 1)
        assert np.array_equal(beaten[1:].sum(axis=1), np.full(39, 10))


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("exponent", [0, 2])
def test_static_synapses_are_a_delayed_product(sparse: bool, exponent: int):
    rng = np.random.default_rng(0)
    weights, delays, mask = rng.integers(-50, 50, (3, 4)), rng.integers(0, 5, (3, 4)), rng.integers(0, 2, (3, 4))
    x = rng.integers(-100, 100, (30, 4))
    topology = mask if sparse else None
    made = static_part(weights, delays=delays, topology=topology, weight_exp=exponent)
    expected = np.zeros((30, 3))
    for t in range(30):
        for j, i in np.ndindex(3, 4):
            if t - 1 - delays[j, i] >= 0 and (mask[j, i] or not sparse):
                expected[t, j] += weights[j, i] * x[t - 1 - delays[j, i], i] * 2**exponent
    for executor in both(made):
        assert np.array_equal(alone(executor, {"s_in": x}, 30)["a_out"], expected)


def test_the_gate_draws_as_often_as_it_should():
    """Far above the threshold every update passes, at the threshold half of them."""
    common: dict[str, Any] = {"third": (-1.0, 1.0), "beta_p": 200.0, "seed": 4}
    for theta, low, high in ((0.0, 0.99, 1.01), (0.25, 0.4, 0.6), (0.5, -0.01, 0.01)):
        part, equations = connection_part(np.zeros((20, 20)), (-100.0, 100.0), theta_p=theta, **common)
        sent = {"s_in": np.ones((3, 20), int), "z_in": np.ones((3, 20), int)}
        quarter = {True: int(read_ports(part)["third_in"].format.quantise(0.25)), False: 0.25}
        passed = []
        for executor in both((part, equations)):
            whole = isinstance(executor, PartExecutor)
            alone(executor, {**sent, "third_in": np.full((3, 1), quarter[whole])}, 3)
            passed.append((executor.own["w"] if whole else executor.states["weights"]) != 0)
            assert low <= passed[-1].mean() <= high
        assert np.array_equal(*passed)  # both draw the same numbers


def test_the_draws_of_a_neuron_are_those_of_the_reference():
    net = hl.Network("drawn")
    fields: dict[str, Any] = {"noise": 0.5, "competition": {"type": "sample", "temperature": 0.7}}
    net.connect_static(net.input("x", 3), net.hmn("neuron", 3, activation="relu", **fields), weights=np.eye(3))
    x = np.random.default_rng(0).uniform(0.0, 1.0, (40, 3))
    expected = Reference(resolve(net.spec(), 6)).run({"x": x}, 40, ["neuron.a", "neuron.z"])
    part, equations = neuron_part(3, "relu", noise=0.5, competition="sample", temperature=0.7, seed=6)
    contest = competition_part(3, sent_ports(part)["key_out"])[1]
    wires = [("neuron.key_out", "contest.mine_in"), ("neuron.key_out", "contest.other_in")]
    wires += [("contest.beaten_out", "neuron.beaten_in"), ("x.s_out", "neuron.a_in")]
    wired = Wired({"neuron": equations, "contest": contest}, wires)
    z = [wired.step({("x", "s_out"): row})["neuron", "s_out"] for row in x]
    assert np.array_equal(np.array(z)[2:], expected["neuron.z"][:-2])


def test_global_attention_is_that_of_the_reference():
    rng = np.random.default_rng(0)
    given = {"a": rng.uniform(-1, 1, (40, 1)), "b": rng.uniform(-1, 1, (40, 1)), "context": rng.uniform(-1, 1, (40, 2))}
    net = hl.Network("attending")
    for name, values in given.items():
        net.input(name, values.shape[1], range=(-1, 1))
    net.modulator("m_a", type="reward", source="a", mean_rate=0.1, on="delivery", weight=0.5, key=[1.0, 0.2])
    net.modulator("m_b", type="input", source="b", weight=-2.0, key=[-0.5, 1.0])
    net.global_attention(context="context", beta=2.0, dimensions=2, rate=0.3)
    net.connect("a", net.hmn("z", 1, activation="relu"), weights=0.0, rates={"global": 1.0}, name="c")
    expected = Reference(resolve(net.spec())).run(given, 40, ["c.G"])["c.G"]
    modulators = {
        "a": {"type": "reward", "mean_rate": 0.1, "on": "delivery", "weight": 0.5, "key": [1.0, 0.2]},
        "b": {"weight": -2.0, "key": [-0.5, 1.0]},
    }
    attention = {"beta": 2.0, "dimensions": 2, "rate": 0.3}
    part, equations = modulation_part(modulators, eta_local=0.25, eta_global=0.5, attention=attention)
    sent = {"e_a_in": given["a"], "e_b_in": given["b"]}
    sent |= {f"context_{d}_in": given["context"][:, d : d + 1] for d in range(2)}
    third = alone(equations, sent, 40)["third_out"]
    assert np.allclose(third[1:], 0.25 + 0.5 * expected[:-1])
    formats = read_ports(part)
    stored = {port: formats[port].format.quantise(values) for port, values in sent.items()}
    integers = alone(PartExecutor(part), stored, 40)["third_out"]
    assert np.allclose(sent_ports(part)["third_out"].format.real(integers), third, atol=1e-4)


def test_formats_fit_together():
    """A part that is told what another sends reads exactly that."""
    neurons, _ = neuron_part(3, "relu", z_max=4.0)
    synapses, _ = connection_part(np.zeros((2, 3)), x_range=sent_ports(neurons)["s_out"])
    assert read_ports(synapses)["s_in"] == sent_ports(neurons)["s_out"]
    behind, _ = neuron_part(2, "sigmoid", a_range=sent_ports(synapses)["a_out"])
    assert read_ports(behind)["a_in"] == sent_ports(synapses)["a_out"]
    third, _ = modulation_part({"r": {"range": (-2.0, 1.0)}}, eta_global=0.3)
    learning, _ = connection_part(np.zeros((2, 3)), third=sent_ports(third)["third_out"])
    assert read_ports(learning)["third_in"].format.frac == sent_ports(third)["third_out"].format.frac
    fixed, _ = connection_part(np.zeros((2, 3)), a_format=Fixed(24, True, 9))
    assert sent_ports(fixed)["a_out"].format.frac == 9


REFUSED: list[tuple[str, Callable[[], Any]]] = [
    ("shape", lambda: neuron_part((2, 3))),
    ("shape", lambda: neuron_part(0)),
    ("shape", lambda: neuron_part(None)),
    ("activation", lambda: neuron_part(2, "tanh")),
    ("a_range", lambda: neuron_part(2, a_range=(1.0, -1.0))),
    ("a_range", lambda: neuron_part(2, a_range="spike")),
    ("a_range", lambda: neuron_part(2, a_range=(0.0, math.inf))),
    ("bias", lambda: neuron_part(2, bias=[1.0, 2.0, 3.0])),
    ("noise", lambda: neuron_part(2, noise=-1.0)),
    ("z_max", lambda: neuron_part(2, z_max=0.0)),
    ("z_max", lambda: neuron_part(2, "sigmoid", z_max=1.0)),
    ("du", lambda: neuron_part(2, "lif", du=1.5)),
    ("vth", lambda: neuron_part(2, "lif", vth=0.0)),
    ("bias_v", lambda: neuron_part(2, "relu", bias_v=1.0)),
    ("bias_v", lambda: neuron_part(2, "lif", bias_v=1.0, noise=0.1)),
    ("competition", lambda: neuron_part(2, competition="loser")),
    ("temperature", lambda: neuron_part(2, competition="sample", temperature=0.0)),
    ("seed", lambda: neuron_part(2, noise=1.0, seed=-1)),
    ("shape", lambda: competition_part("three")),
    ("key_range", lambda: competition_part(2, (3.0, 3.0))),
    ("weights", lambda: connection_part([1.0, 2.0])),
    ("weights", lambda: connection_part([[2.0]])),
    ("weights", lambda: connection_part([[math.nan]])),
    ("weights", lambda: connection_part("many")),
    ("bounds", lambda: connection_part([[0.0]], (1.0, -1.0))),
    ("tau_fast", lambda: connection_part([[0.0]], tau_fast=0.0)),
    ("tau_fast", lambda: connection_part([[0.0]], tau_fast=9.0, tau_slow=3.0)),
    ("tau_slow", lambda: connection_part([[0.0]], tau_slow=-1.0)),
    ("mode", lambda: connection_part([[0.0]], mode="adding")),
    ("x_range", lambda: connection_part([[0.0]], x_range=(1.0, 0.0))),
    ("z_range", lambda: connection_part([[0.0]], z_range=3.0)),  # type: ignore[arg-type]
    ("third", lambda: connection_part([[0.0]], third="plenty")),  # type: ignore[arg-type]
    ("learn_delay", lambda: connection_part([[0.0]], learn_delay=0)),
    ("learn_delay", lambda: connection_part([[0.0]], learn_delay=1.5)),  # type: ignore[arg-type]
    ("delays", lambda: connection_part([[0.0]], delays=-1)),
    ("delays", lambda: connection_part([[0.0]], delays=[[99]])),
    ("topology", lambda: connection_part([[0.0, 1.0]], topology=[[1], [0], [1]])),
    ("phase", lambda: connection_part([[0.0]], phase="all")),
    ("phi", lambda: connection_part(W, phase="per_synapse", phi=[1.0, 2.0, 3.0])),
    ("beta_p", lambda: connection_part([[0.0]], beta_p=-1.0)),
    ("theta_p", lambda: connection_part([[0.0]], beta_p=1.0, theta_p=-1.0)),
    ("attention.beta", lambda: connection_part([[0.0]], attention={"beta": -1.0})),
    ("attention.temperature", lambda: connection_part([[0.0]], attention={"temperature": 1.0})),
    ("shape", lambda: trace_part((2, 2))),
    ("tau_fast", lambda: trace_part(2, -1.0)),
    ("mode", lambda: trace_part(2, mode="x")),
    ("x_range", lambda: trace_part(2, x_range=(0.0, 0.0))),
    ("learn_delay", lambda: trace_part(2, learn_delay=-1)),
    ("period", lambda: oscillator_part(0.0)),
    ("period", lambda: oscillator_part(-4.0)),
    ("phase", lambda: oscillator_part(4.0, math.nan)),
    ("delay", lambda: oscillator_part(4.0, delay=-2)),
    ("phi", lambda: phase_gate_part([])),
    ("phi", lambda: phase_gate_part([[1.0]])),
    ("phi", lambda: phase_gate_part("one")),  # type: ignore[arg-type]
    ("modulators.a.type", lambda: modulation_part({"a": {"type": "novelty"}})),
    ("modulators.a.rate", lambda: modulation_part({"a": {"rate": 1.0}})),
    ("modulators.a.range", lambda: modulation_part({"a": {"range": (1.0, 0.0)}})),
    ("modulators.a.mean_rate", lambda: modulation_part({"a": {"mean_rate": 0.1}})),
    ("modulators.a.mean_rate", lambda: modulation_part({"a": {"type": "reward", "mean_rate": 0.0}})),
    ("modulators.a.key", lambda: modulation_part({"a": {"key": [1.0, 2.0]}}, attention={"dimensions": 3})),
    ("modulators", lambda: modulation_part({"in": {}})),
    ("eta_local", lambda: modulation_part(eta_local=-0.1)),
    ("eta_global", lambda: modulation_part({"a": {}}, eta_global=-0.1)),
    ("attention", lambda: modulation_part(attention={"beta": 1.0})),
    ("attention.beta", lambda: modulation_part({"a": {}}, attention={"beta": -1.0})),
    ("attention.gamma", lambda: modulation_part({"a": {}}, attention={"gamma": 1.0})),
    ("attention.context_range", lambda: modulation_part({"a": {}}, attention={"context_range": (1.0, 1.0)})),
    ("weights", lambda: static_part([[0.5]])),
    ("weights", lambda: static_part([[300]])),
    ("weights", lambda: static_part([])),
    ("weight_exp", lambda: static_part([[1]], weight_exp=99)),
    ("weight_exp", lambda: static_part([[0.5]], weight_exp=1, x_range=(0.0, 1.0))),
    ("a_format", lambda: static_part([[1]], a_format=Fixed(24, True, 4))),
    ("delays", lambda: static_part([[1]], delays=0.5)),
    ("x_range", lambda: static_part([[1]], x_range="analog")),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("field, make", REFUSED, ids=[f"{n}-{field}" for n, (field, _) in enumerate(REFUSED)])
def test_a_wrong_argument_is_named(field: str, make: Callable[[], Any]):
    with pytest.raises(InputError) as caught:
        make()
    assert caught.value.field == field, caught.value
    assert caught.value.remedy
    assert "populations." not in str(caught.value)
    assert "connections." not in str(caught.value)


def test_what_is_lost_in_integers_is_refused():
    with pytest.raises(FitError, match="tau_fast"):
        connection_part([[0.0]], tau_fast=1e8)
