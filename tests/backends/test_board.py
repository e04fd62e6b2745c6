"""The board path against the double of Intel's extension: which calls are made, and that nothing runs without it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "conformance"))

from extension_double import environment, in_child, needs_lava
from specs import random_inputs
from test_rehearsal import EXAMPLES, lif_spec, parse

import hmn_lava as hl
from hmn_lava.compiler import attempt

STEPS = 20

RUN = """
import json, sys
import numpy as np
import hmn_lava as hl
bundle = hl.load({bundle!r})
with np.load({inputs!r}) as file:
    inputs = {{name: file[name] for name in file.files}}
session = bundle.session("board", host={host!r})
shown = [name for name, signal in session.signals.items() if {states} or signal.kind != "state"]
found = session.run(inputs, {steps}, shown)
np.savez({found!r}, **found.raw)
measured = [island.get("interface") for island in session.measured["islands"]]
print(json.dumps({{"backend": found.backend, "measured": measured}}))
"""


@pytest.fixture
def on_double(tmp_path: Path) -> Any:
    """Run a bundle on the double; what was printed, what was recorded, and the calls that the extension saw."""

    def run(bundle: hl.Bundle, inputs: dict[str, Any], states: bool = True, **variables: str) -> Any:
        np.savez(tmp_path / "inputs.npz", **inputs)
        calls = tmp_path / "calls.jsonl"
        names = {"bundle": str(bundle.save(tmp_path / "bundle")), "inputs": str(tmp_path / "inputs.npz")}
        code = RUN.format(**names, host="slurm", states=states, steps=STEPS, found=str(tmp_path / "found.npz"))
        shown = in_child(code, environment(tmp_path, HMN_LAVA_DOUBLE_CALLS=str(calls), **variables))
        with np.load(tmp_path / "found.npz") as file:
            found = {name: file[name] for name in file.files}
        return shown, found, [json.loads(line) for line in calls.read_text().splitlines()]

    return run


def translator(folder: Path) -> str:
    """A package with a microcode translator, which writes our own text; the folder to put on the path."""
    home = folder / "plugin"
    info = home / "texts-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: texts\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[hmn_lava.microcode_translators]\ntexts = texts:Texts\n")
    (home / "texts.py").write_text(
        "from hmn_lava.microcode.text import to_text\n"
        "class Texts:\n"
        "    name = 'texts'\n"
        "    def translate(self, program, folder):\n"
        "        path = folder / f'{program.name}.txt'\n"
        "        path.write_text(to_text(program))\n"
        "        return path\n"
    )
    return str(home)


@needs_lava
def test_a_lif_network_on_the_double(on_double: Any) -> None:
    bundle, _ = attempt(parse(lif_spec(1)), seed=1, allow_lossy=True)
    assert bundle is not None
    inputs = random_inputs(bundle.network, STEPS, 1)
    for states in (True, False):
        shown, found, calls = on_double(bundle, inputs, states=states)
        assert shown["backend"] == "board" and ("one.u" in found) is states
        # For states the run stops; the profiler measures one that does not.
        assert shown["measured"] == [None if states else "profiler"]
        expected = bundle.run(inputs, STEPS, "fast", list(found))
        for name, values in found.items():
            assert np.array_equal(values, expected.raw[name]), name
    adapters = [(name, given["num_message_bits"]) for name, given in calls if name.endswith("Adapter")]
    # Spikes and graded input go in, the spikes of both layers come out.
    assert sorted(set(adapters)) == [("NxToPyAdapter", 0), ("PyToNxAdapter", 0), ("PyToNxAdapter", 24)]


@needs_lava
def test_microcode_on_the_double(on_double: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each microcoded part is allocated by the calls that public code shows, with what the translator wrote."""
    monkeypatch.setenv("PYTHONPATH", translator(tmp_path))
    bundle = hl.compile(EXAMPLES / "digits.yaml", seed=0)
    inputs = random_inputs(bundle.network, STEPS, 1)
    _, found, calls = on_double(bundle, inputs)
    expected = bundle.run(inputs, STEPS, "fast", list(found))
    for name, values in found.items():
        assert np.array_equal(values, expected.raw[name]), name
    programs = [given for name, given in calls if name == "neurons_cfg.allocate_ucode"]
    assert len(programs) == len(bundle.network.groups)
    assert all(given["shape"] == [1] and given["ucode"].endswith(".txt") for given in programs)
    states = [given for name, given in calls if name == "neurons.allocate_ucode"]
    assert {given["shape"][0] for given in states} == {group.size for group in bundle.network.groups.values()}
    assert any("psi_fast" in given["values"] for given in states)
    assert sum(name == "ax_out.allocate" for name, _ in calls) == sum(
        len(group.program.outputs) for group in bundle.network.groups.values()
    )


@needs_lava
def test_microcode_without_a_translator_is_refused(tmp_path: Path) -> None:
    bundle = hl.compile(EXAMPLES / "digits.yaml", seed=0).save(tmp_path / "bundle")
    code = (
        "import json, hmn_lava as hl\n"
        f"try: hl.load({str(bundle)!r}).session('board', host='slurm')\n"
        "except hl.BackendError as error: print(json.dumps([error.exit_code, str(error)]))\n"
    )
    exit_code, text = in_child(code, environment(tmp_path))
    assert exit_code == 4 and "no microcode translator is installed" in text and "nothing was run" in text


@needs_lava
def test_a_model_that_the_extension_lacks_is_refused(on_double: Any, tmp_path: Path) -> None:
    """Loihi2HwCfg takes CPU models without a word; here DelayDense is such a one if its double is hidden."""
    bundle, _ = attempt(parse(lif_spec(1)), seed=1, allow_lossy=True)
    assert bundle is not None
    with pytest.raises(AssertionError, match="no neurocore model of DelayDense"):
        on_double(bundle, random_inputs(bundle.network, STEPS, 1), HMN_LAVA_DOUBLE_LACKS="DelayDense")


@pytest.mark.parametrize("backend", ["board"])
def test_without_the_extension_nothing_runs(backend: str) -> None:
    bundle = hl.compile(EXAMPLES / "digits.yaml", seed=0)
    with pytest.raises(hl.BackendError, match="nothing was run") as caught:
        bundle.session(backend, host="slurm")
    assert caught.value.exit_code == 4 and str(caught.value).count("\n") == 0
