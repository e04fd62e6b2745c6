"""The estimate beside measurements: of a board, made up here, and of this computer."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.backends.profiler import BoardMeasurement
from hmn_lava.energy.board import beside
from hmn_lava.energy.cpu import measure
from hmn_lava.energy.measurement import read_measurement, save_measurement
from hmn_lava.hardware_profiles import TimeTable


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


def test_energy_of_this_computer_is_unknown_without_counters(bundle, inputs, report, tmp_path):
    found = measure(bundle, inputs, report.steps, 100, powercap=tmp_path)
    assert found.energy is None and "no energy counter" in found.why
    assert found.seconds > 0 and found.as_dict()["energy_per_update"] is None


def test_energy_of_this_computer_from_counters_that_wrap(bundle, inputs, report, tmp_path, monkeypatch):
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
    found = measure(bundle, inputs, report.steps, 100, powercap=tmp_path)
    assert found.energy == pytest.approx(40 * 1e6)  # 40 uJ in pJ
    assert found.as_dict()["energy_per_update"] == pytest.approx(40 * 1e4)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("[]", "cannot be read"),
        ("{}", "cannot be read"),
        ("nonsense", "cannot be read"),
        ({"power": "much"}, "power: holds something else"),
        ({"power": []}, "power: has 0 values"),
        ({"execution_time": []}, "execution_time: has 0 values for 3 steps"),
        ({"execution_time": [1e-6, 1e-6]}, "execution_time: has 2 values for 3 steps"),
        ({"energy": [1e-6] * 4}, "energy: has 4 values for 3 steps"),
        ({"energy": [[1e-6] * 3]}, "energy: has 3 values"),
        ({"steps": 0}, "not a number of steps"),
        ({"steps": 2.5}, "not a number of steps"),
    ],
)
def test_a_file_that_is_no_measurement_is_refused(tmp_path, content, match):
    whole = content if isinstance(content, str) else json.dumps({"interface": "profiler", "steps": 3, **content})
    (tmp_path / "measured.json").write_text(whole)
    with pytest.raises(hl.InputError, match=match):
        read_measurement(tmp_path / "measured.json")


def test_one_value_one_for_each_step_and_samples_of_power_are_read(tmp_path):
    content = {"interface": "profiler", "steps": 3, "execution_time": [1, 2, 3], "energy": 4, "power": [1, 2]}
    (tmp_path / "measured.json").write_text(json.dumps(content))
    found = read_measurement(tmp_path / "measured.json")
    assert found.total("execution_time") == 6 and found.energy == 4 and found.power.tolist() == [1, 2]


def test_steps_that_take_no_time_have_no_power(bundle):
    profile = hl.load_profile("loihi2")
    none = {"value": 0.0, "low": 0.0, "high": 0.0}
    time = {name: {**entry, **none} for name, entry in profile.time.model_dump().items()}
    report = hl.profile(bundle, worst=True, steps=4,
                        profile=profile.model_copy(update={"time": TimeTable.model_validate(time)}))  # fmt: skip
    rows = {row.name: row for row in beside(report, fake_measurement(report))}
    assert "power" not in rows and rows["execution time"].ratio is None
