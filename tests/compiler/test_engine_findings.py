"""What the learning engine cannot do is one clear finding with a remedy; and the side by side of both lowerings."""

import json
from copy import deepcopy

import pytest

from hmn_lava.compiler import attempt
from hmn_lava.compiler.fidelity import side_by_side
from hmn_lava.errors import FitError
from hmn_lava.hardware_profiles import load_profile
from hmn_lava.spec import spec_from_dict

BASE = {
    "hmn_lava": 1,
    "name": "n",
    "populations": {
        "x": {"type": "input", "size": 4, "signal": "graded", "range": [0, 1]},
        "teach": {"type": "input", "size": 1, "signal": "graded", "range": [-1, 1]},
        "out": {"type": "hmn", "size": 3, "activation": "sigmoid"},
    },
    "connections": {
        "c": {
            "type": "hmn",
            "source": "x",
            "target": "out",
            "weights": 0.0,
            "bounds": [-1.0, 1.0],
            "traces": {"tau_fast": 3.0, "tau_slow": None},
            "rates": {"local": 0.0, "global": 0.1},
        }
    },
    "modulators": {"teacher": {"type": "input", "source": "teach"}},
    "oscillators": {"theta": {"period": 16.0, "phase": 0.0}},
}
GATE = {"beta": 50.0, "threshold": 0.05, "on_engine": "staircase"}


def spec(**changes):
    """The base with changes to its connection, unless they name a section."""
    data = deepcopy(BASE)
    data["populations"] |= changes.pop("populations", {})
    data["connections"] |= changes.pop("connections", {})
    data["connections"]["c"] |= changes
    return spec_from_dict(data)


def copies(count):
    return {f"c{n}": deepcopy(BASE["connections"]["c"]) for n in range(1, count)}


def found(network, rule, **options):
    bundle, findings = attempt(network, plasticity="engine", **options)
    return bundle, [f for f in findings if f.rule == rule], findings


REFUSED = {
    "unsigned-trace": (
        spec(populations={"x": {"type": "input", "size": 4, "signal": "graded", "range": [-1, 1]}}),
        "populations.x.range",
        "range",
    ),
    "delay-per-synapse": (spec(delay=[[0, 1, 1, 1]] * 3), "connections.c.delay", "one delay"),
    "third-factors": (spec(connections=copies(3)), "populations.out", "split"),
    "gate-staircase": (
        spec(probabilistic_gate=GATE, attention={"beta": 1.0}),
        "connections.c.probabilistic_gate.on_engine",
        "rounding",
    ),
    "phase-per-synapse": (
        spec(phase_gate={"oscillator": "theta", "phase": [[0.0, 1.0, 2.0, 0.5]] * 3}),
        "connections.c.phase_gate.phase",
        "phase",
    ),
    "lost-clipped": (spec(rates={"local": 0.0, "global": 1e6}), "connections.c.rates", "rates"),
}


@pytest.mark.parametrize("rule", REFUSED)
def test_what_is_refused_is_one_finding(rule):
    network, where, word = REFUSED[rule]
    _, own, findings = found(network, rule)
    (finding,) = own
    assert (finding.object, finding.severity) == (where, "error")
    assert word in finding.remedy and finding.remedy.endswith(".")
    assert [f.rule for f in findings if f.severity == "error"] == [rule]
    json.dumps([finding.used, finding.limit])


@pytest.mark.parametrize("rule", REFUSED)
def test_neurocore_has_no_such_limits(rule):
    _, findings = attempt(REFUSED[rule][0])
    assert rule not in {f.rule for f in findings} or rule == "lost-clipped"


def test_the_base_has_no_findings():
    bundle, findings = attempt(spec(), plasticity="engine")
    assert bundle is not None and findings == []
    assert bundle.plasticity == "engine" and list(bundle.network.learning) == ["c.synapse"]


def test_two_rules_for_one_population_fit():
    bundle, findings = attempt(spec(connections=copies(2)), plasticity="engine")
    assert bundle is not None and not [f for f in findings if f.severity == "error"]


def test_too_many_products_for_a_staircase():
    """Two tags and two signs leave room for fewer steps; the limit of a smaller chip leaves none."""
    chip = load_profile("loihi2")
    few = chip.learning.products_per_rule.model_copy(update={"value": 3})
    chip = chip.model_copy(update={"learning": chip.learning.model_copy(update={"products_per_rule": few})})
    _, own, _ = found(spec(probabilistic_gate=GATE), "gate-staircase", profile=chip)
    (finding,) = own
    assert finding.severity == "error" and "products" in finding.used and str(finding.limit).startswith("3 products")
    _, own, _ = found(spec(probabilistic_gate=GATE), "gate-staircase")
    assert own == []


def test_phases_far_apart_are_a_warning_on_request():
    bundle, own, findings = found(REFUSED["phase-per-synapse"][0], "phase-per-synapse", allow_lossy=True)
    assert bundle is not None and [f.severity for f in own] == ["warning"]
    assert not [f for f in findings if f.severity == "error"]
    close = spec(phase_gate={"oscillator": "theta", "phase": [[0.0, 0.1, 0.2, 0.1]] * 3})
    assert found(close, "phase-per-synapse")[1] == []


def test_rates_that_saturate_are_a_warning_on_request():
    bundle, own, _ = found(REFUSED["lost-clipped"][0], "lost-clipped", allow_lossy=True)
    assert bundle is not None and [f.severity for f in own] == ["warning"]


def test_rates_too_low_are_coarse():
    bundle, own, _ = found(spec(rates={"local": 0.0, "global": 1e-6}), "coarse-third-factor")
    (finding,) = own
    assert bundle is not None and (finding.object, finding.severity) == ("connections.c.rates", "warning")
    assert "levels" in finding.used and "rates" in finding.remedy


def test_bounds_that_are_no_power_of_two_are_named():
    bundle, own, _ = found(spec(bounds=[-0.3, 0.7]), "weight-bounds")
    (finding,) = own
    assert bundle is not None and (finding.object, finding.severity) == ("connections.c.bounds", "warning")
    assert "2^k" in finding.remedy


def test_loihi_1_has_no_microcode():
    with pytest.raises(FitError) as caught:
        attempt(spec(), profile="loihi1", plasticity="engine")
    (finding,) = caught.value.findings
    assert finding.rule == "microcode" and "loihi2" in finding.remedy
    assert "profile BUNDLE --profile loihi1" in finding.remedy  # what its profile is good for
    assert "also those of static networks" in finding.used
    with pytest.raises(FitError):
        side_by_side(spec(), profile="loihi1")


# -------------------------------------------------------------------------------------------------------- side by side


def rich():
    return spec(
        traces={"tau_fast": 3.0, "tau_slow": 30.0},
        attention={"beta": 1.0, "dimensions": 2, "key": {"init": "normal", "std": 1.0}},
        phase_gate={"oscillator": "theta", "phase": 0.5},
        probabilistic_gate=GATE | {"on_engine": "neuron"},
    )


def test_both_lowerings_are_side_by_side():
    parts = side_by_side(rich())
    both = {lowering: {p.part for p in parts if p.lowering == lowering} for lowering in ("neurocore", "engine")}
    common = {"weight", "fast trace", "slow trace", "third factor", "attention", "phase gate", "probabilistic gate"}
    assert common | {"timing"} <= both["neurocore"] and common | {"timing"} <= both["engine"]
    assert {p.connection for p in parts} == {"c"}
    assert "refused" not in {p.fidelity for p in parts}
    assert all(p.how for p in parts)
    rows = json.loads(json.dumps([p.as_dict() for p in parts]))
    assert [row["part"] for row in rows] == [p.part for p in parts]
    for p in parts:
        assert p.error is None or p.error >= 0
        assert p.fidelity != "approximated" or p.unit
    engine = {p.part: p for p in parts if p.lowering == "engine"}
    assert engine["weight"].error == 2.0**-8  # half a step of two units of 1/256
    assert engine["phase gate"].fidelity == "exact"
    assert engine["timing"].fidelity == "exact"


@pytest.mark.parametrize("rule", [r for r in REFUSED if r != "lost-clipped"])
def test_a_refusal_is_a_row(rule):
    parts = side_by_side(REFUSED[rule][0])
    refused = [p for p in parts if p.fidelity == "refused"]
    assert refused and {p.lowering for p in refused} == {"engine"}
    assert any(p.how.startswith(f"{rule}: ") for p in refused)
    assert any(p.lowering == "neurocore" and p.fidelity == "exact" for p in parts)
    json.dumps([p.as_dict() for p in parts])


@pytest.mark.parametrize("on_engine", ["rounding", "neuron", "staircase"])
def test_a_rule_that_never_changes_anything_compiles(on_engine):
    """A third factor that is always 0, under every stand-in for the gate."""
    still = spec(rates={"local": 0.0, "global": 0.0}, probabilistic_gate=GATE | {"on_engine": on_engine})
    bundle, findings = attempt(still, plasticity="engine")
    assert bundle is not None and not [f for f in findings if f.severity == "error"]
