"""Broken, truncated and hostile HDF5 files: one clear error each, whatever is in them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from net_file import CUBA, SDNN, conv, dense, read_here, source, write_net

import hmn_lava as hl
from hmn_lava.errors import InputError
from hmn_lava.interchange import hdf5, hdf5_child, netx_file

W = np.arange(12).reshape(3, 4) - 6
KERNEL = np.ones((2, 1, 2, 2))


def broken(file: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        hl.import_network(file)
    error = caught.value
    assert error.where == str(file) and error.remedy and len(str(error).splitlines()) <= 3
    return error


FILES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "a huge array": (lambda g: g.create_dataset("weight", (1 << 20, 1 << 20), "f4", chunks=(64, 64)), "too large"),
    "an array that is not there": (
        lambda g: g.create_dataset("weight", (4096, 4096), "f4", chunks=(64, 64)),
        "than the file",
    ),
    "a compression bomb": (
        lambda g: g.create_dataset(
            "weight", data=np.zeros((1 << 13, 1 << 14), "i1"), compression="gzip", chunks=(1024, 1024)
        ),
        "too large",
    ),
    "an external link": (lambda g: g.__setitem__("weight", h5py.ExternalLink("/etc/passwd", "/x")), "is a link"),
    "a soft link": (lambda g: g.__setitem__("weight", h5py.SoftLink("/layer/0/shape")), "is a link"),
    "a cycle of soft links": (lambda g: g.__setitem__("weight", h5py.SoftLink("/layer/0/weight")), "is a link"),
    "a cycle of groups": (lambda g: g.__setitem__("weight", g), "nested too deeply"),
    "an external array": (
        lambda g: g.create_dataset("weight", (3, 4), "f4", external=[("/etc/passwd", 0, 48)]),
        "in another file",
    ),
    "a virtual array": (lambda g: g.create_virtual_dataset("weight", _virtual()), "in another file"),
    "a compound": (lambda g: g.create_dataset("weight", data=np.zeros(3, [("a", "i4"), ("b", "f8")])), "not numbers"),
    "complex numbers": (lambda g: g.create_dataset("weight", data=np.ones((3, 4), "c16")), "not numbers"),
    "arrays of any length": (lambda g: g.create_dataset("weight", (3,), h5py.vlen_dtype("i4")), "not numbers"),
    "references": (lambda g: g.create_dataset("weight", data=g.ref, dtype=h5py.ref_dtype), "not numbers"),
    "opaque bytes": (lambda g: g.create_dataset("weight", data=np.void(b"abc")), "not numbers"),
    "many texts": (
        lambda g: g.create_dataset("weight", data=["a"] * 100, dtype=h5py.string_dtype()),
        "no single short text",
    ),
    "a long text": (
        lambda g: g.create_dataset("weight", data="a" * 100_000, dtype=h5py.string_dtype()),
        "no short text",
    ),
    "no value": (lambda g: g.create_dataset("weight", data=h5py.Empty("f4")), "has no value"),
    "a type": (lambda g: g.__setitem__("weight", np.dtype("i4")), "neither a group nor an array"),
    "nothing": (lambda g: None, "is missing"),
}


def _virtual() -> Any:
    layout = h5py.VirtualLayout((3, 4), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (3, 4))
    return layout


@pytest.mark.heavy
def test_many_groups(tmp_path: Path) -> None:
    file = write_net(tmp_path / "a.net", [dense(W)])
    with h5py.File(file, "a") as opened:
        for number in range(hdf5_child.LIMITS["objects"] + 1):
            opened.create_group(f"layer/0/more/{number}")
    assert "more than 20000 members" in str(broken(file))


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read in this process, which is faster."""
    monkeypatch.setattr(netx_file, "read_group", read_here)


@pytest.mark.heavy
@pytest.mark.parametrize("name", FILES)
def test_a_hostile_weight_in_a_process_of_its_own(name: str, tmp_path: Path) -> None:
    check_hostile(name, tmp_path)


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_weight(name: str, tmp_path: Path, here: None) -> None:
    check_hostile(name, tmp_path)


def check_hostile(name: str, tmp_path: Path) -> None:
    make, words = FILES[name]
    file = write_net(tmp_path / "a.net", [dense(W)])
    with h5py.File(file, "a") as opened:
        del opened["layer/0/weight"]
        make(opened["layer/0"])
    error = broken(file)
    assert words in str(error) and "layer" in error.field


FIELDS: list[tuple[str, list[dict[str, Any]], str, str]] = [
    ("an unknown layer", [{**dense(W), "type": "concat"}], "layer/0/type", "is no layer"),
    ("an unknown neuron", [dense(W, {**CUBA, "type": "ALIF"})], "layer/0/neuron/type", "is no neuron"),
    ("a text for a number", [dense(W, {**CUBA, "vThMant": "high"})], "layer/0/neuron/vThMant", "is no number"),
    ("NaN", [dense(np.full((3, 4), np.nan))], "layer/0/weight", "NaN or infinity"),
    ("infinity", [dense(W, {**CUBA, "vDecay": np.inf})], "layer/0/neuron/vDecay", "NaN or infinity"),
    ("a huge number", [dense(W, {**CUBA, "vThMant": 1 << 40})], "layer/0/neuron/vThMant", "beyond 16777216"),
    ("a decay above 4096", [dense(W, {**CUBA, "iDecay": 5000})], "layer/0/neuron/iDecay", "outside [0, 4096]"),
    ("a decay below 0", [dense(W, {**CUBA, "vDecay": -1})], "layer/0/neuron/vDecay", "outside [0, 4096]"),
    (
        "decays of another count",
        [dense(W, {**CUBA, "vDecay": np.ones(5)})],
        "layer/0/neuron/vDecay",
        "does not fit (3,)",
    ),
    ("a missing threshold", [dense(W, {"type": "SDNN"})], "layer/0/neuron/vThMant", "is missing"),
    ("no shape", [{**dense(W), "shape": np.zeros((0,))}], "layer/0/shape", "is empty"),
    ("a negative shape", [{**dense(W), "shape": np.array([-3])}], "layer/0/shape", "is no shape"),
    ("a huge shape", [{**dense(W), "shape": np.array([1 << 20, 1 << 20, 8])}], "layer/0/shape", "is no shape"),
    ("a shape of others", [{**dense(W), "shape": np.array([5])}], "layer/0/weight", "needs (5, 4)"),
    ("another width", [dense(W), dense(W)], "layer/1/weight", "needs (3, 3)"),
    (
        "a recurrence of others",
        [{**dense(W), "type": "dense_rec", "weight_rec": np.ones(4)}],
        "layer/0/weight_rec",
        "needs (3, 3)",
    ),
    ("a bias of others", [dense(W, bias=np.ones(7))], "layer/0/bias", "does not fit (3,)"),
    ("a negative delay", [dense(W, delay=np.array([-1.0] * 3))], "layer/0/delay", "is negative"),
    ("delays of others", [dense(W, delay=np.ones(9))], "layer/0/delay", "needs (3, 4)"),
    ("weights of 10 bits", [dense(np.abs(W) * 99)], "layer/0/weight", "outside [-256, 255]"),
    ("an input in between", [dense(W), source([3])], "layer/1/type", "behind other layers"),
    ("a flat convolution", [source([4]), conv([2, 2, 2], KERNEL)], "layer/1/shape", "needs a shape"),
    ("a kernel of no axes", [source([1, 3, 3]), conv([2, 2, 2], W)], "layer/1/weight", "no kernel of four axes"),
    (
        "another output",
        [source([1, 3, 3]), conv([2, 3, 3], KERNEL)],
        "layer/1/shape",
        "not that of its output, (2, 2, 2)",
    ),
    ("a stride of 0", [source([1, 3, 3]), conv([2, 2, 2], KERNEL, stride=0)], "layer/1/stride", "from 1 to 4096"),
    ("groups of 0", [source([1, 3, 3]), conv([2, 2, 2], KERNEL, groups=0)], "layer/1/groups", "does not divide"),
    ("other channels", [source([3, 3, 3]), conv([2, 2, 2], KERNEL)], "layer/1/weight", "reads 1 channels"),
    ("real weights of resonators", [dense(W, {"type": "RF_PHASE"})], "layer/0/neuron/sinDecay", "is missing"),
    (
        "recurrent resonators",
        [
            {"type": "dense_rec", "shape": np.array([3]), "weight/real": W, "weight/imag": W, "weight_rec": W[:, :3]}
            | {"neuron": {"type": "RF_PHASE", "vThMant": 9, "sinDecay": 1500, "cosDecay": 3600}}
        ],
        "layer/0/type",
        "is a recurrent layer of resonators",
    ),
    (
        "sums that need a bias",
        [dense(W, {**SDNN, "sigma_output": True}, bias=np.ones(3))],
        "layer/0/bias",
        "no meaning",
    ),
    ("no neurons", [source([3], None)], "layer", "has no neurons"),
    ("two transforms", [source([4], weight=np.ones(2)), dense(W)], "layer/0/weight", "is not one number"),
    ("two biases", [source([4], bias=np.array([[0, 1]])), dense(W)], "layer/0/bias", "is not one number"),
    (
        "groups of two axes",
        [source([1, 3, 3]), conv([2, 2, 2], KERNEL, groups=np.array([1, 1]))],
        "layer/1/groups",
        "is not one number",
    ),
    ("a negative rest", [dense(W, {**CUBA, "refDelay": -1})], "layer/0/neuron/refDelay", "from 0 to 4096"),
    ("a rest too long", [dense(W, {**CUBA, "refDelay": 4097})], "layer/0/neuron/refDelay", "from 0 to 4096"),
    ("several rests", [dense(W, {**CUBA, "refDelay": np.array([1, 2, 1])})], "layer/0/neuron/refDelay", "one number"),
    (
        "an average of parts",
        [dense(W), {"type": "average", "shape": np.array([2])}],
        "layer/1/shape",
        "3 neurons in 2 groups",
    ),
]


@pytest.mark.parametrize(("name", "layers", "field", "words"), FIELDS, ids=[row[0] for row in FIELDS])
def test_a_wrong_field(
    name: str, layers: list[dict[str, Any]], field: str, words: str, tmp_path: Path, here: None
) -> None:
    error = broken(write_net(tmp_path / "a.net", layers))
    assert error.field == field and words in str(error)


def test_what_is_no_hdf5_file(tmp_path: Path) -> None:
    for name, content in (("empty", b""), ("text", b"layer: 3\n" * 99), ("zip", b"PK\x03\x04" + bytes(99))):
        file = tmp_path / f"{name}.net"
        file.write_bytes(content)
        assert "cannot be read as HDF5" in str(broken(file))
    assert "no such file" in str(broken(tmp_path / "none.net"))
    assert "no such file" in str(broken_folder(tmp_path / "folder.net"))
    with pytest.raises(InputError, match="no kind that can be imported"):
        hl.import_network(tmp_path / "a.txt")


def broken_folder(path: Path) -> InputError:
    path.mkdir()
    return broken(path)


def test_members_that_are_no_layers(tmp_path: Path, here: None) -> None:
    for name, words in (("2", "leaves one out"), ("x", "no layers"), ("-1", "no layers")):
        file = write_net(tmp_path / "a.net", [dense(W)])
        with h5py.File(file, "a") as opened:
            opened.copy("layer/0", f"layer/{name}")
        assert words in str(broken(file))
    file = write_net(tmp_path / "b.net", [dense(W)])
    with h5py.File(file, "a") as opened:
        del opened["layer"]
    assert "is missing" in str(broken(file))


def test_truncated_and_scrambled_files_never_get_through_as_anything_else(tmp_path: Path) -> None:
    """Read in this process, which is faster, and lets a crash be seen."""
    whole = write_net(tmp_path / "a.net", [source([2, 4, 4]), conv([2, 3, 3], np.ones((2, 2, 2, 2)))]).read_bytes()
    rng, faults = np.random.default_rng(0), 0
    for case in range(150):
        data = bytearray(whole)
        if case % 3 == 0:
            del data[int(rng.integers(0, len(data))) :]
        else:
            for at in rng.integers(0, len(data), int(rng.integers(1, 30))):
                data[int(at)] = int(rng.integers(0, 256))
        file = tmp_path / "b.net"
        file.write_bytes(bytes(data))
        try:
            hdf5_child._read(str(file), "layer")
        except (hdf5_child.FileFaultError, OSError, RuntimeError, ValueError, KeyError, TypeError, OverflowError):
            faults += 1
    assert faults > 50


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("import os; os.abort()", "ended the process"),
        ("import time; time.sleep(60)", "takes too long"),
        ("x = bytearray(8 << 30)", "ended the process"),
    ],
)
def test_a_reader_that_crashes_hangs_or_swells_is_an_error(
    body: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = tmp_path / "child.py"
    head = (
        "import sys; sys.path[:0] = "
        + repr(sys.path)
        + "; from hmn_lava.interchange.hdf5_child import _confine; _confine()"
    )
    child.write_text(f"{head}\n{body}\n")
    monkeypatch.setattr(hdf5, "COMMAND", (sys.executable, str(child)))
    monkeypatch.setattr(hdf5, "SECONDS", 3)
    assert words in str(broken(write_net(tmp_path / "a.net", [dense(W)])))


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", None)
    hl.import_network(write_net(tmp_path / "a.net", [dense(W)]))
    assert not list((tmp_path / "temporary").iterdir())
    shutil.rmtree(tmp_path / "temporary")
