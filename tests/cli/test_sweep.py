"""`hmn-lava sweep`: the command; what a sweep does is tested in tests/sweeps."""

import pytest

import hmn_lava.sweeps
from hmn_lava.cli.output import note
from hmn_lava.hardware_profiles import load_profile
from hmn_lava.spec import load_spec
from hmn_lava.sweeps import Grid, Random, SweepReport
from hmn_lava.sweeps.job import Outcome
from hmn_lava.sweeps.plan import Plan

RATE = "connections.readout.rates.global"


@pytest.fixture
def asked(monkeypatch, spec):
    """Take the place of running a sweep: what the command asks for, and a report with a row that failed."""
    calls = []

    def sweep(what, output, *, progress, **options):
        calls.append((what, output, options))
        progress(4, 4)
        chip = load_profile("loihi2")
        plan = Plan(load_spec(spec), (Grid(RATE, (0.1, 0.2)),), (), None, 2, "neurocore", "fast", chip, None, None)
        outcomes = {number: Outcome({"mean.out": number / 4}) for number in range(3)}
        return SweepReport(output, plan, {**outcomes, 3: Outcome(error="did not fit")}, 1, 2)

    monkeypatch.setattr(hmn_lava.sweeps, "sweep", sweep)
    return calls


def test_everything_is_passed_on(asked, hmn_lava, tmp_path):
    fields = ["--grid", f"{RATE}=0.1,0.2", "--random", "a.b=1:8:log:int", "--samples", 3, "--seeds", 2]
    how = ["--plasticity", "engine", "--backend", "reference", "--profile", "loihi1", "--steps", 5, "--workers", 2]
    done = hmn_lava(
        "sweep", "digits", "-o", tmp_path / "t.parquet", *fields, *how, "--scheduler", "tcp://x:1", "--json"
    )
    assert done.code == 1  # a row failed
    options = {
        "grid": [Grid(RATE, (0.1, 0.2))],
        "random": [Random("a.b", 1, 8, log=True, whole=True)],
        "samples": 3,
        "seeds": 2,
        "plasticity": "engine",
        "backend": "reference",
        "profile": "loihi1",
        "steps": 5,
        "data": None,
        "workers": 2,
        "scheduler": "tcp://x:1",
    }
    assert asked == [("digits", tmp_path / "t.parquet", {**options, "say": note})]
    document = done.json
    assert document["command"] == "sweep"
    assert document["rows"] == 4
    assert (document["run"], document["kept"], document["backend"]) == (1, 2, "fast")
    assert document["failed"] == [{"row": 3, "values": {RATE: 0.2}, "seed": 1, "error": "did not fit"}]
    assert document["means"][0] == {"values": {RATE: 0.1}, "seeds": 2, "metrics": {"mean.out": 0.125}}
    assert document["means"][1]["seeds"] == 1


def test_means_are_shown_and_failures_told(asked, hmn_lava, tmp_path):
    done = hmn_lava("sweep", "tiny.yaml", "-o", tmp_path / "t.parquet")
    assert done.code == 1
    assert "0.125" in done.out
    assert "row 3 failed" in done.err
    assert "did not fit" in done.err
    assert f"wrote {tmp_path / 't.parquet'}: 4 rows" in done.err


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (["--grid", "rates"], "--grid"),
        (["--random", "a=1"], "--random a"),
        (["--grid", f"{RATE}=-1"], RATE),
        (["--grid", "connections.readut.rates.global=1"], "connections.readut"),
    ],
)
def test_bad_fields_are_named(options, field, spec, hmn_lava, tmp_path):
    done = hmn_lava("sweep", spec, "-o", tmp_path / "t.parquet", *options, "--json")
    assert done.code == 2
    assert done.json["error"]["field"] == field
    assert done.json["error"]["remedy"]
    assert not (tmp_path / "t.parquet").exists()
