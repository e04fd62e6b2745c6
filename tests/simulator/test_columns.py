"""Sparse synapses give the interpreter's integers, whether few neurons or many send; their sorted arrays are right."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hmn_lava as hl
from hmn_lava.network import Topology
from hmn_lava.simulator.compiled import columns
from hmn_lava.simulator.fast import Fast
from hmn_lava.simulator.interpreter import Interpreter

PRE, POST, STEPS = 150, 40, 10


@given(st.integers(0, 12), st.integers(1, 12), st.floats(0, 1), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_sorted_arrays(n_post, n_pre, density, lanes, seed):
    mask = np.random.default_rng(seed).random((n_post, n_pre)) < density
    topology = Topology.of(n_post, n_pre, *np.nonzero(mask))
    starts, rows, synapses = (columns.sorted_by_column(topology)[role] for role in columns.ROLES)
    number = np.full(mask.shape, -1)
    number[mask] = np.arange(topology.size)
    for pre in range(n_pre):
        own = slice(starts[pre], starts[pre + 1])
        assert rows[own].tolist() == np.flatnonzero(mask[:, pre]).tolist()
        assert synapses[own].tolist() == number[mask[:, pre], pre].tolist()
    assert len(synapses) == topology.size + columns.AHEAD
    counts = [-(-int(row.sum()) // lanes) for row in mask]
    assert columns.first_blocks(topology, lanes).tolist() == np.cumsum([0, *counts]).tolist()


@pytest.mark.parametrize("neurons, width", [(1, 16), (1 << 16, 16), ((1 << 16) + 1, 32)])
def test_bits_of_numbers(neurons, width):
    assert columns.bits(neurons) == width
    assert neurons - 1 < 1 << width


@pytest.fixture(scope="module", params=["neurocore", "engine"])
def network(request):
    """Rows of about one, two and a half, and five vectors; one is empty."""
    rng = np.random.default_rng(0)
    density = np.repeat((0.1, 0.25, 0.5, 0.0), (13, 13, 13, 1))
    mask = rng.random((POST, PRE)) < density[:, None]
    net = hl.Network("net")
    x, out = net.input("x", PRE, range=(0, 1)), net.hmn("out", POST, activation="sigmoid")
    teach = net.input("teach", 1, range=(-1, 1))
    net.connect(
        x,
        out,
        name="c",
        topology=mask,
        weights=0.1,
        rates={"local": 0.0, "global": 0.5},
        traces={"tau_fast": 5.0, "tau_slow": 20.0},
        modulators=[net.modulator("teacher", type="input", source=teach)],
        probabilistic_gate={"beta": 50.0, "threshold": 0.01},
    )
    return hl.compile(net.spec(), plasticity=request.param, seed=3).network


@pytest.mark.parametrize("senders", [0, 1, PRE // columns.FEW, PRE // columns.FEW + 1, PRE])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_few_and_many_senders(network, senders, threads):
    rng = np.random.default_rng(senders)
    x = np.zeros((STEPS, PRE))
    for row in x:
        row[rng.choice(PRE, senders, replace=False)] = 1.0
    x[STEPS // 2] = 0  # nothing of an earlier step may be left
    inputs = {"x": x, "teach": rng.uniform(-1, 1, (STEPS, 1))}
    fast, golden = Fast(network, threads, threaded_from=1), Interpreter(network)
    signals = list(network.signals)
    found, expected = fast.run(inputs, STEPS, signals), golden.run(inputs, STEPS, signals)
    for name in signals:
        assert np.array_equal(found.raw[name], expected.raw[name]), name
    after, before = golden.snapshot(), Interpreter(network).snapshot()
    learned = any(not np.array_equal(after[n], before[n]) for n in after if n.endswith(("/w", "/weights")))
    assert learned == (senders > 0)
    assert all(np.array_equal(fast.snapshot()[name], values) for name, values in after.items())
