"""What a report says: sums, ranges, terms, the time of a step, the trace of a joule to its sources, errors."""

import csv
import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.backends.profiler import BoardMeasurement
from hmn_lava.energy.board import beside
from hmn_lava.energy.coefficients import Coefficients
from hmn_lava.energy.cpu import measure
from hmn_lava.energy.explain import DEFINITIONS, explain
from hmn_lava.energy.ledger import Key, Ledger
from hmn_lava.energy.lines import Range
from hmn_lava.energy.measurement import read_measurement, save_measurement
from hmn_lava.energy.picture import draw
from hmn_lava.energy.table import COLUMNS, write_csv
from hmn_lava.energy.terms import _NOTES, TERMS, Terms

EXAMPLES = Path(__file__).parents[2] / "examples"
STEPS = 24


@pytest.fixture(scope="module", params=["neurocore", "engine"])
def bundle(request):
    return hl.compile(EXAMPLES / "digits.yaml", plasticity=request.param, allow_lossy=True)


@pytest.fixture(scope="module")
def inputs(bundle):
    rng = np.random.default_rng(0)
    return {name: rng.integers(0, 2, (STEPS, source.size)) * 1.0 for name, source in bundle.network.inputs.items()}


@pytest.fixture(scope="module")
def report(bundle, inputs):
    return hl.profile(bundle, inputs, STEPS)


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


def test_a_step_takes_the_busiest_core_the_longest_way_and_a_barrier():
    coefficients = Coefficients(hl.load_profile("loihi1"), tiles=32, chips=1)
    ledger = Ledger(3, coefficients)
    ledger.open(2)
    ledger.add(Key("", "", "spike", "neuron", "neuron_update_active"), np.array([[10, 4], [0, 7]]), np.array([0, 2]))
    ledger.add(Key("", "", "spike", "transport", "synaptic_operation"), np.array([[5], [1]]), np.array([0]))
    ledger.add(Key("", "", "learning", "weight", "learning_product"), np.array([[0, 0], [3, 2]]), np.array([1, 2]))
    ledger.add(Key("", "", "host", "embedded", "embedded_message"), np.array([[2], [0]]))
    ways = np.tile([40.0, 20.0], (3, 1))
    ledger.close(ways, np.array([False, True]))
    first = 10 * 8.4 + 5 * 3.5 + 40 + 465 + 2 * 500
    second = 7 * 8.4 + 20 + 465 + (3 * 2.0 + 465 + 2000)
    assert ledger.time[1] == pytest.approx([first, second])
    assert ledger.spiking[1] == pytest.approx([first, 7 * 8.4 + 20 + 465])
    assert ledger.energy[0] == pytest.approx(14 * 81 + 5 * 23.6 + 2 * 10000)
    assert ledger.by_core == pytest.approx([10 * 81 + 6 * 23.6, 3 * 40, 11 * 81 + 2 * 40])


@pytest.mark.parametrize(("tiles", "barrier"), [(1, 113.0), (32, 465.0), (16, 113 + 15 / 31 * 352)])
def test_the_barrier_is_linear_in_tiles(tiles, barrier):
    assert Coefficients(hl.load_profile("loihi1"), tiles).barrier()[1] == pytest.approx(barrier)


def test_static_energy_is_power_times_time(report):
    time = report.time
    static = report.energy(lambda key: key.operation == "static_power_per_chip")
    entry = hl.load_profile("loihi2").energy.static_power_per_chip
    assert static.typical == pytest.approx(entry.value * time.typical * report.coefficients.chips)
    assert static.high == pytest.approx(entry.high * time.high * report.coefficients.chips)


def test_steps_that_end_an_epoch_are_longer(bundle, report):
    longer = report.tally.time.sum() > report.tally.spiking.sum()
    assert longer == (bundle.plasticity == "engine")


def test_every_line_is_explained(report):
    text = explain(report, "total")
    for line in report.lines:
        assert line.source in text and DEFINITIONS[line.key.operation] in text
    weight = explain(report, "weight")
    for count, coefficient in re.findall(r"energy +([\d,.e+]+) x ([\d.e+-]+) =", weight):
        assert f"{count}" in weight and coefficient in weight
    with pytest.raises(hl.InputError, match="transport"):
        explain(report, "nonsense")


def test_the_json_holds_the_keys_of_the_design(report):
    found = json.loads(json.dumps(report.as_dict()))
    headline = found["energy_per_update"]
    assert {"low", "typical", "high", "unit", "terms"} <= headline.keys()
    assert all({"name", "count", "coefficient", "unit", "source", "basis"} <= term.keys() for term in headline["terms"])
    assert sum(term["energy"]["typical"] for term in headline["terms"]) == pytest.approx(headline["typical"])
    assert headline["unit"] == "pJ"


def test_csv_and_picture(report, tmp_path):
    write_csv(report, tmp_path / "lines.csv")
    with open(tmp_path / "lines.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == COLUMNS and len(rows) == len(report.lines)
    assert sum(float(row["energy_pJ"]) for row in rows) == pytest.approx(report.energy().typical)
    pytest.importorskip("matplotlib")
    draw([report, report], tmp_path / "report.png")
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(hl.InputError, match="png"):
        draw([report], tmp_path / "report.txt")


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


def test_what_a_profile_does_not_know_is_said(bundle):
    known = hl.load_profile("loihi2")
    time = known.time.model_copy(update={"microcode_instruction": None})
    report = hl.profile(bundle, steps=8, worst=True, profile=known.model_copy(update={"time": time}))
    assert report.unknown == ["time of microcode_instruction"]
    energy = known.energy.model_copy(update={"microcode_instruction": None})
    report = hl.profile(bundle, steps=8, worst=True, profile=known.model_copy(update={"energy": energy}))
    assert any("neuron updates are charged instead" in note for note in report.notes)
    silent = known.model_copy(update={"energy": None})
    with pytest.raises(hl.InputError, match="no energies"):
        hl.profile(bundle, steps=8, worst=True, profile=silent)


def test_several_chips_take_longer_barriers_and_more_static_power():
    net = hl.Network("wide")
    net.input("x", 600, signal="spike")
    net.hmn("y", 600, activation="relu", z_max=4.0)
    net.hmn("z", 600, activation="relu", z_max=4.0)
    net.connect("x", "y", weights=0.1, rates={"local": 0.01}, traces={"tau_fast": 5.0}, bounds=[0.0, 1.0])
    net.connect("y", "z", weights=0.1, rates={"local": 0.01}, traces={"tau_fast": 5.0}, bounds=[0.0, 1.0])
    bundle = hl.compile(net.spec(), profile="kapoho_point", allow_lossy=True)
    report = hl.profile(bundle, steps=8, worst=True)
    assert report.coefficients.chips == bundle.placement.chips > 1
    assert report.operations()["hop_between_chips"] > 0
    entry = bundle.profile.time.barrier_between_chips
    assert report.time.typical > 8 * entry.value
    static = report.energy(lambda key: key.operation == "static_power_per_chip")
    power = bundle.profile.energy.static_power_per_chip.value * bundle.placement.chips
    assert static.typical == pytest.approx(power * report.time.typical)


def test_the_documents_example_runs(capsys, monkeypatch):
    root = Path(__file__).parents[2]
    monkeypatch.chdir(root)
    (code,) = re.findall(r"```python\n(.*?)```", (root / "docs" / "energy.md").read_text(), flags=re.DOTALL)
    exec(compile(code, "energy.md", "exec"), {})
    assert capsys.readouterr().out.startswith("Range(low=")


# a board


def fake_measurement(report):
    """A made-up measurement, twice as slow as the estimate; nothing of it was measured."""
    steps = report.steps * report.frame
    each = 2e-9 * report.time.typical / steps
    return BoardMeasurement(
        "profiler", steps, execution_time=np.full(steps, each), spiking_time=0.75 * each, learning_time=0.25 * each,
        power=0.4, static_power=0.3, dynamic_power=0.1,
    )  # fmt: skip


def test_the_estimate_beside_a_fake_measurement(report, tmp_path):
    measured = fake_measurement(report)
    rows = {row.name: row for row in beside(report, measured)}
    assert rows["execution time"].ratio == pytest.approx(2.0)
    seconds = 2e-9 * report.time.typical
    assert rows["energy"].measured == pytest.approx(0.4 * seconds * 1e12)
    assert rows["energy"].ratio == pytest.approx(0.4 * seconds * 1e12 / report.energy().typical)
    assert rows["power"].measured == 400.0
    assert rows["learning and management time"].measured == pytest.approx(0.25 * seconds * 1e9)
    assert rows["energy per weight update"].measured == pytest.approx(rows["energy"].measured / report.updates)
    save_measurement(measured, tmp_path / "measured.json")
    again = {row.name: row for row in beside(report, read_measurement(tmp_path / "measured.json"))}
    assert {n: r.measured for n, r in again.items()} == pytest.approx({n: r.measured for n, r in rows.items()})
    with pytest.raises(hl.InputError, match="same run"):
        beside(report, dataclasses.replace(measured, steps=1))


def test_what_a_board_did_not_measure_has_no_ratio(report):
    only_time = BoardMeasurement("callbacks", report.steps * report.frame, execution_time=1e-6)
    rows = {row.name: row for row in beside(report, only_time)}
    assert rows["energy"].measured is None and rows["energy"].ratio is None and rows["energy"].inside is None
    assert rows["execution time"].measured == pytest.approx(1e3 * report.steps * report.frame)
    assert "energy per weight update" not in rows


@pytest.mark.parametrize("text", ["[]", "{}", "nonsense", '{"interface": "profiler", "steps": 3, "power": "much"}'])
def test_a_file_that_is_no_measurement_is_refused(tmp_path, text):
    (tmp_path / "measured.json").write_text(text)
    with pytest.raises(hl.InputError):
        read_measurement(tmp_path / "measured.json")


# this computer


def test_energy_of_this_computer_is_unknown_without_counters(bundle, inputs, tmp_path):
    found = measure(bundle, inputs, STEPS, 100, powercap=tmp_path)
    assert found.energy is None and "no energy counter" in found.why
    assert found.seconds > 0 and found.as_dict()["energy_per_update"] is None


def test_energy_of_this_computer_from_counters_that_wrap(bundle, inputs, tmp_path, monkeypatch):
    zone = tmp_path / "intel-rapl:0"
    zone.mkdir()
    (zone / "name").write_text("package-0\n")
    (zone / "max_energy_range_uj").write_text("999\n")
    (zone / "energy_uj").write_text("990\n")
    readings = iter(["990", "30"])
    read = Path.read_text

    def reading(path, *arguments, **options):
        return next(readings) if path.name == "energy_uj" else read(path, *arguments, **options)

    monkeypatch.setattr(Path, "read_text", reading)
    found = measure(bundle, inputs, STEPS, 100, powercap=tmp_path)
    assert found.energy == pytest.approx(40 * 1e6)  # 40 uJ in pJ
    assert found.as_dict()["energy_per_update"] == pytest.approx(40 * 1e4)


def test_ranges():
    a = Range(1, 2, 3)
    assert a + a == a.times(2) == Range(2, 4, 6)
    assert a.holds(1) and a.holds(3) and not a.holds(3.1)
