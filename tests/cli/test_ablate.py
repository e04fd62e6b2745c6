"""``hmn-lava task ablate``: its table, picture and JSON."""

import pyarrow.parquet as pq
import pytest

import hmn_lava.sweeps
from hmn_lava.sweeps.job import Outcome
from hmn_lava.tasks import TASKS
from hmn_lava.tasks.subsystems import read_cut


@pytest.fixture
def worth(monkeypatch):
    """Rows are not run: attention is worth 0.1, the phase gate -0.05, and nothing runs without traces and seed 1."""

    def run(plan, todo, journal, where, progress, say):
        found = {}
        for row in todo:
            cut = read_cut(row.setting.values["without"])
            score = 0.5 + row.setting.seed / 100 - 0.1 * ("attention" in cut) + 0.05 * ("phase_gate" in cut)
            failed = cut == ("traces",) and row.setting.seed == 1
            metrics = {} if failed else {name: score for name in TASKS["bandit"].metrics}
            found[row.key] = Outcome(metrics, "too hot" if failed else None)
        return found

    monkeypatch.setattr(hmn_lava.sweeps, "_run", run)


def test_a_command_its_table_and_its_picture(worth, hmn_lava, tmp_path):
    options = ("-o", tmp_path / "a.parquet", "--seeds", 2, "--picture", tmp_path / "a.png")
    done = hmn_lava("task", "ablate", "bandit", "--pairs", *options)
    assert done.code == 1  # a row failed
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert pq.read_table(tmp_path / "a.parquet").num_rows == 25 * 2
    for text in ("attention + phase_gate", "+0.1000", "helps", "hurts", "not shown to help"):
        assert text in done.out
    assert "without traces: 1 seeds failed: too hot" in done.err
    content = hmn_lava("task", "ablate", "bandit", "-o", tmp_path / "b.parquet", "--seeds", 2, "--json").json
    assert {"task", "backend", "plasticity", "seeds", "data", "metrics", "cuts"} < set(content)
    assert content["cuts"][2]["without"] == ["attention"]
    assert content["cuts"][2]["effects"]["reward"]["mean"] == pytest.approx(0.1)
