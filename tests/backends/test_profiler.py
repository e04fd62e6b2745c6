"""Measuring on a board, against the double: which interface is used, what is read, and what is refused."""

import sys
from pathlib import Path

import numpy as np
import pytest

from hmn_lava.backends.profiler import BoardMeasurement

sys.path.insert(0, str(Path(__file__).parent))
from extension_double import environment, in_child, needs_lava

pytestmark = needs_lava

ATTACH = """
import json
import numpy as np
from dataclasses import asdict
from extension_calls import CALLS
from lava.magma.core.run_configs import Loihi2HwCfg, Loihi2SimCfg
from hmn_lava.backends.profiler import attach
from hmn_lava.errors import BackendError

def plain(record):
    values = asdict(record)
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in values.items()}

def refused(*arguments):
    try:
        attach(*arguments)
    except BackendError as error:
        return str(error)

"""


def test_the_profiler_is_preferred_and_read():
    code = ATTACH + ("measurement = attach(Loihi2HwCfg(), 3); print(json.dumps([plain(measurement.read()), CALLS]))")
    measured, calls = in_child(code, environment())
    assert calls == [
        ["Loihi2HWProfiler", {"run_cfg": "Loihi2HwCfg"}],
        ["execution_time_probe", {"num_steps": 3}],
        ["energy_probe", {"num_steps": 3}],
    ]
    assert (measured["interface"], measured["steps"], measured["notes"]) == ("profiler", 3, [])
    assert measured["execution_time"] == pytest.approx([58.42e-6] * 3)
    assert measured["learning_time"] == pytest.approx([3e-6] * 3)
    assert measured["pre_learning_management_time"] == pytest.approx([1e-6] * 3)
    assert (measured["power"], measured["vddio_power"], measured["dynamic_energy"]) == (1.8, 0.3, 1e-5)
    assert (measured["allocated_chips"], measured["available_chips"]) == (1, 1)
    assert None not in measured.values()


def test_a_board_without_an_energy_probe_measures_the_rest_and_says_so():
    code = ATTACH + "print(json.dumps(plain(attach(Loihi2HwCfg(), 3).read())))"
    measured = in_child(code, environment(HMN_LAVA_DOUBLE_NO_ENERGY="1"))
    assert measured["learning_time"] is not None
    assert all(measured[name] is None for name in measured if name.endswith(("power", "energy")))
    (note,) = measured["notes"]
    assert "this board has no energy probe" in note


def test_what_cannot_be_read_is_none_with_a_note():
    code = ATTACH + (
        "from lava.utils.loihi2_profiler_api import Loihi2HWProfiler as P; del P.host_time;"
        "print(json.dumps(plain(attach(Loihi2HwCfg(), 3).read())))"
    )
    measured = in_child(code, environment())
    assert measured["host_time"] is None
    assert [note.split(" (")[0] for note in measured["notes"]] == ["host_time was not measured"]


def test_the_callbacks_are_the_alternative():
    """Asked for, and where the extension has no profiler."""
    report = "print(json.dumps([plain(m.read()), CALLS, [type(f).__name__ for f in cfg.callback_fxs]]))"
    asked = in_child(ATTACH + "cfg = Loihi2HwCfg(); m = attach(cfg, 4, 'callbacks');" + report, environment())
    without = (
        "import sys\n"
        "class Hide:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'lava.utils.loihi2_profiler_api': raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Hide())\n"
    )
    found = in_child(without + ATTACH + "cfg = Loihi2HwCfg(); m = attach(cfg, 4);" + report, environment())
    assert asked == found
    measured, calls, callbacks = asked
    assert calls == [["Loihi2ExecutionTime", {}], ["Loihi2Power", {"num_steps": 4}]]
    assert callbacks == ["Loihi2ExecutionTime", "Loihi2Power"]
    assert measured["interface"] == "callbacks"
    assert measured["execution_time"] == pytest.approx([58.42e-6] * 4)
    assert measured["power"] == pytest.approx([0.35] * 3)
    assert measured["static_power"] == 0.25
    assert measured["learning_time"] is None
    assert "neither the phases of a step nor energy" in measured["notes"][0]


def test_what_cannot_be_measured_is_refused():
    code = ATTACH + (
        "class Mine(Loihi2HwCfg):\n    pass\n"
        "cfg = Loihi2HwCfg(); attach(cfg, 3)\n"
        "print(json.dumps([refused(Mine(), 3), refused(Loihi2SimCfg(), 3), refused(cfg, 3)]))"
    )
    subclass, simulated, twice = in_child(code, environment())
    assert "only a run configured by Loihi2HwCfg itself can be measured, and this is Mine" in subclass
    assert "this is Loihi2SimCfg" in simulated
    assert "measured already" in twice


def test_without_the_extension_nothing_is_measured():
    code = ATTACH.replace("from extension_calls import CALLS\n", "") + "print(json.dumps(refused(Loihi2HwCfg(), 3)))"
    message = in_child(code, environment(double=False))
    assert "has no callbacks to measure with" in message


def test_totals_over_all_steps():
    measured = BoardMeasurement("profiler", 4, learning_time=np.full(4, 0.5), host_time=0.25)
    assert measured.total("learning_time") == 2.0
    assert measured.total("host_time") == 1.0
    assert measured.total("spiking_time") is None
