"""Dense synapses kept by presynaptic neuron: the interpreter's integers, from outside in the network's order."""

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.simulator.compiled import storage
from hmn_lava.simulator.fast import Fast
from hmn_lava.simulator.interpreter import Interpreter

PRE, POST, STEPS = 30, 150, 12


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "attention"])
def bundle(request):
    net = hl.Network("net")
    x, out = net.input("x", PRE, range=(0, 1)), net.hmn("out", POST, activation="sigmoid")
    teach = net.input("teach", 1, range=(-1, 1))
    net.oscillator("theta", period=7.0)
    attention = {"beta": 1.0, "dimensions": 1, "embedding": 1.0, "key": 1.0, "context_rate": 0.1}
    net.connect(
        x,
        out,
        name="c",
        weights={"init": "uniform", "low": -0.2, "high": 0.2},
        rates={"local": 0.0, "global": 0.5},
        traces={"tau_fast": 1.0, "tau_slow": 2.0},
        modulators=[net.modulator("teacher", type="input", source=teach)],
        phase_gate={"oscillator": "theta", "phase": 0.0},
        probabilistic_gate={"beta": 50.0, "threshold": 0.01},
        **({"attention": attention} if request.param else {}),
    )
    return hl.compile(net.spec(), seed=3, allow_lossy=True)


def drive(rate, seed=0):
    rng = np.random.default_rng(seed)
    x = (rng.random((STEPS, PRE)) < rate).astype(float)
    x[STEPS // 2 :] = 0  # traces die out, and rows are left out
    x[-2] = rng.random(PRE) < rate
    return {"x": x, "teach": rng.uniform(-1, 1, (STEPS, 1))}


def same(fast, golden):
    expected = golden.snapshot()
    found = fast.snapshot()
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name].shape == values.shape and np.array_equal(found[name], values), name


@pytest.mark.parametrize("rate", [0.0, 0.03, 0.5])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_every_signal_at_every_step(bundle, rate, threads):
    network = bundle.network
    assert storage.across(network, network.groups["c.synapse"])
    fast, golden = Fast(network, threads, threaded_from=1), Interpreter(network)
    signals = list(network.signals)
    assert "c.w" in signals and "c.dw" in signals, "a state and an observable"
    for inputs in (drive(rate), drive(rate, 1)):
        found, expected = fast.run(inputs, STEPS, signals), golden.run(inputs, STEPS, signals)
        for name in signals:
            assert np.array_equal(found.raw[name], expected.raw[name]), name
        same(fast, golden)
    assert np.array_equal(fast.real("c.w"), golden.real("c.w"))


def test_snapshots_go_from_one_executor_to_another(bundle):
    first, second, golden = Fast(bundle.network), Fast(bundle.network), Interpreter(bundle.network)
    golden.run(drive(0.3), STEPS)
    first.restore(golden.snapshot())
    same(first, golden)
    for session in (first, golden):
        session.run(drive(0.3, 1), STEPS)
    same(first, golden)
    second.run(drive(0.9, 2), STEPS)  # what it had is gone
    second.restore(golden.snapshot())
    same(second, golden)


def test_parameters_and_restarts_are_in_the_networks_order(bundle):
    network = bundle.network
    weights = np.arange(POST * PRE) % 1000
    (result,) = bundle.run_batch(drive(0.0), STEPS, ["c.w@0:1"], [{"c.synapse/w": weights}])
    assert np.array_equal(result.raw["c.w"].reshape(-1), weights)
    session = Fast(network)
    session.run(drive(0.5), STEPS)
    session.restart()
    same(session, Interpreter(network))


def test_which_synapses_are_kept_so(bundle, monkeypatch):
    network = bundle.network
    synapses = network.groups["c.synapse"]
    assert not storage.across(network, network.groups["out"]), "no synapses"
    monkeypatch.setattr(storage, "ACROSS_FROM", POST + 1)
    assert not storage.across(network, synapses), "too few neurons to fill vectors"
