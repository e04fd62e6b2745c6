"""A spec that is written and read again resolves to the same network."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hmn_lava.errors import InputError
from hmn_lava.spec import Network, Spec, dump_spec, load_spec, resolve, spec_from_dict, spec_to_dict


def same(a: Any, b: Any) -> bool:
    """Equal models, arrays by value and dtype."""
    if dataclasses.is_dataclass(a):
        return type(a) is type(b) and all(same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    return bool(a == b)


def with_arrays(folder: Path) -> Spec:
    """Arrays of all kinds: literal short and long, of files, for weights, topology, bias, and stimulus."""
    rng = np.random.default_rng(0)
    cells = np.array([[3, 0, 1, 0], [1, 2, 0, 1]])
    np.savez(folder / "in.npz", w=rng.normal(size=(4, 30)), cells=cells, x=rng.random((5, 30)))
    net = Network("arrays", "yes", folder=folder)
    a = net.input("a", 30)
    b = net.lif("b", 4, bias=np.array([0.1, 0.2, 0.3, 1e-5]))
    c = net.hmn("c", 30, activation="relu")
    net.connect_static(a, b, name="ab", weights={"npz": "in.npz", "key": "w"}, delay=2)
    net.connect(
        a,
        b,
        name="learn",
        weights=[0.1, 0.2, 0.3, 0.4],
        topology={"npz": "in.npz", "key": "cells"},
        rates={"global": 1e-7},
    )
    net.connect_static(b, c, name="bc", weights=rng.normal(size=(30, 4)))
    net.stimulus(a, type="npz", file="in.npz", key="x")
    return net.spec()


def test_the_example_comes_back(example_file: Path, tmp_path: Path) -> None:
    spec = load_spec(example_file)
    path = dump_spec(spec, tmp_path / "new" / "folder")
    assert load_spec(path) == spec and same(resolve(load_spec(path), 5), resolve(spec, 5))
    assert [file.name for file in path.parent.iterdir()] == ["spec.yaml"]
    assert path.read_text() == dump_spec(load_spec(path), tmp_path / "again").read_text()


def test_arrays_come_back(tmp_path: Path) -> None:
    spec = with_arrays(tmp_path)
    path = dump_spec(spec, tmp_path / "out")
    (tmp_path / "in.npz").unlink()
    again = load_spec(path.parent)
    np.savez(tmp_path / "in.npz", **np.load(next(path.parent.glob("*.npz"))))
    assert [file.suffix for file in sorted(path.parent.iterdir())] == [".npz", ".yaml"]
    assert again.description == "yes"  # text that older YAML reads as true
    assert again.connections["learn"].rates.global_ == 1e-7  # type: ignore[union-attr]
    assert same(resolve(again), resolve(with_arrays(tmp_path)))


def test_the_dictionary_is_plain_complete_and_comes_back(tmp_path: Path) -> None:
    spec = with_arrays(tmp_path)
    data, arrays = spec_to_dict(spec, "arrays.npz", "spec.")
    assert sorted(arrays) == [
        "spec.connections.ab.weights",
        "spec.connections.bc.weights",
        "spec.connections.learn.topology",
        "spec.stimulus.a",
    ]
    assert data["connections"]["learn"]["rates"] == {"local": 0.0, "global": 1e-7}
    assert data["connections"]["learn"]["traces"] == {"tau_fast": 5.0, "tau_slow": 50.0, "mode": "replacing"}
    assert data["populations"]["b"]["bias"] == [0.1, 0.2, 0.3, 1e-5]
    assert data["connections"]["bc"]["weights"] == {"npz": "arrays.npz", "key": "spec.connections.bc.weights"}
    folder = tmp_path / "bundle"
    folder.mkdir()
    np.savez(folder / "arrays.npz", **arrays)
    again = spec_from_dict(json.loads(json.dumps(data)), folder)
    assert same(resolve(again), resolve(spec))


def test_the_dump_of_pydantic_agrees_where_there_are_no_files(example_file: Path) -> None:
    spec = load_spec(example_file)
    data, arrays = spec_to_dict(spec)
    assert not arrays and data == json.loads(json.dumps(spec.model_dump(mode="json", by_alias=True)))
    assert spec_from_dict(spec.model_dump(mode="json")) == spec


def test_a_second_dump_replaces_the_first(example_file: Path, tmp_path: Path) -> None:
    dump_spec(load_spec(example_file), tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "in").mkdir()
    spec = with_arrays(tmp_path / "in")
    dump_spec(spec, tmp_path)
    assert load_spec(tmp_path).name == "arrays" and (tmp_path / "notes.txt").read_text() == "mine"
    assert same(resolve(load_spec(tmp_path)), resolve(spec))


def test_a_failed_dump_leaves_the_old_spec_whole(
    example_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = load_spec(example_file)
    dump_spec(spec, tmp_path / "old")
    (tmp_path / "in").mkdir()
    other = with_arrays(tmp_path / "in")

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    for folder in ("old", "new/er"):
        with pytest.raises(InputError, match=r"No space left on device[\s\S]*remedy"):
            dump_spec(other, tmp_path / folder)
    assert load_spec(tmp_path / "old") == spec
    assert [file.name for file in (tmp_path / "old").iterdir()] == ["spec.yaml"] and not (tmp_path / "new").exists()


def test_a_folder_that_is_a_file_is_refused(example_file: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        dump_spec(load_spec(example_file), tmp_path / "file")


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    spec = with_arrays(tmp_path)
    (tmp_path / "in.npz").unlink()
    with pytest.raises(InputError, match=r"connections\.ab\.weights: file not found"):
        dump_spec(spec, tmp_path / "out")
    assert not (tmp_path / "out").exists()
