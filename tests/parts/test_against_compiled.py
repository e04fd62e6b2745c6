"""A part has the program and the constants that the compiler gives the same component in a whole network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.microcode.text import to_text
from hmn_lava.network import IntegerNetwork
from hmn_lava.partition import Part, partition
from hmn_lava.parts.competition import competition_part
from hmn_lava.parts.connection import connection_part
from hmn_lava.parts.modulation import modulation_part
from hmn_lava.parts.neuron import neuron_part
from hmn_lava.parts.oscillator import oscillator_part
from hmn_lava.parts.ports import sent_ports
from hmn_lava.parts.trace import trace_part
from hmn_lava.simulator.part import PartExecutor

WEIGHTS = np.random.default_rng(8).uniform(-0.5, 0.5, (3, 4))
EMBEDDING = [[1.0, 0.0], [0.0, 1.0], [-1.0, 1.0], [0.5, 0.5]]
VARIANTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": ({"tau_fast": 5.0}, {"traces": {"tau_fast": 5.0, "tau_slow": None}}),
    "accumulating": (
        {"tau_fast": 5.0, "tau_slow": 40.0, "mode": "accumulating"},
        {"traces": {"tau_slow": 40.0, "mode": "accumulating"}},
    ),
    "delayed": (
        {"delays": [[0, 1, 2, 3]] * 3},
        {"traces": {"tau_slow": None}, "delay": [[0, 1, 2, 3]] * 3},
    ),
    "shared": ({"phase": "shared"}, {"traces": {"tau_slow": None}, "phase_gate": {"oscillator": "clock"}}),
    "per_synapse": (
        {"phase": "per_synapse", "phi": WEIGHTS},
        {"traces": {"tau_slow": None}, "phase_gate": {"oscillator": "clock", "phase": WEIGHTS}},
    ),
    "gate": (
        {"beta_p": 80.0, "theta_p": 0.01, "seed": 3},
        {"traces": {"tau_slow": None}, "probabilistic_gate": {"beta": 80.0, "threshold": 0.01}},
    ),
    "attention": (
        {"attention": {"beta": 2.0, "dimensions": 2, "embedding": EMBEDDING}},
        {"traces": {"tau_slow": None}, "attention": {"beta": 2.0, "dimensions": 2, "embedding": EMBEDDING}},
    ),
}


def compiled(fields: dict[str, Any], activation: str = "sigmoid", **neuron: Any) -> IntegerNetwork:
    """The network around the synapses ``connection``, compiled."""
    net = hl.Network("whole")
    source, teach = net.input("x", 4), net.input("teach", 1, range=(-1, 1))
    net.hmn("neuron", 3, activation=activation, **neuron)
    net.modulator("teach_value", type="input", source=teach)
    net.oscillator("clock", period=12.0, phase=0.5)
    rates = {"local": 0.01, "global": 0.1}
    net.connect(source, "neuron", weights=WEIGHTS, rates=rates, name="connection", **fields)
    network: IntegerNetwork = hl.compile(net.spec(), seed=3, allow_lossy=True).network
    return network


def same_group(part: Part, expected: Part, but: tuple[str, ...] = ()) -> None:
    mine, whole = part.group, expected.group
    assert mine is not None
    assert whole is not None
    assert to_text(mine.program) == to_text(whole.program)
    assert set(mine.constants) == set(whole.constants)
    for name in set(mine.constants) - set(but):
        assert np.array_equal(mine.constants[name].values, whole.constants[name].values), name
        assert mine.constants[name].along == whole.constants[name].along
    for name in set(mine.initial) - set(but):
        assert np.array_equal(mine.initial[name], whole.initial[name]), name


@pytest.mark.parametrize("variant", VARIANTS)
def test_synapses(variant: str):
    """Where a neuron takes the step that its current needs to arrive, z is two steps behind x: learn_delay = 2."""
    given, fields = VARIANTS[variant]
    parts = partition(compiled(fields)).parts
    third = sent_ports(parts["connection.modulation"])["third_out"]
    z = sent_ports(parts["neuron"])["s_out"]
    arguments = {"tau_fast": 5.0, "x_range": (0.0, 1.0), "z_range": z, "third": third, "learn_delay": 2, **given}
    part, _ = connection_part(WEIGHTS, **arguments)
    expected = parts["connection.synapse"]
    same_group(part, expected, but=("offset",))
    delays = {link.target[1]: link.delay.tolist() for link in expected.network.links}
    assert {link.target[1]: link.delay.tolist() for link in part.network.links} == delays
    assert {p.name: p.size for p in part.inputs} == {p.name: p.size for p in expected.inputs}


@pytest.mark.parametrize(
    "activation, fields",
    [
        ("relu", {"bias": [0.5, 0.0, -1.0], "z_max": 2.0}),
        ("sigmoid", {"noise": 0.2}),
        ("lif", {"lif": {"du": 0.5, "dv": 0.1, "vth": 2.0}}),
        ("relu", {"competition": {"type": "sample", "temperature": 0.2}}),
    ],
)
def test_neurons(activation: str, fields: dict[str, Any]):
    parts = partition(compiled({"traces": {"tau_slow": None}}, activation, **fields)).parts
    expected = parts["neuron"]
    group = expected.group
    assert group is not None
    a = group.program.variable("a")
    from hmn_lava.components.port import Port

    given = {**fields, **fields.get("lif", {})}
    given.pop("lif", None)
    if "competition" in fields:
        given |= {"competition": "sample", "temperature": 0.2}
    part, _ = neuron_part(3, activation, a_range=Port(a.format, (a.low, a.high)), seed=3, **given)
    same_group(part, expected, but=("hold", "offset"))
    assert part.group is not None
    assert part.group.initial["hold"] == [0]
    assert [port.name for port in part.inputs if port.early] == ["a_in"]
    if "competition" in fields:
        contest, _ = competition_part(3, sent_ports(part)["key_out"])
        same_group(contest, parts["neuron.competition"])


def test_modulation_and_oscillator():
    parts = partition(compiled({"phase_gate": {"oscillator": "clock"}})).parts
    part, _ = modulation_part({"teach_value": {"range": (-1.0, 1.0)}}, eta_local=0.01, eta_global=0.1)
    same_group(part, parts["connection.modulation"])
    oscillator, _ = oscillator_part(12.0, 0.5, delay=2)  # weights change in step 3 of the compiled network
    same_group(oscillator, parts["connection.oscillator"])


@pytest.mark.parametrize("mode", ["replacing", "accumulating"])
def test_traces_are_those_of_a_synapse(mode: str):
    ranges: dict[str, Any] = {"x_range": (-1.0, 2.0), "z_range": (0.0, 1.0)}
    synapse = PartExecutor(connection_part(np.zeros((1, 1)), tau_slow=30.0, mode=mode, **ranges)[0])
    trace = PartExecutor(trace_part(1, 5.0, 30.0, mode, learn_delay=1, **ranges)[0])
    rng = np.random.default_rng(0)
    moved = set()
    for _ in range(50):
        sent = {"s_in": rng.integers(-(2**13), 2**14, 1), "z_in": rng.integers(0, 2**15, 1) * rng.integers(0, 2)}
        sent["third_in"] = np.zeros(1, np.int64)
        synapse.step_once(sent.__getitem__, lambda port, values: None)
        trace.step_once(sent.__getitem__, lambda port, values: None)
        for name in ("psi_fast", "psi_slow"):
            assert synapse.own[name] == trace.own[name]
        moved.add(int(trace.own["psi_fast"][0]))
    assert len(moved) > 20
