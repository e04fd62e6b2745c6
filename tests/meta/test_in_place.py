"""Meta-parameters in place: a bundle that was changed equals one that was compiled with the value."""

from dataclasses import replace

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.errors import InputError
from hmn_lava.manifest import encode, encode_rules
from hmn_lava.meta import Realiser, realise
from hmn_lava.spec.records import MetaLearningSpec
from hmn_lava.tasks import TASKS

META = {
    "parameters": ["eta_local", "eta_global", "beta_attention", "beta_gate", "tau_fast", "tau_slow"],
    "bounds": {
        "eta_local": [0.0, 1.0],
        "eta_global": [0.1, 50.0],
        "beta_attention": [0.25, 2.0],
        "beta_gate": [100.0, 400.0],
        "tau_fast": [2.0, 7.0],
        "tau_slow": [8.0, 40.0],
    },
}


def tunable(task="digits", on_engine="rounding", meta=META):
    spec = TASKS[task].spec()
    changed = {}
    for name, c in spec.connections.items():
        if c.type == "hmn":
            gate = c.probabilistic_gate.model_copy(update={"on_engine": on_engine})
            attention = None if on_engine == "staircase" else c.attention
            c = c.model_copy(update={"probabilistic_gate": gate, "attention": attention})
        changed[name] = c
    parameters = [p for p in meta["parameters"] if p != "beta_attention" or on_engine != "staircase"]
    meta = {"parameters": parameters, "bounds": {p: b for p, b in meta["bounds"].items() if p in parameters}}
    return spec.model_copy(update={"connections": changed, "meta_learning": MetaLearningSpec.model_validate(meta)})


def assert_same(one, other):
    """All that a bundle's files hold of two networks and their lowering."""
    (text, arrays), (text_2, arrays_2) = encode(one.network), encode(other.network)
    assert text == text_2 and arrays.keys() == arrays_2.keys()
    assert encode_rules(one.network) == encode_rules(other.network)
    assert {g.name: g.program for g in one.network.groups.values()} == {
        g.name: g.program for g in other.network.groups.values()
    }
    for name, array in arrays.items():
        assert array.dtype == arrays_2[name].dtype and np.array_equal(array, arrays_2[name]), name
    assert one.lowering == other.lowering and one.spec == other.spec


VALUES = [
    {"eta_global": 0.1},
    {"eta_global": 50.0, "eta_local": 1.0},
    {"eta_global": 7.3, "eta_local": 0.0, "tau_fast": 2.0, "tau_slow": 37.7},
    {"beta_gate": 137.0, "tau_fast": 6.9},
]


@pytest.mark.parametrize("values", VALUES, ids=str)
@pytest.mark.parametrize(
    ("plasticity", "gate"),
    [("neurocore", "rounding"), ("engine", "rounding"), ("engine", "neuron"), ("engine", "staircase")],
)
def test_a_value_in_place_is_a_value_compiled(plasticity, gate, values):
    bundle = hl.compile(tunable(on_engine=gate), plasticity=plasticity, allow_lossy=True)
    changed = realise(bundle, values).bundle
    assert_same(changed, hl.compile(changed.spec, plasticity=plasticity, allow_lossy=True))


@pytest.mark.parametrize("plasticity", ["neurocore", "engine"])
def test_attention_in_place_on_the_bandit(plasticity):
    meta = {"parameters": ["beta_attention", "eta_global"], "bounds": {"beta_attention": [0.1, 3.0]}}
    bundle = hl.compile(tunable("bandit", meta=meta), plasticity=plasticity, allow_lossy=True)
    changed = realise(bundle, {"beta_attention": 0.37, "eta_global": 5.1})
    assert_same(changed.bundle, hl.compile(changed.bundle.spec, plasticity=plasticity, allow_lossy=True))
    beta = next(s for s in changed.steps if s.parameter == "beta_attention")
    assert beta.moved and beta.representable == pytest.approx(0.37, rel=1e-4)


def test_the_engine_moves_exponents_and_tells_what_a_step_is():
    realiser = Realiser(hl.compile(tunable(), plasticity="engine", allow_lossy=True))
    products = {}
    for eta in (0.4, 3.2, 25.6):
        step = next(s for s in realiser.realise({"eta_global": eta}).steps if s.parameter == "eta_global")
        assert step.representable == pytest.approx(eta, rel=5e-3)
        products[eta] = step.after["readout.synapse/dw"]
    assert len(set(products.values())) == 3


def test_a_step_that_rounds_to_nothing_is_said():
    realiser = Realiser(hl.compile(tunable(), allow_lossy=True))
    same = realiser.realise({"eta_global": 3.0 + 1e-6})
    assert [s.parameter for s in same.lost] == ["eta_global"] and "rounds to nothing" in str(same.lost[0])
    assert not realiser.realise({"eta_global": 3.01}).lost


def test_a_parameter_that_nothing_depends_on_is_said():
    step = realise(hl.compile(tunable(), plasticity="engine", allow_lossy=True), {"beta_gate": 150.0}).steps[0]
    assert step.representable is None and not step.moved and "nothing of this network depends" in str(step)


def test_without_bounds_a_value_must_fit_the_formats():
    bundle = hl.compile(TASKS["digits"].spec())
    assert not realise(bundle, {"eta_global": 2.0}).lost
    with pytest.raises(InputError, match="does not fit the format"):
        realise(bundle, {"eta_global": 30.0})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"eta_global": 51.0}, "outside its bounds"),
        ({"eta_global": float("nan")}, "outside its bounds"),
        ({"rho": 1.0}, "no rule has this parameter"),
    ],
)
def test_wrong_values(values, message):
    with pytest.raises(InputError, match=message):
        realise(hl.compile(tunable(), allow_lossy=True), values)


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ({"tau_fast": [2.0, 9.0], "tau_slow": [8.0, 40.0]}, "could pass tau_slow"),
        ({"beta_gate": [10.0, 400.0]}, "too wide for one program"),
        ({"eta_global": [4.0, 5.0]}, "own value is outside"),
    ],
)
def test_wrong_bounds(bounds, message):
    with pytest.raises(InputError, match=message):
        hl.compile(tunable(meta={"parameters": list(bounds), "bounds": bounds}), allow_lossy=True)


def test_another_bundle_is_refused():
    bundle = hl.compile(tunable(), allow_lossy=True)
    other = hl.compile(TASKS["bandit"].spec())
    with pytest.raises(InputError, match="not what its spec compiles to"):
        Realiser(replace(bundle, network=other.network))


def test_a_changed_bundle_is_saved_and_read(tmp_path):
    for plasticity in ("neurocore", "engine"):
        changed = realise(hl.compile(tunable(), plasticity=plasticity, allow_lossy=True), VALUES[2]).bundle
        loaded = hl.load(changed.save(tmp_path / plasticity))
        assert loaded.spec == changed.spec and loaded.lowering == changed.lowering
        assert encode_rules(loaded.network) == encode_rules(changed.network)
        stimulus = {"pixels": np.full((30, 64), 0.5), "teach": np.ones((30, 1)), "label": np.ones((30, 10))}
        one, other = (b.run(stimulus, probes=["readout.w"]) for b in (loaded, changed))
        assert np.array_equal(one.raw["readout.w"], other.raw["readout.w"]) and one.raw["readout.w"].any()
