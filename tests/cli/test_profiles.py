"""`hmn-lava profiles`."""

import json

import pytest

from hmn_lava.cli import main
from hmn_lava.hardware_profiles import load_profile, profile_names


def test_list(capsys):
    assert main.run(["profiles"]) == 0
    shown = capsys.readouterr()
    rows = {line.split()[0]: line.split() for line in shown.out.splitlines() if line.split()[:1]}
    assert set(profile_names()) <= set(rows)
    assert [rows[name][-4] for name in ("loihi1", "loihi2")] == ["no", "yes"]
    assert rows["hala_point"][-6:-3] == ["1152", "122", "yes"]
    assert shown.err == ""


def test_help_says_what_cannot_be_compiled_for(capsys):
    assert main.run(["profiles", "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Profiles without it (Loihi 1 and its boards) serve to price" in said


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


def shown(entry):
    """Value with its range, unit and basis, as they stand in a line."""
    low, high = getattr(entry, "low", None), getattr(entry, "high", None)
    value = ", ".join(map(str, entry.value)) if isinstance(entry.value, tuple) else str(entry.value)
    if low is not None or high is not None:
        value += f" ({entry.value if low is None else low} to {entry.value if high is None else high})"
    return [*value.split(), *entry.unit.split(), entry.basis]


@pytest.mark.parametrize(("a", "b"), [("loihi1", "loihi2"), ("loihi2", "loihi1"), ("kapoho_bay", "pohoiki_springs")])
def test_diff_shows_both_sides_of_what_differs_and_nothing_else(a, b, capsys):
    assert main.run(["profiles", "diff", a, b]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    of_a, of_b = dict(load_profile(a).entries()), dict(load_profile(b).entries())
    different = [path for path in {**of_a, **of_b} if of_a.get(path) != of_b.get(path)]
    assert len(different) >= 3
    starts = [number for number, line in enumerate(lines) if line and line[0] in {**of_a, **of_b}]
    assert sorted(lines[number][0] for number in starts) == sorted(different)
    for start in starts:
        path = lines[start][0]
        first = lines[start][1:]
        second = next(line for line in lines[start + 1 :] if line[:1] == [b])
        for name, entries, line in ((a, of_a, first), (b, of_b, second)):
            expected = [name, *(shown(entries[path]) if path in entries else ["none"])]
            assert line[: len(expected)] == expected


def test_diff_as_json(capsys):
    assert main.run(["profiles", "diff", "loihi1", "loihi2", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["command"] == "profiles diff"
    assert document["a"] == {"name": "loihi1", "sha256": load_profile("loihi1").sha256}
    assert document["b"] == {"name": "loihi2", "sha256": load_profile("loihi2").sha256}
    of = {row["entry"]: row for row in document["differences"]}
    assert of["microcode.word_bits"]["a"] is None
    assert of["microcode.word_bits"]["b"]["value"] == 24
    assert of["energy.synaptic_operation"]["a"]["basis"] == "published"
    assert of["energy.synaptic_operation"]["b"]["basis"] == "assumed"
    assert not of["energy.synaptic_operation"]["same_value"]
    assert of["chip.cores_per_tile"]["same_value"]  # only the source differs
    assert "lif.u_bits" not in of


def test_diff_of_a_profile_and_itself(capsys):
    assert main.run(["profiles", "diff", "loihi2", "loihi2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["differences"] == []
    assert main.run(["profiles", "diff", "loihi2", "loihi2"]) == 0
    assert "0 entries differ" in capsys.readouterr().out


@pytest.mark.parametrize("names", [("loihi2", "loihi3"), ("loihi3", "loihi2"), ("loihi2", "none.yaml")])
def test_diff_with_a_profile_that_is_not_there(names, capsys):
    assert main.run(["profiles", "diff", *names, "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["exit_code"] == 2
