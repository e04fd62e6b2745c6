"""The journal of a sweep under way."""

import pytest

from hmn_lava.errors import InputError
from hmn_lava.sweeps.job import Outcome
from hmn_lava.sweeps.journal import journal_path, open_journal

ONE = Outcome({"reward": 0.1 + 0.2, "lost": float("nan")}, None, {"numpy": "2"})


@pytest.fixture
def path(tmp_path):
    """A journal of one row."""
    path = journal_path(tmp_path / "table.parquet")
    with open_journal(path) as journal:
        journal.add("one", ONE)
    return path


def keys(path):
    with open_journal(path) as journal:
        return sorted(journal.finished)


def test_what_was_added_is_there(path):
    assert path.name == "table.parquet.journal"
    with open_journal(path) as journal:
        found = journal.finished["one"]
        assert found.metrics["reward"] == 0.1 + 0.2
        assert found.metrics["lost"] != found.metrics["lost"]
        assert (found.error, found.versions) == (None, {"numpy": "2"})
        journal.add("two", Outcome({}))
    assert keys(path) == ["one", "two"]


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_torn_line_is_cut_off_and_its_row_runs_again(cut, path):
    whole = path.read_bytes()
    with open_journal(path) as journal:
        journal.add("two", ONE)
    added = path.read_bytes()
    path.write_bytes(added[: max(len(whole), len(added) - cut)])
    with open_journal(path) as journal:
        assert sorted(journal.finished) == ["one"]
        journal.add("three", ONE)
    assert keys(path) == ["one", "three"]


@pytest.mark.parametrize("size", range(0, 44, 6))
def test_a_torn_head_begins_anew(size, path):
    path.write_bytes(path.read_bytes()[:size])
    with open_journal(path) as journal:
        journal.add("two", ONE)
    assert keys(path) == ["two"]


def test_an_empty_journal_leaves_nothing(tmp_path):
    with open_journal(tmp_path / "j"):
        assert (tmp_path / "j").exists()
    assert not (tmp_path / "j").exists()


def test_another_file_is_left_alone(tmp_path):
    (tmp_path / "j").write_text("my notes\n")
    with pytest.raises(InputError, match="no journal"), open_journal(tmp_path / "j"):
        pass
    assert (tmp_path / "j").read_text() == "my notes\n"


def test_a_line_that_is_no_row_is_named(path):
    path.write_bytes(path.read_bytes() + b'{"key": 1}\n{"key": "two", "metrics": {}, "versions": {}}\n')
    with pytest.raises(InputError, match="line 3"), open_journal(path):
        pass


def test_two_sweeps_do_not_write_one_journal(path):
    with open_journal(path), pytest.raises(InputError, match="another sweep"), open_journal(path):
        pass
    assert keys(path) == ["one"]
