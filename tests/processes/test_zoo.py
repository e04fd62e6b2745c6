"""Every component in both kinds of numbers, and in Lava's runtime: it sends, and holds, what its part does without."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "parts"))

from changes import CHANGES, HALF, changed
from closed_loop import run_parts
from drive import alone
from lava_child import in_lava, needs_lava
from zoo import IN_LAVA, NEAR, STEPS, ZOO, formats_of, integers, part_of, reals

from hmn_lava.simulator.part import PartExecutor

SCENARIOS = Path(__file__).with_name("scenarios.py")
NAMES = {"w": "weights"}


@needs_lava
def test_integers_in_lava():
    found = in_lava(SCENARIOS, "whole_zoo", "fixed_pt")
    for name in IN_LAVA:
        part, _ = part_of(name)
        executor = PartExecutor(part)
        for port, values in alone(executor, integers(name, part), STEPS).items():
            assert np.array_equal(found[f"{name}.{port}"], values), f"{name}.{port}"
            assert np.any(values != values[0]), f"{name}.{port} never moves"
        for state, values in executor.own.items():
            assert np.array_equal(found[f"{name}.{NAMES.get(state, state)}"].reshape(-1), values), f"{name}.{state}"


@needs_lava
def test_reals_in_lava():
    found = in_lava(SCENARIOS, "whole_zoo", "floating_pt")
    for name in IN_LAVA:
        part, equations = part_of(name)
        for port, values in alone(equations, reals(name, part), STEPS).items():
            assert np.array_equal(found[f"{name}.{port}"], values), f"{name}.{port}"
        for state, values in equations.states.items():
            assert np.array_equal(found[f"{name}.{state}"].reshape(-1), values.reshape(-1)), f"{name}.{state}"


@pytest.mark.parametrize("name", ZOO)
def test_integers_are_near_the_reals(name: str):
    part, equations = part_of(name)
    whole = alone(PartExecutor(part), integers(name, part), STEPS)
    real = alone(equations, reals(name, part), STEPS)
    formats = formats_of(part)
    assert set(formats) == {p.name for p in (*part.inputs, *part.outputs)}
    for port, values in whole.items():
        error = np.abs(formats[port].real(values) - real[port]).max()
        assert error <= NEAR[name][port], f"{port}: {error}"


@needs_lava
@pytest.mark.parametrize("kind", ["lif", "dense"])
def test_it_is_lavas_own_bit_for_bit(kind: str):
    found = in_lava(SCENARIOS, "against_lava", kind)
    names = [name.removeprefix("lava.") for name in found if name.startswith("lava.")]
    assert names
    for name in names:
        assert np.array_equal(found[f"ours.{name}"], found[f"lava.{name}"]), name
        assert np.unique(found[f"lava.{name}"]).size > 1, name


@needs_lava
@pytest.mark.parametrize("tag", ["fixed_pt", "floating_pt"])
def test_a_var_that_is_set_takes_effect_in_the_next_step(tag: str):
    found = in_lava(SCENARIOS, "set_while_running", tag)
    for name, (variable, values) in CHANGES.items():
        part, _ = part_of(name)
        executor, other = (PartExecutor(p) if tag == "fixed_pt" else e for p, e in (part_of(name), part_of(name)))
        stored = changed(part, variable, values) if tag == "fixed_pt" else values

        def change(executor: Any, t: int, stored: np.ndarray = stored, variable: str = variable) -> None:
            if t == HALF:
                place(executor, variable)[...] = stored.reshape(place(executor, variable).shape)

        inputs = (integers if tag == "fixed_pt" else reals)(name, part)
        unchanged = alone(other, inputs, STEPS)
        for port, expected in alone(executor, inputs, STEPS, change).items():
            assert np.array_equal(found[f"{name}.{port}"], expected), f"{name}.{port}"
            assert np.array_equal(unchanged[port][:HALF], expected[:HALF])
            assert not np.array_equal(unchanged[port][HALF:], expected[HALF:]), f"{name}.{port}"


def place(executor: Any, variable: str) -> np.ndarray:
    """Where an executor has a Var."""
    if not isinstance(executor, PartExecutor):
        return executor.states[variable]
    group = executor.part.group
    if group is None:
        return executor.network.links[0].weights
    if variable in group.constants:
        return group.constants[variable].values
    return executor.own[{"weights": "w"}.get(variable, variable)]


@needs_lava
@pytest.mark.parametrize("tag", ["fixed_pt", "floating_pt"])
def test_a_learning_network_of_processes(tag: str):
    found, expected = (
        in_lava(SCENARIOS, "closed_loop", tag),
        run_parts("winner_take_all", "per_synapse", tag == "fixed_pt"),
    )
    if tag == "fixed_pt":
        found = {"z": found["z"] / 2**16, "weights": found["weights"] / 2**20, "psi_slow": found["psi_slow"] / 2**16}
    assert np.array_equal(found["z"], expected["z"])
    assert np.array_equal(found["weights"].reshape(-1), expected["w"][-1])
    assert np.abs(expected["w"][-1] - expected["w"][0]).max() > 0.01


@needs_lava
def test_the_examples_of_the_docstrings():
    for name, (tried, failed) in in_lava(SCENARIOS, "examples").items():
        assert tried >= 2, name
        assert failed == 0, name
