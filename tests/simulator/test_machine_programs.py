"""Random programs as networks: machine code gives the interpreter's integers."""

import random

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hmn_lava.errors import InputError
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.ir import Instruction, Observable, Program, Variable
from hmn_lava.microcode.ranges import WORD_RANGE
from hmn_lava.microcode.verify import verify
from hmn_lava.network import Constant, Group, Input, IntegerNetwork, Link, Signal, Topology
from hmn_lava.simulator.compiled import storage
from hmn_lava.simulator.compiled.jit import lanes
from hmn_lava.simulator.fast import Fast
from hmn_lava.simulator.interpreter import Interpreter
from hmn_lava.simulator.probes import Probe

WORD = Fixed(24)


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory):
    """Kernels of these tests stay out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HMN_LAVA_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


SMALL = ((1, 1), (3, 4), (5, 2))
SIZES = (*SMALL, (2, 200), (300, 2))


class RandomNetwork:
    """Synapses and cells with a random program each, all kinds of links, host inputs, and every signal named."""

    def __init__(self, rng, programs, words, longest=20, sizes=SIZES):
        self.rng, self.words = rng, words
        n_post, n_pre = rng.choice(sizes)
        self.inputs, self.links = {}, []
        self.topology = self.synapses(n_post, n_pre)
        self.programs = {}
        for name in ("synapse", "cell"):
            self.programs[name] = programs(rng, longest, whole_words=bool(rng.randrange(2)))
            assert verify(self.programs[name]) == []
        self.sizes = {"synapse": self.topology.size, "cell": n_post}
        self.widths = {"synapse": n_post, "cell": n_post}
        groups = {name: self.group(name) for name in self.programs}
        for name in self.programs:
            for port in self.programs[name].inputs:
                self.connect(name, port)
        self.network = IntegerNetwork(
            "random", self.inputs, groups, tuple(self.links), self.signals(groups), (), {}, {}
        )

    def synapses(self, n_post, n_pre):
        if self.rng.randrange(2):
            return Topology.full(n_post, n_pre)
        mask = np.array([self.rng.randrange(3) > 0 for _ in range(n_post * n_pre)]).reshape(n_post, n_pre)
        mask[self.rng.randrange(n_post)] = True
        row, col = np.nonzero(mask)
        return Topology.of(n_post, n_pre, row, col)

    def many(self, variable, count):
        return np.array([self.words(self.rng, variable.low, variable.high) for _ in range(count)], np.int64)

    def group(self, name):
        program, size = self.programs[name], self.sizes[name]
        topology = self.topology if name == "synapse" else None
        constants = {}
        for constant in program.constants:
            along = self.rng.choice(["all", "each", "pre", "post"] if topology else ["all", "each"])
            count = {"all": 1, "each": size, "pre": self.topology.n_pre, "post": self.topology.n_post}[along]
            constants[constant.name] = Constant(self.many(constant, count), along)
        initial = {v.name: self.many(v, self.rng.choice([1, size])) for v in program.states}
        return Group(name, program, size, constants, initial, topology)

    def host(self, size, low, high):
        name = f"host{len(self.inputs)}"
        self.inputs[name] = Input(name, size, WORD, low, high)
        return (name, "x")

    def connect(self, name, port):
        """A port of any word may have several links, from hosts and groups; another has one, from a host in bounds."""
        kinds = ["pre", "post", "all"] if name == "synapse" else ["same", "all", "total", "rows", "matrix"]
        if (port.low, port.high) != WORD_RANGE:
            kind = self.rng.choice(kinds[:2])
            size = {"pre": self.topology.n_pre, "all": 1}.get(kind, self.topology.n_post)
            self.links.append(self.link(self.host(size, port.low, port.high), (name, port.name), kind))
            return
        for _ in range(self.rng.randint(0, 3)):
            kind = self.rng.choice(kinds)
            outputs = [("cell", v.name) for v in self.programs["cell"].outputs]
            if kind == "rows":
                outputs = [("synapse", v.name) for v in self.programs["synapse"].outputs]
                if not outputs:
                    continue
            size = {"pre": self.topology.n_pre, "all": 1, "total": 7, "matrix": 7}.get(kind, self.topology.n_post)
            width = self.topology.n_post  # of every group's outputs
            own = outputs and (kind == "rows" or (self.rng.randrange(2) and (size in (width, 7))))
            source = self.rng.choice(outputs) if own else self.host(size, *WORD_RANGE)
            self.links.append(self.link(source, (name, port.name), kind, width if own else size))

    def link(self, source, target, kind, width=0):
        uneven = kind in ("pre", "matrix") and self.rng.randrange(2)
        topology = weights = None
        count = self.topology.size
        if kind == "matrix":
            topology = Topology.full(self.topology.n_post, width)
            weights = np.array([self.rng.randint(-255, 255) for _ in range(topology.size)], np.int64)
            count = topology.size
        delay = np.array([self.rng.randint(0, 4) for _ in range(count if uneven else 1)], np.int64)
        return Link(source, target, kind, delay, topology, weights, self.rng.randint(-6, 6))

    def signals(self, groups):
        signals = {name: Signal(name, "x", "input", WORD, 0, (i.size,)) for name, i in self.inputs.items()}
        for name, group in groups.items():
            p = group.program
            for kind, variables, size in (
                ("state", p.states, group.size),
                ("output", p.outputs, self.widths[name]),
                ("observable", p.observables, group.size),
            ):
                for v in variables:
                    signals[f"{name}.{v.name}"] = Signal(name, v.name, kind, v.format, 0, (size,))
        return signals

    def drive(self, steps):
        return {
            name: np.stack([self.many(i, i.size) for _ in range(steps)]).astype(float)
            for name, i in self.inputs.items()
        }


def assert_same(expected, other):
    assert expected.raw.keys() == other.raw.keys()
    for name, values in expected.raw.items():
        np.testing.assert_array_equal(values, other.raw[name], err_msg=f"{name} of {other.backend}")


def compare(rng, programs, words, longest=20, steps=7, begin=0, sizes=SIZES, **options):
    """Run the interpreter and Fast side by side, in two calls, with probes on all signals, some of them in windows."""
    random_network = RandomNetwork(rng, programs, words, longest, sizes)
    network = random_network.network
    golden, fast = Interpreter(network), Fast(network, **options)
    golden.time = fast.time = begin
    for _ in range(2):
        inputs = random_network.drive(steps)
        probes = [Probe(name, rng.randint(0, 2), rng.choice([None, 4]), rng.randint(1, 3)) for name in network.signals]
        assert_same(golden.run(inputs, steps, probes), fast.run(inputs, steps, probes))
    snapshots = golden.snapshot(), fast.snapshot()
    assert snapshots[0].keys() == snapshots[1].keys()
    for name, array in snapshots[0].items():
        np.testing.assert_array_equal(array, snapshots[1][name], err_msg=name)
    return network


# Without shrinking, which takes minutes here.
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
@given(rng=st.randoms(use_true_random=False))
def test_programs_by_hypothesis(programs, words, rng):
    compare(rng, programs, words, longest=12, steps=4, sizes=SMALL)


@pytest.mark.parametrize("seed", range(40))
def test_programs_by_seed(programs, words, seed):
    rng = random.Random(seed)
    compare(rng, programs, words, longest=30, begin=rng.choice([0, 2**23 - 5, 2**24 - 2]))


@pytest.mark.parametrize("seed", range(4))
def test_long_programs_by_seed(programs, words, seed):
    """Long, so that they meet all operations, nested skips and stores that wrap."""
    rng = random.Random(1000 + seed)
    begin = rng.choice([0, 2**23 - 5])
    compare(rng, programs, words, 120, begin=begin, sizes=SMALL, threaded_from=1, threads=2)


@pytest.fixture
def across(monkeypatch):
    """Every dense group of synapses that may be is kept by presynaptic neuron, however few its neurons."""
    monkeypatch.setattr(storage, "ACROSS_FROM", 1)
    return storage.across


def test_synapses_by_presynaptic_neuron(programs, words, across):
    """In about a quarter of the networks there are such groups."""
    networks = [compare(random.Random(seed), programs, words, 15, 4, threaded_from=1, threads=2) for seed in range(40)]
    assert sum(across(network, group) for network in networks for group in network.groups.values()) >= 8


@pytest.mark.heavy
@pytest.mark.parametrize("seed", range(10))
def test_more_synapses_by_presynaptic_neuron(programs, words, across, seed):
    rng = random.Random(4000 + seed)
    for _ in range(10):
        compare(rng, programs, words, longest=40, steps=12, begin=rng.choice([0, 2**23 - 9]))


@pytest.mark.heavy
@pytest.mark.parametrize("seed", range(60))
def test_more_programs_on_threads_by_seed(programs, words, seed):
    rng = random.Random(2000 + seed)
    compare(rng, programs, words, longest=30, begin=rng.choice([0, 2**23 - 5]), threaded_from=1, threads=3)


@pytest.mark.heavy
@pytest.mark.parametrize("seed", range(20))
def test_more_programs_by_seed(programs, words, seed):
    rng = random.Random(3000 + seed)
    for _ in range(30):
        compare(rng, programs, words, longest=40, steps=12, begin=rng.choice([0, 2**23 - 9]))


def test_the_sample_is_not_trivial(programs, words):
    """The random networks use every kind of link, rows of more than one vector, and messages that are not zero."""
    kinds, long, busy = set(), 0, 0
    for seed in range(40):
        random_network = RandomNetwork(random.Random(seed), programs, words, 30)
        kinds |= {link.kind for link in random_network.network.links}
        long += random_network.topology.n_pre > 2 * lanes()
        golden = Interpreter(random_network.network)
        golden.run(random_network.drive(7), 7)
        busy += any(
            golden.buffers[name, v.name].any() for name, p in random_network.programs.items() for v in p.outputs
        )
    assert kinds == {"same", "all", "pre", "post", "rows", "total", "matrix"}
    assert long >= 5
    assert busy >= 20


# ------------------------------------------------------------------------------------------- by hand


def counter(name="n", size=2):
    """A state that counts up by the input and emits itself as it was."""
    program = Program(
        name,
        states=(Variable("s", Fixed(24), -(2**23), 2**23 - 1),),
        inputs=(Variable("x", WORD, *WORD_RANGE),),
        outputs=(Variable("y", WORD, *WORD_RANGE),),
        instructions=(
            Instruction("add", "r", ("s", "x")),
            Instruction("store", None, ("s", "r")),
            Instruction("emit", None, ("y", "s")),
        ),
        observables=(Observable("r", "r", WORD),),
    )
    return Group(name, program, size, {}, {"s": np.array([1])})


def chain(delay=2):
    """host -> first -> (delay) -> second."""
    groups = {name: counter(name) for name in ("first", "second")}
    links = (
        Link(("host", "x"), ("first", "x"), "same"),
        Link(("first", "y"), ("second", "x"), "same", np.array([delay])),
    )
    signals = {
        f"{n}.{v}": Signal(n, v, k, WORD, 0, (2,))
        for n in groups
        for v, k in (("s", "state"), ("y", "output"), ("r", "observable"))
    }
    return IntegerNetwork(
        "chain", {"host": Input("host", 2, WORD, -100, 100)}, groups, links, signals, ("second.y",), {}, {}
    )


@pytest.fixture(params=["interpreter", "fast"])
def make(request):
    return Interpreter if request.param == "interpreter" else Fast


def test_a_message_takes_one_step_and_its_delay(make):
    executor = make(chain(delay=2))
    host = np.zeros((8, 2))
    host[0] = [5, -7]
    result = executor.run({"host": host}, probes=["first.s", "first.y", "second.s", "second.r"])
    # The host's input of step 0 arrives at step 1: after it, s = 1 + 5. It is emitted at step 2 and arrives at 2 + 1
    # + 2.
    assert result.raw["first.s"][:, 0].tolist() == [1, 6, 6, 6, 6, 6, 6, 6]
    assert result.raw["first.y"][:, 1].tolist() == [1, 1, -6, -6, -6, -6, -6, -6]
    # Emitted 1 at steps 0 and 1 arrives at steps 3 and 4, then 6.
    assert result.raw["second.s"][:, 0].tolist() == [1, 1, 1, 2, 3, 9, 15, 21]
    assert (result.raw["second.r"] == result.raw["second.s"]).all()
    assert result.outputs.keys() == {"second.y"}
    assert (result.backend, result.start, result.steps) == (executor.backend, 0, 8)


def test_runs_go_on_where_they_stopped(make):
    host = np.arange(20).reshape(10, 2) - 10.0
    whole = make(chain()).run({"host": host}, probes=["second.s"]).raw["second.s"]
    executor = make(chain())
    parts = [executor.run({"host": part}, probes=["second.s"]) for part in (host[:3], host[3:4], host[4:4], host[4:])]
    assert (np.concatenate([p.raw["second.s"] for p in parts]) == whole).all()
    assert [p.start for p in parts] == [0, 3, 4, 4]


@pytest.mark.parametrize("other", [Interpreter, Fast])
def test_a_snapshot_goes_on_in_any_executor(make, other):
    host = np.arange(20).reshape(10, 2) - 10.0
    expected = make(chain())
    expected.run({"host": host[:5]})
    snapshot = expected.snapshot()
    restored = other(chain())
    restored.restore(snapshot)
    assert_same(
        expected.run({"host": host[5:]}, probes=["second.s"]), restored.run({"host": host[5:]}, probes=["second.s"])
    )


def test_a_snapshot_is_a_copy(make):
    executor = make(chain())
    snapshot = executor.snapshot()
    executor.run({"host": np.ones((3, 2))})
    assert snapshot["state/first/s"].tolist() == [1, 1]
    assert snapshot["time"].tolist() == [0]


def test_a_snapshot_of_another_network_is_refused(make):
    executor = make(chain())
    for wrong in ({}, make(chain(delay=5)).snapshot(), executor.snapshot() | {"state/third/s": np.zeros(2)}):
        with pytest.raises(InputError, match="another network"):
            executor.restore(wrong)


def test_inputs_that_are_left_out_are_zero_or_nearest_to_it(make):
    network = chain()
    run = make(network).run(steps=3, probes=["first.s"])
    assert run.raw["first.s"].tolist() == [[1, 1]] * 3
    for low, high, rest in ((2, 9, 2), (-9, -2, -2)):
        network = chain()
        network.inputs["host"] = Input("host", 2, WORD, low, high)
        assert make(network).run(steps=2, probes=["first.s"]).raw["first.s"][1].tolist() == [1 + rest] * 2


@pytest.mark.parametrize(
    ("inputs", "steps", "match"),
    [
        ({"guest": np.zeros((3, 2))}, None, "no such input"),
        ({"host": np.zeros((3, 3))}, None, "wrong shape"),
        ({"host": np.zeros(6)}, None, "wrong shape"),
        ({"host": [["a", "b"]]}, None, "not numbers"),
        ({"host": np.full((3, 2), 101.0)}, None, r"range \[-100, 100\] at step 0, neuron 0"),
        ({"host": np.array([[0.0, 0.0], [0.0, np.nan]])}, None, "at step 1, neuron 1"),
        ({"host": np.array([[np.inf, 0.0]])}, None, "at step 0, neuron 0"),
        ({"host": np.zeros((3, 2))}, 4, "too few steps"),
        ({}, None, "how many steps"),
        ({}, -1, "negative"),
    ],
)
def test_wrong_inputs_are_refused(make, inputs, steps, match):
    executor = make(chain())
    with pytest.raises(InputError, match=match):
        executor.run(inputs, steps=steps)
    assert executor.time == 0


def test_only_states_can_be_read_between_runs(make):
    executor = make(chain())
    executor.run({"host": np.full((2, 2), 5.0)})
    assert executor.real("first.s").tolist() == [6.0, 6.0]
    with pytest.raises(InputError, match="only states"):
        executor.real("first.y")


def test_a_port_wraps_the_sum_of_its_links(make):
    """2**23 - 1 twice is -2 in a word."""
    network = chain()
    network.inputs["host"] = Input("host", 2, WORD, *WORD_RANGE)
    network = IntegerNetwork(
        "twice",
        network.inputs,
        {"first": network.groups["first"]},
        (network.links[0], network.links[0]),
        {"first.s": network.signals["first.s"]},
        (),
        {},
        {},
    )
    result = make(network).run({"host": np.full((2, 2), 2.0**23 - 1)}, probes=["first.s"])
    assert result.raw["first.s"][1].tolist() == [-1, -1]
