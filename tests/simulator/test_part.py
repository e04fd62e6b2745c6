"""The parts of a cut network, run one by one with nothing but messages, compute what the whole computes."""

from __future__ import annotations

import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "conformance"))

from specs import engine_spec_dicts, parse, random_inputs, spec_dicts

from hmn_lava.compiler import attempt
from hmn_lava.network import IntegerNetwork
from hmn_lava.partition import partition
from hmn_lava.simulator.interface import quantise_inputs
from hmn_lava.simulator.interpreter import Interpreter
from hmn_lava.simulator.part import PartExecutor

QUICK = settings(
    max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, phases=[Phase.generate]
)


WAIT = 30.0
"""Seconds after which a message that does not come is a deadlock."""


def run_parts(network: IntegerNetwork, driven: dict[str, np.ndarray], frames: int) -> dict[str, PartExecutor]:
    """Each part in a thread of its own, with queues for wires; several senders at one port are added up, as in Lava."""
    cut = partition(network)
    parts = {name: PartExecutor(part) for name, part in cut.parts.items()}
    to: dict[Any, list[Queue[Any]]] = defaultdict(list)
    of: dict[Any, list[Queue[Any]]] = defaultdict(list)
    for wire in cut.wires:
        channel: Queue[Any] = Queue()
        to[wire.target].append(channel)
        of[wire.source].append(channel)
    steps = frames * network.frame
    for name, source in network.inputs.items():
        for step in range(steps):
            frame, phase = divmod(step, network.frame)
            values = driven[name][frame] if phase == 0 else np.zeros(source.size, np.int64)
            for channel in of[name, "s_out"]:
                channel.put(values)

    def run(part: PartExecutor) -> None:
        name = part.part.name

        def receive(port: str) -> np.ndarray:
            return np.sum([channel.get(timeout=WAIT) for channel in to[name, port]], axis=0)

        def send(port: str, values: np.ndarray) -> None:
            for channel in of[name, port]:
                channel.put(np.array(values))

        for _ in range(steps):
            part.step_once(receive, send)

    with ThreadPoolExecutor(max(1, len(parts))) as pool:
        for done in [pool.submit(run, part) for part in parts.values()]:
            done.result()
    return parts


def check(data: dict[str, Any], plasticity: str, frames: int, draw: int) -> None:
    bundle, _ = attempt(parse(data), seed=draw, allow_lossy=True, plasticity=plasticity)
    if bundle is None:
        return
    network = bundle.network
    inputs = random_inputs(network, frames, draw)
    whole = Interpreter(network)
    whole.run(inputs, frames)
    parts = run_parts(network, quantise_inputs(network, inputs, frames), frames)
    assert set(network.groups) | set(network.learning) <= set(parts)
    for name, states in whole.states.items():
        for state, values in states.items():
            assert np.array_equal(parts[name].states[name][state], values), f"{name}.{state}"
    for (owner, variable), ring in whole.buffers.items():
        if owner in parts:
            assert np.array_equal(parts[owner].buffers[owner, variable], ring), f"{owner}.{variable}"
    for part in parts.values():  # what a part keeps of others is what they sent
        for port, source in part.part.sources.items():
            assert np.array_equal(part.buffers[port, "x"], whole.buffers[source]), f"{part.part.name}.{port}"


@QUICK
@given(data=spec_dicts(), draw=st.integers(0, 2**31))
def test_microcoded_synapses(data: dict[str, Any], draw: int) -> None:
    check(data, "neurocore", 25, draw)


@QUICK
@given(data=engine_spec_dicts(), draw=st.integers(0, 2**31))
def test_synapses_of_the_learning_engine(data: dict[str, Any], draw: int) -> None:
    check(data, "engine", 4, draw)
