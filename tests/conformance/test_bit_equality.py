"""Every executor of a bundle gives the same integers.

Interpreter, machine, kernels, one thread or two, before and after a save and load.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, event, given, seed, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from specs import engine_spec_dicts, hebbian_spec_dicts, parse, random_inputs, spec_dicts

import hmn_lava as hl
from hmn_lava.compiler import attempt
from hmn_lava.simulator.fast import Fast
from hmn_lava.simulator.interpreter import Interpreter

STEPS = 40
ENGINE_STEPS = 5
"""Of the model; one of them takes many of the chip."""
CHECKS = [
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.filter_too_much,
    HealthCheck.function_scoped_fixture,
]
# Without shrinking, which takes minutes here: a failing example is printed as it is, and it is small.
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=CHECKS, derandomize=True, phases=[Phase.generate]
)
MANY = settings(max_examples=125, deadline=None, suppress_health_check=CHECKS, database=None, phases=[Phase.generate])


def compiled(data: dict[str, Any], draw: int) -> hl.Bundle:
    """The bundle of a random spec; every legal spec of this size must compile, though it may lose small parameters."""
    bundle, findings = attempt(parse(data), seed=draw, allow_lossy=True)
    errors = [finding for finding in findings if finding.severity == "error"]
    assert bundle is not None and not errors, errors
    return bundle


def same(bundle: hl.Bundle, expected: dict[str, np.ndarray], executor: Any, inputs: dict[str, Any]) -> None:
    """All signals at all steps, and all states and messages at the end, are equal."""
    result = executor.run(inputs, STEPS, list(bundle.network.signals))
    for name, values in expected.items():
        assert np.array_equal(result.raw[name], values), f"{executor.backend} differs in {name}"


def check(data: dict[str, Any], draw: int, folder: Path, kernels: bool) -> None:
    bundle = compiled(data, draw)
    inputs = random_inputs(bundle.network, STEPS, draw)
    golden = Interpreter(bundle.network)
    expected = dict(golden.run(inputs, STEPS, list(bundle.network.signals)).raw)
    event("the weights moved", str(any(bool(np.ptp(v, axis=0).any()) for n, v in expected.items() if n.endswith(".w"))))
    machine = Fast(bundle.network)
    same(bundle, expected, machine, inputs)
    for name, array in golden.snapshot().items():
        assert np.array_equal(machine.snapshot()[name], array), name
    loaded = hl.load(bundle.save(folder / "bundle"))
    same(loaded, expected, Fast(loaded.network), inputs)
    if kernels:
        same(loaded, expected, Fast(loaded.network, threads=1), inputs)
        same(bundle, expected, Fast(bundle.network, threads=2, threaded_from=1), inputs)


@QUICK
@given(data=spec_dicts(), draw=st.integers(0, 2**31))
def test_random_specs(data: dict[str, Any], draw: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    check(data, draw, tmp_path_factory.mktemp("specs"), kernels=False)


@settings(QUICK, max_examples=6)
@given(data=spec_dicts(), draw=st.integers(0, 2**31))
def test_random_specs_on_kernels(data: dict[str, Any], draw: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    check(data, draw, tmp_path_factory.mktemp("specs"), kernels=True)


@pytest.mark.heavy
@pytest.mark.parametrize("quarter", range(4))
def test_five_hundred_random_specs(quarter: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Four times 125 examples, each quarter from a seed of its own, so that they run side by side."""

    @seed(quarter)
    @MANY
    @given(data=spec_dicts(), draw=st.integers(0, 2**31))
    def examples(data: dict[str, Any], draw: int) -> None:
        check(data, draw, tmp_path_factory.mktemp("specs"), kernels=True)

    examples()


def check_engine(data: dict[str, Any], draw: int, folder: Path) -> bool:
    """The same with the synapses in the learning engine; False where it cannot hold the spec."""
    bundle, findings = attempt(parse(data), seed=draw, allow_lossy=True, plasticity="engine")
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        assert {finding.rule for finding in errors} <= {"max-delay"}, errors  # a long frame times a long delay
        return False
    assert bundle is not None and bundle.plasticity == "engine"
    inputs = random_inputs(bundle.network, ENGINE_STEPS, draw)
    golden, names = Interpreter(bundle.network), list(bundle.network.signals)
    expected = dict(golden.run(inputs, ENGINE_STEPS, names).raw)
    moved = any(bool(np.ptp(v, axis=0).any()) for n, v in expected.items() if n.endswith(".w"))
    event("the weights moved", str(moved))
    machine, loaded = Fast(bundle.network), hl.load(bundle.save(folder / "bundle"))
    for executor in (machine, Fast(loaded.network)):
        result = executor.run(inputs, ENGINE_STEPS, names)
        for name, values in expected.items():
            assert np.array_equal(result.raw[name], values), f"{executor.backend} differs in {name}"
        snapshot = executor.snapshot()
        assert all(np.array_equal(snapshot[name], array) for name, array in golden.snapshot().items())
    return moved


@settings(QUICK, max_examples=25)
@given(data=engine_spec_dicts(), draw=st.integers(0, 2**31))
def test_random_engine_specs(data: dict[str, Any], draw: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    check_engine(data, draw, tmp_path_factory.mktemp("specs"))


@settings(QUICK, max_examples=15)
@given(data=hebbian_spec_dicts(), draw=st.integers(0, 2**31))
def test_random_hebbian_specs(data: dict[str, Any], draw: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    check_engine(data, draw, tmp_path_factory.mktemp("specs"))


@pytest.mark.heavy
def test_a_hundred_random_hebbian_specs(tmp_path_factory: pytest.TempPathFactory) -> None:
    moved: list[bool] = []

    @seed(0)
    @settings(MANY, max_examples=100)
    @given(data=hebbian_spec_dicts(), draw=st.integers(0, 2**31))
    def examples(data: dict[str, Any], draw: int) -> None:
        moved.append(check_engine(data, draw, tmp_path_factory.mktemp("specs")))

    examples()
    assert sum(moved) >= 25


@pytest.mark.heavy
@pytest.mark.parametrize("half", range(2))
def test_two_hundred_random_engine_specs(half: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    moved: list[bool] = []

    # What hypothesis draws depends on the constants of all modules that are loaded, so that 14 to 46 of a hundred specs
    # move their weights: it goes on until enough have.
    @seed(half)
    @settings(MANY, max_examples=300)
    @given(data=engine_spec_dicts(), draw=st.integers(0, 2**31))
    def examples(data: dict[str, Any], draw: int) -> None:
        if len(moved) < 100 or sum(moved) < 16:
            moved.append(check_engine(data, draw, tmp_path_factory.mktemp("specs")))

    examples()
    assert len(moved) >= 100 and sum(moved) >= 16


def test_a_run_in_pieces_is_the_run_in_one() -> None:
    """State is kept between calls, and a snapshot carries it from one executor to another."""
    data: dict[str, Any] = _fixed()
    bundle = compiled(data, 1)
    inputs = random_inputs(bundle.network, STEPS, 1)
    whole = Fast(bundle.network).run(inputs, STEPS, ["c0.w"]).raw["c0.w"]
    first, second = Interpreter(bundle.network), Fast(bundle.network)
    head = first.run({n: v[:15] for n, v in inputs.items()}, 15, ["c0.w"]).raw["c0.w"]
    second.restore(first.snapshot())
    tail = second.run({n: v[15:] for n, v in inputs.items()}, STEPS - 15, ["c0.w"]).raw["c0.w"]
    assert np.array_equal(whole, np.concatenate([head, tail]))
    assert np.ptp(whole, axis=0).any()


def _fixed() -> dict[str, Any]:
    return {
        "hmn_lava": 1,
        "name": "fixed",
        "populations": {
            "x": {"type": "input", "size": 5, "signal": "graded", "range": [0, 1]},
            "teach": {"type": "input", "size": 1, "signal": "graded", "range": [-1, 1]},
            "out": {
                "type": "hmn",
                "size": 3,
                "activation": "sigmoid",
                "competition": {"type": "sample", "temperature": 0.5},
            },
        },
        "connections": {
            "c0": {
                "type": "hmn",
                "source": "x",
                "target": "out",
                "weights": 0.0,
                "bounds": [-1, 1],
                "delay": 2,
                "traces": {"tau_fast": 3.0, "tau_slow": 20.0},
                "rates": {"local": 0.0, "global": 1.0},
                "attention": {"beta": 1.0, "dimensions": 1, "context_rate": 0.1},
                "probabilistic_gate": {"beta": 100.0, "threshold": 0.01},
            }
        },
        "modulators": {"teacher": {"type": "input", "source": "teach"}},
    }
