"""The examples of docs/hardware_profiles.md do what the page says."""

import re
from pathlib import Path

import pytest

import hmn_lava.hardware_profiles as hp
from hmn_lava.cli import main

PAGE = (Path(__file__).parents[2] / "docs" / "hardware_profiles.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def my_board(tmp_path, monkeypatch):
    """A folder with the page's my_board.yaml in it."""
    (example,) = [block for language, block in BLOCKS if language == "yaml" and "extends:" in block]
    (tmp_path / "my_board.yaml").write_text(example)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "my_board.yaml"


def test_the_example_of_inheritance(my_board):
    mine, loihi2 = hp.load_profile(my_board), hp.load_profile("loihi2")
    assert [difference.path for difference in hp.differences(loihi2, mine)] == [
        "system.chips",
        "system.chip_columns",
        "energy.synaptic_operation",
    ]
    assert mine.energy is not None
    assert mine.energy.synaptic_operation.span == (8.4, 9.1, 9.8)
    assert set(mine.references) == {*loihi2.references, "lab2026"}


def test_the_commands(my_board, capsys):
    commands = [
        line.split("#")[0].split()[1:]
        for language, block in BLOCKS
        if not language
        for line in block.splitlines()
        if line.startswith("hmn-lava profiles")
    ]
    assert ["profiles", "diff", "loihi2", "my_board.yaml"] in commands
    for command in commands:
        assert main.run(command) == 0
    assert "3 entries differ" in capsys.readouterr().out


def test_the_python(capsys):
    """Each line with a comment has the value that the comment begins with."""
    (code,) = [block for language, block in BLOCKS if language == "python"]
    names: dict[str, object] = {}
    checked = 0
    for line in code.splitlines():
        expression, _, comment = line.partition("  # ")
        if not comment:
            exec(line, names)
            continue
        value = str(eval(expression, names))
        expected = re.split(r", \.\.\.|[,:] (?![\d.])", comment)[0].strip('"').replace('"', "'")
        assert value.startswith(expected), line
        checked += 1
    assert checked == 5


def test_the_table_of_profiles_is_complete():
    table = PAGE[: PAGE.index("## An entry")]
    assert [name for name in hp.profile_names() if f"`{name}`" not in table] == []
