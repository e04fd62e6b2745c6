"""One board check as a Lava network, on a board or on Lava's CPU models.

::

    RingBuffer -> [PyToNxAdapter] -> LearningDense -> LIF -> [NxToPyAdapter] -> RingBuffer

The adapters (lava-loihi, lava.proc.embedded_io.spike) are there on a board only.
"""

from __future__ import annotations

from lava.magma.core.learning.learning_rule import Loihi2FLearningRule, Loihi3FLearningRule
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import LearningDense
from lava.proc.io import sink, source
from lava.proc.lif.process import LIF
from lava.utils.weightutils import SignMode

# isort: split
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hmn_lava.backends.board_checks import SIGN_MODE, Check, find_check
from hmn_lava.backends.board_run import ANSWERED, ASKED
from hmn_lava.backends.hosts import Host, parse_host, select
from hmn_lava.backends.profiler import attach
from hmn_lava.hardware_profiles import load_profile
from hmn_lava.learning import LearningRule, lava_keywords
from hmn_lava.learning.simulate import DEFAULT_PROFILE
from hmn_lava.processes.jobs.chip import adapted, board_configuration, refuse_cpu_models


def run(folder: Path, report: Callable[[str, int], None]) -> None:
    """Read which check is asked for, run its networks one after another, and write what they show."""
    asked = json.loads((folder / ASKED).read_text())
    check = find_check(asked["check"])
    host = parse_host(asked["host"]) if asked["backend"] == "board" else None
    if host is not None:
        select(host)
    outcomes: list[dict[str, Any]] = []
    notes: list[str] = []
    for number, keywords in enumerate(check.rules):
        report(check.name, number)
        outcomes.append(run_one(check, keywords, host, notes))
    (folder / ANSWERED).write_text(json.dumps({"outcomes": outcomes, "notes": list(dict.fromkeys(notes))}))


def run_one(check: Check, keywords: Mapping[str, Any], host: Host | None, notes: list[str]) -> dict[str, Any]:
    """Build and run one network; what the check reads, as plain values.

    Whatever goes wrong ends the child, and with it all that Lava has started: ``stop()`` would wait for ever for
    Processes that do not run.
    """
    network = CheckNetwork(check, keywords, on_board=host is not None)
    configuration = configuration_of(host)
    measurement = attach(configuration, check.steps) if "learning_time" in check.reads else None
    process = network.synapses
    executable = process.compile(configuration)
    if host is not None:
        refuse_cpu_models((network.synapses, network.neurons))
    process.create_runtime(executable=executable)
    process.run(condition=RunSteps(num_steps=check.steps))
    shown: dict[str, Any] = {}
    if measurement is not None:
        measured = measurement.read()
        notes += measured.notes
        shown["learning_time"] = measured.total("learning_time")
    for name in ("weights", "tag_2"):
        if name in check.reads:
            shown[name] = np.asarray(getattr(process, name).get()).tolist()
    if "first_output" in check.reads:
        shown["first_output"] = [_first(spikes) for spikes in np.asarray(network.sink.data.get())]
    process.stop()
    return shown


def configuration_of(host: Host | None) -> Any:
    """The run configuration; None: of Lava's CPU models."""
    if host is None:
        return Loihi2SimCfg(select_tag="fixed_pt")
    return board_configuration(
        host, {source.RingBuffer: source.PySendModelFixed, sink.RingBuffer: sink.PyReceiveModelFixed}
    )


class CheckNetwork:
    """The Processes of a check."""

    def __init__(self, check: Check, keywords: Mapping[str, Any], on_board: bool) -> None:
        self._on_board = on_board
        rule = LearningRule.of(keywords)
        make_rule = Loihi3FLearningRule if rule.supplied else Loihi2FLearningRule
        n_post = len(check.weights)
        tags = {name: value for name in ("tag_1", "tag_2") if (value := getattr(check, name)) is not None}
        self.synapses = LearningDense(
            weights=check.weights,
            learning_rule=make_rule(**lava_keywords(rule)),
            sign_mode=SignMode[SIGN_MODE.upper()],
            **tags,
        )
        lif = load_profile(DEFAULT_PROFILE).lif
        full_decay = (1 << lif.decay_bits.value) - 1  # next to nothing of a step's input is left in the next one
        threshold = 1 if check.spiking else (1 << lif.vth_mantissa_bits.value) - 1
        self.neurons = LIF(shape=(n_post,), du=full_decay, dv=full_decay, vth=threshold)
        self.synapses.a_out.connect(self.neurons.a_in)
        self._feed(check.pre.T, self.synapses.s_in, 0)
        if check.y3 is not None:
            self._feed(np.tile(check.y3[:, None], (1, check.steps)), self.synapses.s_in_y3, lif.payload_bits.value)
        self.sink: Any = None
        if check.spiking:
            self.sink = sink.RingBuffer(shape=(n_post,), buffer=check.steps)
            self._connect("NxToPyAdapter", n_post, self.neurons.s_out, self.sink.a_in, 0)

    def _feed(self, data: Any, port: Any, bits: int) -> None:
        fed = source.RingBuffer(data=np.ascontiguousarray(data, np.int32))
        self._connect("PyToNxAdapter", len(data), fed.s_out, port, bits)

    def _connect(self, adapter: str, size: int, sender: Any, port: Any, bits: int) -> None:
        """Connect two ports, on a board by an adapter."""
        (adapted(adapter, sender, size, bits) if self._on_board else sender).connect(port)


def _first(spikes: Any) -> float:
    """The step of the first spike; NaN, which JSON of Python's takes, if there is none."""
    where = np.flatnonzero(spikes)
    return float(where[0]) if where.size else math.nan
