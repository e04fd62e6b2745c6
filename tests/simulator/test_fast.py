"""The fast executor beside the interpreter where it leaves things out, shares them, or works in parts."""

import copy
import pickle
import signal
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from learning_networks import LOIHI2, neuron, random_network

from hmn_lava.errors import InputError
from hmn_lava.fixed import Fixed
from hmn_lava.learning import LearningRule
from hmn_lava.network import Group, Input, IntegerNetwork, LearningSynapses, Link, Signal
from hmn_lava.simulator import fast as module
from hmn_lava.simulator.compiled.jit import lanes
from hmn_lava.simulator.fast import Fast
from hmn_lava.simulator.interpreter import Interpreter
from hmn_lava.simulator.probes import Probe
from hmn_lava.topology import Topology

WIDTH = lanes()
SIZES = [1, WIDTH - 1, WIDTH, WIDTH + 1, 2 * WIDTH, 2 * WIDTH + 1, 5 * WIDTH + 3]
RULE = LearningRule.three_factor(
    dw="2^-2*u0*t*y2 - 2^-3*u0*d*y3",
    dt="2^-1*y0*x1 - 2^-1*x0*y1 - 2^-3*u0*t",
    dd="2^-2*y0*x2 - 2^-3*u0*d",
    x1_impulse=64,
    x1_tau=4,
    x2_impulse=32,
    x2_tau=3,
    t_epoch=1,
)


def network(n_post, n_pre, density=1.0, seed=0):
    """A quiet network: tags begin and end at zero, so that vectors fall asleep and wake."""
    rng = np.random.default_rng(seed)
    topology = Topology.full(n_post, n_pre)
    if density < 1:
        row, col = np.nonzero(rng.random((n_post, n_pre)) < density)
        topology = Topology.of(n_post, n_pre, row, col)
    initial = {"weights": 2 * rng.integers(-60, 60, topology.size)}
    initial |= dict.fromkeys(("tag_1", "tag_2"), np.zeros(topology.size, np.int64))
    synapses = LearningSynapses("s", "neuron", RULE, LOIHI2, topology, initial, seed)
    program = neuron(0)
    group = Group("neuron", program, n_post, {}, {v.name: np.zeros(1, np.int64) for v in program.states})
    inputs = {f"in_{name}": Input(f"in_{name}", n_post, Fixed(9), 0, 127) for name in ("y0", "y1", "y2", "y3")}
    inputs["pre"] = Input("pre", n_pre, Fixed(12), 0, 1)
    links = [Link((name, "x"), ("neuron", name), "same") for name in inputs if name != "pre"]
    links += [Link(("pre", "x"), ("s", "x"), "same"), Link(("s", "weights"), ("neuron", "current"), "plastic")]
    signals = {"w": Signal("s", "weights", "state", Fixed(9), 0, (topology.size,))}
    return IntegerNetwork("quiet", inputs, {"neuron": group}, tuple(links), signals, (), {}, {}, {"s": synapses})


def drive(net, steps, rate, seed):
    rng = np.random.default_rng(seed)
    values = {
        name: (rng.random((steps, source.size)) < rate) * (1.0 if name in ("pre", "in_y0") else 60.0)
        for name, source in net.inputs.items()
    }
    return values


def same(first, second):
    found, expected = first.snapshot(), second.snapshot()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


@pytest.mark.parametrize("density", [1.0, 0.3])
@pytest.mark.parametrize("n_pre", SIZES)
def test_vectors_that_sleep_and_wake(n_pre, density):
    """Silence, activity, silence; on one thread and on three; what was written to the states in between counts."""
    net = network(7, n_pre, density)
    golden = Interpreter(net)
    executors = [Fast(net), Fast(net, threads=3, threaded_from=1)]
    moved = 0
    for part, rate in enumerate((0.0, 0.02, 0.2, 0.0, 0.005)):
        inputs = drive(net, 12, rate, part)
        expected = golden.run(inputs, 12, ["w"])
        moved += bool((expected.raw["w"][0] != expected.raw["w"][-1]).any())
        for executor in executors:
            np.testing.assert_array_equal(executor.run(inputs, 12, ["w"]).raw["w"], expected.raw["w"])
            same(executor, golden)
        if part == 3:  # all asleep: only somebody from outside can wake them
            for executor in (golden, *executors):
                executor.states["s"]["tag_1"][-1:] = 100
                executor.states["neuron"]["y2"][...] = 90
    assert moved >= (2 if n_pre > 1 else 0)


@pytest.mark.parametrize("most", [1, 3, 1 << 20])
def test_a_run_in_parts_is_a_run(most, monkeypatch):
    """However many frames are quantised and run at a time, probes in windows included."""
    net = network(5, 20)
    monkeypatch.setattr(module, "_DRIVEN", most * sum(source.size for source in net.inputs.values()))
    monkeypatch.setattr(module, "_FIRST", 1)
    inputs = drive(net, 30, 0.1, 1)
    golden, executor = Interpreter(net), Fast(net)
    for probe in ("w", "w@3:27:4"):
        expected = golden.run(inputs, 30, [probe])
        np.testing.assert_array_equal(executor.run(inputs, 30, [probe]).raw["w"], expected.raw["w"])
    same(executor, golden)


def test_no_steps():
    net = network(2, 3)
    executor = Fast(net)
    assert executor.run({}, 0, ["w"]).raw["w"].shape == (0, 6)
    same(executor, Interpreter(net))


@pytest.mark.parametrize("n_post", [1, 2, 15, 31])
def test_more_threads_than_rows(n_post):
    net = network(n_post, 40)
    golden, executor = Interpreter(net), Fast(net, threads=16, threaded_from=1)
    inputs = drive(net, 20, 0.1, 2)
    golden.run(inputs, 20)
    executor.run(inputs, 20)
    same(executor, golden)


def test_a_thread_that_cannot_be_started_is_an_error_and_nothing_hangs(monkeypatch):
    net = network(9, 20)
    golden, executor = Interpreter(net), Fast(net, threads=3, threaded_from=1)
    inputs, start, count = drive(net, 5, 0.1, 3), threading.Thread.start, []

    def second_fails(thread):
        count.append(thread)
        if len(count) == 2:
            raise RuntimeError("can't start new thread")
        start(thread)

    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="new thread"):
        patch.setattr(threading.Thread, "start", second_fails)
        executor.run(inputs, 5)
    count[0].join(10)
    assert not count[0].is_alive()
    golden.run(inputs, 5)
    executor.run(inputs, 5)
    same(executor, golden)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no timers")
def test_an_interrupted_run_leaves_a_whole_state():
    """States and time belong together: who goes on from here gets what the interpreter gets."""
    net = network(40, 40)
    executor = Fast(net)

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            executor.run({}, 1 << 22)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    golden, inputs = Interpreter(net), drive(net, 20, 0.1, 4)
    golden.restore(executor.snapshot())
    golden.run(inputs, 20)
    executor.run(inputs, 20)
    assert executor.time > 20
    same(executor, golden)


def test_a_session_is_not_copied():
    executor = Fast(network(2, 2))
    for way in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="take its snapshot"):
            way(executor)


@pytest.mark.parametrize("probe", [Probe("w", 0, 5, -1), Probe("w", 0, 5, 0), Probe("w", -3)])
def test_a_probe_that_would_write_elsewhere_is_refused(probe):
    with pytest.raises(InputError, match="not a probe"):
        Fast(network(2, 2)).run({}, 5, [probe])


@pytest.mark.parametrize(
    ("name", "value"),
    [("state/s/weights", 70000), ("state/s/weights", np.nan), ("time", -5), ("message/pre/x", 1 << 40)],
)
def test_a_snapshot_that_no_run_can_have_left_is_refused_whole(name, value):
    executor = Fast(network(2, 2))
    executor.run({}, 3)
    before = executor.snapshot()
    wrong = before | {name: np.full(before[name].shape, value)}
    with pytest.raises(InputError, match="cannot be"):
        executor.restore(wrong)
    for key, array in executor.snapshot().items():
        np.testing.assert_array_equal(array, before[key])


def test_moments_beyond_the_epoch_are_no_places_in_memory():
    net = random_network(2)
    executor = Fast(net)
    snapshot = executor.snapshot()
    for name, array in snapshot.items():
        if name.endswith(("/tx", "/ty")):
            array[...] = 2**30
    executor.restore(snapshot)
    executor.run({}, 30)
