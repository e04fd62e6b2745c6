"""Graphs of snnTorch, Norse, Sinabs and SpikingJelly do what these frameworks did with them.

``HMN_LAVA_RECORDED`` names a folder of fresh recordings (``make test-frameworks``); else the committed ones are used.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from recorded import FOLDER, OPTIONS, graph_file, recording

import hmn_lava as hl
from hmn_lava.fixed import Fixed
from hmn_lava.interchange.nir_export import export_nir
from hmn_lava.interchange.nir_file import read_nir
from hmn_lava.interchange.nir_graph import read_graph
from hmn_lava.interchange.nir_import import import_nir
from hmn_lava.reference import Reference
from hmn_lava.spec import resolve

nir = pytest.importorskip("nir")

# The others take as long, and are for the heavy stage.
QUICK = ("norse_cuba", "spikingjelly_cnn")
SOME = [pytest.param(name, marks=() if name in QUICK else pytest.mark.heavy) for name in OPTIONS]
FORWARD = [param for param in SOME if param.values != ("snntorch_recurrent",)]  # that one's first layer hears itself
RECORDED = Path(os.environ.get("HMN_LAVA_RECORDED", FOLDER))


@pytest.mark.parametrize("name", OPTIONS)
def test_the_float_reference_is_the_frameworks_own_simulation(name, tmp_path):
    found = import_nir(graph_file(name, tmp_path, RECORDED), **OPTIONS[name])
    x, z = recording(name, RECORDED)
    output = f"{found.output}.z"
    mine = Reference(resolve(found.spec)).run({found.input: x}, len(x), [output])[output]
    assert np.count_nonzero(z) > 20
    np.testing.assert_allclose(mine, z, rtol=0, atol=1e-6)  # spikes are equal, voltages to single precision


@pytest.mark.parametrize("name", FORWARD)
def test_integers_follow_as_closely_as_their_formats_do(name, tmp_path):
    """Up to a neuron's first spike that differs, its voltage is off by no more than the formats' rounding adds up to.

    The first layer hears the same input in both. A step adds half a unit of each weight heard, of the sum it goes into,
    of the bias and of the weight that a late reset has; a decay of 12 bits is half a unit off, and rounds. Voltages
    that leave the word saturate there, and are not compared any further.
    """
    found = import_nir(graph_file(name, tmp_path, RECORDED), **OPTIONS[name])
    x, _ = recording(name, RECORDED)
    bundle = hl.compile(found.spec)
    link = next(c for c in bundle.model.connections.values() if c.pre == found.input)
    layer, lif = link.post, bundle.model.populations[link.post].lif
    probes = [f"{layer}.v", f"{layer}.z"]
    ints = bundle.run({found.input: x}, probes=probes)
    real = Reference(bundle.model).run({found.input: x}, len(x), probes)
    late = bundle.network.latency(probes[0])
    steps = len(x) - late
    v, z = ((ints.real(p)[late:], real[p][:steps]) for p in probes)
    formats = {row["parameter"]: Fixed.parse(row["format"]) for row in bundle.lowering}
    weight = formats[f"connections.{link.name}.weights"].unit
    message = bundle.network.signals[f"{layer}.a"].format.unit
    word = bundle.network.signals[f"{layer}.v"].format
    state, limit = word.unit, word.max * word.unit
    bias = formats[f"populations.{layer}.bias"].unit if f"populations.{layer}.bias" in formats else 0.0
    reset = formats[f"connections.{layer}_late.weights"].unit if f"{layer}_late" in found.spec.connections else 0.0
    heard = np.zeros((len(x), link.n_post))
    np.add.at(heard.T, link.row, x[:, link.col].T)
    u_error = v_error = spiked = np.zeros(link.n_post)
    same = np.ones(link.n_post, bool)
    for t in range(steps):
        u_error = u_error * (1 - lif.du) + heard[t] * (weight + message) / 2 + spiked * (reset + message) / 2
        u_error = u_error + (2.0**-13 * 20 * lif.vth + state) * (lif.du < 1)
        before = np.abs(v[1][t - 1]) if t else 0.0
        v_error = v_error * (1 - lif.dv) + u_error + bias / 2 + (2.0**-13 * before + state) * (lif.dv > 0) + state
        differs = np.abs(z[0][t] - z[1][t]) > 0.5
        same &= ~differs & (np.abs(v[1][t]) < limit)
        spiked = z[1][t]
        assert (np.abs(v[0][t] - v[1][t]) - v_error)[same].max(initial=0.0) <= 0.0
    assert same.mean() > 0.3
    fired = [np.count_nonzero(np.abs(part) > 0.5) for part in z]
    assert abs(fired[0] - fired[1]) <= 0.1 * fired[1]


@pytest.mark.parametrize("name", OPTIONS)
def test_an_imported_graph_comes_out_with_each_of_its_nodes_edges_and_numbers(name, tmp_path):
    file = graph_file(name, tmp_path, RECORDED)
    found = import_nir(file, **OPTIONS[name])
    made = export_nir(found.save(tmp_path / "spec") and hl.load_spec(tmp_path / "spec"), tmp_path / "out.nir")
    assert "changed-since-import" not in {finding.rule for finding in made.findings}
    before, after = (read_graph(read_nir(path), str(path)) for path in (file, tmp_path / "out.nir"))
    assert before.nodes.keys() == after.nodes.keys() and before.edges == after.edges
    for node in before.nodes:
        assert before.nodes[node].type == after.nodes[node].type
        for key, value in before.nodes[node].fields.items():
            np.testing.assert_array_equal(after.nodes[node].fields[key], value, strict=True)


@pytest.mark.parametrize("name", SOME)
def test_a_spec_comes_back_as_it_was(name, tmp_path, monkeypatch):
    spec = import_nir(graph_file(name, tmp_path, RECORDED), **OPTIONS[name]).spec
    export_nir(spec, tmp_path / "out.nir")
    assert import_nir(tmp_path / "out.nir").spec == spec
    # And from the graph alone, without the spec in its metadata.
    monkeypatch.setattr("hmn_lava.interchange.nir_metadata.embedded", lambda graph: None)
    again = import_nir(tmp_path / "out.nir", **OPTIONS[name]).spec
    assert again.populations == spec.populations and again.connections == spec.connections


def test_another_convention_gives_other_spikes(tmp_path):
    """Sign of the factor: the conventions matter, so the comparison above can fail."""
    file = graph_file("snntorch_leaky_subtract", tmp_path, RECORDED)
    x, z = recording("snntorch_leaky_subtract", RECORDED)
    for options in ({"reset": "subtract"}, {"reset": "value"}, {"dt": 5e-5}):
        found = import_nir(file, **{**OPTIONS["snntorch_leaky_subtract"], **options})
        output = f"{found.output}.z"
        mine = Reference(resolve(found.spec)).run({found.input: x}, len(x), [output])[output]
        assert (mine != z).any()
