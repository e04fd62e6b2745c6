"""Files of NIR graphs and of weights that are broken or hostile, and the commands."""

from __future__ import annotations

import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "cli"))

import hmn_lava as hl
from hmn_lava.errors import InputError
from hmn_lava.interchange.nir_export import export_nir
from hmn_lava.interchange.nir_import import import_nir
from hmn_lava.interchange.weights import load_weights
from hmn_lava.spec import spec_from_dict

pytest.importorskip("nir")

SPEC = {
    "hmn_lava": 1,
    "name": "two",
    "populations": {"x": {"type": "input", "size": 3, "signal": "spike"}, "y": {"type": "lif", "size": 2, "dv": 0.25}},
    "connections": {"w": {"type": "static", "source": "x", "target": "y", "weights": [[0.5, 1, 2], [2, 0.25, -1]]}},
}


@pytest.fixture
def file(tmp_path):
    export_nir(spec_from_dict(SPEC), tmp_path / "a.nir")
    return tmp_path / "a.nir"


def _external(node, folder):
    node["nodes/w/more"] = h5py.ExternalLink("/etc/passwd", "/")


def _soft(node, folder):
    node["nodes/w/more"] = h5py.SoftLink("/node/nodes")


def _cycle(node, folder):
    node["nodes/w/more"] = node["nodes"]


def _claims(node, folder):
    del node["nodes/w/weight"]
    node["nodes/w"].create_dataset("weight", shape=(1 << 16, 1 << 16), chunks=(64, 64), dtype="f4")


def _objects(node, folder):
    del node["nodes/w/weight"]
    node["nodes/w"].create_dataset("weight", data=np.zeros(3, [("a", "f4"), ("b", "S3")]))


def _texts(node, folder):
    del node["edges"]
    node.create_dataset("edges", data=["x" * 300, "y"], dtype=h5py.string_dtype())


def _not_finite(node, folder):
    node["nodes/w/weight"][0, 0] = np.inf


def _json(node, folder):
    del node["metadata/hmn_lava"]
    node["metadata/hmn_lava"] = "[" * 5000


def _foreign_json(node, folder):
    del node["metadata/hmn_lava"]
    node["metadata/hmn_lava"] = '{"hmn_lava": 1, "name": "x", "populations": {"a": {"type": "input", "size": 1e99}}}'


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_external, "is a link"),
        (_soft, "is a link"),
        (_cycle, "nested too deeply|more than 100000 members"),
        (_claims, "too large|claims more"),
        (_objects, "not numbers"),
        (_texts, "short text"),
        (_not_finite, "holds NaN or infinity"),
        (_json, "is no spec"),
        (_foreign_json, "metadata.hmn_lava.populations.a.size"),
    ],
)
def test_a_hostile_file_is_one_error(change, told, file, tmp_path):
    with h5py.File(file, "r+") as root:
        change(root["node"], tmp_path)
    with pytest.raises(InputError, match=told) as error:
        import_nir(file)
    assert str(file) in str(error.value) and error.value.remedy


def test_files_that_are_no_graphs(file, tmp_path):
    whole = file.read_bytes()
    for number, content in enumerate((b"", b"no HDF5", whole[: len(whole) // 2], whole[:200] + b"\xff" * 2000)):
        broken = tmp_path / f"{number}.nir"
        broken.write_bytes(content)
        with pytest.raises(InputError):
            import_nir(broken)
    with pytest.raises(InputError, match="no such file"):
        import_nir(tmp_path / "nowhere.nir")


def test_a_bias_that_is_large_beside_the_threshold_makes_the_format_coarser():
    """A bias has a mantissa and an exponent: the neuron's unit is one in which it fits."""
    data = {**SPEC, "populations": {**SPEC["populations"], "y": {"type": "lif", "size": 2, "vth": 0.1, "bias": 0.26}}}
    weights = {"w": {**SPEC["connections"]["w"], "weights": 0.001}}
    bundle = hl.compile(spec_from_dict({**data, "connections": weights}))
    row = next(row for row in bundle.lowering if row["parameter"] == "populations.y.bias")
    assert row["note"] == "" and abs(row["representable"] - 0.26) < 0.26 / 2**11


def test_a_bundle_goes_out_with_the_chips_numbers(tmp_path):
    bundle = hl.compile(spec_from_dict(SPEC))
    graph = export_nir(bundle, tmp_path / "b.nir").graph
    row = next(row for row in bundle.lowering if row["parameter"] == "connections.w.weights")
    unit = 2.0 ** -int(row["format"].split(".")[1])
    np.testing.assert_allclose(graph.nodes["w"].weight / unit, np.rint(graph.nodes["w"].weight / unit), atol=0)
    constants = bundle.network.groups["y"].constants
    keep = 1 - 1e-3 / graph.nodes["y"].tau
    np.testing.assert_allclose(keep * 4096, np.broadcast_to(constants["keep_v"].values, 2), atol=1e-6)
    again = hl.compile(import_nir(tmp_path / "b.nir").spec)
    x = {"x": np.random.default_rng(0).integers(0, 2, (40, 3)).astype(float)}
    np.testing.assert_array_equal(again.run(x).raw["y.z"], bundle.run(x).raw["y.z"])


def test_weights_alone(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    spec = spec_from_dict(SPEC)
    w, b = np.arange(6, dtype=np.float32).reshape(2, 3), np.array([0.5, -0.5], np.float32)
    safetensors.save_file({"fc.weight": w, "fc.bias": b, "other": b}, tmp_path / "w.safetensors")
    np.savez(tmp_path / "w.npz", w=w)
    for name, names in (("w.safetensors", {"fc": "w"}), ("w.npz", None)):
        loaded = load_weights(tmp_path / name, spec, names)
        np.testing.assert_array_equal(loaded.spec.connections["w"].weights.array, w)
    found = load_weights(tmp_path / "w.safetensors", spec, {"fc": "w"})
    np.testing.assert_array_equal(found.spec.populations["y"].bias.array, b)
    assert [(finding.rule, finding.object) for finding in found.findings] == [("unused-tensor", "other")]
    safetensors.save_file({"w": np.full((3, 3), np.nan, np.float32)}, tmp_path / "nan.safetensors")
    safetensors.save_file({"w": np.zeros((3, 3), np.float32)}, tmp_path / "shape.safetensors")
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "w.safetensors").read_bytes()[:40])
    (tmp_path / "huge.safetensors").write_bytes(b"\xff" * 64)
    (tmp_path / "w.bin").write_bytes(b"x")
    for name in ("nan.safetensors", "shape.safetensors", "cut.safetensors", "huge.safetensors", "w.bin", "none.npz"):
        with pytest.raises(InputError, match=name) as error:
            load_weights(tmp_path / name, spec)
        assert error.value.remedy
    for names in ({"fc": "v"}, {"fc2": "w"}, None):
        with pytest.raises(InputError):
            load_weights(tmp_path / "w.safetensors", spec, names)


def test_import_torch_says_what_it_needs():
    from hmn_lava.interchange.torch_import import import_torch

    with pytest.raises(InputError, match=r"is no torch\.nn\.Module"):
        import_torch(3, None)


@pytest.mark.parametrize(("option", "value"), [("padding_mode", "reflect"), ("ceil_mode", True)])
def test_layers_with_options_that_exports_drop_are_refused(option, value):
    from hmn_lava.interchange.torch_import import import_torch

    neuron = type("Leaky", (), {"__module__": "snntorch._neurons.leaky"})()
    layer = type("Conv2d", (), {"__module__": "torch.nn", option: value})()
    module = type("Module", (), {"modules": lambda self: [layer, neuron]})()
    with pytest.raises(InputError, match=f"a Conv2d with {option}={value!r}"):
        import_torch(module, None)
