"""Processes that are made or connected wrongly, in a child with Lava."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from lava_child import in_lava, needs_lava


@needs_lava
def test_a_wrong_part_is_named():
    found = in_lava(__file__, "wrong_parts")
    assert len(found) == 12
    for name, told in found.items():
        assert list(told) == ["InputError", "mine", "part", "3", "True"], name


@needs_lava
def test_wrong_arguments_of_processes_are_named():
    for field, told in in_lava(__file__, "wrong_arguments").items():
        assert list(told)[:3] == ["InputError", "mine", field]
        assert told[4] == "True"


@needs_lava
def test_formats_of_connected_ports_are_checked():
    found = in_lava(__file__, "connected")
    assert list(found["good"]) == ["none"]
    assert list(found["cycle"]) == ["none"]
    assert list(found["foreign"]) == ["none"]
    assert list(found["examples"]) == ["0"]
    for name, field, sender in (("third", "third_in", "mod.third_out"), ("z", "z_in", "neurons.s_out")):
        kind, where, at, _, remedy, text = found[name]
        assert (kind, where, at, remedy) == ("InputError", "conn", field, "True")
        assert sender in text and f"conn.{field}" in text and "sends[" in text and "Fixed(" in text


# What follows runs in the child.


def told(make: Any) -> np.ndarray:
    """The error that ``make`` raises."""
    try:
        make()
    except Exception as error:
        found = [str(getattr(error, name, None)) for name in ("where", "field", "value")]
        return np.array([type(error).__name__, *found, str(bool(getattr(error, "remedy", ""))), str(error)])
    return np.array(["none"])


def processes() -> dict[str, Any]:
    import importlib

    names = {
        "neuron": "HMNNeuron",
        "connection": "HMNConnection",
        "modulation": "Neuromodulator",
        "oscillator": "Oscillator",
        "phase_gate": "PhaseGate",
        "competition": "Competition",
        "static": "StaticConnection",
        "trace": "EligibilityTrace",
        "spsa": "SPSA",
        "gate": "ProbabilisticGate",
        "attention": "LocalAttention",
        "learning_connection": "HMNLearningConnection",
    }
    return {m: getattr(importlib.import_module(f"hmn_lava.processes.{m}.process"), n) for m, n in names.items()}


def wrong_parts() -> dict[str, np.ndarray]:
    """Each Process of a part that is none."""
    return {name: told(lambda cls=cls: cls(part=3, name="mine"))[:5] for name, cls in processes().items()}


def wrong_arguments() -> dict[str, np.ndarray]:
    """What a Process checks itself, and one that its part does."""
    made = processes()
    rule = {"dw": "x1*y0"}
    return {
        "weights": told(lambda: made["connection"](name="mine")),
        "period": told(lambda: made["oscillator"](name="mine")),
        "learning_rule": told(lambda: made["learning_connection"](weights=[[1]], name="mine")),
        "phi": told(lambda: made["phase_gate"](name="mine")),
        "shape": told(lambda: made["neuron"](name="mine")),
        "seed": told(lambda: made["learning_connection"](weights=[[2]], learning_rule=rule, seed="x", name="mine")),
    }


def connected() -> dict[str, np.ndarray]:
    """Networks whose formats agree, and those whose do not."""
    import doctest

    from lava.proc.io.sink import RingBuffer

    from hmn_lava.fixed import Fixed
    from hmn_lava.processes.base import check
    from hmn_lava.processes.base.check import check_formats

    made = processes()

    def network(third: bool, **ranges: Any) -> list[Any]:
        modulator = made["modulation"](modulators={"r": {}}, name="mod")
        if third:
            ranges["third"] = modulator.sends["third_out"]
        synapses = made["connection"](weights=[[0.5]], name="conn", **ranges)
        neurons = made["neuron"](shape=1, activation="sigmoid", a_range=synapses.sends["a_out"], name="neurons")
        modulator.third_out.connect(synapses.third_in)
        synapses.a_out.connect(neurons.a_in)
        neurons.s_out.reshape((1,)).connect(synapses.z_in)
        return [modulator, synapses, neurons]

    z = Fixed(17, False, 16)
    foreign = network(True, z_range=z)
    foreign[2].s_out.connect(RingBuffer(shape=(1,), buffer=2).a_in)
    return {
        "good": told(lambda: check_formats(*network(True, z_range=z)[:2])),
        "cycle": told(lambda: check_formats(*network(True, z_range=z))),
        "foreign": told(lambda: check_formats(*foreign)),
        "third": told(lambda: check_formats(*network(False, z_range=z))),
        "z": told(lambda: check_formats(*network(True, z_range=(0.0, 1.0)))),
        "examples": np.array([str(doctest.testmod(check).failed)]),
    }
