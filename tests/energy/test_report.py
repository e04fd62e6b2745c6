"""What a report says: sums, ranges, terms, pictures, errors."""

import dataclasses
import json
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.energy.lines import Range
from hmn_lava.energy.picture import draw
from hmn_lava.energy.table import write_csv
from hmn_lava.energy.terms import _NOTES, TERMS, Terms

EXAMPLES = Path(__file__).parents[2] / "examples"
STEPS = 24


def test_a_line_is_its_count_times_its_coefficient(report):
    profile = hl.load_profile("loihi2")
    for line in report.lines:
        entry = getattr(profile.energy, line.key.operation)
        assert line.source == entry.source and line.basis == entry.basis
        assert line.coefficient.typical == entry.value
        assert line.energy.typical == pytest.approx(line.count * entry.value)
    assert report.energy().typical == pytest.approx(sum(line.energy.typical for line in report.lines))
    assert report.energy().low <= report.energy().typical <= report.energy().high
    by_term = report.by_term()
    assert set(by_term) <= set(TERMS)
    assert sum(e.high for e in by_term.values()) == pytest.approx(report.energy().high)


def test_an_update_is_a_plastic_synapse_through_a_step(bundle, report):
    assert report.plastic_synapses == next(c.n_syn for c in bundle.model.connections.values() if c.rule is not None)
    assert report.updates == report.plastic_synapses * STEPS
    assert report.per_update.typical == pytest.approx(report.energy().typical / report.updates)
    assert report.per_step.typical == pytest.approx(report.energy().typical / STEPS)
    assert report.per_change.typical == pytest.approx(report.energy().typical / report.tally.changed)
    sample = dataclasses.replace(report, steps_per_sample=10)
    assert sample.per_sample.typical == pytest.approx(10 * report.per_step.typical)
    assert 0 < sample.per_inference.typical < sample.per_sample.typical


def test_terms_that_must_be_there(bundle, report):
    known = {"weight", "modulator", "attention", "neuron", "transport", "embedded", "static", "trace", "gate"}
    assert known <= set(report.by_term())
    assert ("tag" in report.by_term()) == (bundle.plasticity == "engine")


def test_the_notes_of_all_programs_are_known(bundle):
    """An instruction is attributed by the notes in its listing: a new note must be given a term."""
    specs = [EXAMPLES / "digits.yaml", EXAMPLES / "bandit.yaml"]
    for spec in specs:
        try:
            made = hl.compile(spec, plasticity=bundle.plasticity, allow_lossy=True)
        except hl.FitError:
            continue
        for group in made.network.groups.values():
            for i in group.program.instructions:
                assert not i.comment or any(re.fullmatch(p, i.comment) for p, _ in _NOTES), i.comment
            assert set(Terms(made).instructions(group.name, group.program)) <= set(TERMS)


def test_the_json_holds_the_keys_of_the_design(report):
    found = json.loads(json.dumps(report.as_dict()))
    headline = found["energy_per_update"]
    assert {"low", "typical", "high", "unit", "terms"} <= headline.keys()
    assert all({"name", "count", "coefficient", "unit", "source", "basis"} <= term.keys() for term in headline["terms"])
    assert sum(term["energy"]["typical"] for term in headline["terms"]) == pytest.approx(headline["typical"])
    assert headline["unit"] == "pJ"


def test_other_coefficients_change_no_count(bundle, inputs, report):
    other = hl.profile(bundle, inputs, STEPS, profile="loihi1")
    added = {key: n for key, n in other.counts.items() if key not in report.counts}
    assert {key: n for key, n in other.counts.items() if key not in added} == report.counts
    # On Loihi 1 an embedded processor writes the third factors, one for each neuron and trace at each epoch's end.
    epochs = STEPS * 2 if bundle.plasticity == "engine" else 0
    assert all(key.phase == "management" and n == 10 * epochs for key, n in added.items())
    assert bool(added) == (bundle.plasticity == "engine")
    assert other.energy().typical != report.energy().typical
    assert any("no microcode" in note for note in other.notes)
    charged = {line.key.operation for line in other.lines}
    assert "neuron_update_active" in charged and "microcode_instruction" not in charged


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"worst": True, "rates": {}}, "both a worst case"),
        ({"worst": True, "inputs": {"pixels": np.zeros((1, 64))}}, "no inputs"),
        ({"rates": {"nobody": 0.1}}, "no such population|needs a rate"),
        ({"rates": "all"}, "2.0"),
        ({"worst": True, "steps": 0}, "1 or more"),
        ({"worst": True, "steps_per_sample": 0}, "1 or more"),
        ({"inputs": {}, "steps": 2, "backend": "reference"}, "does not count"),
        ({"worst": True, "profile": "nothing"}, "unknown hardware profile"),
    ],
)
def test_bad_input_is_refused(bundle, options, match):
    if options.get("rates") == "all":
        options = {"rates": dict.fromkeys(bundle.model.populations, 2.0)}
    with pytest.raises(hl.InputError, match=match):
        hl.profile(bundle, **options)


@pytest.mark.parametrize(("section", "what"), [("energy", "has no energies"), ("time", "has no times")])
def test_a_profile_without_energies_or_times_is_refused(bundle, section, what):
    silent = hl.load_profile("loihi2").model_copy(update={section: None})
    with pytest.raises(hl.InputError, match=f"loihi2: {section}: {what}"):
        hl.profile(bundle, steps=8, worst=True, profile=silent)


def test_the_documents_example_runs(capsys, monkeypatch):
    root = Path(__file__).parents[2]
    monkeypatch.chdir(root)
    (code,) = re.findall(r"```python\n(.*?)```", (root / "docs" / "energy.md").read_text(), flags=re.DOTALL)
    exec(compile(code, "energy.md", "exec"), {})
    assert capsys.readouterr().out.startswith("Range(low=")


def test_ranges():
    a = Range(1, 2, 3)
    assert a + a == a.times(2) == Range(2, 4, 6)
    assert a.holds(1) and a.holds(3) and not a.holds(3.1)


def test_pictures_are_drawn_without_a_warning(report, bundle, tmp_path):
    pytest.importorskip("matplotlib")
    silent = hl.profile(bundle, steps=8, rates=dict.fromkeys(bundle.model.populations, 0.0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw([report, hl.profile(bundle, worst=True, steps=3, profile="loihi1")], tmp_path / "report.png")
        draw([silent], tmp_path / "silent.png")
    for name in ("report.png", "silent.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    with pytest.raises(hl.InputError, match="png"):
        draw([report], tmp_path / "report.txt")


def test_a_file_that_cannot_be_written_is_named(report, tmp_path):
    pytest.importorskip("matplotlib")
    for write, name in ((write_csv, "lines.csv"), (lambda r, file: draw([r], file), "report.png")):
        file = tmp_path / "nowhere" / name
        with pytest.raises(hl.InputError, match=f"{re.escape(str(file))}: cannot be written"):
            write(report, file)


def test_a_huge_number_of_steps_takes_no_memory(bundle):
    few, many = (hl.profile(bundle, worst=True, steps=n) for n in (160, 160 * 10**10))
    assert many.tally.time.shape == few.tally.time.shape and many.steps == 160 * 10**10
    assert many.updates == few.updates * 10**10
    assert many.per_update.typical == pytest.approx(few.per_update.typical)
    assert many.time.high == pytest.approx(1e10 * few.time.high)


@pytest.mark.parametrize(
    "options",
    [
        {"bundle": "digits"},
        {"steps": 2.5},
        {"steps": True},
        {"steps": 1 << 60},
        {"steps": "4"},
        {"steps_per_sample": 1.5},
        {"threads": "two"},
        {"worst": "yes"},
        {"worst": False, "rates": [0.1]},
        {"worst": False, "inputs": np.zeros((3, 64))},
        {"profile": 2},
        {"host": 5},
        {"backend": 5},
    ],
)
def test_arguments_of_another_type_are_refused(bundle, options):
    with pytest.raises(hl.InputError, match=f"^{list(options)[-1]}: (is not|must be)"):
        hl.profile(**{"bundle": bundle, "worst": True, "steps": 4, **options})


@pytest.mark.parametrize("rate", ["0.5", True, None, 10**400, [[0.1], [0.2, 0.3]], float("nan")])
def test_a_rate_is_a_number(bundle, rate):
    rates = {**dict.fromkeys(bundle.model.populations, 0.1), "pixels": rate}
    with pytest.raises(hl.InputError, match=r"rates\.pixels: not a rate"):
        hl.profile(bundle, rates=rates)


def test_a_run_of_no_steps_is_refused(bundle):
    inputs = {name: np.zeros((0, source.size)) for name, source in bundle.network.inputs.items()}
    with pytest.raises(hl.InputError, match="no steps"):
        hl.profile(bundle, inputs)
