"""``hmn-lava profile --backend board`` against the double of Intel's extension, through the real child process."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "conformance"))

from extension_double import environment, in_child, needs_lava, run_python
from specs import random_inputs
from test_board import translator
from test_rehearsal import EXAMPLES, lif_spec, parse

import hmn_lava as hl
from hmn_lava.backends.profiler import BoardMeasurement
from hmn_lava.compiler import attempt
from hmn_lava.energy.measurement import measure

STEPS = 12
RUN = ["-m", "hmn_lava.cli", "profile"]
PROFILER = {"execution time": 58.42, "spiking time": 20.0, "learning and management time": 9.0}
"""Microseconds of a step of the chip on the double; the last are its management, pre-learning and learning times."""


@pytest.fixture(scope="module")
def lif(tmp_path_factory: pytest.TempPathFactory) -> tuple[hl.Bundle, list[str]]:
    """A network of LIF neurons and weights alone, and the arguments that say what it runs on."""
    folder = tmp_path_factory.mktemp("lif")
    bundle, _ = attempt(parse(lif_spec(1)), seed=1, allow_lossy=True)
    assert bundle is not None
    np.savez(folder / "in.npz", **random_inputs(bundle.network, STEPS, 1))
    return bundle, [str(bundle.save(folder / "bundle")), "--input", str(folder / "in.npz")]


@needs_lava
def test_the_measurement_stands_beside_the_estimate(lif: Any, tmp_path: Path) -> None:
    bundle, arguments = lif
    here, calls, kept = environment(tmp_path), tmp_path / "calls.jsonl", tmp_path / "kept.json"
    here["HMN_LAVA_DOUBLE_CALLS"] = str(calls)
    on_board = ["--backend", "board", "--host", "slurm", "--save-measurement", str(kept), "--json"]
    code, out, err = run_python([*RUN, *arguments, *on_board], here)
    assert code == 0, err
    document = json.loads(out)
    rows = {row["name"]: row for row in document["measured"]}
    steps = STEPS * bundle.network.frame
    for name, microseconds in PROFILER.items():
        assert rows[name]["measured"] == pytest.approx(1e3 * microseconds * steps), name
    for name, joules in (("energy", 1e-4), ("static energy", 9e-5), ("dynamic energy", 1e-5)):
        assert rows[name]["measured"] == pytest.approx(1e12 * joules), name
        assert rows[name]["ratio"] == pytest.approx(1e12 * joules / rows[name]["estimate"]["typical"]), name
    assert rows["power"]["measured"] == pytest.approx(1800.0)
    assert document["backend"] == "board" and "energy per weight update" not in rows
    # It is measured by the profiler, for all steps of the chip, and nothing is read from the chip meanwhile.
    asked = [json.loads(line) for line in calls.read_text().splitlines()]
    assert ["energy_probe", {"num_steps": steps}] in asked
    assert not any(name == "NxToPyAdapter" for name, _ in asked)
    # The counts are those of fast, and what was kept says the same without a board.
    again = run_python([*RUN, *arguments, "--measured", str(kept), "--json"], environment(double=False))
    assert again[0] == 0, again[2]
    offline = json.loads(again[1])
    assert (offline["measured"], offline["counts"]) == (document["measured"], document["counts"])
    assert offline["backend"] == "fast"


@needs_lava
def test_the_table_has_the_ratio_of_every_line(lif: Any, tmp_path: Path) -> None:
    code, out, err = run_python(
        [*RUN, *lif[1], "--backend", "board", "--host", "slurm"],
        environment(tmp_path, HMN_LAVA_DOUBLE_NO_ENERGY="1", COLUMNS="200"),
    )
    assert code == 0, err
    assert "beside the board" in out and "execution time" in out and "ratio" in out
    assert "this board has no energy probe" in err


@needs_lava
def test_learning_on_a_board_is_measured_per_weight_update(tmp_path: Path) -> None:
    bundle = hl.compile(EXAMPLES / "digits.yaml", seed=0)
    folder = bundle.save(tmp_path / "bundle")
    code = (
        "import json, hmn_lava as hl\n"
        "from hmn_lava.energy.board import beside\n"
        f"report = hl.profile(hl.load({str(folder)!r}), steps={STEPS}, backend='board', host='slurm')\n"
        "rows = {row.name: row.measured for row in beside(report, report.measured)}\n"
        "print(json.dumps([report.measured.interface, report.updates, rows['energy per weight update']]))\n"
    )
    interface, updates, each = in_child(code, environment(tmp_path, PYTHONPATH=_paths(tmp_path)))
    assert interface == "profiler" and updates > 0
    assert each == pytest.approx(1e-4 * 1e12 / updates)


def _paths(folder: Path) -> str:
    """The double, and a package with a microcode translator."""
    return f"{environment()['PYTHONPATH']}:{translator(folder)}"


@needs_lava
def test_a_rehearsal_says_that_nothing_was_measured(lif: Any) -> None:
    code, out, err = run_python([*RUN, *lif[1], "--backend", "rehearsal", "--json"], environment(double=False))
    assert code == 0, err
    assert json.loads(out)["measured"] == [] and json.loads(out)["backend"] == "rehearsal"
    assert "nothing was measured: rehearsal runs on Lava's CPU models" in err


@needs_lava
def test_without_the_extension_it_is_refused(lif: Any, tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    arguments = [*RUN, *lif[1], "--backend", "board", "--host", "slurm", "--save-measurement", str(kept)]
    code, out, err = run_python(arguments, environment(double=False))
    assert (code, out) == (4, "") and "lava-loihi" in err and "nothing was run" in err
    assert not kept.exists()


@needs_lava
def test_a_chip_that_lava_cannot_measure_is_refused(lif: Any, tmp_path: Path) -> None:
    calls = tmp_path / "calls.jsonl"
    code, _, err = run_python(
        [*RUN, *lif[1], "--backend", "board", "--host", "slurm:generation=N2A2"],
        environment(tmp_path, HMN_LAVA_DOUBLE_CALLS=str(calls)),
    )
    assert code == 4 and "first generation" in err and not calls.exists()


class Ran:
    """A session whose board measured what it is told."""

    def __init__(self, *islands: dict[str, Any]) -> None:
        self.measured = {"islands": list(islands)}

    def run(self, inputs: Any, steps: Any, outputs: bool) -> None:
        assert not outputs


def test_parts_that_run_apart_add_up_in_dynamic_energy_alone() -> None:
    part = {"interface": "profiler", "steps": 3, "execution_time": [1e-5] * 3, "power": 1.0, "notes": ["a", "b"]}
    one = measure(Ran(part), {}, 3)  # type: ignore[arg-type]
    assert isinstance(one, BoardMeasurement) and one.total("execution_time") == pytest.approx(3e-5)
    both = measure(Ran(part | {"dynamic_energy": 2.0}, part | {"dynamic_energy": 0.5}), {}, 3)  # type: ignore[arg-type]
    assert both is not None and (both.dynamic_energy, both.power, both.execution_time) == (2.5, None, None)
    assert "2 parts that nothing wires together" in both.notes[0] and both.notes[1:] == ("a", "b")
    unknown = measure(Ran(part | {"dynamic_energy": 2.0}, part), {}, 3)  # type: ignore[arg-type]
    assert unknown is not None and unknown.dynamic_energy is None
