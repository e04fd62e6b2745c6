"""A sweep before it runs: checked rows, and what names them."""

import dataclasses
import shutil

import numpy as np
import pytest

from hmn_lava.errors import InputError
from hmn_lava.hardware_profiles import load_profile
from hmn_lava.spec import load_spec
from hmn_lava.sweeps.axes import Grid, Random
from hmn_lava.sweeps.plan import Plan, waiting

RATE = "connections.readout.rates.global"
FAST, SLOW = "connections.readout.traces.tau_fast", "connections.readout.traces.tau_slow"


@pytest.fixture
def plan(spec):
    """A sweep of two rates and two seeds."""
    return Plan(spec, (Grid(RATE, (0.1, 0.2)),), (), None, 2, "neurocore", "fast", load_profile("loihi2"), None, None)


def test_every_row_has_a_name_of_its_own_that_stays(plan, spec):
    keys = [row.key for row in plan.rows]
    assert len(set(keys)) == 4
    assert keys == [row.key for row in dataclasses.replace(plan).rows]
    assert [row.spec_sha256 for row in plan.rows][::2] == [row.spec_sha256 for row in plan.rows][1::2]


@pytest.mark.parametrize(
    "changes",
    [
        {"plasticity": "engine"},
        {"backend": "interpreter"},
        {"profile": load_profile("oheo_gulch")},
        {"steps": 10},
        {"task": "bandit"},
    ],
)
def test_a_row_is_named_by_all_that_it_depends_on(changes, plan):
    others = {row.key for row in dataclasses.replace(plan, **changes).rows}
    assert not others & {row.key for row in plan.rows}


def test_arrays_count_and_where_they_lie_does_not(plan, file, tmp_path):
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for name in ("tiny.yaml", "arrays.npz"):
        shutil.copy(file.parent / name, moved / name)
    assert dataclasses.replace(plan, spec=load_spec(moved / "tiny.yaml")).rows == plan.rows
    np.savez(moved / "arrays.npz", fixed=np.full((3, 6), 0.125))
    assert {row.key for row in dataclasses.replace(plan, spec=load_spec(moved / "tiny.yaml")).rows}.isdisjoint(
        row.key for row in plan.rows
    )


def test_a_default_that_is_written_out_is_the_same_row(plan):
    swept = dataclasses.replace(plan, grid=(*plan.grid, Grid(SLOW, (50.0, 60.0))))
    assert {row.key for row in plan.rows} < {row.key for row in swept.rows}


def test_a_wrong_combination_is_a_row_with_an_error(plan):
    rows = dataclasses.replace(plan, grid=(Grid(FAST, (5, 80)), Grid(SLOW, (50, 100))), seeds=1).rows
    assert [row.error is None for row in rows] == [True, True, False, True]
    assert FAST in rows[2].error
    assert "tau_fast < tau_slow" in rows[2].error


@pytest.mark.parametrize(
    ("grid", "random", "field"),
    [
        ((Grid(RATE, (0.1, -1)),), (), RATE),
        ((Grid(RATE, (0.1,)), Grid("populations.out.sise", (1,))), (), "populations.out.sise"),
        ((Grid(FAST, (5, 80)),), (), FAST),
        ((), (Random(RATE, -1, 1),), RATE),
        ((), (Random("stimulus.pixels.rate", 0.5, 1.5),), "stimulus.pixels.rate"),
        ((), (Random("populations.out.size", 1, 5),), "populations.out.size"),
    ],
)
def test_a_value_that_is_always_wrong_is_refused(grid, random, field, plan):
    swept = dataclasses.replace(plan, grid=grid, random=random, samples=2 if random else None)
    with pytest.raises(InputError) as caught:
        _ = swept.rows
    assert caught.value.field == field
    assert caught.value.remedy


def test_a_spec_without_stimulus_is_refused_before_it_runs(plan, spec):
    silent = spec.model_copy(update={"stimulus": {}})
    with pytest.raises(InputError, match="nothing to run on"):
        _ = dataclasses.replace(plan, spec=silent).rows


def test_a_job_holds_everything(plan):
    job = plan.job(plan.rows[-1])
    assert job.seed == 1
    assert job.spec["connections"]["readout"]["rates"]["global"] == 0.2
    assert [array.tolist() for array in job.arrays.values()] == [[[0.25] * 6] * 3]
    assert job.profile["name"] == "loihi2"
    assert (job.task, job.steps) == (None, 1000)


def test_only_what_is_not_done_waits_and_equal_rows_wait_once(plan):
    twice = [*plan.rows, *plan.rows]
    assert waiting(twice, [plan.rows[0].key]) == plan.rows[1:]


def test_a_cut_is_a_value_like_others(plan):
    cut = dataclasses.replace(plan, grid=(Grid("without", ("none", "slow_trace", "phase_gate+slow_trace")),), seeds=1)
    assert len({row.spec_sha256 for row in cut.rows}) == 3
    whole, slow, both = (cut.spec_of(row.setting.values).connections["readout"] for row in cut.rows)
    assert whole == plan.spec.connections["readout"]
    assert (slow.traces.tau_slow, slow.phase_gate == whole.phase_gate) == (None, True)
    assert (both.traces.tau_slow, both.phase_gate) == (None, None)
    sent = cut.job(cut.rows[1]).spec["connections"]["readout"]
    assert sent["traces"]["tau_slow"] is None
    with pytest.raises(InputError, match="is not part of the spec"):
        _ = dataclasses.replace(plan, grid=(Grid("without", ("none", "attention")),)).rows


def test_where_meta_learning_began_is_the_tasks(plan):
    begun = dataclasses.replace(plan, start={"eta_global": 7.0}, grid=(Grid("without", ("meta_learning",)),))
    assert begun.spec_of({"without": "meta_learning"}).connections["readout"].rates.global_ == 7.0


def test_data_counts_by_their_content(plan, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    keys = [plan.rows[0].key]
    for name, content in (("a", b"1"), ("a", b"2"), ("b", b"2")):
        (folder / name).write_bytes(content)
        keys.append(dataclasses.replace(plan, data=str(folder)).rows[0].key)
    keys.append(dataclasses.replace(plan, data=str(folder / "a")).rows[0].key)
    assert len(set(keys)) == 5
    assert plan.job(plan.rows[0]).data is None
    assert dataclasses.replace(plan, data=str(folder)).job(plan.rows[0]).data == str(folder)
