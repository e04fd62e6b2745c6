"""Networks with learning synapses: the compiled engine gives the interpreter's integers, and a bundle keeps them."""

from __future__ import annotations

import ctypes
import dataclasses
import hashlib
import json
import random
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "learning"))

from cases import random_case
from learning_networks import (
    FORMATS,
    LOIHI2,
    WORD,
    learned_signals,
    neuron,
    random_drive,
    random_network,
)

import hmn_lava as hl
from hmn_lava.bundle import Bundle
from hmn_lava.compiler.placement import place
from hmn_lava.errors import InputError
from hmn_lava.fixed import Fixed
from hmn_lava.hardware_profiles import load_profile
from hmn_lava.learning import LAVA, ElementRounding, LearningRule, simulate
from hmn_lava.microcode.builder import Builder
from hmn_lava.microcode.ranges import WORD_RANGE
from hmn_lava.network import Group, Input, IntegerNetwork, LearningSynapses, Link, Signal, Topology
from hmn_lava.proof import prove
from hmn_lava.simulator.compiled import draws, jit
from hmn_lava.simulator.compiled.writer import Writer
from hmn_lava.simulator.fast import Fast
from hmn_lava.simulator.interpreter import Interpreter
from hmn_lava.streams import keys, uniform

STEPS = 24


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory):
    """Kernels of these tests stay out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HMN_LAVA_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def bundle_of(network: IntegerNetwork) -> Bundle:
    """A bundle of a network that no spec was compiled to; its spec is of another one."""
    net = hl.Network("net")
    net.connect(
        net.input("x", 2, range=(0, 1)),
        net.hmn("out", 2, activation="sigmoid"),
        name="c",
        weights=0.1,
        rates={"local": 0.05},
    )
    profile = load_profile("loihi2")
    return Bundle(network, net.spec(), profile, "engine", 0, place(network, profile))


def same(executor: Any, golden: Interpreter, expected: Any, result: Any) -> None:
    """Every signal at every step, and all that the next step depends on, is equal."""
    for name, values in expected.raw.items():
        assert np.array_equal(result.raw[name], values), f"{executor.backend}: {name}"
    assert executor.time == golden.time
    found = executor.snapshot()
    assert found.keys() == golden.snapshot().keys()
    for name, array in golden.snapshot().items():
        assert np.array_equal(found[name], array), name


def check(seed: int, folder: Path) -> bool:
    """Compare all ways to run a random network; whether anything was learned."""
    network = random_network(seed)
    assert prove(network) == []
    inputs, signals = random_drive(network, STEPS, seed), list(network.signals)
    golden = Interpreter(network)
    expected = golden.run(inputs, STEPS, signals)
    loaded = hl.load(bundle_of(network).save(folder)).network
    for executor in (Fast(network), Fast(loaded, threads=2, threaded_from=1), Fast(loaded, threads=1)):
        same(executor, golden, expected, executor.run(inputs, STEPS, signals))
    cut = seed % STEPS
    first, second = Fast(network), Interpreter(loaded)
    if seed % 2:
        first, second = second, first
    first.run({name: values[:cut] for name, values in inputs.items()}, cut)
    second.restore(first.snapshot())
    tail = second.run({name: values[cut:] for name, values in inputs.items()}, STEPS - cut, signals)
    assert tail.start == cut
    for name in signals:
        assert np.array_equal(tail.raw[name], expected.raw[name][cut:]), name
    synaptic = [name for name in signals if name.rpartition(".")[2] in ("weights", "tag_1", "tag_2")]
    return any(bool(np.ptp(expected.raw[name], axis=0).any()) for name in synaptic)


@pytest.mark.parametrize("part", range(4))
def test_random_networks(part, tmp_path):
    learned = [check(seed, tmp_path / str(seed)) for seed in range(15 * part, 15 * part + 15)]
    assert sum(learned) >= 5


@pytest.mark.heavy
@pytest.mark.parametrize("part", range(4))
def test_many_random_networks(part, tmp_path):
    learned = [check(seed, tmp_path / str(seed)) for seed in range(1000 + 150 * part, 1150 + 150 * part)]
    assert sum(learned) >= 50


# ---- one set of learning synapses, as ``simulate`` runs it


def relay(low: int) -> Any:
    """A neuron whose spikes and traces are what the host says."""
    b = Builder("neuron")
    b.emit("y0", b.raw("mov", b.input("in_y0", Fixed(9), (0, 1))))
    for name in ("y1", "y2", "y3"):
        bounds = (low, 127)
        b.store(b.state(name, Fixed(9), bounds), b.raw("mov", b.input(f"in_{name}", Fixed(9), bounds)))
    return b.build()


def alone(case: dict[str, Any], seed: int, **changes: Any) -> IntegerNetwork:
    """The network of one of the random cases of the learning engine's tests."""
    n_post, n_pre = case["weights"].shape
    low = LOIHI2.y_range[0]
    keep = case["stored_weights"] if case["sparse"] else np.ones((n_post, n_pre), bool)
    row, col = np.nonzero(keep)
    topology = Topology.of(n_post, n_pre, row, col) if case["sparse"] else Topology.full(n_post, n_pre)
    step = LOIHI2.weights[case["sign_mode"]].step
    initial = {name: case[name][row, col].astype(np.int64) for name in ("weights", "tag_1", "tag_2")}
    initial["weights"] = initial["weights"] // step * step
    rule = LearningRule.of({"factors": case["factors"], **case["rule"]})
    synapses = LearningSynapses(
        "learning", "neuron", rule, LOIHI2, topology, initial, seed, case["sign_mode"], case["graded_spike_cfg"]
    )
    inputs = {f"in_{name}": Input(f"in_{name}", n_post, Fixed(9), low, 127) for name in ("y1", "y2", "y3")}
    inputs |= {"in_y0": Input("in_y0", n_post, Fixed(9), 0, 1), "pre": Input("pre", n_pre, Fixed(12), -1024, 1024)}
    links = [Link((name, "x"), ("neuron", name), "same") for name in inputs if name != "pre"]
    links.append(Link(("pre", "x"), ("learning", "x"), "same"))
    initial_states = {name: np.zeros(1, np.int64) for name in ("y1", "y2", "y3")}
    group = Group("neuron", relay(low), n_post, {}, initial_states)
    signals = {f"learning.{v}": Signal("learning", v, "state", FORMATS[v], 0, (n_pre,)) for v in ("x1", "x2")}
    for v in ("weights", "tag_1", "tag_2"):
        signals[f"learning.{v}"] = Signal("learning", v, "state", FORMATS[v], 0, (topology.size,))
    network = IntegerNetwork(
        "alone", inputs, {"neuron": group}, tuple(links), signals, (), {}, {}, learning={"learning": synapses}
    )
    return dataclasses.replace(network, **changes)


@pytest.mark.parametrize("seed", range(40))
def test_one_network_is_simulate(seed):
    """The host's input is at the axons in its own step, and the neuron reads it one step later.

    So a step of silence before the neuron's part of the input makes the two alike.
    """
    case = random_case(seed)
    if case["sparse"]:  # here a synapse is there or not; with tags of its own it is as in Lava alone
        for name in ("tag_1", "tag_2"):
            case[name] = np.where(case["stored_weights"], case[name], 0)
            case[f"stored_{name}"] = case["stored_weights"]
    network = alone(case, seed)
    assert prove(network) == []
    synapses = network.learning["learning"]
    traces = np.clip(case["y_traces"], *LOIHI2.y_range)
    steps = len(case["pre"])
    driven = {"pre": case["pre"], "in_y0": case["post"]}
    driven |= {f"in_{name}": traces[:, n] for n, name in enumerate(("y1", "y2", "y3"))}

    def full(name: str) -> Any:
        matrix = np.zeros(case["weights"].shape, np.int64)
        matrix[synapses.topology.row, synapses.topology.col] = synapses.initial[name]
        return matrix

    def silent(values: Any) -> Any:
        return np.concatenate([np.zeros_like(values[:1]), values[:-1]])

    history = simulate(
        synapses.rule,
        case["pre"],
        silent(case["post"]),
        full("weights"),
        full("tag_1"),
        full("tag_2"),
        sign_mode=case["sign_mode"],
        y_traces=silent(traces) if case["factors"] == 3 else None,
        graded_spike_cfg=case["graded_spike_cfg"],
        seed=seed,
    )
    for executor in (Interpreter(network), Fast(network)):
        result = executor.run(driven, steps, list(network.signals))
        for name in ("weights", "tag_1", "tag_2"):
            at = getattr(history, name)[:, synapses.topology.row, synapses.topology.col]
            assert np.array_equal(result.raw[f"learning.{name}"], at), name
        for name in ("x1", "x2"):
            assert np.array_equal(result.raw[f"learning.{name}"], getattr(history, name)), name


@pytest.mark.parametrize("bits", [1, 8, 16, 24])
def test_the_compiled_draws_are_the_streams(bits):
    """Both forms: the draw, and whether it is below a fraction; table: four keys, and three arrays."""
    w = Writer("f", jit.lanes())
    index, fraction, drawn, below = w.array(4, 32), w.array(5, 32), w.array(6, 32), w.array(7, 32)
    words = draws.mixed_time(w, w.resize(w.now, 32), [w.number(n) for n in range(4)])
    with w.loop(0, w.hi, w.lanes) as i:
        at = w.load(index, i, w.lanes)
        w.store(drawn, i, draws.draw(w, words, at, bits), w.lanes)
        up = draws.below(w, words, at, w.load(fraction, i, w.lanes), bits)
        w.store(below, i, w.resize(up, 32, signed=False), w.lanes)
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 6)(jit.address(w.text(), "f"))
    rng, size = np.random.default_rng(bits), 96
    index = np.concatenate([[0, 1, 77, (1 << 24) - 1, 1 << 24, (1 << 31) - 1], rng.integers(0, 1 << 31, size - 6)])
    fraction = rng.integers(0, 1 << bits, size)
    arrays = [a.astype(np.int32) for a in (index, fraction, np.zeros(size), np.zeros(size))]
    table = np.array([*keys(5, "s.weights"), *(a.ctypes.data for a in arrays)], np.int64)
    for step in (1, 1000, (1 << 23) - 1, 1 << 23, 1 << 30):
        function(table.ctypes.data, step, 0, 0, 0, size)
        expected = uniform(5, "s.weights", step, index, bits)
        assert arrays[2].tolist() == expected.tolist()
        assert arrays[3].tolist() == (expected < fraction).tolist()


# ---- frames


def counter(frame: int) -> IntegerNetwork:
    """Neurons that count the steps of the chip, and the sum of what the host has sent."""
    b = Builder("neuron")
    state, heard = b.state("n", WORD, WORD_RANGE), b.state("heard", WORD, WORD_RANGE)
    counted = b.raw("add", state, 1, wraps=True)
    b.store(state, counted)
    b.store(heard, b.raw("add", heard, b.input("x", Fixed(8), (-100, 100)), wraps=True))
    b.emit("out", counted)
    b.observe("seen", counted)
    group = Group("neuron", b.build(), 2, {}, {"n": np.zeros(1, np.int64), "heard": np.zeros(1, np.int64)})
    kinds = {"n": "state", "out": "output", "seen": "observable"}
    signals = {
        f"{name}.{offset}": Signal("neuron", name, kind, Fixed(24), offset, (2,))
        for name, kind in kinds.items()
        for offset in range(3 * frame)
    }
    signals["heard"] = Signal("neuron", "heard", "state", WORD, 1, (2,))
    links = (Link(("x", "x"), ("neuron", "x"), "same"),)
    inputs = {"x": Input("x", 2, Fixed(8), -100, 100)}
    return IntegerNetwork("counter", inputs, {"neuron": group}, links, signals, (), {}, {}, frame=frame)


@pytest.mark.parametrize("frame", [1, 2, 5])
@pytest.mark.parametrize("executor", [Interpreter, Fast])
def test_a_signal_is_seen_once_in_a_frame_where_its_offset_says(frame, executor):
    network = counter(frame)
    session = executor(network)
    drive = {"x": np.arange(14).reshape(7, 2)}
    session.run({"x": drive["x"][:3]}, 3)
    result = session.run({"x": drive["x"][3:]}, 4, list(network.signals))
    assert (result.start, result.steps, session.time) == (3, 4, 7 * frame)
    for name, signal in network.signals.items():
        if signal.variable == "heard":
            continue
        assert session.latency(name) == network.latency(name) == signal.offset // frame
        expected = frame * np.arange(3, 7) + signal.offset % frame + 1
        assert np.array_equal(result.raw[name], np.stack([expected, expected], 1)), name
    # The host speaks in the first step of a frame alone, and is heard one step later.
    heard = np.cumsum(drive["x"], 0) if frame > 1 else np.cumsum(np.vstack([[0, 0], drive["x"]]), 0)[:-1]
    assert np.array_equal(result.raw["heard"], heard[3:])


# ---- what a bundle of learning synapses must not hold


def plain() -> IntegerNetwork:
    """A small network that loads, for the changes below."""
    rule = LearningRule.three_factor(
        dw="2^-2*u1*x1*y1 - 2^-3*x0*t", dt="2^-1*y0*x1", x1_impulse=20, x1_tau=10, t_epoch=2
    )
    topology = Topology.full(2, 3)
    initial = {name: np.arange(6, dtype=np.int64) * 2 for name in ("weights", "tag_1", "tag_2")}
    synapses = LearningSynapses("s0", "neuron", rule, LOIHI2, topology, initial, 3)
    states = {name: np.zeros(1, np.int64) for name in ("y1", "y2", "y3")}
    group = Group("neuron", neuron(LOIHI2.y_range[0]), 2, {}, states)
    inputs = {f"in_{name}": Input(f"in_{name}", 2, Fixed(9), 0, 100) for name in ("y0", *states)}
    inputs["pre"] = Input("pre", 3, Fixed(12), 0, 255)
    links = [Link((name, "x"), ("neuron", name), "same") for name in inputs if name != "pre"]
    links.append(Link(("pre", "x"), ("s0", "x"), "same"))
    links.append(Link(("s0", "weights"), ("neuron", "current"), "plastic"))
    signals = learned_signals(synapses, 4, random.Random(0))
    return IntegerNetwork(
        "plain", inputs, {"neuron": group}, tuple(links), signals, (), {}, {}, learning={"s0": synapses}, frame=4
    )


@pytest.fixture
def folder(tmp_path):
    return bundle_of(plain()).save(tmp_path / "bundle")


def put(content: Any, path: str, value: Any) -> None:
    *parents, last = path.split("/")
    for name in parents:
        content = content[int(name)] if isinstance(content, list) else content[name]
    if value is GONE:
        del content[last]
    elif isinstance(content, list):
        content[int(last)] = value
    else:
        content[last] = value


def tampered(folder: Path, file: str, path: str, value: Any) -> None:
    """Change a field, and compute all hashes anew."""
    content = json.loads((folder / file).read_text())
    put(content, path, value)
    (folder / file).write_text(json.dumps(content))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest.pop("sha256")
    for name in manifest["files"]:
        manifest["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    manifest["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


GONE = object()
HUGE = 1 << 80
RULES: list[tuple[str, Any, str]] = [
    ("schema_version", 1, "schema_version"),
    ("rules", {}, "s0"),
    ("rules/other", {}, r"rules\.other"),
    ("rules/s0/extra", 1, r"rules\.s0\.extra"),
    ("rules/s0/rule", GONE, r"rules\.s0\.rule"),
    ("rules/s0/rule/dw", 7, r"rules\.s0\.rule\.dw"),
    ("rules/s0/rule/dw", "2^-2*x0*", r"rules\.s0\.rule\.dw"),
    ("rules/s0/rule/dw", "__import__('os')", r"rules\.s0\.rule\.dw"),
    ("rules/s0/rule/dw", "x0*" * 5000 + "x1", r"rules\.s0\.rule\.dw"),
    ("rules/s0/rule/dw", "u0*x1 - u1*x1", r"rules\.s0\.rule"),
    ("rules/s0/rule/dt", "u0*x1", r"rules\.s0\.rule"),
    ("rules/s0/rule/factors", 4, r"rules\.s0\.rule\.factors"),
    ("rules/s0/rule/t_epoch", 0, "t_epoch"),
    ("rules/s0/rule/t_epoch", 64, "t_epoch"),
    ("rules/s0/rule/t_epoch", 3, "a divisor of the frame"),
    ("rules/s0/rule/x1_impulse", 128.0, "x1_impulse"),
    ("rules/s0/rule/x1_tau", -1.0, "x1_tau"),
    ("rules/s0/rule/rng_seed", HUGE, "rng_seed"),
    ("rules/s0/rule/extra", 1, r"rules\.s0\.rule\.extra"),
    ("rules/s0/engine/extra", 1, r"rules\.s0\.engine\.extra"),
    ("rules/s0/engine/trace_bits", 0, "trace_bits"),
    ("rules/s0/engine/trace_bits", 17, "trace_bits"),
    ("rules/s0/engine/trace_bits", HUGE, "trace_bits"),
    ("rules/s0/engine/trace_bits", "7", "trace_bits"),
    ("rules/s0/engine/variable_width", 0, "variable_width"),
    ("rules/s0/engine/spike_width", 31, "spike_width"),
    ("rules/s0/engine/fraction_bits", 25, "fraction_bits"),
    ("rules/s0/engine/scaling_mantissa_bits", 33, "scaling_mantissa_bits"),
    ("rules/s0/engine/accumulator_bits", 15, "accumulator_bits"),
    ("rules/s0/engine/accumulator_bits", 33, "accumulator_bits"),
    ("rules/s0/engine/accumulator", [0, HUGE], "accumulator"),
    ("rules/s0/engine/accumulator", [5, -5], "accumulator"),
    ("rules/s0/engine/accumulator", [5], "accumulator"),
    ("rules/s0/engine/weights/mixed/step", 3, "levels|multiples"),
    ("rules/s0/engine/weights/mixed/step", 0, "step"),
    ("rules/s0/engine/weights/mixed/low", -(1 << 20), "mixed"),
    ("rules/s0/engine/weights/mixed", GONE, "weights"),
    ("rules/s0/engine/weights/sideways", {"low": 0, "high": 1, "step": 1}, "weights"),
    ("rules/s0/engine/tag_1/high", -300, "tag_1"),
    ("rules/s0/engine/tag_2/high", 4, "tag_2"),  # starting values above
    ("rules/s0/engine/decay", "sudden", "decay"),
    ("rules/s0/engine/y_range", [0, 1], "supplied-range"),
    ("rules/s0/engine/y_range", [0], "y_range"),
    ("rules/s0/engine/drops_zeros", 1, "drops_zeros"),
]
MANIFESTS: list[tuple[str, Any, str]] = [
    ("plasticity", "magic", "plasticity"),
    ("network/frame", 0, r"network\.frame"),
    ("network/frame", 1 << 20, r"network\.frame"),
    ("network/frame", 1.5, r"network\.frame"),
    ("network/frame", 3, "a divisor of the frame"),
    ("network/learning", {}, "rules.json has rules for"),
    ("network/learning/s0/neuron", "nobody", r"s0\.neuron"),
    ("network/learning/s0/neuron", "../x", "neuron"),
    ("network/learning/s0/topology", 9, "no such topology"),
    ("network/learning/s0/topology", None, "topology"),
    ("network/learning/s0/initial/weights", GONE, r"s0\.weights"),
    ("network/learning/s0/initial/weights", "nothing", "no such array"),
    ("network/learning/s0/initial/other", "a0", "initial"),
    ("network/learning/s0/seed", -1, "seed"),
    ("network/learning/s0/sign_mode", "sideways", "sign_mode"),
    ("network/learning/s0/sign_mode", "inhibitory", r"s0\.weights"),
    ("network/learning/s0/graded", 4, "graded"),
    ("network/learning/s0/graded", True, "graded"),
    ("network/learning/s0/extra", 1, "extra"),
    ("network/topologies/0/n_post", 3, "not sound"),
    ("network/topologies/0/n_pre", 4, "not sound"),
    ("network/links/4/target", ["s0", "y"], "not sound"),
    ("network/links/4/kind", "all", "not sound"),
    ("network/links/4/source", ["in_y0", "x"], "not sound"),
    ("network/links/5/source", ["s0", "tag_1"], "not sound"),
    ("network/links/5/source", ["pre", "x"], "not sound"),
    ("network/links/5/target", ["s0", "x"], "not sound"),
    ("network/links/5/target", ["neuron", "nothing"], "not sound"),
    ("network/links/5/target", ["neuron", "in_y0"], "port-range"),
    ("network/links/5/kind", "same", "not sound"),
    ("network/links/5/shift", 24, "shift"),
    ("network/links/5/shift", -63, "shift"),
    ("network/signals/s0.weights/variable", "y1", "not sound"),
    ("network/signals/s0.weights/kind", "output", "not sound"),
    ("network/signals/s0.weights/format", "s8.0", "not sound"),
    ("network/signals/s0.weights/shape", [5], "not sound"),
]


def test_the_bundle_loads_before_it_is_changed(folder):
    loaded = hl.load(folder)
    assert (loaded.plasticity, loaded.network.frame) == ("engine", 4)
    found, meant = loaded.network.learning["s0"], plain().learning["s0"]
    assert (found.rule, found.engine, found.seed, found.sign_mode, found.graded) == (
        meant.rule,
        meant.engine,
        meant.seed,
        meant.sign_mode,
        meant.graded,
    )


@pytest.mark.parametrize(("path", "value", "words"), RULES)
def test_rules_that_are_none(path, value, words, folder):
    tampered(folder, "rules.json", path, value)
    with pytest.raises(InputError, match=words):
        hl.load(folder)


@pytest.mark.parametrize(("path", "value", "words"), MANIFESTS)
def test_manifests_that_are_none(path, value, words, folder):
    tampered(folder, "manifest.json", path, value)
    with pytest.raises(InputError, match=words):
        hl.load(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: {"initial": {**s.initial, "weights": s.initial["weights"] + 1}}, "learning-range"),
        (lambda s: {"initial": {**s.initial, "tag_2": s.initial["tag_2"] - 1}}, "learning-range"),
        (lambda s: {"initial": {**s.initial, "tag_2": s.initial["tag_2"][1:]}}, r"s0\.tag_2"),
        (lambda s: {"topology": Topology(2, 3, s.topology.starts[::-1], s.topology.col)}, "topology"),
        (lambda s: {"topology": Topology.of(3, 3, s.topology.row, s.topology.col)}, "neuron"),
        (lambda s: {"engine": dataclasses.replace(LAVA, accumulator_bits=15)}, "accumulator_bits"),
        (lambda s: {"graded": 4}, "known mode"),
        (lambda s: {"seed": -1}, "known mode"),
    ],
)
def test_the_proof_of_learning_synapses(change, words):
    network = plain()
    synapses = network.learning["s0"]
    changed = dataclasses.replace(network, learning={"s0": dataclasses.replace(synapses, **change(synapses))})
    findings = prove(changed)
    assert any(re.search(words, str(finding)) for finding in findings), findings


def test_a_delay_of_a_plastic_link_belongs_to_the_axons():
    network = plain()
    *others, last = network.links
    late = dataclasses.replace(last, delay=np.array([1], np.int64))
    assert [f.rule for f in prove(dataclasses.replace(network, links=(*others, late)))] == ["delay"]


def test_bounds_of_what_plastic_links_bring():
    """Σ |w| p over the longest row, whatever is learned: 3 synapses, |w| <= 256, p <= 255."""
    network = plain()
    for limit, sound in ((3 * 256 * 255, True), (3 * 256 * 255 - 1, False)):
        b = Builder("neuron")
        b.observe("seen", b.raw("mov", b.input("current", WORD, (-limit, limit))))
        group = Group("neuron", b.build(), 2, {}, {})
        links = tuple(link for link in network.links if link.target[0] == "s0" or link.kind == "plastic")
        changed = dataclasses.replace(network, groups={"neuron": group}, links=links)
        assert [f.rule for f in prove(changed)] == ([] if sound else ["port-range"])


def test_the_rounding_of_a_network_is_the_elements_own():
    """Streams are named after the synapses, so that two sets under one seed draw apart."""
    synapses = plain().learning["s0"]
    rounding = synapses.connection().rounding
    assert isinstance(rounding, ElementRounding)
    assert (rounding.name, rounding.seed) == ("s0", 3)
