"""`hmn-lava accuracy`, and what `run`, `compile` and `inspect` have of it."""

from __future__ import annotations

import numpy as np
import pytest

import hmn_lava as hl


@pytest.fixture
def place(tmp_path):
    net = hl.Network("two")
    net.input("x", 3)
    net.lif("h", 3, du=1.0, dv=0.0, vth=0.5, reset="subtract")
    net.sigma_delta("out", 3, difference=False, z_max=64.0)
    net.connect_static("x", "h", weights=np.diag([0.5, 0.5, 0.02]))
    net.connect_static("h", "out", weights=1.0, topology="one_to_one")
    hl.dump_spec(net.spec(), tmp_path / "spec")
    shown = np.array([[1.0, 0.2, 0.1], [0.1, 0.9, 0.3], [0.0, 0.3, 1.0]])
    np.savez(tmp_path / "data.npz", x=shown, label=[0, 1, 2])
    np.savez(tmp_path / "samples.npz", x=shown)
    np.savez(tmp_path / "calibration.npz", x=np.repeat(shown[:, None], 8, axis=1))
    return tmp_path


@pytest.fixture
def bundle(place, hmn_lava):
    options = ("--calibrate", place / "calibration.npz", "--scale", "channel", "--percentile", "99")
    assert hmn_lava("compile", place / "spec", "-o", place / "b", *options).code == 0
    return place / "b"


def test_the_table(hmn_lava, place, bundle):
    options = (bundle, place / "data.npz", "--encode", "graded", "--steps", 10, "--decode", "last")
    document = hmn_lava("accuracy", *options, "--json").json
    assert (document["output"], document["samples"], document["steps"]) == ("out", 3, 10)
    assert document["float_accuracy"] == document["accuracy"] == pytest.approx(2 / 3)
    assert [layer["population"] for layer in document["layers"]] == ["h", "out"]
    done = hmn_lava("accuracy", *options)
    assert done.code == 0
    assert "accuracy of out, 3 samples" in done.out
    assert "0.6667" in done.out


def test_classes_of_a_run(hmn_lava, place, bundle):
    options = ("run", bundle, "--input", place / "samples.npz", "--encode", "even", "--steps", 20, "--decode", "count")
    assert hmn_lava(*options, "--json").json["answers"] == [0, 1, 1]
    assert "class" in hmn_lava(*options).out
    alone = hmn_lava(*options, "--population", "h", "--json").json
    assert alone["answers"] == [0, 1, 1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("accuracy", "b", "samples.npz", "--encode", "even", "--steps", "4"), "holds no labels"),
        (("accuracy", "b", "data.npz"), "wrong shape"),
        (("accuracy", "b", "data.npz", "--encode", "morse", "--steps", "4"), "no such encoder"),
        (("accuracy", "b", "nothing.npz"), "no such file"),
        (("run", "b", "--input", "samples.npz", "--encode", "even"), "how many steps"),
        (("run", "b", "--input", "samples.npz", "--decode", "count"), "holds no samples"),
        (("compile", "spec", "-o", "c", "--scale", "row"), "no such scale"),
        (("compile", "spec", "-o", "c", "--calibrate", "calibration.npz", "--percentile", "0"), "no percentile"),
        (("inspect", "b", "--picture", "b.pdf"), "a .png file"),
    ],
)
def test_wrong_options(hmn_lava, place, bundle, arguments, words):
    files = {"b", "c", "spec", "samples.npz", "data.npz", "nothing.npz", "calibration.npz", "b.pdf"}
    done = hmn_lava(*(place / a if a in files else a for a in arguments))
    assert done.code == 2
    assert words in done.err


def test_inspect_shows_layers_and_draws(hmn_lava, place, bundle):
    pytest.importorskip("matplotlib")
    done = hmn_lava("inspect", bundle, "--picture", place / "net.png")
    assert done.code == 0
    assert "Layers" in done.out
    assert (place / "net.png").read_bytes().startswith(b"\x89PNG")
    rows = hmn_lava("inspect", bundle, "--json").json["layers"]
    assert [(row["name"], row["type"]) for row in rows] == [("x", "input, graded"), ("h", "LIF"), ("out", "sum")]
