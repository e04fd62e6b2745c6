"""Parts of a compiled network are Lava's own processes: LIF, Dense, DelayDense and LearningDense, bit for bit."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from components_child import results_in_lava
from lava_child import needs_lava

import hmn_lava as hl
from hmn_lava.components.neuron import LIF_DECAY_BITS, LIF_SHIFT
from hmn_lava.drive import drive
from hmn_lava.fixed import Integers
from hmn_lava.learning import lava_keywords, simulate
from hmn_lava.learning.records import Y_TRACES
from hmn_lava.network import IntegerNetwork, LearningSynapses, Link
from hmn_lava.simulator.interpreter import Interpreter

STEPS = 50
LIF = {"du": 0.4, "dv": 0.15, "vth": 0.8}


def layered() -> hl.Network:
    """Spikes through two layers, with biases."""
    net = hl.Network("layered")
    x = net.input("x", 6, signal="spike")
    a = net.lif("a", 5, **LIF, bias=[0.05, 0.0, -0.02, 0.1, 0.3])
    b = net.lif("b", 3, du=1.0, dv=0.02, vth=1.5, bias=0.07)
    net.connect_static(x, a, weights={"init": "uniform", "low": -0.4, "high": 0.9})
    net.connect_static(a, b, weights={"init": "uniform", "low": -0.5, "high": 1.0})
    return net


def delayed() -> hl.Network:
    """Delays of a connection, and of each synapse; a loop; graded input."""
    net = hl.Network("delayed")
    rng = np.random.default_rng(3)
    x = net.input("x", 4, range=(-1, 1))
    a = net.lif("a", 5, **LIF)
    b = net.hmn("b", 4, activation="lif", lif={"du": 0.8, "dv": 0.3, "vth": 0.5})
    net.connect_static(x, a, weights=rng.uniform(-1, 2, (5, 4)), delay=3)
    net.connect_static(a, b, weights=rng.uniform(-0.3, 1, (4, 5)), delay=rng.integers(0, 6, (4, 5)))
    net.connect_static(b, a, weights=rng.uniform(-0.6, 0.6, (5, 4)), delay=rng.integers(1, 4, (5, 4)), name="back")
    net.connect_static(x, b, weights=rng.uniform(0, 1, (4, 4)), name="skip")
    return net


def sparse() -> hl.Network:
    """Some synapses only, all of one sign."""
    net = hl.Network("sparse")
    x = net.input("x", 8, signal="spike")
    a = net.lif("a", 6, **LIF)
    net.connect_static(x, a, weights=0.5, topology={"density": 0.4})
    net.connect_static(a, a, weights=-0.3, topology={"density": 0.5}, delay=2, name="inhibition")
    return net


def lifs(network: IntegerNetwork) -> dict[str, dict[str, Any]]:
    """The arguments of Lava's LIF: its du counts one less, its threshold and bias are shifted when they are used."""
    found = {}
    one = 1 << LIF_DECAY_BITS
    for group in network.groups.values():
        value = {name: int(c.values[0]) for name, c in group.constants.items()}
        bias, exponent = None, 0
        if "bias" in group.constants:
            integers = np.broadcast_to(group.constants["bias"].values, group.size)
            exponent = next(e for e in range(8) if np.all(np.abs(integers) >> e < 1 << 12))
            assert not np.any(integers % (1 << exponent))
            bias = integers >> exponent
        found[group.name] = {
            "shape": (group.size,),
            "du": one - 1 - value["keep_u"],
            "dv": one - value["keep_v"],
            "vth": value["vth"] >> LIF_SHIFT,
            "bias_mant": np.zeros(group.size, np.int64),
            "bias_exp": exponent,
            "bias": bias,
            "hold": int(group.initial["hold"][0]),
        }
    return found


def dense(link: Link, network: IntegerNetwork) -> dict[str, Any]:
    """The arguments of Lava's Dense. Its mixed weights are even: they are doubled, and shifted by one less."""
    topology = link.topology
    weights, delays = (np.zeros((topology.n_post, topology.n_pre), np.int64) for _ in range(2))
    weights[topology.row, topology.col] = link.weights.astype(np.int64) * 2
    delays[topology.row, topology.col] = link.delay
    source = network.inputs.get(link.source[0])
    return {
        "source": link.source[0],
        "target": link.target[0],
        "weights": weights,
        "weight_exp": link.shift - 1,
        "num_message_bits": 0 if source is None or source.format.bits == 1 else 24,
        "delays": delays if delays.any() else None,
    }


@needs_lava
def test_neurons_and_static_synapses_are_lavas():
    jobs, expected = [], []
    for make in (layered, delayed, sparse):
        bundle = hl.compile(make().spec(), profile="loihi2", seed=2)
        network = bundle.network
        rng = np.random.default_rng(4)
        sizes = {name: source.size for name, source in network.inputs.items()}
        inputs = {n: (rng.random((STEPS, s)) < 0.4) * (1.0 if make is not delayed else rng.uniform(-1, 1, (STEPS, s)))
                  for n, s in sizes.items()}  # fmt: skip
        signals = [name for name in network.signals if name.rpartition(".")[2] in ("u", "v", "z")]
        raw = bundle.session("fast").run(inputs, STEPS, signals).raw
        driven = {name: source.format.quantise(inputs[name]) for name, source in network.inputs.items()}
        connections = [dense(link, network) for link in network.links]
        jobs.append({"function": "lavas_network", "populations": lifs(network), "connections": connections,
                     "inputs": driven, "steps": STEPS})  # fmt: skip
        expected.append({name: np.asarray(raw[name]) for name in signals})
        assert all(link.kind == "matrix" for link in network.links)
        assert any(c["delays"] is not None for c in connections) == (make is not layered)
    for found, wanted in zip(results_in_lava(jobs), expected, strict=True):
        assert set(found) == set(wanted)
        for name, values in wanted.items():
            np.testing.assert_array_equal(found[name].astype(np.int64), values.reshape(found[name].shape), err_msg=name)
            if name.endswith(".z"):
                assert 0.02 < values.mean() < 0.9, f"{name}: {values.mean()}"


class Recording(Interpreter):
    """Keeps what the learning synapses see."""

    def __init__(self, network: IntegerNetwork) -> None:
        super().__init__(network)
        self.seen: dict[str, list[tuple[Integers, Integers, Integers]]] = {name: [] for name in network.learning}

    def learn(self, synapses: LearningSynapses, supplied: Mapping[str, Integers]) -> None:
        zero = np.zeros(synapses.topology.n_post, np.int64)
        y = np.array([supplied.get(name, zero) for name in Y_TRACES])
        post = (supplied.get("y0", zero) != 0).astype(np.int64)
        self.seen[synapses.name].append((self._payloads(synapses), post, y))
        super().learn(synapses, supplied)


def modulated() -> hl.Network:
    """Graded activities, two traces and a modulator."""
    net = hl.Network("modulated")
    pre = net.input("pre", 8, range=(0, 1))
    teach = net.input("teach", 1, range=(-1, 1))
    post = net.hmn("post", 4, activation="sigmoid")
    teacher = net.modulator("teacher", type="input", source=teach)
    traces = {"tau_fast": 4.0, "tau_slow": 20.0}
    net.connect(pre, post, name="synapses", weights={"init": "uniform", "low": -0.5, "high": 0.8}, traces=traces,
                rates={"local": 0.01, "global": 0.2}, modulators=[teacher], bounds=[-1.0, 1.0])  # fmt: skip
    return net


def small() -> tuple[hl.Bundle, dict[str, np.ndarray], int]:
    """The network above, and its inputs."""
    rng = np.random.default_rng(0)
    active = rng.random((40, 8)) < 0.5
    inputs = {"pre": rng.random((40, 8)) * active, "teach": rng.uniform(-1, 1, (40, 1))}
    return hl.compile(modulated().spec(), profile="loihi2", plasticity="engine", seed=1), inputs, 40


def digits() -> tuple[hl.Bundle, dict[str, np.ndarray], int]:
    """The example with attention, and the stimulus of its spec."""
    bundle = hl.compile(Path(__file__).parents[2] / "examples" / "digits.yaml", plasticity="engine", seed=0)
    inputs, steps = drive(bundle, None, 12)
    return bundle, dict(inputs), steps


@needs_lava
@pytest.mark.parametrize("make", [small, digits])
def test_synapses_of_a_bundle_are_lavas(make):
    bundle, inputs, frames = make()
    executor = Recording(bundle.network)
    executor.run(inputs, frames)
    jobs, expected = [], []
    for synapses in bundle.network.learning.values():
        seen = executor.seen[synapses.name]
        pre, post, y = (np.array(part) for part in zip(*seen, strict=True))
        assert pre.any() and post.any() and y.any()
        shape = (synapses.topology.n_post, synapses.topology.n_pre)
        start = {name: values.reshape(shape) for name, values in synapses.initial.items()}
        rule = synapses.rule
        history = simulate(
            rule, pre, post, **start, sign_mode=synapses.sign_mode, y_traces=y,
            graded_spike_cfg=synapses.graded, rounding="lava",
        )  # fmt: skip
        case = {
            **start, "rule": lava_keywords(rule), "factors": rule.factors, "sparse": False, "message_bits": 24,
            "sign_mode": synapses.sign_mode, "graded_spike_cfg": synapses.graded,
            "pre": pre, "post": post, "y_traces": y,
        }  # fmt: skip
        jobs.append({"function": "direct", "case": case})
        short = {n: v[:16] if n in ("pre", "post", "y_traces") else v for n, v in case.items()}
        jobs.append({"function": "drop_in", "case": short, "tag": "fixed_pt", "recurrent": False})
        expected.append(history)
    found = results_in_lava(jobs)
    for n, history in enumerate(expected):
        theirs, ours = found[2 * n + 1]
        for name in ("weights", "tag_1", "tag_2"):
            values = getattr(history, name)
            np.testing.assert_array_equal(found[2 * n][name], values, err_msg=name)
            np.testing.assert_array_equal(theirs[name], values[:16], err_msg=name)
            np.testing.assert_array_equal(ours[name], values[:16], err_msg=name)
        assert np.ptp(history.weights, axis=0).max() >= 4 and history.tag_1.any()
