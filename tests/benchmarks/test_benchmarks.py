"""The benchmarks' machinery at tiny sizes: every case runs, checks can fail, tables and JSON hold what they should."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks import record
from benchmarks.cases import CASES
from benchmarks.cases.common import contest, equal
from benchmarks.cases.engine import input_arrays
from benchmarks.contest import Contestant
from benchmarks.options import Options
from benchmarks.peers.available import absence, ours
from benchmarks.results import CaseResult, Check, Entry, Results
from benchmarks.table import quantity, show
from benchmarks.work.engine import EngineWork
from benchmarks.work.rules import RULES
from benchmarks.work.static import StaticWork
from hmn_lava.simulator.interpreter import Interpreter

ROOT = Path(__file__).parents[2]
TINY = Options(sizes=(6,), rates=(0.2,), threads=(1,), rounds=2, seconds=0.002, check_steps=5, input_steps=20)
needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="there is no gcc")
needs_lava = pytest.mark.skipif(absence("lava", sys.executable) is not None, reason="lava-nc needs Python 3.10")


def some(peers: tuple[str, ...], **more: object) -> Options:
    return Options(**{**TINY.__dict__, "peers": peers, **more})


@pytest.mark.parametrize("case", ["engine", "neurocore", "bundle", "activity", "scale"])
def test_a_case_runs_and_ours_agree(case: str) -> None:
    result = CASES[case].run(some(("fast", "interpreter"), rules=("three-factor", "stdp")))
    assert result.name == case and result.entries and all(entry.absent is None for entry in result.entries)
    assert all(len(entry.seconds) == 2 and entry.rate > 0 and entry.ready > 0 for entry in result.entries)
    if case in ("engine", "neurocore", "bundle"):
        assert result.checks and all(check.equal for check in result.checks)


def test_a_batch_agrees_with_its_runs() -> None:
    result = CASES["batch"].run(some(()))
    assert result.checks and all(check.equal for check in result.checks)
    assert {fact["way"] for fact in result.facts} == {"one by one", "batch, 1 threads"}


@pytest.mark.heavy
def test_start_up_is_measured_with_an_empty_and_a_warm_cache() -> None:
    facts = CASES["startup"].run(some((), rounds=1)).facts
    assert {fact["cache"] for fact in facts} == {"empty", "warm", "warm of the first"}
    assert all(fact["seconds"] > 0 for fact in facts)


@needs_gcc
@pytest.mark.parametrize("shape", [(64, 64), (37, 21), (300, 5)])
def test_the_c_kernel_has_the_interpreters_integers(shape: tuple[int, int]) -> None:
    from benchmarks.peers.c_kernel import Kernel
    from benchmarks.work.engine import NAME

    work = EngineWork("three-factor", RULES["three-factor"], *shape, rate=0.2, steps=60, seed=3)
    golden = Interpreter(work.network())
    golden.run(work.inputs, outputs=False)
    expected = {**golden.states[NAME], **golden.states["neuron"]}
    given = (work.inputs["pre"].astype(np.uint8), work.inputs["spikes"].astype(np.uint8))
    reward = work.inputs["reward"].astype(np.int32).ravel()
    for threads in (1, 2):
        kernel = Kernel(work.initial, (work.post, work.pre), (10.0, 40.0), work.seed, NAME, threads)
        for part in (slice(0, 25), slice(25, 60)):
            kernel.run(*(np.ascontiguousarray(array[part]) for array in (*given, reward)))
        for name in ("weights", "tag_1", "tag_2", "x1", "x2", "y1", "y2", "y3", "a_buff"):
            assert np.array_equal(kernel.states[name], expected[name]), name
    assert np.ptp(expected["weights"] - work.initial["weights"]) and expected["tag_1"].any() and expected["tag_2"].any()


@needs_lava
def test_lava_agrees_with_simulate() -> None:
    result = CASES["engine"].run(some(("lava",), rules=("three-factor", "r-stdp", "stdp"), rounds=1))
    assert [entry.absent for entry in result.entries] == [None] * 3
    assert len(result.checks) == 3 and all(check.equal for check in result.checks)


@needs_gcc
def test_the_machines_limits() -> None:
    from benchmarks import roofline

    result = CASES["neurocore"].run(some(("fast", "c"), rounds=1))
    (fact,) = result.facts
    assert fact["bytes/update"] == 2 * (4 + 2 + 2 + 4 + 4) and fact["share"] > 0
    assert roofline.bandwidth(1 << 16, 1) > 0


def test_a_check_can_fail() -> None:
    same, other = {"w": np.arange(4)}, {"w": np.array([0, 1, 2, 4])}
    assert equal("work", "what", same, {"w": np.arange(4, dtype=np.int16).reshape(2, 2)}, ["w"]).equal
    failed = equal("work", "what", other, same, ["w"])
    assert not failed.equal and "w" in failed.detail
    assert not equal("work", "what", {}, same, ["w"]).equal
    results = Results({}, {}, [CaseResult("engine", checks=[failed])])
    console = Console(record=True, width=140, file=open(os.devnull, "w"))  # noqa: SIM115 - closed with the console
    show(results, console)
    console.file.close()
    assert not results.agree and "differs: work: what" in console.export_text()


def test_executors_that_differ_are_found() -> None:
    """One of them gets another seed, and so other draws."""
    work = EngineWork("three-factor", RULES["three-factor"], 8, 8, 0.3, 30)
    golden = Contestant("golden", "ours", {"backend": "interpreter"})
    other = Contestant("other", "ours", {"work": {**work.settings()["work"], "seed": 1}})
    result = CaseResult("engine")
    contest(work, "work", [golden, other], Options(rounds=1, seconds=0.001, check_steps=10), result)
    assert [check.equal for check in result.checks] == [False]


def test_a_contestant_that_fails_is_an_entry_that_says_why() -> None:
    work = EngineWork("stdp", RULES["stdp"], 4, 4, 0.3, 10)
    bad = Contestant("bad", "ours", {"kind": "unknown"})
    result = CaseResult("engine")
    contest(work, "work", [*ours(TINY), bad], TINY, result)
    good, failed = result.entries
    assert good.rate is not None and failed.rate is None and "unknown" in (failed.absent or "")


def test_absent_peers_are_named_and_no_error() -> None:
    options = some(("brian2",), rules=("stdp",), python={"brian2": "/nowhere/python"})
    result = CASES["engine"].run(options)
    assert result.entries and all("no such Python" in (entry.absent or "") for entry in result.entries)
    assert not result.checks


def test_what_the_neurons_supply_is_one_step_behind_the_host() -> None:
    work = EngineWork("three-factor", RULES["three-factor"], 4, 5, 0.5, 30)
    given = input_arrays(work)
    assert np.array_equal(given["y0"][1:], work.inputs["spikes"][:-1]) and not given["y0"][0].any()
    assert given["y1"].max() > 0 and given["y2"].max() > 0 and given["y3"].max() > 0
    assert min(given[name].min() for name in ("y1", "y2", "y3")) >= 0


def test_medians_ratios_and_the_json(tmp_path: Path) -> None:
    fast = Entry("work", "hmn-lava fast, 1 thread", 1, amounts=[4e6, 4e6, 4e6], seconds=[1.0, 2.0, 4.0], ready=0.5)
    slow = Entry("work", "Lava", 1, amounts=[1e6], seconds=[10.0], about={"lava-nc": "0.10.0"})
    gone = Entry("work", "Brian2", absent="not installed")
    case = CaseResult("engine", [fast, slow, gone], [Check("work", "a = b", True)], [{"work": "work", "share": 0.5}])
    assert fast.rate == 2e6 and case.ratio(slow) == pytest.approx(20) and case.ratio(gone) is None
    results = Results({"date": "today", "commit": None}, {"rounds": 3}, [case])
    results.write(tmp_path / "results.json")
    data = json.loads((tmp_path / "results.json").read_text())
    assert data["cases"][0]["entries"][1]["ours_is_faster_by"] == pytest.approx(20)
    assert Results.read(tmp_path / "results.json") == results
    (tmp_path / "results.json").write_text("{}")
    with pytest.raises(ValueError, match="format"):
        Results.read(tmp_path / "results.json")


def test_the_page_keeps_what_is_by_hand(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"by hand\n{record.BEGIN}\nold\n{record.END}\nalso by hand\n")
    entry = Entry("work", "hmn-lava fast, 1 thread", amounts=[5e6], seconds=[1.0], ready=0.1)
    record.write_page(Results({"date": "today"}, {}, [CaseResult("engine", [entry])]), page)
    text = page.read_text()
    assert text.startswith("by hand\n") and text.endswith("also by hand\n") and "old" not in text
    assert "| hmn-lava fast, 1 thread | 5 M updates/s |" in text and "## engine" in text
    page.write_text("no place")
    with pytest.raises(ValueError, match="no lines"):
        record.write_page(Results({}, {}), page)
    assert (ROOT / "docs" / "performance.md").read_text().count(record.BEGIN) == 1


def test_runs_on_one_machine_are_joined() -> None:
    def part(case: str, work: str, processor: str = "A") -> Results:
        environment = {"processor": processor, "date": f"of {work}"}
        return Results(environment, {"sizes": [64]}, [CaseResult(case, [Entry(work, "hmn-lava fast")])])

    whole = Results.joined([part("engine", "small"), part("scale", "large"), part("engine", "smaller")])
    assert [(case.name, case.works) for case in whole.cases] == [("engine", ["small", "smaller"]), ("scale", ["large"])]
    assert whole.environment == {"processor": "A", "date": "of small, of large, of smaller"}
    assert whole.options == {"sizes": [64]}
    with pytest.raises(ValueError, match="another processor: B"):
        Results.joined([part("engine", "small"), part("engine", "small", "B")])


def test_the_command(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    arguments = ["run", "engine", "--sizes", "5", "--rates", "0.2", "--rules", "stdp", "--peers", "fast,interpreter"]
    arguments += ["--threads", "1", "--rounds", "1", "--seconds", "0.002", "--steps", "10", "--out", str(tmp_path)]
    done = subprocess.run([sys.executable, "-m", "benchmarks", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "hmn-lava fast" in done.stdout and "agreement checks hold" in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"results.json", "results.png", "results.svg"}
    environment = json.loads((tmp_path / "results.json").read_text())["environment"]
    assert {"date", "commit", "python", "processor", "processors", "hmn-lava", "numpy"} <= set(environment)
    unknown = subprocess.run(
        [sys.executable, "-m", "benchmarks", "run", "nothing"], cwd=ROOT, capture_output=True, text=True
    )
    assert unknown.returncode == 2 and "no such case" in unknown.stderr


def test_quantities() -> None:
    assert [quantity(v) for v in (1.234e9, 4.56e7, 7.89e5, 12.0)] == ["1.23 G", "45.6 M", "789 k", "12 "]


def test_energy_without_its_peer_says_why_and_shows_ours() -> None:
    result = CASES["energy"].run(some((), rates=(0.3,), python={"sanafe": "/no/python"}))
    assert [entry.absent for entry in result.entries] == ["no such Python: /no/python"] * 2
    assert {fact["of a step"] for fact in result.facts} >= {"energy (pJ)", "time (ns)"}
    assert all(fact["SANA-FE"] is None and 0 < fact["low"] <= fact["hmn-lava"] <= fact["high"] for fact in result.facts)
    assert not result.checks


@pytest.mark.parametrize("shift", [0, 1])
def test_energy_beside_a_made_up_peer(monkeypatch: pytest.MonkeyPatch, shift: int) -> None:
    """Not SANA-FE: spikes from the equation itself, and energies that are made up."""
    from benchmarks.cases import energy

    def late(spikes: np.ndarray, steps: int) -> np.ndarray:
        return np.concatenate([np.zeros_like(spikes[:steps]), spikes[: len(spikes) - steps]])

    def peer(_: object, work: StaticWork, bundle: object) -> tuple[dict[str, np.ndarray], str]:
        one, two = work.input, (work.input @ work.weights.T > work.threshold).astype(np.int64)
        assert one.sum() and two.sum()
        events = one.sum() + (one @ np.count_nonzero(work.weights, axis=0)).sum()
        energies = {f"energy_{name}": np.array(1.0) for name in ("total", "synapse", "soma", "network", "dendrite")}
        state = {"one": late(one, 1), "two": late(two, 2 + shift), "events": events, "hops": np.array(0)}
        return {**state, **energies, "time": np.array(1e9)}, "made up"

    monkeypatch.setattr(energy, "_run", peer)
    monkeypatch.setattr(energy.available, "absence", lambda *_: None)
    result = CASES["energy"].run(some((), sizes=(20,), rates=(0.3,), input_steps=60))
    assert not result.entries and all(fact["inside"] is False for fact in result.facts)
    found = {check.what.split(" =")[0]: check.equal for check in result.checks}
    assert found == {"spikes": not shift, "synaptic operations": True, "hops": True}
