"""One row, run."""

import dataclasses

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.errors import BackendError
from hmn_lava.hardware_profiles import load_profile
from hmn_lava.spec import stimulus_inputs
from hmn_lava.sweeps.axes import Grid
from hmn_lava.sweeps.job import run_job, versions
from hmn_lava.sweeps.plan import Plan


@pytest.fixture
def job(spec):
    """A run of 40 steps with seed 3."""
    grid = (Grid("connections.readout.rates.global", (0.3,)),)
    plan = Plan(spec, grid, (), None, 4, "neurocore", "interpreter", load_profile("loihi2"), None, 40)
    return plan.job(plan.rows[3])


def test_metrics_of_a_spec_are_those_of_its_run(job, spec):
    found = run_job(job)
    assert found.error is None
    assert found.versions == versions()
    rates = spec.connections["readout"].rates.model_copy(update={"global_": 0.3})
    readout = spec.connections["readout"].model_copy(update={"rates": rates})
    changed = spec.model_copy(update={"connections": {**spec.connections, "readout": readout}})
    bundle = hl.compile(changed, seed=3)
    session = bundle.session("interpreter")
    before = session.real("readout.w").copy()
    result = session.run(stimulus_inputs(changed, 40, 3))
    assert found.metrics == {
        "mean.out": np.mean(result.outputs["out.z"]),
        "messages.out": np.count_nonzero(result.outputs["out.z"]),
        "weight_change.readout": np.mean(np.abs(session.real("readout.w") - before)),
        "cores": bundle.placement.cores,
    }
    assert found.metrics["weight_change.readout"] > 0


def test_the_reference_has_the_same_metrics(job):
    exact, integers = run_job(dataclasses.replace(job, backend="reference")).metrics, run_job(job).metrics
    assert exact.keys() == integers.keys()
    assert exact["mean.out"] == pytest.approx(integers["mean.out"], rel=0.01)


def test_a_row_that_does_not_fit_is_an_outcome(job):
    found = run_job(dataclasses.replace(job, profile=load_profile("loihi1").model_dump(mode="json")))
    assert found.metrics == {}
    assert "does not fit" in found.error


def test_a_task_that_meets_another_network_is_an_outcome(job):
    found = run_job(dataclasses.replace(job, task="bandit"))
    assert found.metrics == {}
    assert found.error


def test_another_version_is_no_outcome(job):
    with pytest.raises(BackendError, match=r"needs 0\.0\.0: install the same"):
        run_job(dataclasses.replace(job, version="0.0.0"))
