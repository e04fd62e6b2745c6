"""Random networks with learning synapses, made of the records of ``hmn_lava.network`` themselves."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "learning"))

from cases import LIMITS, random_case

from hmn_lava.fixed import Fixed
from hmn_lava.hardware_profiles import load_profile
from hmn_lava.learning import LAVA, Engine, LearningRule
from hmn_lava.microcode.builder import Builder
from hmn_lava.microcode.ir import Program
from hmn_lava.microcode.ranges import WORD_RANGE
from hmn_lava.network import Group, Input, IntegerNetwork, LearningSynapses, Link, Signal, Topology

WORD = Fixed(24)
LOIHI2 = Engine.of(load_profile("loihi2"))
FORMATS = {"weights": Fixed(17), "tag_1": Fixed(17), "tag_2": Fixed(17), "x1": Fixed(16, False), "x2": Fixed(16, False)}


def neuron(low: int, declared: tuple[str, ...] = ("y0", "y1", "y2", "y3")) -> Program:
    """A neuron that spikes and supplies y0 and traces, of what its synapses bring and the host drives it with."""
    b = Builder("neuron")
    current = b.input("current", WORD, WORD_RANGE)  # may wrap
    driven = {name: b.input(f"in_{name}", Fixed(9), (-128, 127)) for name in ("y0", "y1", "y2", "y3")}
    brought = b.raw("shr", current, 5)
    spike = b.raw("and", b.raw("add", driven["y0"], brought, wraps=True), 1)
    for n, name in enumerate(("y1", "y2", "y3")):
        value = b.clip(b.raw("add", driven[name], b.raw("shr", current, n + 2), wraps=True), low, 127)
        if name in declared:
            b.store(b.state(name, Fixed(9), (low, 127)), value)
    if "y0" in declared:
        b.emit("y0", spike)
    b.emit("s", spike)
    b.emit("z", b.raw("and", brought, 255))
    b.observe("brought", brought)
    return b.build()


def random_topology(rng: random.Random, n_post: int, n_pre: int) -> Topology:
    if rng.random() < 0.5:
        return Topology.full(n_post, n_pre)
    mask = np.array([rng.random() < 0.6 for _ in range(n_post * n_pre)], bool).reshape(n_post, n_pre)
    row, col = np.nonzero(mask)
    return Topology.of(n_post, n_pre, row, col)


def random_synapses(
    rng: random.Random, name: str, n_post: int, n_pre: int, frame: int, engine: Engine
) -> LearningSynapses:
    """A rule, modes and starting values as the tests of the learning engine draw them."""
    case = random_case(rng.randrange(2**31), sparse=False, steps=1)
    keywords = {"factors": case["factors"], **case["rule"]}
    if frame > 1:
        keywords["t_epoch"] = rng.choice([t for t in range(1, 1 + min(frame, 63)) if frame % t == 0])
    topology = random_topology(rng, n_post, n_pre)
    draw = np.random.default_rng(rng.randrange(2**31))
    low, high = LIMITS[case["sign_mode"]]
    levels = engine.levels("weights", case["sign_mode"])
    initial = {
        "weights": draw.integers(low, high, topology.size, endpoint=True) // levels.step * levels.step,
        "tag_1": draw.integers(engine.tag_1.low, 255, topology.size, endpoint=True),
        "tag_2": draw.integers(0, 255, topology.size, endpoint=True),
    }
    return LearningSynapses(
        name,
        "neuron",
        LearningRule.of(keywords),
        engine,
        topology,
        initial,
        rng.randrange(2**31),
        case["sign_mode"],
        rng.choice((0, 0, 1, 2, 3)),
    )


def learned_signals(synapses: LearningSynapses, frame: int, rng: random.Random) -> dict[str, Signal]:
    """All states of learning synapses that may be signals, each at some place of the frame."""
    sizes = dict.fromkeys(("weights", "tag_1", "tag_2"), synapses.size)
    sizes |= dict.fromkeys(("x1", "x2"), synapses.topology.n_pre)
    return {
        f"{synapses.name}.{variable}": Signal(
            synapses.name, variable, "state", FORMATS[variable], rng.randrange(2 * frame), (size,)
        )
        for variable, size in sizes.items()
    }


def random_network(seed: int, frame: int | None = None) -> IntegerNetwork:
    """Up to three sets of learning synapses on one group of neurons, from the host and from the neurons themselves."""
    rng = random.Random(seed)
    frame = rng.choice((1, 1, 2, 8)) if frame is None else frame
    engine = rng.choice((LOIHI2, LOIHI2, LAVA))
    low = -128 if engine.y_range is not None and engine.y_range[0] < 0 else 0
    n_post, n_pre = rng.choice(((1, 1), (3, 4), (5, 2), (4, 90), (40, 3), (7, 300)))
    declared = rng.choice((("y0", "y1", "y2", "y3"), ("y0",), ("y1", "y3"), ()))
    program = neuron(low, declared)
    group = Group("neuron", program, n_post, {}, {v.name: np.zeros(1, np.int64) for v in program.states})
    inputs = {f"in_{name}": Input(f"in_{name}", n_post, Fixed(9), low, 127) for name in ("y0", "y1", "y2", "y3")}
    bounds = rng.choice(((0, 1), (0, 255), (-300, 1000)))
    inputs["pre"] = Input("pre", n_pre, Fixed(12), *bounds)
    links = [Link((name, "x"), ("neuron", name), "same", _delay(rng)) for name in inputs if name != "pre"]
    learning = {}
    for n in range(rng.choice((1, 1, 2, 3))):
        recurrent = n > 0 and rng.random() < 0.6
        sources = [("neuron", rng.choice("sz"))] if recurrent else [("pre", "x")]
        if not recurrent and n_pre == n_post:
            sources.append(("neuron", "z"))
        synapses = random_synapses(rng, f"s{n}", n_post, n_post if recurrent else n_pre, frame, engine)
        learning[synapses.name] = synapses
        links += [Link(source, (synapses.name, "x"), "same", _delay(rng)) for source in sources]
        for _ in range(rng.choice((0, 1, 1, 2))):
            links.append(Link((synapses.name, "weights"), ("neuron", "current"), "plastic", shift=rng.randint(-9, 9)))
    signals: dict[str, Signal] = {}
    for synapses in learning.values():
        signals |= learned_signals(synapses, frame, rng)
    for state in program.states:
        offset = rng.randrange(3 * frame)
        signals[f"neuron.{state.name}"] = Signal("neuron", state.name, "state", Fixed(9), offset, (n_post,))
    for output in group.program.outputs:
        offset = rng.randrange(frame)
        signals[f"neuron.{output.name}"] = Signal("neuron", output.name, "output", output.format, offset, (n_post,))
    for seen in group.program.observables:
        signals[seen.name] = Signal("neuron", seen.name, "observable", seen.format, rng.randrange(frame), (n_post,))
    signals["pre.x"] = Signal("pre", "x", "input", Fixed(12), rng.randrange(frame), (n_pre,))
    return IntegerNetwork(
        "random", inputs, {"neuron": group}, tuple(links), signals, (), {}, {}, learning=learning, frame=frame
    )


def random_drive(network: IntegerNetwork, steps: int, seed: int) -> dict[str, Any]:
    """Host input with many zeros, so that some synapses have nothing to do."""
    rng = np.random.default_rng(seed)
    rates = {"pre": rng.choice((0.02, 0.2, 0.8)), "in_y0": rng.choice((0.05, 0.5))}
    return {
        name: (rng.random((steps, source.size)) < rates.get(name, 0.7))
        * rng.integers(
            source.low, 2 if name == "in_y0" else source.high, (steps, source.size), endpoint=name != "in_y0"
        )
        for name, source in network.inputs.items()
    }


def _delay(rng: random.Random) -> Any:
    return np.array([rng.choice((0, 0, 1, 5))], np.int64)
