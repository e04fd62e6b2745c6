"""What the components of this folder have in common: examples that run, and Vars that are all their state."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from components_child import results_in_lava
from lava_child import needs_lava

from hmn_lava.partition import Part
from hmn_lava.parts.learning_connection import learning_connection_part
from hmn_lava.parts.local_attention import local_attention_part
from hmn_lava.parts.probabilistic_gate import probabilistic_gate_part
from hmn_lava.parts.spsa import spsa_part
from hmn_lava.processes.base.variables import Bound, formats, initial_values, messages_shape

RULE = {
    "dw": "2^-2*x1*y0 - 2^-2*y1*x0", "x1_impulse": 64, "x1_tau": 20, "y1_impulse": 64, "y1_tau": 20, "t_epoch": 3,
}  # fmt: skip
PARTS = {
    "learning": lambda: learning_connection_part(weights=np.full((2, 3), 40), learning_rule=RULE, num_message_bits=8),
    "attention": lambda: local_attention_part(embedding=np.eye(3), key=[[1.0, 0.5, -1.0], [0.3, 1.0, 1.0]]),
    "gate": lambda: probabilistic_gate_part((6,), beta=2.0, threshold=0.5),
    "spsa": lambda: spsa_part(eta=[0.5, 0.4], low=0.0, high=1.0, rate=0.1, period=3, epsilon0=0.1),
}


@needs_lava
def test_examples_run():
    found = results_in_lava([{"function": "examples", "modules": ["learning_connection", "attention", "gate", "spsa"]}])
    for attempted, failed in found[0]:
        assert attempted >= 2 and failed == 0


def bound(part: Part, variables: dict[str, np.ndarray] | None, time: int) -> Bound:
    """As a ProcessModel binds its Vars."""
    if variables is None:
        variables = initial_values(part) | {"messages": np.zeros(messages_shape(part), np.int64)}
    return Bound(part, {name: np.array(values) for name, values in variables.items()}, (), time)


def run(part: Part, work: Bound, inputs: dict[str, np.ndarray], steps: range) -> list[np.ndarray]:
    sent: list[np.ndarray] = []
    for t in steps:
        work.load()
        work.executor.step_once(lambda port, t=t: inputs[port][t], lambda _, values: sent.append(np.array(values)))
        work.store()
    return sent


def arriving(part: Part, steps: int) -> dict[str, np.ndarray]:
    """Integers that move every component: spikes and payloads for the learning engine, words for the others."""
    rng = np.random.default_rng(0)
    most = {"learning": 120, "attention": 1 << 15}.get(part.component, 1 << 19)
    ends = {port: 2 if port.name == "s_in_bap" else most for port in (*part.inputs, *part.supplied)}
    return {port.name: rng.integers(0, end, (steps, port.size)) for port, end in ends.items()}


@pytest.mark.parametrize("name", PARTS)
def test_vars_and_time_are_all_that_the_next_step_depends_on(name):
    part, _ = PARTS[name]()
    inputs = arriving(part, 30)
    whole = bound(part, None, 0)
    sent = run(part, whole, inputs, range(30))
    first = bound(part, None, 0)
    begin = run(part, first, inputs, range(13))
    second = bound(part, first.variables, 13)
    again = begin + run(part, second, inputs, range(13, 30))
    assert np.array_equal(np.array(sent), np.array(again))
    assert any(np.ptp(np.array(sent), axis=0))
    for variable, values in whole.variables.items():
        assert np.array_equal(second.variables[variable], values), variable


def test_setting_a_constant_changes_the_running_component():
    part, _ = PARTS["attention"]()
    inputs = {"s_in": np.full((20, 3), 1 << 15), "z_in": np.full((20, 2), 1 << 14)}
    work = bound(part, None, 0)
    before = run(part, work, inputs, range(10))[-1]
    assert np.ptp(before) > 0
    work.variables["beta_a"][:] = 0
    after = run(part, work, inputs, range(10, 20))[-1]
    assert np.ptp(after) == 0


def test_formats_of_ports():
    def of(name: str) -> dict[str, str]:
        part, _ = PARTS[name]()
        ports = (*part.inputs, *part.supplied, *part.outputs)
        return {port.name: str(formats(part)[port.name]) for port in ports}

    assert of("attention") == {"s_in": "u16.15", "z_in": "u16.15", "alpha_out": "u20.19"}
    assert of("gate") == {"dw_in": "s24.20", "dw_out": "s22.20"}
    assert of("spsa") == {"loss_in": "s24.14", "eta_out": "u22.21"}
    into = dict.fromkeys(("s_in", "s_in_bap", "s_in_y1", "s_in_y2", "s_in_y3"), "s24.0")
    assert of("learning") == {**into, "a_out": "s32.0"}
