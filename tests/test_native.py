"""Parts that are Lava's own Processes, and messages as synapses."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent / "conformance"))

from specs import engine_spec_dicts, parse, random_inputs, spec_dicts

import hmn_lava as hl
from hmn_lava.compiler import attempt
from hmn_lava.native import NativeLif, NativeSynapses, as_synapses, native_lif, native_synapses
from hmn_lava.partition import partition
from hmn_lava.simulator.interpreter import Interpreter

QUICK = settings(
    max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, phases=[Phase.generate]
)


def check(data: dict[str, Any], plasticity: str, frames: int, draw: int) -> None:
    bundle, _ = attempt(parse(data), seed=draw, allow_lossy=True, plasticity=plasticity)
    if bundle is None:
        return
    network = bundle.network
    names, inputs = list(network.signals), random_inputs(network, frames, draw)
    changed = as_synapses(network)
    assert all(link.kind in ("matrix", "plastic") or link.target[0] in network.learning for link in changed.links)
    expected, found = (Interpreter(n).run(inputs, frames, names) for n in (network, changed))
    for name in names:
        assert np.array_equal(expected.raw[name], found.raw[name]), name


@QUICK
@given(data=spec_dicts(), draw=st.integers(0, 2**31))
def test_messages_as_synapses(data: dict[str, Any], draw: int) -> None:
    check(data, "neurocore", 20, draw)


@QUICK
@given(data=engine_spec_dicts(), draw=st.integers(0, 2**31))
def test_messages_as_synapses_in_frames(data: dict[str, Any], draw: int) -> None:
    check(data, "engine", 3, draw)


def lif_network(**population: Any) -> hl.Bundle:
    """Spikes onto one layer of Lava's LIF neurons, with delays, and on to a second, recurrent one."""
    both, positive = ({"init": "uniform", "low": low, "high": 1.0} for low in (-1.0, 0.0))
    spec = {
        "hmn_lava": 1,
        "name": "lif",
        "populations": {
            "x": {"type": "input", "size": 6, "signal": "spike"},
            "one": {"type": "lif", "size": 5, "du": 0.3, "dv": 0.2, "vth": 1.0, **population},
            "two": {"type": "lif", "size": 3, "du": 0.1, "dv": 0.05, "vth": 0.7},
        },
        "connections": {
            "c0": {
                "type": "static",
                "source": "x",
                "target": "one",
                "weights": both,
            },
            "c1": {
                "type": "static",
                "source": "one",
                "target": "two",
                "weights": positive,
                "delay": 3,
            },
            "c2": {"type": "static", "source": "two", "target": "one", "weights": -0.25},
        },
    }
    bundle, findings = attempt(parse(spec), seed=3, allow_lossy=True)
    assert bundle is not None, findings
    return bundle


def test_a_lif_network_is_lavas_own() -> None:
    network = lif_network().network
    for part in partition(network).parts.values():
        native = native_lif(part) if part.component == "neuron" else native_synapses(part, network)
        assert isinstance(native, NativeLif | NativeSynapses), (part.name, native)


def test_what_needs_microcode_says_why() -> None:
    digits = hl.compile(Path(__file__).parents[1] / "examples" / "digits.yaml", seed=0).network
    parts = partition(digits).parts
    assert "program" in str(native_lif(parts["out"]))
    assert "no population" in str(native_lif(parts["readout.synapse"]))
    early = partition(lif_network(bias=0.1).network).parts["one"]
    assert "bias" in str(native_lif(early))
