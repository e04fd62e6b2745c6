"""`hmn-lava import`."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "interchange"))

from net_file import CUBA, conv, dense, source, write_net

import hmn_lava as hl

W = np.arange(12).reshape(3, 4) * 2 - 6


def test_a_network_becomes_a_spec_that_compiles_and_runs(hmn_lava, tmp_path):
    kernel = np.ones((1, 2, 2, 2))
    file = write_net(tmp_path / "a-net.net", [source([2, 3, 3]), conv([1, 2, 2], kernel * 30), dense(W)])
    done = hmn_lava("import", file, "-o", tmp_path / "spec", "--json")
    assert done.code == 0
    assert [row["name"] for row in done.json["layers"]] == ["input0", "conv1", "dense2"]
    assert done.json["output"] == "dense2" and done.json["findings"] == []
    spec = hl.load_spec(done.json["spec"])
    assert spec.name == "a_net" and spec.populations["dense2"].size == 3
    assert hmn_lava("compile", done.json["spec"], "-o", tmp_path / "b").code == 0
    np.savez(tmp_path / "in.npz", x=np.full((20, 18), 90))
    assert hmn_lava("run", tmp_path / "b", "--input", tmp_path / "in.npz", "--json").json["outputs"]["dense2.z"][
        "nonzero"
    ]


def test_the_table_and_what_is_told(hmn_lava, tmp_path):
    file = write_net(tmp_path / "a.net", [dense(W, {**CUBA, "refDelay": 4})])
    done = hmn_lava(
        "import", file, "-o", tmp_path / "spec", "--layers", 1, "--reset-interval", 9, "--timing", "aligned"
    )
    assert done.code == 0
    assert "dense0" in done.out and "3 steps of rest" in done.err and "hmn-lava compile" in done.err
    record = hl.load_spec(tmp_path / "spec" / "spec.yaml").populations["dense0"]
    assert record.refractory == 3 and record.restart.every == 9


def test_a_wrong_file_or_option_is_exit_code_2(hmn_lava, tmp_path):
    file = write_net(tmp_path / "a.net", [dense(W)])
    (tmp_path / "b.net").write_text("no network")
    assert hmn_lava("import", tmp_path / "b.net", "-o", tmp_path / "spec").code == 2
    assert not (tmp_path / "spec").exists()
    for options in (
        ["--input-shape", "3,x"],
        ["--input-shape", "3,-1,2"],
        ["--input-shape", "0,3,3"],
        ["--reset-offset", 3],
        ["--spike-exp", 9],
        ["--layers", 0],
        ["--skip", 1],
        ["--reset-interval", 0],
    ):
        done = hmn_lava("import", file, "-o", tmp_path / "spec", *options)
        assert (done.code, done.out) == (2, ""), options
        assert "remedy" in done.err


def test_without_h5py_nothing_else_is_run(hmn_lava, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = hmn_lava("import", write_net(tmp_path / "a.net", [dense(W)]), "-o", tmp_path / "spec")
    assert done.code == 4 and "hmn-lava[netx]" in done.err
