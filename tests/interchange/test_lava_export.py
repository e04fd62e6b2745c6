"""Exported Lava scripts: the integers of the fast executor, what is refused, and what a folder holds."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "processes"))
sys.path.insert(0, str(Path(__file__).parents[1] / "conformance"))

import test_lavas_own as networks
from lava_child import needs_lava
from static_specs import static_spec_dicts
from test_static_networks import QUICK, compiled

import hmn_lava as hl

STEPS = 40


def driven(bundle, seed=4):
    rng = np.random.default_rng(seed)
    shown = {}
    for name, source in bundle.network.inputs.items():
        values = rng.integers(source.low, source.high + 1, (STEPS, source.size)) * source.format.unit
        shown[name] = values * (rng.random(values.shape) < 0.5)
    return shown


def mixed():
    """A LIF that is Lava's, one that is not, and synapses that learn."""
    net = hl.Network("mixed")
    x = net.input("x", 6, signal="spike")
    a = net.lif("a", 5, du=0.5, dv=0.1, vth=0.6)
    b = net.lif("b", 4, du=0.5, dv=0.1, vth=0.6, refractory=2)
    out = net.hmn("out", 2, activation="sigmoid")
    net.connect_static(x, a, weights={"init": "uniform", "low": -0.2, "high": 0.9})
    net.connect_static(x, b, weights={"init": "uniform", "low": -0.2, "high": 0.9})
    net.connect(a, out, weights={"init": "uniform", "low": -0.5, "high": 0.5}, bounds=[-1.0, 1.0],
                traces={"tau_fast": 4.0}, rates={"local": 0.05})  # fmt: skip
    net.connect_static(b, out, weights=0.3)
    return net


@needs_lava
@pytest.mark.heavy
@pytest.mark.parametrize("make", [networks.layered, networks.delayed, networks.sparse, mixed])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_script_gives_the_bundles_integers(make, seed, tmp_path):
    bundle = hl.compile(make().spec(), seed=seed)
    inputs = driven(bundle, seed)
    made = hl.export_lava(bundle, tmp_path / "out", inputs, STEPS)
    assert bool(made.findings) == (make is mixed)
    command = [sys.executable, "-W", "ignore", str(made.folder / "network.py"), str(tmp_path / "found.npz")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(tmp_path / "found.npz", allow_pickle=False) as found:
        assert {f"{name}.v" for name, kind in made.processes.items() if kind == "LIF"} < set(found.files)
        expected = bundle.session("fast").run(inputs, STEPS, list(found.files)).raw
        for name in found.files:
            np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
            assert expected[name].any(), name


def test_the_folder(tmp_path):
    bundle = hl.compile(mixed().spec())
    made = hl.export_lava(bundle, tmp_path / "out", driven(bundle), STEPS)
    text = (made.folder / "network.py").read_text()
    ast.parse(text)
    assert made.processes["a"] == "LIF" and made.processes["b"] == "HMNNeuron"
    assert {"b", "out"} < {finding.object for finding in made.findings} and (made.folder / "bundle").is_dir()
    with pytest.raises(hl.FitError, match="b: its program is not that of Lava's LIF"):
        hl.export_lava(bundle, tmp_path / "other", driven(bundle), STEPS, only_stock=True)
    bundle = hl.compile(networks.layered().spec())
    hl.export_lava(bundle, tmp_path / "out", driven(bundle), STEPS, only_stock=True)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["network.npz", "network.py", "out"]
    assert "hmn_lava" not in (tmp_path / "out" / "network.py").read_text()
    with np.load(tmp_path / "out" / "network.npz", allow_pickle=False) as arrays:
        assert all(arrays[name].dtype.kind == "i" for name in arrays.files)


def test_what_is_refused(tmp_path):
    bundle = hl.compile(networks.layered().spec())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("kept")
    with pytest.raises(hl.InputError, match="is no exported network"):
        hl.export_lava(bundle, tmp_path / "mine", driven(bundle), STEPS)
    with pytest.raises(hl.InputError, match="must be 1 or more"):
        hl.export_lava(bundle, tmp_path / "out", driven(bundle), 0)
    with pytest.raises(hl.InputError, match="is no network"):
        hl.export_lava("a name", tmp_path / "out")
    assert [p.name for p in tmp_path.rglob("*")] == ["mine", "thesis.txt"]


def test_a_hostile_name_is_a_literal():
    from dataclasses import replace

    from hmn_lava.interchange.lava_parts import stock
    from hmn_lava.interchange.lava_script import Script
    from hmn_lava.partition import Partition, partition

    network = hl.compile(networks.layered().spec()).network
    cut = partition(network)
    bad = 'x\'] = 1\nimport os; os.abort() #"""'
    parts = {bad if name == "x.to.a" else name: part for name, part in cut.parts.items()}

    def end(e):
        return (bad, e[1]) if e[0] == "x.to.a" else e

    wires = tuple(replace(w, source=end(w.source), target=end(w.target)) for w in cut.wires)
    made = {name: stock(part, network) for name, part in parts.items()}
    tree = ast.parse(Script(network, Partition(parts, wires), made, 3).text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported == {"sys", "numpy"} and bad in {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}


@needs_lava
@pytest.mark.heavy
@settings(QUICK, max_examples=6)
@given(data=static_spec_dicts(), draw=st.integers(0, 2**31))
def test_random_static_networks(data, draw, tmp_path_factory):
    bundle = compiled(data, draw)
    inputs = driven(bundle, draw)
    folder = tmp_path_factory.mktemp("random")
    made = hl.export_lava(bundle, folder / "out", inputs, STEPS)
    command = [sys.executable, "-W", "ignore", str(made.folder / "network.py"), str(folder / "found.npz")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(folder / "found.npz") as found:
        expected = bundle.session("fast").run(inputs, STEPS, list(found.files)).raw
        for name in found.files:
            np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
