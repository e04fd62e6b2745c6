"""`hmn-lava export`, and `hmn-lava import` of what it wrote and of weights."""

import numpy as np
import pytest
import yaml

import hmn_lava as hl

pytest.importorskip("nir")

SPEC = {
    "hmn_lava": 1,
    "name": "two",
    "populations": {"x": {"type": "input", "size": 3, "signal": "spike"}, "y": {"type": "lif", "size": 2, "dv": 0.25}},
    "connections": {"w": {"type": "static", "source": "x", "target": "y", "weights": [[0.5, 1, 2], [2, 0.25, -1]]}},
}


@pytest.fixture
def spec(tmp_path):
    file = tmp_path / "two.yaml"
    file.write_text(yaml.safe_dump(SPEC))
    return file


def test_out_and_in_again(hmn_lava, spec, tmp_path):
    out = tmp_path / "two.nir"
    done = hmn_lava("export", spec, "-o", out, "--dt", 0.01, "--json")
    assert done.code == 0 and done.json["nodes"] == {"x": "Input", "y": "LIF", "w": "Linear", "output": "Output"}
    back = hmn_lava("import", out, "-o", tmp_path / "back", "--json")
    assert back.code == 0 and back.json["findings"] == []
    assert hl.load_spec(back.json["spec"]) == hl.load_spec(spec)
    assert hmn_lava("compile", spec, "-o", tmp_path / "b").code == 0
    told = hmn_lava("export", tmp_path / "b", "-o", tmp_path / "b.nir")
    assert told.code == 0 and "4 nodes" in told.err


def test_each_option_of_a_graph_counts(hmn_lava, tmp_path):
    nir = pytest.importorskip("nir")
    ones = np.ones(2)
    nodes = {
        "input": nir.Input(np.array([2])),
        "cuba": nir.CubaLIF(tau_syn=ones, tau_mem=ones, r=ones, v_leak=0 * ones, v_threshold=ones),
        "i": nir.I(r=2 * ones),
        "output": nir.Output(np.array([2])),
    }
    nir.write(tmp_path / "a.nir", nir.NIRGraph(nodes, [("input", "cuba"), ("cuba", "i"), ("i", "output")]))
    options = ("--dt", 0.25, "--synapse", "jump", "--integrator", "step", "--voltage-max", 3, "--name", "other")
    done = hmn_lava("import", tmp_path / "a.nir", "-o", tmp_path / "a", "--json", *options)
    assert done.code == 0 and done.json["name"] == "other"
    asked = {"synapse": "jump", "integrator": "step", "voltage_max": 3.0, "name": "other"}
    spec = hl.load_spec(done.json["spec"])
    assert spec == hl.import_nir(tmp_path / "a.nir", dt=0.25, **asked).spec
    assert spec.nir.convention.synapse == "jump" and spec.nir.convention.integrator == "step"
    assert spec.populations["i"].z_max == 3.0
    assert hmn_lava("import", tmp_path / "a.nir", "-o", tmp_path / "a", "--dt", 0.25, "--voltage-max", -1).code == 2


def test_weights(hmn_lava, spec, tmp_path):
    np.savez(tmp_path / "w.npz", layer=np.ones((2, 3)))
    alone = hmn_lava("import", tmp_path / "w.npz", "-o", tmp_path / "n")
    assert alone.code == 2 and "--spec" in alone.err
    done = hmn_lava("import", tmp_path / "w.npz", "--spec", spec, "--map", "layer=w", "-o", tmp_path / "n", "--json")
    assert done.code == 0
    assert (hl.load_spec(done.json["spec"]).connections["w"].weights.array == 1).all()


def test_what_is_wrong(hmn_lava, spec, tmp_path):
    wrong = hmn_lava("export", spec, "-o", tmp_path / "two.h5")
    assert wrong.code == 2 and "does not end in .nir" in wrong.err
    assert hmn_lava("export", spec, "-o", tmp_path / "two.nir").code == 0
    option = hmn_lava("import", tmp_path / "two.nir", "--layers", 2, "-o", tmp_path / "n")
    assert option.code == 2 and "is no option for a .nir file" in option.err


def test_a_lava_script(hmn_lava, spec, tmp_path):
    np.savez(tmp_path / "in.npz", x=np.ones((5, 3)))
    given = ("export", spec, "-o", tmp_path / "out", "--to", "lava")
    done = hmn_lava(*given, "--input", tmp_path / "in.npz", "--only-stock", "--json")
    assert done.code == 0 and done.json["processes"] == {"x.to.y": "Dense", "y": "LIF"} and done.json["findings"] == []
    assert (tmp_path / "out" / "network.py").is_file()
    none = hmn_lava(*given)
    assert none.code == 2 and "nothing to run on" in none.err
    wrong = hmn_lava(*given, "--dt", 0.1)
    assert wrong.code == 2 and "has no meaning with --to lava" in wrong.err
    assert hmn_lava(*given[:-1], "brian").code == 2
