"""`hmn-lava init`."""

import json

import pytest

import hmn_lava as hl
from hmn_lava.cli.init import Template
from hmn_lava.spec import json_schema


@pytest.mark.parametrize("template", [template.value for template in Template])
def test_a_starter_spec_compiles_and_runs(template, hmn_lava, tmp_path):
    file = tmp_path / "mine.yaml"
    assert hmn_lava("init", file, "--template", template).code == 0
    assert "#" in file.read_text()
    assert hmn_lava("compile", file, "-o", tmp_path / "b").code == 0
    done = hmn_lava("run", tmp_path / "b", "--steps", 50, "--json")
    assert done.code == 0
    assert any(output["nonzero"] for output in done.json["outputs"].values())


def test_the_default_is_minimal_and_called_network(hmn_lava, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = hmn_lava("init")
    assert (done.code, done.out) == (0, "")
    assert hl.load_spec("network.yaml").name == "minimal"
    assert "hmn-lava compile network.yaml" in done.err


def test_json_says_what_was_written(hmn_lava, tmp_path):
    done = hmn_lava("init", tmp_path / "a.yaml", "--json")
    assert done.json == {
        "json_version": 1,
        "command": "init",
        "file": str(tmp_path / "a.yaml"),
        "template": "minimal",
        "backend": None,
    }
    assert (tmp_path / "a.yaml").exists()


def test_nothing_is_overwritten_without_force(hmn_lava, tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("mine\n")
    done = hmn_lava("init", file)
    assert done.code == 2
    assert "exists already" in done.err
    assert "--force" in done.err
    assert file.read_text() == "mine\n"
    assert hmn_lava("init", file, "--force").code == 0
    assert hl.load_spec(file).name == "minimal"


def test_a_folder_is_never_replaced(hmn_lava, tmp_path):
    assert hmn_lava("init", tmp_path, "--force").code == 2
    assert hmn_lava("init", tmp_path / "absent" / "a.yaml").code == 2
    assert list(tmp_path.iterdir()) == []


def test_schema_is_printed_and_nothing_written(hmn_lava, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = hmn_lava("init", "--schema")
    assert done.code == 0
    assert json.loads(done.out) == json_schema()
    assert hmn_lava("init", "--schema", "--json").json["schema"] == json_schema()
    assert list(tmp_path.iterdir()) == []
