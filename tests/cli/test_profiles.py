"""`hmn-lava profiles`."""

import json

import pytest

from hmn_lava.cli import main
from hmn_lava.hardware_profiles import load_profile, profile_names


def test_list(capsys):
    assert main.run(["profiles"]) == 0
    shown = capsys.readouterr()
    rows = [line.split() for line in shown.out.splitlines() if line.strip().startswith("loihi")]
    assert [(row[0], row[-4]) for row in rows] == [("loihi1", "no"), ("loihi2", "yes")]
    assert shown.err == ""


def test_list_as_json(capsys):
    assert main.run(["profiles", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["json_version"], document["command"]) == (1, "profiles")
    assert [row["name"] for row in document["profiles"]] == list(profile_names())
    assert [row["sha256"] for row in document["profiles"]] == [load_profile(name).sha256 for name in profile_names()]


@pytest.mark.parametrize("name", profile_names())
def test_show_has_every_entry_with_its_basis(name, capsys):
    assert main.run(["profiles", "show", name]) == 0
    lines = capsys.readouterr().out.splitlines()
    for path, entry in load_profile(name).entries():
        (line,) = [line for line in lines if line.split()[:1] == [path]]
        assert entry.basis in line


@pytest.mark.parametrize("name", profile_names())
def test_show_as_json_is_the_profile(name, capsys):
    assert main.run(["profiles", "show", name, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["sha256"] == load_profile(name).sha256
    assert type(load_profile(name)).model_validate(document["profile"]) == load_profile(name)


def test_json_may_stand_before_the_subcommand(capsys):
    assert main.run(["profiles", "--json", "show", "loihi2"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["command"], document["profile"]["name"]) == ("profiles show", "loihi2")


def test_show_of_a_file_of_your_own_that_is_broken(tmp_path, capsys):
    path = tmp_path / "mine.yaml"
    path.write_text("hardware_profile: 2\n")
    assert main.run(["profiles", "show", str(path)]) == 2
    assert f"{path}: name: missing field" in capsys.readouterr().err
