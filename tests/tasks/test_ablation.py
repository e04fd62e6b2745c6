"""Effects and synergies of subsystems, by hand, and an ablation from its command."""

import numpy as np
import pytest
from scipy import stats

import hmn_lava.sweeps
from hmn_lava import estimate
from hmn_lava.errors import BackendError, InputError
from hmn_lava.estimate import Estimate
from hmn_lava.sweeps.job import Outcome
from hmn_lava.tasks import TASKS
from hmn_lava.tasks.ablation import ablate
from hmn_lava.tasks.ablation_picture import draw
from hmn_lava.tasks.subsystems import cuts, present, read_cut


def test_an_interval_is_that_of_the_t_test():
    draws = np.random.default_rng(0).normal(0.3, 1.0, 7)
    estimate = Estimate.of(draws)
    expected = stats.ttest_1samp(draws, 0.0).confidence_interval(0.95)
    assert estimate.mean == pytest.approx(draws.mean())
    assert (estimate.low, estimate.high) == (pytest.approx(expected.low), pytest.approx(expected.high))
    assert Estimate.of(np.array([2.0])) == Estimate(2.0, None, None)


def test_the_interval_covers_as_often_as_it_says():
    draws = np.random.default_rng(1).normal(0.0, 1.0, (2000, 5))
    covered = np.mean([Estimate.of(row).sign == 0 for row in draws])
    assert abs(covered - 0.95) < 4 * (0.95 * 0.05 / 2000) ** 0.5


@pytest.mark.parametrize(
    ("low", "high", "sign"), [(0.1, 0.2, 1), (-0.2, -0.1, -1), (-0.1, 0.2, 0), (0.0, 0.0, 0), (None, None, 0)]
)
def test_the_sign_is_that_of_the_whole_interval(low, high, sign):
    assert Estimate(0.1, low, high).sign == sign


@pytest.fixture
def worth(monkeypatch):
    """Rows are not run: a seed's score is 0.5 + seed / 100, and what each part that is on adds."""

    def score(without, seed):
        score = 0.5 + seed / 100
        score += 0.1 * ("attention" not in without) - 0.05 * ("phase_gate" not in without)
        score += 0.2 * ("slow_trace" not in without and "probabilistic_gate" not in without)  # only together
        return score + 0.3 * ("attention" not in without or "meta_learning" not in without)  # one is enough

    def run(plan, todo, journal, where, progress, say):
        found = {}
        for row in todo:
            cut = read_cut(row.setting.values["without"])
            error = "too hot" if cut == ("traces",) and row.setting.seed == 1 else None
            metrics = {} if error else {name: score(cut, row.setting.seed) for name in TASKS["bandit"].metrics}
            found[row.key] = Outcome(metrics, error)
        return found

    monkeypatch.setattr(hmn_lava.sweeps, "_run", run)


def test_effects_and_synergies_by_hand(worth, tmp_path):
    found = ablate("bandit", tmp_path / "a.parquet", seeds=3, pairs=True)
    assert found.score == "reward_of_oracle"
    by_cut = {cut.without: cut for cut in found.cuts}
    assert list(by_cut) == cuts(present(TASKS["bandit"].spec(), TASKS["bandit"].start), pairs=True)
    whole = by_cut[()]
    assert (whole.seeds, whole.effects, whole.synergies) == (3, {}, {})
    assert whole.metrics["reward"].mean == pytest.approx(0.5 + 0.01 + 0.1 - 0.05 + 0.2 + 0.3)

    def effect(*names):
        return by_cut[names].effects["reward_of_oracle"]

    def synergy(*names):
        return by_cut[names].synergies["reward_of_oracle"]

    assert effect("attention").mean == pytest.approx(0.1)
    assert effect("attention").sign == 1
    assert effect("phase_gate").mean == pytest.approx(-0.05)
    assert effect("phase_gate").sign == -1
    assert effect("global_attention") == Estimate(0.0, 0.0, 0.0)
    assert effect("slow_trace").mean == effect("probabilistic_gate").mean == pytest.approx(0.2)
    assert synergy("probabilistic_gate", "slow_trace").mean == pytest.approx(0.2)  # they work together
    assert synergy("meta_learning", "attention").mean == pytest.approx(-0.3)  # each does the other's work
    assert synergy("attention", "phase_gate").mean == pytest.approx(0.0)
    # The seeds differ by more than the effect: it is taken within a seed.
    assert effect("attention").high - effect("attention").low < 1e-9
    failed = by_cut[("traces",)]
    assert (failed.seeds, failed.error) == (2, "too hot")
    assert failed.effects["reward"].mean == pytest.approx(0.0)


def test_a_picture_of_singles_and_of_one_seed(worth, tmp_path):
    draw(ablate("bandit", tmp_path / "a.parquet", seeds=1), tmp_path / "a.png")
    with pytest.raises(InputError, match="png"):
        draw(ablate("bandit", tmp_path / "a.parquet", seeds=1), tmp_path / "a.pdf")


def test_what_is_missing_is_told(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="no such task"):
        ablate("chess", tmp_path / "a.parquet")
    monkeypatch.setattr(estimate, "find_spec", lambda name: None)
    with pytest.raises(BackendError, match=r'scipy.*pip install "hmn-lava\[sweep\]"'):
        ablate("bandit", tmp_path / "a.parquet")


def test_a_task_without_its_data_is_refused_before_any_row(tmp_path):
    with pytest.raises(InputError, match="needs your data"):
        ablate("cifar-c", tmp_path / "a.parquet", seeds=1)
    assert not list(tmp_path.iterdir())
