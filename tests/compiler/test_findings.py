"""Findings about coarse signals and requests that change nothing; and the rows of the lowering."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from hmn_lava.compiler import attempt
from hmn_lava.compiler.ignored import ignored
from hmn_lava.compiler.lost import coarse
from hmn_lava.spec import resolve, spec_from_dict


def spec(**rest):
    data = {
        "hmn_lava": 1,
        "name": "n",
        "populations": {
            "x": {"type": "input", "size": 10, "range": [0, 1]},
            "spike": {"type": "input", "size": 3, "signal": "spike"},
            "hidden": {"type": "hmn", "size": 4, "activation": "relu", "z_max": 3.3},
            "out": {"type": "hmn", "size": 2, "activation": "sigmoid"},
        },
        "connections": {
            "s": {"type": "static", "source": "x", "target": "hidden", "weights": 0.5},
            "t": {"type": "static", "source": "spike", "target": "hidden", "weights": 0.25},
            "p": {
                "type": "hmn",
                "source": "hidden",
                "target": "out",
                "weights": 0.1,
                "bounds": [-0.3, 0.7],
                "rates": {"local": 0.1, "global": 0.1},
            },
        },
        "modulators": {"doubt": {"type": "uncertainty", "source": "out", "weight": 0.5}},
        **rest,
    }
    return spec_from_dict(data)


@pytest.fixture(scope="module")
def compiled():
    bundle, _ = attempt(spec())
    return bundle


@pytest.mark.parametrize(("signal", "share", "found"), [("doubt.E", 0.09, []), ("doubt.E", 0.11, ["doubt.E"])])
def test_a_bound_above_a_tenth_of_the_reach_is_coarse(compiled, signal, share, found):
    """The entropy of two neurons reaches ln 2."""
    old = compiled.network.signals[signal]
    signals = compiled.network.signals | {signal: replace(old, bound=share * np.log(2))}
    findings = coarse(resolve(spec()), replace(compiled.network, signals=signals))
    assert [finding.object for finding in findings] == found


def test_a_steep_attention_is_coarse():
    connections = spec().model_dump(mode="json", by_alias=True)["connections"]
    connections["p"]["attention"] = {"beta": 6.0}
    _, findings = attempt(spec(connections=connections), allow_lossy=True)
    assert "p.alpha" in {finding.object for finding in findings if finding.rule == "coarse-signal"}


@pytest.mark.parametrize(
    ("signal", "bits", "found"),
    [
        *[(signal, 12, True) for signal in ("p.dw", "p.G", "doubt.E", "out.z", "spike.x")],
        *[(signal, 12, False) for signal in ("x.x", "hidden.z", "hidden.a", "p.w", "p.psi_fast")],
        *[("p.w", 22, False), ("p.w", 23, True), ("p.psi_fast", 23, True), ("out.a", 23, False), ("out.a", 24, True)],
    ],
)
def test_a_format_that_changes_nothing_is_named(signal, bits, found):
    rules = [(f.rule, f.object, f.severity) for f in ignored(resolve(spec(formats={signal: bits})))]
    assert rules == ([("format-ignored", f"formats.{signal}", "warning")] if found else [])


def test_meta_learning_is_named():
    tuned = spec(
        meta_learning={"method": "spsa", "parameters": ["eta_local"], "every": 10, "rate": 0.1, "epsilon": 0.05}
    )
    _, findings = attempt(tuned)
    assert [f.severity for f in findings if f.rule == "meta-learning"] == ["warning"]


def test_every_rounded_bound_has_a_row_and_the_context_gain_one():
    attention = {"beta": 1.0, "dimensions": 2, "rate": 0.1, "context": "out", "key": 1.0}
    doubt = {"type": "uncertainty", "source": "out", "weight": 0.5, "key": [1.0, 0.0]}
    bundle, _ = attempt(spec(global_attention=attention, modulators={"doubt": doubt}))
    rows = {row["parameter"]: row for row in bundle.lowering}
    count = Counter(row["parameter"] for row in bundle.lowering)
    assert count["global_attention.context"] == 1
    assert rows["connections.p.bounds"]["requested"] in (-0.3, 0.7)
    assert 0 < abs(rows["connections.p.bounds"]["representable"] - rows["connections.p.bounds"]["requested"]) < 1e-6
    assert rows["populations.x.range"]["count"] == 2
    assert rows["populations.hidden.z_max"]["requested"] == 3.3
    assert "populations.spike.range" not in rows
