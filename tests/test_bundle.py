"""The bundle as a folder: what goes in comes out, it is written whole or not at all, nothing else is overwritten."""

import json
import os
import shutil

import numpy as np
import pytest

import hmn_lava as hl
import hmn_lava.bundle
from hmn_lava.errors import InputError
from hmn_lava.manifest import ProfileRecord


def network(**rule):
    net = hl.Network("net")
    x, teach = net.input("x", 6, range=(0, 1)), net.input("teach", 1, range=(-1, 1))
    hidden = net.lif("hidden", 5, du=0.5, dv=0.1)
    out = net.hmn("out", 3, activation="sigmoid", noise=0.05, competition="winner_take_all")
    net.connect_static(x, hidden, name="features", weights=np.random.default_rng(0).normal(0, 0.4, (5, 6)))
    net.connect(
        hidden,
        out,
        name="readout",
        weights={"init": "uniform", "low": -0.1, "high": 0.1},
        rates={"global": 0.2},
        **rule,
    )
    net.connect(x, out, name="direct", weights=np.zeros((3, 6)), rates={"local": 0.05}, topology={"density": 0.5})
    net.modulator("teacher", type="input", source=teach)
    net.oscillator("theta", period=12)
    return net.spec()


SPECS = {
    "plain": {},
    "delays": {"delay": [[0, 1, 2, 3, 4]] * 3},
    "gates": {"phase_gate": {"oscillator": "theta"}, "probabilistic_gate": {"beta": 50.0, "threshold": 0.01}},
    "attention": {"attention": {"dimensions": 2, "embedding": {"init": "normal"}, "key": {"init": "normal"}}},
}


@pytest.fixture(scope="module")
def compiled():
    return hl.compile(network(**SPECS["gates"]), seed=3)


def files(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def inputs(steps):
    rng = np.random.default_rng(1)
    return {"x": rng.random((steps, 6)), "teach": rng.uniform(-1, 1, (steps, 1))}


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("backend", ["interpreter", "fast"])
def test_a_loaded_bundle_gives_the_same_integers(name, backend, tmp_path):
    bundle = hl.compile(network(**SPECS[name]), seed=5)
    loaded = hl.load(bundle.save(tmp_path / "b"))
    signals = list(bundle.network.signals)
    a, b = (each.run(inputs(60), 60, backend, signals) for each in (bundle, loaded))
    assert set(a.raw) == set(b.raw) == set(signals)
    for signal in signals:
        assert np.array_equal(a.raw[signal], b.raw[signal]), signal
    assert any(np.ptp(a.raw[signal]) for signal in ("readout.w", "direct.w"))


def test_a_loaded_bundle_gives_the_same_floats(compiled, tmp_path):
    loaded = hl.load(compiled.save(tmp_path / "b"))
    a, b = (each.run(inputs(40), 40, "reference", ["readout.w", "out.z"]) for each in (compiled, loaded))
    for signal in a.raw:
        assert np.array_equal(a.raw[signal], b.raw[signal])


def test_everything_else_survives_too(compiled, tmp_path):
    loaded = hl.load(compiled.save(tmp_path / "b"))
    for field in ("profile", "plasticity", "seed", "lowering"):
        assert getattr(loaded, field) == getattr(compiled, field), field
    assert loaded.placement.as_dict() == compiled.placement.as_dict()
    assert {name: g.program for name, g in loaded.network.groups.items()} == {
        name: g.program for name, g in compiled.network.groups.items()
    }
    assert loaded.network.weight_lag == compiled.network.weight_lag
    assert {name: str(s.format) for name, s in loaded.network.signals.items()} == {
        name: str(s.format) for name, s in compiled.network.signals.items()
    }


def test_saving_twice_writes_the_same_bytes(compiled, tmp_path):
    compiled.save(tmp_path / "a")
    hl.load(tmp_path / "a").save(tmp_path / "b")
    a, b = files(tmp_path / "a"), files(tmp_path / "b")
    assert {name: content for name, content in a.items() if name.startswith("programs/")} == {
        name: content for name, content in b.items() if name.startswith("programs/")
    }
    compiled.save(tmp_path / "c")
    assert files(tmp_path / "c") == a


def test_an_older_bundle_is_replaced_whole(compiled, tmp_path):
    folder = tmp_path / "b"
    hl.compile(network(), seed=0).save(folder)
    assert compiled.save(folder) == folder
    assert hl.load(folder).seed == 3
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b"]
    compiled.save(tmp_path / "again")
    assert files(folder) == files(tmp_path / "again")


def test_an_empty_folder_and_folders_that_are_not_there_are_filled(compiled, tmp_path):
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "new" / "deep" / "b"):
        compiled.save(folder)
        assert hl.load(folder).seed == 3


def test_the_current_folder_and_a_link_to_one(compiled, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    compiled.save(".")
    assert hl.load(tmp_path / "here").seed == 3
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to("target")
    compiled.save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert hl.load(tmp_path / "target").seed == 3
    assert sorted(p.name for p in tmp_path.iterdir()) == ["here", "link", "target"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_is_no_bundle_is_not_touched(kind, compiled, tmp_path):
    place = tmp_path / "mine"
    if kind == "file":
        place.write_text("thesis")
    else:
        place.mkdir()
        (place / "thesis.txt").write_text("thesis")
    with pytest.raises(InputError, match="exists and is no bundle"):
        compiled.save(place)
    assert sorted(p.name for p in tmp_path.rglob("*")) == (["mine"] if kind == "file" else ["mine", "thesis.txt"])


def _disk_full(*_, **__):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("step", ["np.savez", "_write_json", "_swap", "to_text"])
def test_a_write_that_fails_leaves_the_old_bundle_and_nothing_else(step, compiled, tmp_path, monkeypatch):
    folder = tmp_path / "b"
    hl.compile(network(), seed=0).save(folder)
    before = files(tmp_path)
    monkeypatch.setattr(f"hmn_lava.bundle.{step}", _disk_full)
    for place in (folder, tmp_path / "new" / "deep" / "b"):
        with pytest.raises(InputError, match="cannot be written: No space left on device"):
            compiled.save(place)
    assert files(tmp_path) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b"]


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), KeyboardInterrupt()])
def test_a_swap_that_stops_half_way_brings_the_old_bundle_back(error, compiled, tmp_path, monkeypatch):
    folder = tmp_path / "b"
    hl.compile(network(), seed=0).save(folder)
    before = files(tmp_path)
    real = os.replace
    calls = []

    def replace(a, b):
        calls.append((a, b))
        if len(calls) == 2:
            raise error
        real(a, b)

    monkeypatch.setattr(hmn_lava.bundle.os, "replace", replace)
    with pytest.raises((InputError, KeyboardInterrupt)):
        compiled.save(folder)
    assert len(calls) == 3
    assert files(tmp_path) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b"]


def test_a_spec_whose_arrays_have_gone_is_told_and_nothing_is_written(tmp_path):
    np.savez(tmp_path / "w.npz", w=np.full((2, 3), 0.1))
    (tmp_path / "s.yaml").write_text(
        "{hmn_lava: 1, name: n, populations: {x: {type: input, size: 3}, y: {type: hmn, size: 2, activation: sigmoid}},"
        " connections: {c: {type: static, source: x, target: y, weights: {npz: w.npz, key: w}}}}"
    )
    bundle = hl.compile(tmp_path / "s.yaml")
    (tmp_path / "w.npz").unlink()
    with pytest.raises(InputError, match=r"connections\.c\.weights"):
        bundle.save(tmp_path / "b")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["s.yaml"]


def test_a_bundle_can_be_moved(compiled, tmp_path):
    compiled.save(tmp_path / "a")
    shutil.move(tmp_path / "a", tmp_path / "elsewhere")
    assert np.array_equal(
        hl.load(tmp_path / "elsewhere").run(inputs(20), 20, "reference").raw["out.z"],
        compiled.run(inputs(20), 20, "reference").raw["out.z"],
    )


def test_the_manifest_lists_every_file(compiled, tmp_path):
    compiled.save(tmp_path / "b")
    manifest = json.loads((tmp_path / "b" / "manifest.json").read_text())
    assert set(manifest["files"]) | {"manifest.json"} == set(files(tmp_path / "b"))
    assert set(manifest["network"]["arrays"]) == set(np.load(tmp_path / "b" / "arrays.npz").files)


@pytest.mark.parametrize("name", ["", "[red]x", "a\x1b[31m", "a\n", "../loihi2", "a" * 65])
def test_a_profile_name_that_is_no_name_is_refused(name):
    with pytest.raises(ValueError, match="name"):
        ProfileRecord(name=name, sha256="0" * 64)
    assert ProfileRecord(name="loihi2", sha256="0" * 64).name == "loihi2"


def test_a_link_to_a_bundle_is_read_and_a_link_inside_is_not(compiled, tmp_path):
    real = compiled.save(tmp_path / "real")
    link = tmp_path / "link"
    link.symlink_to(real, target_is_directory=True)
    assert hl.load(link).network.name == "net"
    shutil.move(real / "programs", tmp_path / "elsewhere")
    (real / "programs").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    with pytest.raises(InputError, match="not a plain file"):
        hl.load(real)
