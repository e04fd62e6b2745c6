"""Lava's runtime gives the integers of the fast executor: every signal at every step, and the state at the end."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, event, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyFailure

sys.path.insert(0, str(Path(__file__).parent))

from specs import engine_spec_dicts, hebbian_spec_dicts, parse, random_inputs, spec_dicts

import hmn_lava as hl
from hmn_lava.compiler import attempt

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("lava") is None, reason="lava-nc is not installed (it needs Python 3.10)"
)

FEW = settings(
    max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, phases=[Phase.generate]
)
MANY = settings(
    max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None, phases=[Phase.generate]
)


def check(data: dict[str, Any], draw: int, plasticity: str, steps: int) -> None:
    """In two runs, so that the second starts from messages that are on their way."""
    bundle, _ = attempt(parse(data), seed=draw, allow_lossy=True, plasticity=plasticity)
    if bundle is None:
        return
    names, first = list(bundle.network.signals), steps - steps // 3
    inputs = random_inputs(bundle.network, steps, draw)
    fast, lava = bundle.session("fast"), bundle.session("lava")
    for part in (slice(0, first), slice(first, steps)):
        given_now = {name: values[part] for name, values in inputs.items()}
        expected = fast.run(given_now, part.stop - part.start, names)
        found = lava.run(given_now, part.stop - part.start, names)
        for name, values in expected.raw.items():
            assert np.array_equal(found.raw[name], values), f"{name} differs"
            event("weights moved", str(name.endswith(".w") and bool(np.ptp(values, axis=0).any())))
    after = lava.snapshot()
    for name, array in fast.snapshot().items():
        assert np.array_equal(after[name], array), name


@FEW
@given(data=spec_dicts(), draw=st.integers(0, 2**31))
def test_random_specs(data: dict[str, Any], draw: int) -> None:
    check(data, draw, "neurocore", 24)


@FEW
@given(data=engine_spec_dicts(), draw=st.integers(0, 2**31))
def test_random_engine_specs(data: dict[str, Any], draw: int) -> None:
    check(data, draw, "engine", 5)


@settings(FEW, max_examples=3)
@given(data=hebbian_spec_dicts(), draw=st.integers(0, 2**31))
def test_random_hebbian_specs(data: dict[str, Any], draw: int) -> None:
    check(data, draw, "engine", 5)


@pytest.mark.heavy
@pytest.mark.parametrize("part", range(2))
@pytest.mark.parametrize("plasticity", ["neurocore", "engine"])
def test_many_random_specs(plasticity: str, part: int) -> None:
    strategy, steps = (spec_dicts(), 24) if plasticity == "neurocore" else (engine_spec_dicts(), 5)

    @seed(part)
    @MANY
    @given(data=strategy, draw=st.integers(0, 2**31))
    def examples(data: dict[str, Any], draw: int) -> None:
        check(data, draw, plasticity, steps)

    try:
        examples()
    except FlakyFailure as failure:  # what failed once says more than that it did not again
        raise failure.exceptions[0] from None


@pytest.mark.parametrize("plasticity", ["neurocore", "engine"])
def test_compare_says_that_they_agree(plasticity: str) -> None:
    bundle = hl.compile(Path(__file__).parents[2] / "examples" / "digits.yaml", plasticity=plasticity, seed=0)
    found = hl.compare(bundle, "fast", "lava", inputs=random_inputs(bundle.network, 12, 1), steps=12)
    assert found.equal and found.backends == ("fast", "lava")
    assert found.signals.keys() == bundle.network.signals.keys()
