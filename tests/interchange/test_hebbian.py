"""Hebbian connections leave as weights; the spec in the metadata brings the rule back; a Lava script runs it."""

import importlib.util

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.errors import FitError
from hmn_lava.interchange.lava_export import export_lava
from hmn_lava.reference import Reference
from hmn_lava.spec import resolve


def spec() -> hl.Spec:
    net = hl.Network("two")
    x, y = net.input("x", 3, signal="spike"), net.lif("y", 2, dv=0.25, vth=0.5)
    net.connect_static(x, y, name="w1", weights=[[0.25, 0.5, -0.25], [0.125, 0.25, 0.5]])
    weights = [[0.5, -0.25, 0.125], [0.25, 0.5, -0.5]]
    net.connect_hebbian(x, y, name="w2", weights=weights, rate=0.1, offset=-0.2, tau_w=20)
    return net.spec()


@pytest.mark.skipif(importlib.util.find_spec("nir") is None, reason="the extra nir is not installed")
def test_a_graph_has_the_weights_and_says_that_the_rule_is_left_out() -> None:
    exported = hl.export_nir(spec())
    (told,) = [finding for finding in exported.findings if finding.rule == "not-in-nir"]
    assert (told.object, told.used, told.severity) == ("w2", "synapses that learn", "info")
    np.testing.assert_array_equal(
        exported.graph.nodes["w2"].weight, resolve(spec()).connections["w2"].weights.reshape(2, 3)
    )
    assert hl.import_nir(exported.graph, dt=1e-3).spec == spec()
    bundle = hl.compile(spec(), plasticity="engine")
    stored = hl.export_nir(bundle).graph.nodes["w2"].weight
    np.testing.assert_allclose(stored, resolve(spec()).connections["w2"].weights.reshape(2, 3), atol=2**-7)
    still = spec().model_copy(deep=True)
    still.connections["w2"] = still.connections["w2"].model_copy(update={"learning": False})
    assert not [finding for finding in hl.export_nir(still).findings if finding.rule == "not-in-nir"]


@pytest.mark.skipif(importlib.util.find_spec("nir") is None, reason="the extra nir is not installed")
def test_a_graph_alone_computes_what_does_not_learn() -> None:
    graph = hl.export_nir(spec()).graph
    graph.metadata.clear()
    plain = hl.import_nir(graph, dt=1e-3, voltage_max=10.0).spec
    inputs = {"x": (np.random.default_rng(0).random((20, 3)) < 0.5).astype(float)}
    before = Reference(resolve(spec()))
    before.learning = False
    name = next(n for n, p in plain.populations.items() if p.type == "lif")
    source = next(n for n, p in plain.populations.items() if p.type == "input")
    found = Reference(resolve(plain)).run({source: inputs["x"]}, 20, [f"{name}.z"])[f"{name}.z"]
    np.testing.assert_array_equal(found, before.run(inputs, 20, ["y.z"])["y.z"])


def test_a_lava_script_is_of_a_bundle_of_the_engine(tmp_path) -> None:
    with pytest.raises(FitError, match="hebbian-neurocore"):
        export_lava(spec(), tmp_path / "spec")
    inputs = {"x": np.ones((5, 3))}
    bundle = hl.compile(spec(), plasticity="engine")
    exported = export_lava(bundle, tmp_path / "bundle", inputs, 5)
    assert exported.processes["w2.synapse"] == "HMNLearningConnection"
    assert {finding.object for finding in exported.findings} == {"y", "w2.synapse"}
