"""The rehearsal: what goes on a board, Lava's own Processes among it, gives the bundle's integers."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "conformance"))

from specs import parse, random_inputs

import hmn_lava as hl
from hmn_lava.backends.board import microcoded, unplaceable
from hmn_lava.compiler import attempt
from hmn_lava.native import as_synapses

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("lava") is None, reason="lava-nc is not installed (it needs Python 3.10)"
)

EXAMPLES = Path(__file__).parents[2] / "examples"
STEPS = 60


def lif_spec(seed: int) -> dict[str, Any]:
    """Two recurrent layers of Lava's LIF; graded and spiking input, weights of all signs, delays."""
    draw = np.random.default_rng(seed)

    def uniform(low: float, high: float) -> dict[str, Any]:
        return {"init": "uniform", "low": low, "high": high}

    def lif(size: int) -> dict[str, Any]:
        du, dv, vth = draw.uniform([0.0, 0.0, 0.3], [0.9, 0.5, 2.0])
        return {"type": "lif", "size": size, "du": float(du), "dv": float(dv), "vth": float(vth)}

    delay = int(draw.integers(0, 5))
    return {
        "hmn_lava": 1,
        "name": "lif",
        "populations": {
            "x": {"type": "input", "size": 6, "signal": "spike"},
            "g": {"type": "input", "size": 2, "signal": "graded", "range": [-1, 1]},
            "one": lif(5),
            "two": lif(4),
        },
        "connections": {
            "c0": {"type": "static", "source": "x", "target": "one", "weights": uniform(-1, 1)},
            "c1": {"type": "static", "source": "one", "target": "two", "weights": uniform(0, 1), "delay": delay},
            "c2": {"type": "static", "source": "two", "target": "one", "weights": uniform(-0.5, 0)},
            "c3": {"type": "static", "source": "g", "target": "two", "weights": uniform(-0.3, 0.6), "delay": 2},
        },
    }


def same(bundle: hl.Bundle, inputs: dict[str, Any], steps: int) -> dict[str, int]:
    """Compare all that the rehearsal shows; how many spikes each output sent."""
    session = bundle.session("rehearsal")
    assert session.backend == "rehearsal"
    found = session.run(inputs, steps, list(session.signals))
    expected = bundle.run(inputs, steps, "fast", list(session.signals))
    for name in session.signals:
        assert np.array_equal(found.raw[name], expected.raw[name]), name
    return found.counts


@pytest.mark.parametrize("seed", range(4))
def test_lavas_own_lif_and_dense(seed: int) -> None:
    bundle, findings = attempt(parse(lif_spec(seed)), seed=seed, allow_lossy=True)
    assert bundle is not None, findings
    network = as_synapses(bundle.network)
    assert not microcoded(network) and not unplaceable(network)
    counts = same(bundle, random_inputs(bundle.network, STEPS, seed), STEPS)
    assert min(counts.values()) > 0, "both layers spike"


def test_microcoded_parts_between_lavas_own() -> None:
    bundle = hl.compile(EXAMPLES / "digits.yaml", seed=0)
    assert "readout.synapse" in microcoded(as_synapses(bundle.network))
    same(bundle, random_inputs(bundle.network, 25, 0), 25)


def test_compare_takes_it_for_a_backend() -> None:
    bundle, _ = attempt(parse(lif_spec(0)), seed=0, allow_lossy=True)
    assert bundle is not None
    found = hl.compare(bundle, "fast", "rehearsal", inputs=random_inputs(bundle.network, 20, 0), steps=20)
    assert found.equal and found.backends == ("fast", "rehearsal") and "two.u" in found.signals


def test_a_second_run_is_refused() -> None:
    bundle, _ = attempt(parse(lif_spec(0)), seed=0, allow_lossy=True)
    assert bundle is not None
    session, inputs = bundle.session("rehearsal"), random_inputs(bundle.network, 3, 0)
    session.run(inputs, 3)
    with pytest.raises(hl.BackendError, match="initial state"):
        session.run(inputs, 3)


def test_weights_that_dense_cannot_hold_are_findings() -> None:
    bundle, _ = attempt(parse(lif_spec(0)), seed=0, allow_lossy=True)
    assert bundle is not None
    wide = [
        link if link.weights is None else replace(link, weights=link.weights * 100) for link in bundle.network.links
    ]
    findings = unplaceable(replace(bundle.network, links=tuple(wide)))
    assert {finding.rule for finding in findings} == {"board-synapses"} and "x.to.one" in {f.object for f in findings}
