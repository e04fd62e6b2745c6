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


def engine_network(learning: bool, delay: int = 0) -> hl.Bundle:
    """Graded activities onto one layer, with a modulator, in the learning engine."""
    net = hl.Network("engine")
    pre, teach = net.input("pre", 6, range=(0, 1)), net.input("teach", 1, range=(-1, 1))
    post = net.hmn("post", 4, activation="sigmoid")
    teacher = net.modulator("teacher", type="input", source=teach)
    net.connect(
        pre,
        post,
        name="synapses",
        weights={"init": "uniform", "low": -0.5, "high": 0.8},
        traces={"tau_fast": 4.0},
        rates={"local": 0.0, "global": 0.3 if learning else 0.0},
        modulators=[teacher],
        bounds=[-1.0, 1.0],
        delay=delay,
    )
    return hl.compile(net.spec(), plasticity="engine", seed=1)


def test_synapses_of_the_learning_engine_are_learning_dense() -> None:
    """Where weights do not move, activities are equal; where they do, they part by what rounding does."""
    for learning in (False, True):
        bundle = engine_network(learning)
        inputs, session = random_inputs(bundle.network, 30, 1), bundle.session("rehearsal")
        found = session.run(inputs, 30, list(session.signals))
        expected = bundle.run(inputs, 30, "fast", list(session.signals))
        apart = {name: np.abs(found.real(name) - expected.real(name)).max() for name in session.signals}
        # A tag is off by the rounding of some steps, a weight by what that makes of it.
        tag = bundle.network.signals["synapses.psi_fast"].format.unit
        assert apart["synapses.psi_fast"] <= 8 * tag
        if learning:
            assert np.ptp(expected.real("synapses.w"), axis=0).max() > 0.2
            assert 0 < apart["synapses.w"] <= 0.1
        else:
            assert apart["post.z"] == apart["synapses.w"] == 0


def test_learning_synapses_with_delays_are_refused() -> None:
    with pytest.raises(hl.FitError, match="board-delay") as caught:
        engine_network(learning=True, delay=2).session("rehearsal")
    assert caught.value.exit_code == 3 and "synapses.synapse" in str(caught.value)


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
        link if link.weights is None else replace(link, weights=link.weights.astype(np.int64) * 100)
        for link in bundle.network.links
    ]
    findings = unplaceable(replace(bundle.network, links=tuple(wide)))
    assert {finding.rule for finding in findings} == {"board-synapses"} and "x.to.one" in {f.object for f in findings}
