"""Static networks give the same integers on every executor, and nearly the numbers of the float reference."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from specs import parse, random_inputs
from static_specs import static_spec_dicts

import hmn_lava as hl
from hmn_lava.compiler import attempt
from hmn_lava.simulator.fast import Fast
from hmn_lava.simulator.interpreter import Interpreter

STEPS = 30
QUICK = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)


def compiled(data: dict[str, Any], draw: int) -> hl.Bundle:
    bundle, findings = attempt(parse(data), seed=draw, allow_lossy=True)
    errors = [finding for finding in findings if finding.severity == "error"]
    assert bundle is not None and not errors, errors
    return bundle


@QUICK
@given(data=static_spec_dicts(), draw=st.integers(0, 2**31))
def test_random_static_networks(data: dict[str, Any], draw: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    bundle = compiled(data, draw)
    inputs = random_inputs(bundle.network, STEPS, draw)
    names = list(bundle.network.signals)
    golden = Interpreter(bundle.network)
    expected = golden.run(inputs, STEPS, names).raw
    loaded = hl.load(bundle.save(tmp_path_factory.mktemp("static") / "bundle"))
    for network in (bundle.network, loaded.network):
        fast = Fast(network)
        result = fast.run(inputs, STEPS, names)
        assert all(np.array_equal(result.raw[name], expected[name]) for name in names)
        assert all(np.array_equal(fast.snapshot()[name], array) for name, array in golden.snapshot().items())


@pytest.mark.heavy
@settings(QUICK, max_examples=6)
@given(data=static_spec_dicts(), draw=st.integers(0, 2**31))
def test_random_static_networks_in_lava(data: dict[str, Any], draw: int) -> None:
    pytest.importorskip("lava")
    bundle = compiled(data, draw)
    inputs = random_inputs(bundle.network, STEPS, draw)
    names = list(bundle.network.signals)
    expected = bundle.run(inputs, steps=STEPS, backend="interpreter", probes=names)
    result = bundle.run(inputs, steps=STEPS, backend="lava", probes=names)
    assert all(np.array_equal(result.raw[name], expected.raw[name]) for name in names)
