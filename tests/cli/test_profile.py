"""``hmn-lava profile``."""

import csv
import json

import numpy as np
import pytest

import hmn_lava as hl


def test_json_is_the_report(hmn_lava, compiled):
    done = hmn_lava("profile", compiled, "--steps", 20, "--json")
    assert done.code == 0
    document = done.json
    report = hl.profile(hl.load(compiled), _stimulus(compiled), 20)
    assert document["command"] == "profile" and document["backend"] == "fast" and document["origin"] == "run"
    assert document["energy_per_update"]["typical"] == pytest.approx(report.per_update.typical)
    assert sum(row["count"] for row in document["counts"]) == sum(report.counts.values())
    assert set(document["neurobench"]) == {
        "Footprint", "ConnectionSparsity", "ActivationSparsity", "SynapticOperations",
    }  # fmt: skip


def _stimulus(folder):
    from hmn_lava.spec import stimulus_inputs

    bundle = hl.load(folder)
    return stimulus_inputs(bundle.spec, 20, bundle.seed)


def test_tables_show_terms_and_metrics(hmn_lava, compiled):
    done = hmn_lava("profile", compiled, "--steps", 20)
    assert done.code == 0
    for word in (
        "weight update",
        "transport",
        "static",
        "microcode_instruction",
        "Effective_ACs",
        "per changed weight",
    ):
        assert word in done.out
    assert "weight updates" in done.err


def test_explain_names_counts_and_sources(hmn_lava, compiled):
    done = hmn_lava("profile", compiled, "--steps", 5, "--explain", "gate")
    assert done.code == 0
    assert "microcode_instruction" in done.out and "Intel doesn't publish it" in done.out
    assert hmn_lava("profile", compiled, "--steps", 5, "--explain", "gates").code == 2


def test_without_a_run(hmn_lava, compiled, tmp_path):
    worst = hmn_lava("profile", compiled, "--worst", "--steps", 10, "--json").json
    assert (worst["origin"], worst["backend"], worst["steps"], worst["neurobench"]) == ("worst", None, 10, None)
    names = ["pixels", "teach", "hidden", "out"]
    (tmp_path / "rates.yaml").write_text("\n".join(f"{name}: 0.1" for name in names))
    from_file = hmn_lava("profile", compiled, "--rates", tmp_path / "rates.yaml", "--rates", "out=0.2", "--json").json
    given = [option for name in names for option in ("--rates", f"{name}={0.2 if name == 'out' else 0.1}")]
    from_options = hmn_lava("profile", compiled, *given, "--json").json
    assert from_file["energy"] == from_options["energy"] and from_file["origin"] == "rates"
    assert from_file["energy"]["typical"] < 100 * worst["energy"]["typical"]


def test_files(hmn_lava, compiled, tmp_path):
    pytest.importorskip("matplotlib")
    done = hmn_lava(
        "profile", compiled, "--steps", 8, "--csv", tmp_path / "lines.csv", "--picture", tmp_path / "report.png"
    )
    assert done.code == 0
    with open(tmp_path / "lines.csv", newline="") as stream:
        assert len(list(csv.reader(stream))) > 10
    assert (tmp_path / "report.png").stat().st_size > 1000


def test_alternatives(hmn_lava, compiled):
    document = hmn_lava("profile", compiled, "--steps", 4, "--alternatives", "--json").json
    found = document["alternatives"]
    lowering = found["lowering"]
    assert "does not fit" in lowering if isinstance(lowering, str) else lowering["plasticity"] == "engine"
    assert [report["profile"] for report in found["chips"]] == ["loihi1"]
    assert found["cpu"]["ns_per_update"] > 0
    assert (found["cpu"]["energy"] is None) == ("no energy counter" in found["cpu"]["why"])
    assert hmn_lava("profile", compiled, "--steps", 4, "--alternatives").code == 0


def test_beside_a_fake_measurement(hmn_lava, compiled, tmp_path):
    """A made-up measurement: no board was near."""
    steps = 6 * hl.load(compiled).network.frame
    fake = {"interface": "profiler", "steps": steps, "execution_time": [1e-5] * steps, "power": 0.5}
    (tmp_path / "fake.json").write_text(json.dumps(fake))
    done = hmn_lava("profile", compiled, "--steps", 6, "--measured", tmp_path / "fake.json", "--json")
    rows = {row["name"]: row for row in done.json["measured"]}
    assert rows["execution time"]["measured"] == pytest.approx(1e4 * steps)
    assert rows["energy"]["ratio"] == pytest.approx(0.5e-5 * steps * 1e12 / done.json["energy"]["typical"])
    assert hmn_lava("profile", compiled, "--steps", 7, "--measured", tmp_path / "fake.json").code == 2


@pytest.mark.parametrize(
    "options",
    [
        ("--worst", "--rates", "pixels=0.1"),
        ("--rates", "pixels"),
        ("--rates", "pixels=much"),
        ("--profile", "loihi9"),
        ("--backend", "lava", "--steps", "2"),
        ("--backend", "board", "--worst"),
        ("--backend", "board", "--measured", "any.json"),
        ("--save-measurement", "any.json", "--steps", "2"),
        ("--picture", "report.gif"),
        ("--measured", "missing.json", "--steps", "2"),
    ],
)
def test_bad_input_is_exit_code_2(hmn_lava, compiled, options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = hmn_lava("profile", compiled, *options)
    assert done.code == 2 and "remedy" in done.err


def test_input_from_a_file(hmn_lava, compiled, tmp_path):
    np.savez(tmp_path / "in.npz", pixels=np.zeros((9, 6)))
    assert hmn_lava("profile", compiled, "--input", tmp_path / "in.npz", "--json").json["steps"] == 9


def test_what_cannot_run_is_marked(hmn_lava, compiled):
    done = hmn_lava("profile", compiled, "--steps", 4, "--alternatives")
    (row,) = [line for line in done.out.splitlines() if line.strip().startswith("neurocore on loihi1")]
    assert row.rstrip().endswith("cannot run there")
    assert "note: neurocore on loihi1: loihi1 has no microcode" in done.err
    found = hmn_lava("profile", compiled, "--steps", 4, "--alternatives", "--json").json
    assert found["can_run"] is True
    assert [(r["profile"], r["can_run"]) for r in found["alternatives"]["chips"]] == [("loihi1", False)]


def test_the_table_has_typical_low_and_high(hmn_lava, compiled):
    report = hl.profile(hl.load(compiled), worst=True, steps=10)
    out = hmn_lava("profile", compiled, "--worst", "--steps", 10).out
    for term, energy in report.by_term().items():
        low, typical, high = (value / report.updates for value in (energy.low, energy.typical, energy.high))
        assert low < typical < high
        (row,) = [line for line in out.splitlines() if line.strip().startswith(f"{term} ") and "%" in line]
        assert f"{typical:.4g} ({low:.3g} to {high:.3g})" in row


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--worst", "--input", "nosuch.npz"), "no input"),
        (("--rates", "pixels=0.1", "--input", "nosuch.npz"), "no input"),
        (("--explain", "nonsense"), "nothing of that name"),
        (("--measured", "broken.json"), "broken.json"),
        (("--measured", "other.json", "--steps", "5"), "not the same run"),
        (("--csv", "a.csv", "--picture", "a.csv"), "twice"),
        (("--csv", "./broken.json", "--measured", "broken.json"), "twice"),
        (("--csv", "nowhere/a.csv"), "nowhere/a.csv"),
        (("--csv", "a" * 300), "aaa"),
        (("--rates", "twice.yaml"), "given twice"),
        (("--rates", "date.yaml"), "not a rate"),
    ],
)
def test_bad_input_is_refused_before_anything_is_counted(hmn_lava, compiled, options, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "other.json").write_text('{"interface": "profiler", "steps": 7}')
    (tmp_path / "twice.yaml").write_text("pixels: 0.1\npixels: 0.2\n")
    (tmp_path / "date.yaml").write_text("pixels: 2026-11-23\nteach: 0.1\nhidden: 0.1\nout: 0.1\n")

    def never(*arguments, **options):
        raise AssertionError("it was counted")

    monkeypatch.setattr("hmn_lava.energy.profiling.Counter.count", never)
    done = hmn_lava("profile", compiled, *options)
    assert done.code == 2 and says in done.err and "remedy" in done.err
