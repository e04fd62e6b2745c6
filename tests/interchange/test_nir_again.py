"""A graph that was imported is exported as it came in: each node, type, field and edge; what was edited is anew."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from nir_graphs import DT, Graphs

import hmn_lava as hl
from hmn_lava.errors import InputError
from hmn_lava.interchange import nir_metadata
from hmn_lava.interchange.nir_convention import CONVENTIONS
from hmn_lava.interchange.nir_export import export_nir
from hmn_lava.interchange.nir_file import read_nir
from hmn_lava.interchange.nir_graph import FIELDS, Graph, read_graph
from hmn_lava.interchange.nir_import import import_nir
from hmn_lava.reference import Reference
from hmn_lava.spec import resolve, spec_from_dict

nir = pytest.importorskip("nir")

SEEDS = 60
STEPS = 15


def flat(graph) -> Graph:
    return read_graph(graph if isinstance(graph, dict) else graph.to_dict(), "graph")


def assert_equal(first: Graph, second: Graph) -> None:
    assert first.nodes.keys() == second.nodes.keys()
    assert first.edges.keys() == second.edges.keys()
    for name, node in first.nodes.items():
        assert node.type == second.nodes[name].type
        for key, value in node.fields.items():
            np.testing.assert_array_equal(second.nodes[name].fields[key], value, strict=True)


@pytest.mark.parametrize("seed", [pytest.param(s, marks=() if s < 6 else pytest.mark.heavy) for s in range(SEEDS)])
def test_a_random_graph_comes_out_as_it_came_in(seed, tmp_path):
    graph = Graphs(seed).graph()
    before = flat(graph)
    convention = list(CONVENTIONS)[seed % len(CONVENTIONS)]
    found = import_nir(graph, dt=DT, convention=convention, voltage_max=1e6)
    found.save(tmp_path / "spec")
    made = export_nir(hl.load_spec(tmp_path / "spec"), tmp_path / "out.nir")
    assert_equal(before, flat(made.graph))
    assert_equal(before, flat(read_nir(tmp_path / "out.nir")))
    assert "changed-since-import" not in {finding.rule for finding in made.findings}
    assert import_nir(tmp_path / "out.nir").spec == found.spec


def test_the_random_graphs_have_every_type_and_more():
    drawn = [Graphs(seed).graph() for seed in range(SEEDS)]
    nodes = [node for graph in drawn for node in flat(graph).nodes.values()]
    assert {node.type for node in nodes} == FIELDS.keys()
    assert any(flat(graph).graphs for graph in drawn)


@pytest.mark.parametrize("seed", [pytest.param(s, marks=() if s < 4 else pytest.mark.heavy) for s in range(SEEDS)])
def test_an_edited_spec_exports_its_edits(seed, monkeypatch):
    """Other weights of one connection, or another threshold: the graph alone is the edited network."""
    rng = np.random.default_rng(seed)
    found = import_nir(Graphs(seed).graph(), dt=DT, voltage_max=1e6).spec
    data = found.model_dump(by_alias=True, exclude_unset=True)
    resets = [name for name, record in data["populations"].items() if "vth" in record]
    weighted = [name for name, record in data["connections"].items() if "weights" in record]
    if rng.random() < 0.5 and resets:
        record = data["populations"][resets[rng.integers(len(resets))]]
        record["vth"] = np.asarray(getattr(record["vth"], "array", record["vth"])) * 1.25
        record["vth"] = record["vth"] if record["vth"].ndim else float(record["vth"])
    elif weighted:
        record = data["connections"][weighted[rng.integers(len(weighted))]]
        record["weights"] = np.asarray(getattr(record["weights"], "array", record["weights"])) * -0.75
        record["weights"] = record["weights"] if record["weights"].ndim else float(record["weights"])
    else:
        return
    edited = spec_from_dict(data)
    made = export_nir(edited)
    rules = {finding.rule for finding in made.findings}
    assert "changed-since-import" in rules
    assert import_nir(made.graph).spec == edited
    if rules & {"lost-bias", "feedback"}:
        return
    monkeypatch.setattr(nir_metadata, "embedded", lambda graph: None)
    again = import_nir(made.graph, dt=DT, voltage_max=1e6).spec
    source, target = (_outputs(spec) for spec in (edited, again))
    assert source.keys() == target.keys()
    for name, z in source.items():
        np.testing.assert_allclose(target[name], z, rtol=1e-6, atol=1e-6 * max(1.0, np.abs(z).max()))


def test_what_was_not_edited_stays_and_is_stored_once(tmp_path):
    """Scale and Delay before neurons that are as they were stay nodes; those before the edited ones are folded."""
    rng = np.random.default_rng(3)
    nodes = {
        "in": nir.Input(np.array([9])),
        "w": nir.Linear(rng.normal(size=(8, 9))),
        "a": nir.IF(r=np.full(8, 1 / DT), v_threshold=rng.uniform(0.5, 1.0, 8)),
        "s": nir.Scale(rng.normal(size=8)),
        "d": nir.Delay(np.full(8, 2 * DT)),
        "b": nir.IF(r=np.full(8, 1 / DT), v_threshold=np.ones(8)),
        "v": nir.Affine(rng.normal(size=(3, 8)), rng.normal(size=3)),
        "s2": nir.Scale(np.array([2.0, 3.0, -1.0])),
        "c": nir.IF(r=np.full(3, 1 / DT), v_threshold=np.ones(3)),
        "out": nir.Output(np.array([3])),
    }
    graph = nir.NIRGraph(nodes, list(pairwise(nodes)))
    found = import_nir(graph, dt=DT)
    with np.load(next(found.save(tmp_path).parent.glob("*.npz"))) as arrays:
        assert [key for key in arrays if arrays[key].shape == (8, 9)] == ["connections.w.weights"]
    data = found.spec.model_dump(by_alias=True, exclude_unset=True)
    weights = rng.normal(size=(3, 8))
    data["connections"]["v"]["weights"] = weights
    made = export_nir(spec_from_dict(data))
    told = [finding for finding in made.findings if finding.rule == "changed-since-import"]
    assert [finding.object for finding in told] == ["c"]
    before, after = flat(graph), flat(made.graph)
    assert before.nodes.keys() - after.nodes.keys() == {"s2"}  # its factors are in the edited weights
    np.testing.assert_array_equal(after.nodes["v"]["weight"], weights)
    np.testing.assert_allclose(after.nodes["v"]["bias"], nodes["v"].bias * nodes["s2"].scale, rtol=1e-12)
    for name in after.nodes.keys() - {"v"}:
        for key, value in before.nodes[name].fields.items():
            np.testing.assert_array_equal(after.nodes[name].fields[key], value)
    # Another threshold alone: all but this one field stays.
    data = found.spec.model_dump(by_alias=True, exclude_unset=True)
    data["populations"]["c"]["vth"] = 2.0
    after = flat(export_nir(spec_from_dict(data)).graph)
    assert before.nodes.keys() == after.nodes.keys() and before.edges.keys() == after.edges.keys()
    np.testing.assert_allclose(after.nodes["c"]["v_threshold"], 2.0)
    np.testing.assert_array_equal(after.nodes["s2"]["scale"], nodes["s2"].scale)


def test_a_record_that_is_no_graph_is_one_error():
    spec = import_nir(Graphs(5).graph(), dt=DT, voltage_max=1e6).spec
    for change in (
        {"edges": [("in", "nowhere")]},
        {"nodes": {"in": {"type": "Perceptron"}}},
        {"nodes": {"in": {"type": "Input", "fields": {"shape": [0.5]}}}},
    ):
        data = spec.model_dump(by_alias=True, exclude_unset=True)
        data["nir"] |= change
        with pytest.raises(InputError, match=r"nir\."):
            export_nir(spec_from_dict(data))


def _outputs(spec):
    """What the neurons send that came from nodes, and not from what lies between."""
    model = resolve(spec)
    inputs = {
        n: np.random.default_rng(1).random((STEPS, p.size)) for n, p in model.populations.items() if p.type == "input"
    }
    names = [n for n, p in model.populations.items() if p.lif is not None]
    made = Reference(model).run(inputs, STEPS, [f"{n}.z" for n in names])
    return {n: made[f"{n}.z"] for n in names}
