"""Hebbian connections in the learning engine: the rule's products, what the neuron supplies, findings, other views."""

import math
from copy import deepcopy
from fractions import Fraction

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.compiler import attempt
from hmn_lava.compiler.engine.formats import Limits, given_formats
from hmn_lava.compiler.engine.hebbian import hebbian_rule
from hmn_lava.compiler.engine.rules import COARSE_TRACE, DECAY_TOLERANCE
from hmn_lava.compiler.fidelity import side_by_side
from hmn_lava.errors import FitError
from hmn_lava.hardware_profiles import load_profile
from hmn_lava.layers import layers
from hmn_lava.learning.products import down_scaling
from hmn_lava.spec import resolve, spec_from_dict

PROFILE = load_profile("loihi2")
LIMITS = Limits.of(PROFILE)
BASE = {
    "hmn_lava": 1,
    "name": "n",
    "populations": {
        "x": {"type": "input", "size": 3, "signal": "spike"},
        "y": {"type": "lif", "size": 2, "vth": 0.5},
    },
    "connections": {
        "w1": {"type": "static", "source": "x", "target": "y", "weights": 0.3},
        "w2": {"type": "hebbian", "source": "x", "target": "y", "weights": 0.1, "rate": 0.05},
    },
}


def spec(populations=None, connections=None, formats=None, **fields):
    data = deepcopy(BASE)
    data["populations"] |= populations or {}
    data["connections"] |= connections or {}
    data["connections"]["w2"] |= fields
    data["formats"] = formats or {}
    return spec_from_dict(data)


def made(frame=2, trace="y1", **fields):
    coded = given_formats(resolve(spec(**fields)), LIMITS).hebbian["w2"]
    return coded, hebbian_rule(coded, trace, frame, LIMITS)


def spike(rule):
    return next(p for p in rule.rule.rules[0] if p.dependency == "x0")


# ---------------------------------------------------------------------------------------------------------- the rule


@pytest.mark.parametrize("bounds", [[-1.0, 1.0], [0.0, 1.0], [-4.0, 4.0]])
@pytest.mark.parametrize("offset", [0.0, 0.5, 3.0, -0.3, -1.0, -7.5])
@pytest.mark.parametrize("rate", [1e-3, 0.02, 0.7])
def test_the_product_is_the_change_in_units_of_the_weight(rate, offset, bounds):
    """s (y - C) u_w = eta (rho + beta) with y = L rho + base, exactly; y and y - C are inside of their bits."""
    coded, rule = made(rate=rate, offset=offset, bounds=bounds)
    product = spike(rule)
    assert down_scaling(product, LIMITS.engine) == 0
    (factor,) = product.factors
    assert (factor.variable, factor.constant) == ("y1", -rule.zero)
    unit, scale = Fraction(coded.weight.unit), Fraction(product.mantissa) * Fraction(2) ** product.exponent
    for rho in (Fraction(0), Fraction(1, 3), Fraction(1)):
        level = Fraction(rule.levels) * rho + Fraction(rule.base)
        change = scale * (level - rule.zero) * unit
        wanted = Fraction(rate) * (rho + Fraction(offset))
        assert abs(change - wanted) <= Fraction(rate) * Fraction(1, 10**12)
        assert 0 <= level <= 127 and math.floor(level) - rule.zero >= -128 and math.ceil(level) - rule.zero <= 127
    assert rule.rate == pytest.approx(rate, rel=1e-12)


@pytest.mark.parametrize("rate", np.geomspace(1e-3, 2.0, 15).tolist())
@pytest.mark.parametrize("offset", [0.0, 0.5, -0.4])
def test_the_trace_uses_its_bits(rate, offset):
    _, rule = made(rate=rate, offset=offset)
    most = 127 / (1 + offset) if offset >= 0 else 126
    assert rule.levels <= most
    assert rule.levels >= most / 1.3 or spike(rule).exponent == -7


def test_losses_of_weights_are_within_two_per_cent_and_as_often_as_can_be():
    for tau in np.geomspace(0.3, 3e4, 120):
        _, rule = made(tau_w=float(tau))
        k, left = rule.decay
        lost = -sum(p.coefficient for p in rule.rule.rules[0] if p.dependency == "u")
        assert lost == 1.0 - left
        assert {p.decimation for p in rule.rule.rules[0] if p.dependency == "u"} == {k}
        off = abs(lost / -math.expm1(-(2**k) / tau) - 1)
        assert [f.rule for f in rule.findings] == ["weight-decay"] * (off > DECAY_TOLERANCE)
        assert all(f.severity == "warning" for f in rule.findings)
        assert tau > 2000 or not rule.findings
        for fewer in range(k if off <= DECAY_TOLERANCE else 10):
            loss = -math.expm1(-(2**fewer) / tau)
            nearest = min(abs(n / 128 / loss - 1) for n in range(1, 129))
            assert nearest > DECAY_TOLERANCE


def test_a_decay_comes_before_what_a_spike_adds():
    """The accumulator saturates after every product: what the decay takes makes room."""
    _, rule = made(tau_w=20.0)
    assert [p.dependency for p in rule.rule.rules[0]][-1] == "x0"


# -------------------------------------------------------------------------------------------------------------- frames


def test_two_steps_of_the_chip_are_one_of_the_model_unless_an_hmn_rule_needs_more():
    assert hl.compile(spec(), plasticity="engine").network.frame == 2
    rule = {"type": "hmn", "source": "x", "target": "z", "weights": 0.1, "rates": {"local": 0.1}}
    both = spec({"z": {"type": "hmn", "size": 2, "activation": "sigmoid"}}, {"c": rule})
    network = hl.compile(both, plasticity="engine").network
    assert network.frame == 4
    assert {n: s.rule.t_epoch for n, s in network.learning.items()} == {"w2.synapse": 4, "c.synapse": 2}
    assert network.weight_lag == {"w2": 0, "c": 0}


def test_each_connection_onto_a_population_has_a_trace_of_its_own():
    again = {"type": "hebbian", "source": "x", "target": "y", "weights": 0.1, "rate": 0.05}
    bundle = hl.compile(spec(connections={"w3": again, "w4": again}), plasticity="engine")
    factors = {n: s.rule.rules[0].products[0].factors[0].variable for n, s in bundle.network.learning.items()}
    assert factors == {"w2.synapse": "y1", "w3.synapse": "y2", "w4.synapse": "y3"}
    program = bundle.network.groups["y"].program
    assert {"y1", "y2", "y3"} <= {v.name for v in program.states}
    assert [v.name for v in program.outputs] == ["z"]  # nobody asks for y0


# ------------------------------------------------------------------------------------------------------------ findings


def findings(network, plasticity="engine", **options):
    bundle, found = attempt(network, plasticity=plasticity, **options)
    return bundle, {f.rule: f for f in found}


HMN = {"type": "hmn", "source": "x", "target": "y", "weights": 0.1, "rates": {"local": 0.1}}
AGAIN = {"type": "hebbian", "source": "x", "target": "y", "weights": 0.1, "rate": 0.05}
ERRORS = {
    "delay-per-synapse": (spec(delay=[[0, 1, 2], [0, 0, 0]]), "connections.w2.delay"),
    "weight-decay": (spec(tau_w=1e6), "connections.w2.tau_w"),
    "lost-clipped": (spec(rate=5000.0), "connections.w2.rate"),
    "lost-update": (spec(rate=1e-7), "connections.w2.rate"),
    "hebbian-traces": (spec(connections={f"w{n}": AGAIN for n in (3, 4, 5)}), "populations.y"),
}


@pytest.mark.parametrize("rule", ERRORS)
def test_what_cannot_be_is_an_error_with_a_remedy(rule):
    network, where = ERRORS[rule]
    bundle, found = findings(network)
    assert bundle is None
    assert found[rule].severity == "error" and found[rule].object == where and found[rule].remedy
    with pytest.raises(FitError, match=rule):
        hl.compile(network, plasticity="engine")


def test_traces_that_hmn_rules_take_are_not_there():
    hmn = {"c0": HMN, "c1": HMN}
    bundle, found = findings(spec(connections=hmn))
    assert bundle is not None and "hebbian-traces" not in found  # y1 is left
    bundle, found = findings(spec(connections=hmn | {"w3": AGAIN}))
    assert bundle is None and "y2, y3" in found["hebbian-traces"].used


def test_what_is_coarse_or_ends_elsewhere_is_a_warning():
    _, found = findings(spec(rate=2e-4))
    assert found["coarse-rate"].severity == "warning"
    _, rule = made(rate=2e-4)
    assert rule.levels < COARSE_TRACE
    _, found = findings(spec(bounds=[-0.7, 0.2]))
    assert found["weight-bounds"].object == "connections.w2.bounds"
    _, found = findings(spec(formats={"w2.w": 6}))
    assert found["format-ignored"].object == "formats.w2.w"
    _, found = findings(spec(formats={"w2.w": "s8.6"}, learning=False))
    assert "format-ignored" not in found


def test_a_full_voltage_that_no_neuron_reaches_changes_nothing_but_the_scale():
    bundle = hl.compile(spec(full=1e6, rate=0.7), plasticity="engine")
    inputs = {"x": np.ones((400, 3))}
    w = bundle.session().run(inputs, 400, ["w2.w"]).raw["w2.w"]
    assert np.ptp(w) <= 2  # rho stays below 1e-6
    with pytest.raises(FitError, match=r"lost-underflow: connections\.w2\.full"):
        hl.compile(spec(full=1e-9), plasticity="engine")


def test_lossy_saturates():
    bundle, found = findings(spec(rate=5000.0), allow_lossy=True)
    assert bundle is not None and found["lost-clipped"].severity == "warning"


def test_neurocore_refuses_what_learns_and_keeps_what_does_not():
    bundle, found = findings(spec(), "neurocore")
    assert bundle is None and found["hebbian-neurocore"].object == "connections.w2"
    assert "engine" in found["hebbian-neurocore"].remedy
    assert findings(spec(learning=False), "neurocore")[0] is not None


# --------------------------------------------------------------------------------------------------------- other views


def test_labels_bounds_records_layers_and_parts():
    network = spec(tau_w=30.0, offset=-0.2)
    bundle = hl.compile(network, plasticity="engine")
    signals = bundle.network.signals
    assert {signals[n].label for n in ("w2.w", "y.a", "y.v", "y.z")} == {"statistical"}
    assert signals["x.x"].label == "exact" and signals["w2.w"].bound is None
    rows = {row["parameter"]: row for row in bundle.lowering}
    for field in ("weights", "tau_w", "full", "rate", "offset"):
        assert rows[f"connections.w2.{field}"]["relative_error"] < 0.03, field
    assert rows["connections.w2.full"]["representable"] == 0.5  # the target's vth
    (row,) = [row for row in layers(bundle) if row.name == "y"]
    assert (row.synapses, row.learning) == (12, 6)
    parts = [part for part in side_by_side(network) if part.lowering == "engine"]
    assert {part.part for part in parts} == {"weight", "voltage", "rate", "decay", "timing"}
    assert all(part.connection == "w2" and part.fidelity in ("exact", "approximated") for part in parts)
    refused = [part for part in side_by_side(network) if part.lowering == "neurocore"]
    assert [(part.connection, part.fidelity) for part in refused] == [("w2", "refused")]


def test_the_compiled_network_stands_in_for_calibration_too():
    bundle = hl.compile(spec(), plasticity="engine", calibration={"x": np.ones((30, 3))})
    assert bundle.network.learning
