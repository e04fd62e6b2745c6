"""Learning synapses do a step in the order of Lava's LearningDense: same messages in, same integers out, step by step.

With Lava's widths and Lava's random numbers in place of the bundle's, every variable is equal after every step, and so
is what leaves through ``a_out`` in it.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "learning"))
sys.path.insert(0, str(Path(__file__).parents[1] / "simulator"))

from lava_oracle import SHOWN, needs_lava, run_lava
from learning_networks import random_drive, random_network
from specs import engine_spec_dicts, parse, random_inputs

import hmn_lava as hl
from hmn_lava.compiler import attempt
from hmn_lava.fixed import Integers
from hmn_lava.learning import LAVA
from hmn_lava.learning.connection import LearningConnection
from hmn_lava.learning.export import lava_keywords
from hmn_lava.learning.records import TRACES, Y_TRACES
from hmn_lava.learning.rounding import LavaRounding
from hmn_lava.network import IntegerNetwork, LearningSynapses
from hmn_lava.simulator.interpreter import Interpreter

pytestmark = needs_lava
EXAMPLES = Path(__file__).parents[2] / "examples"
VARIABLES = [name for name in SHOWN if name not in ("x0", "y0")]  # Lava sets these two while it learns
SOME = settings(
    max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, phases=[Phase.generate]
)


class LavaSynapses(LearningSynapses):
    """Learning synapses that draw Lava's random numbers."""

    def connection(self) -> LearningConnection:
        made = super().connection()
        taus = {trace: float(getattr(self.rule, f"{trace}_tau")) for trace in TRACES}
        made.rounding = LavaRounding(self.rule.rng_seed or 0, taus)
        return made


class Recording(Interpreter):
    """Keeps, for each set of learning synapses and step, what was sent in it, what left, and the variables after it."""

    def __init__(self, network: IntegerNetwork) -> None:
        self.kept: dict[str, dict[str, list[Integers]]] = defaultdict(lambda: defaultdict(list))
        super().__init__(network)

    def compute(self, observe: Mapping[str, set[str]]) -> None:
        for name in self.network.learning:  # before any group runs: what their ports read in this step
            self.kept[name]["a_out"].append(self.states[name]["a_buff"].copy())
        super().compute(observe)
        for synapses in self.network.learning.values():
            self._keep(synapses, self.kept[synapses.name])

    def _keep(self, synapses: LearningSynapses, kept: dict[str, list[Integers]]) -> None:
        neuron, now = synapses.neuron, self.time % self.depth
        silent = np.zeros(synapses.topology.n_post, np.int64)
        for number, link in enumerate(self.network.links_to(synapses.name)):
            kept[f"link {number}"].append(self.buffers[link.source][now].copy())
        emits = (neuron, "y0") in self.buffers
        kept["post"].append(self.buffers[neuron, "y0"][now].copy() if emits else silent)
        kept["y_traces"].append(np.array([self.states[neuron].get(y, silent) for y in Y_TRACES]))
        for name, values in self.states[synapses.name].items():
            kept[name].append(values.copy())

    def payloads(self, synapses: LearningSynapses) -> Integers:
        """What comes to the axons in each step: of each link, what was sent ``delay`` steps before."""
        total = 0
        for number, link in enumerate(self.network.links_to(synapses.name)):
            sent, late = np.array(self.kept[synapses.name][f"link {number}"]), int(link.delay[0])
            total = total + np.concatenate([np.zeros((late, sent.shape[1]), np.int64), sent])[: len(sent)]
        return np.asarray(total)


def in_lava(network: IntegerNetwork) -> IntegerNetwork:
    """The network with the widths and the random numbers of Lava's engine."""
    learning: dict[str, LearningSynapses] = {}
    for name, synapses in network.learning.items():
        values, cut = {f.name: getattr(synapses, f.name) for f in fields(synapses)}, LAVA.start_step[synapses.sign_mode]
        initial = {**synapses.initial, "weights": synapses.initial["weights"] // cut * cut}  # as Lava does at first
        learning[name] = LavaSynapses(**values | {"engine": LAVA, "initial": initial})
    return replace(network, learning=learning)


def recorded(
    network: IntegerNetwork, inputs: dict[str, Any], steps: int
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """For each dense set of learning synapses: the case for Lava, and the histories that it should give."""
    network = in_lava(network)
    run = Recording(network)
    run.run(inputs, steps)
    found = []
    for name, synapses in network.learning.items():
        if not synapses.topology.dense:
            continue
        kept = {variable: np.array(values) for variable, values in run.kept[name].items()}
        shape = (synapses.topology.n_post, synapses.topology.n_pre)
        case = {variable: synapses.initial[variable].reshape(shape) for variable in ("weights", "tag_1", "tag_2")}
        case |= {
            "pre": run.payloads(synapses),
            "post": kept["post"],
            "y_traces": kept["y_traces"],
            "rule": lava_keywords(synapses.rule),
            "factors": synapses.rule.factors,
            "sparse": False,
            "sign_mode": synapses.sign_mode,
            "graded_spike_cfg": synapses.graded,
            "message_bits": 24,
        }
        found.append((case, kept))
    return found


def same(recordings: list[tuple[dict[str, Any], dict[str, Any]]], drive: Literal["direct", "runtime"]) -> None:
    results = run_lava([case for case, _ in recordings], drive)
    for (case, kept), lava in zip(recordings, results, strict=True):
        for name in VARIABLES:
            expected = lava[name].reshape(len(lava[name]), -1)
            assert np.array_equal(kept[name], expected), f"{name} of {case['rule']}"


@pytest.mark.parametrize("example", ["digits", "bandit"])
def test_the_examples_in_lavas_runtime(example: str) -> None:
    network = hl.compile(EXAMPLES / f"{example}.yaml", plasticity="engine", seed=0).network
    steps = 20
    found = recorded(network, random_inputs(network, steps, 0), steps)
    assert any(np.ptp(kept["weights"], axis=0).any() and kept["a_out"].any() for _, kept in found)
    same(found, "runtime")


def test_random_bundles() -> None:
    found: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def moved() -> int:
        return sum(bool(np.ptp(kept["weights"], axis=0).any() and kept["post"].any()) for _, kept in found)

    # What hypothesis draws depends on which modules other tests have loaded: it goes on until enough has happened.
    @settings(SOME, max_examples=100)
    @given(data=engine_spec_dicts(), draw=st.integers(0, 2**31))
    def examples(data: dict[str, Any], draw: int) -> None:
        if len(found) >= 15 and moved() >= 5:
            return
        bundle, _ = attempt(parse(data), seed=draw, allow_lossy=True, plasticity="engine")
        if bundle is not None:
            found.extend(recorded(bundle.network, random_inputs(bundle.network, 8, draw), 8))

    examples()
    assert len(found) >= 15 and moved() >= 5
    same(found, "direct")


def test_random_networks() -> None:
    """Rules, modes and topologies that no compiler makes: loops, several links to an axon, two factors."""
    found: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for seed in range(40):
        network = random_network(seed)
        found += recorded(network, random_drive(network, 24, seed), 24)
    moved = [np.ptp(kept["weights"], axis=0).any() and kept["a_out"].any() for _, kept in found]
    assert len(found) >= 20 and sum(moved) >= 10
    same(found, "direct")
