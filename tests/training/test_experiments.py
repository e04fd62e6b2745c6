"""Experiments: which variants are compared, how, and what is drawn of it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from hmn_lava.errors import InputError
from hmn_lava.training.settings import MECHANISMS, Settings
from hmn_lava.training.variants import EXPERIMENTS, variants

NAMES = {
    "mechanisms": ["MPSL", "hebbian+sbp", "stbp+sbp", "stbp+hebbian", "stbp", "hebbian", "sbp"],
    "fusion": ["learned", "equal", "by hand"],
    "robustness": ["MPSL", "hebbian+sbp", "stbp+sbp", "stbp+hebbian", "stbp", "hebbian", "sbp"],
}


@pytest.mark.parametrize("experiment", NAMES)
def test_variants(experiment):
    """They differ in what is compared, and in nothing else."""
    settings = Settings(epochs=3, mechanisms=("stbp",), fusion=(1.0, 2.0, 3.0), seed=5)
    found = variants(experiment, settings, (0.5, 0.25, 0.125))
    assert list(found) == NAMES[experiment] and list(EXPERIMENTS) == list(NAMES)
    compared = "fusion" if experiment == "fusion" else "mechanisms"
    assert len({getattr(each, compared) for each in found.values()}) == len(found)
    for name, each in found.items():
        same = {compared, "mechanisms"}
        assert each.model_dump(exclude=same) == settings.model_dump(exclude=same)
        if experiment != "fusion":
            assert each.name == name
    if experiment == "fusion":
        assert [each.fusion for each in found.values()] == ["learned", (1.0, 1.0, 1.0), (0.5, 0.25, 0.125)]
        assert all(each.mechanisms == MECHANISMS for each in found.values())


def test_an_unknown_experiment():
    with pytest.raises(InputError, match="no such experiment") as caught:
        variants("speed", Settings())
    assert all(name in caught.value.remedy for name in EXPERIMENTS)


@pytest.fixture
def split(samples, monkeypatch):
    """Samples that a name and a seed give: the same for all variants of a seed."""
    pytest.importorskip("torch", reason="PyTorch is not installed: make test-training")
    pytest.importorskip("scipy")
    from hmn_lava.training import experiments

    asked: list[Any] = []

    def at(name: str, steps: int, seed: int) -> Any:
        asked.append((name, steps, seed))
        return samples

    monkeypatch.setattr(experiments, "samples_at", at)
    return asked


def ran(*arguments: Any, **options: Any) -> Any:
    from hmn_lava.training.experiments import run_experiment

    return run_experiment(*arguments, **options)


def test_rows(split, samples, small, tmp_path):
    from scipy import stats

    from hmn_lava.training.fit import test_accuracy as accuracy_of
    from hmn_lava.training.fit import train

    told, said = [], []
    found = ran(
        "fusion", "bars", small(), tmp_path, seeds=3, tell=lambda *done: told.append(done), say=said.append
    )  # fmt: skip
    assert split == [("bars", 4, seed) for seed in range(3)]
    assert [(row.variant, row.perturbation, row.level) for row in found.rows] == [
        (name, "clean", 0.0) for name in NAMES["fusion"]
    ]
    first = np.array(found.rows[0].per_seed)
    for row in found.rows:
        values = np.array(row.per_seed)
        assert len(values) == 3 and row.accuracy.mean == pytest.approx(values.mean())
        for estimate, each in ((row.accuracy, values), (row.behind, first - values)):
            if estimate is None:
                assert row is found.rows[0]
            elif np.ptp(each) > 0:
                ends = stats.t.interval(0.95, 2, each.mean(), stats.sem(each))
                assert (estimate.mean, estimate.low, estimate.high) == pytest.approx((each.mean(), *ends), abs=1e-12)
    assert len(set(first)) > 1  # seeds differ, so that there is an interval
    chosen = small(fusion=[1.0, 1.0, 1.0], seed=2)
    network = train(samples, chosen, data="bars").network
    assert found.rows[1].per_seed[2] == accuracy_of(network, samples)
    assert all(sum(shares.values()) == pytest.approx(1.0) for shares in found.shares.values())
    assert list(found.shares) == NAMES["fusion"] and list(found.shares["equal"]) == list(MECHANISMS)
    assert sorted(place.name for place in tmp_path.iterdir()) == [
        f"{name}-{seed}" for name in ("by-hand", "equal", "learned") for seed in range(3)
    ]
    assert said[-1] == "by hand, seed 2 (9 of 9)"
    assert told[-1][0] == told[-1][1] and [done for done, _ in told] == sorted(done for done, _ in told)
    plain = found.as_dict()
    assert json.loads(json.dumps(plain))["rows"][1]["behind"]["mean"] == pytest.approx(found.rows[1].behind.mean)


def test_mechanisms_that_are_off_have_no_share(split, small, tmp_path):
    found = ran("mechanisms", "bars", small(epochs=1), tmp_path, seeds=1)
    assert [row.variant for row in found.rows] == NAMES["mechanisms"]
    assert found.shares["stbp"] == {"stbp": 1.0, "hebbian": 0.0, "sbp": 0.0}
    assert found.shares["stbp+sbp"]["hebbian"] == 0.0 and min(found.shares["MPSL"].values()) > 0.0
    assert all(row.accuracy.low is None for row in found.rows)  # one seed has no interval


def test_robustness(split, samples, small, tmp_path):
    """Each variant clean and at each level once, though a level is named twice; the perturbed samples are perturbed."""
    from hmn_lava.training.deploy import Run
    from hmn_lava.training.fit import train
    from hmn_lava.training.robustness import tested

    levels = {"crop": [0.0, 0.2, 0.9, 0.2], "gaussian": [0.5]}
    found = ran("robustness", "bars", small(epochs=4), tmp_path, seeds=2, levels=levels)
    asked = [("clean", 0.0), ("crop", 0.2), ("crop", 0.9), ("gaussian", 0.5)]
    assert [(row.variant, row.perturbation, row.level) for row in found.rows] == [
        (name, *each) for name in NAMES["robustness"] for each in asked
    ]
    assert all(len(row.per_seed) == 2 for row in found.rows)
    rows = {(row.variant, row.perturbation, row.level): row for row in found.rows}
    assert rows["MPSL", "clean", 0.0].accuracy.mean > rows["MPSL", "crop", 0.9].accuracy.mean + 0.2
    for key, row in rows.items():
        own = np.array(rows["MPSL", key[1], key[2]].per_seed) - np.array(row.per_seed)
        assert row.behind is None if key[0] == "MPSL" else row.behind.mean == pytest.approx(own.mean())
    settings = small(epochs=4, seed=1)
    run = Run(train(samples, settings, tmp_path / "MPSL-1", data="bars").network, settings, "bars", samples)
    for name, level, accuracy in tested(run, "crop", [0.2, 0.9]):
        assert accuracy == rows["MPSL", name, level].per_seed[1]
    with pytest.raises(InputError, match="no such perturbation"):
        tested(run, "blur")
    with pytest.raises(InputError, match="no meaning without a perturbation"):
        tested(run, None, [0.1])
    assert len(tested(run)) == 16


def test_an_experiment_that_was_stopped_goes_on(split, small, tmp_path, monkeypatch):
    whole = ran("fusion", "bars", small(), tmp_path / "whole", seeds=2)

    def stop(done: int, total: int) -> None:
        if done > total * 0.6:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        ran("fusion", "bars", small(), tmp_path / "parts", seeds=2, tell=stop)
    assert 0 < len(list((tmp_path / "parts").iterdir())) < 6
    rest = ran("fusion", "bars", small(), tmp_path / "parts", seeds=2)
    assert rest == whole
    from hmn_lava.training import fit

    def never(*arguments: Any) -> None:
        raise AssertionError("was trained again")

    monkeypatch.setattr(fit.functional, "cross_entropy", never)
    assert ran("fusion", "bars", small(), tmp_path / "whole", seeds=2) == whole
    with pytest.raises(InputError, match="holds a run with"):
        ran("fusion", "bars", small(rate=0.5), tmp_path / "whole", seeds=2)


def test_without_scipy(split, small, tmp_path, monkeypatch):
    import hmn_lava.estimate
    from hmn_lava.errors import BackendError

    monkeypatch.setattr(hmn_lava.estimate, "find_spec", lambda name: None)
    with pytest.raises(BackendError, match=r"hmn-lava\[training\]"):
        ran("fusion", "bars", small(), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_pictures(split, samples, small, tmp_path):
    pytest.importorskip("matplotlib")
    from hmn_lava.training.fit import train
    from hmn_lava.training.pictures import draw_experiment, draw_lambdas

    draw_lambdas(train(samples, small(epochs=1)), tmp_path / "lambda.png")
    bars = ran("fusion", "bars", small(epochs=1), tmp_path / "runs", seeds=1)
    draw_experiment(bars, tmp_path / "bars.png")
    curves = ran("robustness", "bars", small(epochs=1), tmp_path / "more", seeds=2, levels={"crop": [0.5]})
    draw_experiment(curves, tmp_path / "curves.png")
    for name in ("lambda", "bars", "curves"):
        content = (tmp_path / f"{name}.png").read_bytes()
        assert content.startswith(b"\x89PNG") and len(content) > 5000
    with pytest.raises(InputError):
        draw_experiment(bars, tmp_path / "none" / "bars.png")
