"""One board check as a Lava network, on a board or on Lava's CPU models: what runs in the child, and how it is started.

::

    RingBuffer -> [PyToNxAdapter] -> LearningDense -> LIF -> [NxToPyAdapter] -> RingBuffer

The adapters (lava-loihi, lava.proc.embedded_io.spike) are there on a board only. Each check has a child of its own, so
that one that never ends does not take the others with it; :func:`run_check` is the child's side, and the only part that
imports Lava.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hmn_lava.backends.available import require_board, require_lava
from hmn_lava.backends.board_checks import SIGN_MODE, Check, Outcome, find_check
from hmn_lava.backends.contained import Limits, run_contained
from hmn_lava.backends.hosts import Host, parse_host, select
from hmn_lava.backends.profiler import attach
from hmn_lava.errors import BackendError
from hmn_lava.hardware_profiles import load_profile
from hmn_lava.learning import LearningRule, lava_keywords
from hmn_lava.learning.simulate import DEFAULT_PROFILE

Backend = Literal["board", "lava"]

TARGET = "hmn_lava.backends.board_run:run_check"
ASKED, ANSWERED = "check.json", "outcomes.json"

SECONDS = 600.0
"""Time limit of a check: a queue for boards may take its time."""

NOT_ON_CPU = "Lava's CPU model has no learning engine whose time could be measured"


def observe(
    check: Check, backend: Backend, host: Host | None = None, seconds: float = SECONDS
) -> tuple[list[Outcome] | None, str]:
    """Run ``check`` in a child, and return an outcome for each of its rules, with a note.

    Without outcomes, and with the reason, where the backend cannot show what the check reads.
    Raises BackendError where the backend is not available, and RunError where the run fails or takes more than
    ``seconds``.
    """
    if backend == "lava":
        require_lava()
        if "learning_time" in check.reads:
            return None, NOT_ON_CPU
    else:
        require_board()
        if host is None:
            raise ValueError("a board has a host")
    with tempfile.TemporaryDirectory(prefix="hmn-lava-") as folder:
        asked = {"check": check.name, "backend": backend, "host": None if host is None else str(host)}
        (Path(folder) / ASKED).write_text(json.dumps(asked))
        run_contained(TARGET, Path(folder), Limits(wall=seconds, silence=seconds), own_folder=True)
        answered = json.loads((Path(folder) / ANSWERED).read_text())
    return [_outcome(run) for run in answered["outcomes"]], "; ".join(answered["notes"])


def run_check(folder: Path, report: Callable[[str, int], None]) -> None:
    """Read which check is asked for, run its networks one after another, and write what they show."""
    asked = json.loads((folder / ASKED).read_text())
    check = find_check(asked["check"])
    on_board = asked["backend"] == "board"
    if on_board:
        select(parse_host(asked["host"]))
    outcomes: list[dict[str, Any]] = []
    notes: list[str] = []
    for number, keywords in enumerate(check.rules):
        report(check.name, number)
        outcomes.append(_run(check, keywords, on_board, notes))
    (folder / ANSWERED).write_text(json.dumps({"outcomes": outcomes, "notes": list(dict.fromkeys(notes))}))


def _run(check: Check, keywords: Mapping[str, Any], on_board: bool, notes: list[str]) -> dict[str, Any]:
    """Build and run one network; what the check reads, as plain values.

    Whatever goes wrong ends the child, and with it all that Lava has started: ``stop()`` would wait for ever for
    Processes that do not run.
    """
    RunSteps = _lava("magma.core.run_conditions").RunSteps  # noqa: N806 (a class)
    network = _Network(check, keywords, on_board)
    configuration = network.configuration()
    measurement = attach(configuration, check.steps) if "learning_time" in check.reads else None
    process = network.synapses
    executable = process.compile(configuration)
    if on_board:
        network.refuse_cpu_models()
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


class _Network:
    """The Processes of a check."""

    def __init__(self, check: Check, keywords: Mapping[str, Any], on_board: bool) -> None:
        self._on_board = on_board
        self._source, self._sink = _lava("proc.io.source"), _lava("proc.io.sink")
        rules = _lava("magma.core.learning.learning_rule")
        rule = LearningRule.of(keywords)
        make_rule = rules.Loihi3FLearningRule if rule.supplied else rules.Loihi2FLearningRule
        n_post = len(check.weights)
        tags = {name: value for name in ("tag_1", "tag_2") if (value := getattr(check, name)) is not None}
        self.synapses = _lava("proc.dense.process").LearningDense(
            weights=check.weights,
            learning_rule=make_rule(**lava_keywords(rule)),
            sign_mode=_lava("utils.weightutils").SignMode[SIGN_MODE.upper()],
            **tags,
        )
        lif = load_profile(DEFAULT_PROFILE).lif
        full_decay = (1 << lif.decay_bits.value) - 1  # next to nothing of a step's input is left in the next one
        threshold = 1 if check.spiking else (1 << lif.vth_mantissa_bits.value) - 1
        self.neurons = _lava("proc.lif.process").LIF(shape=(n_post,), du=full_decay, dv=full_decay, vth=threshold)
        self.synapses.a_out.connect(self.neurons.a_in)
        self._feed(check.pre.T, self.synapses.s_in, 0)
        if check.y3 is not None:
            self._feed(np.tile(check.y3[:, None], (1, check.steps)), self.synapses.s_in_y3, lif.payload_bits.value)
        self.sink: Any = None
        if check.spiking:
            self.sink = self._sink.RingBuffer(shape=(n_post,), buffer=check.steps)
            self._adapted("NxToPyAdapter", n_post, self.neurons.s_out, self.sink.a_in, 0)

    def configuration(self) -> Any:
        """The run configuration; on a board Loihi2HwCfg itself, since a subclass could not be measured.

        Without a tag on a board: a tag would prefer a CPU model that has it to a neurocore model that has none. What
        stays on the host is chosen by name instead.
        """
        configurations = _lava("magma.core.run_configs")
        if not self._on_board:
            return configurations.Loihi2SimCfg(select_tag="fixed_pt")
        chosen = {
            self._source.RingBuffer: self._source.PySendModelFixed,
            self._sink.RingBuffer: self._sink.PyReceiveModelFixed,
        }
        return configurations.Loihi2HwCfg(exception_proc_model_map=chosen)

    def refuse_cpu_models(self) -> None:
        """Raise BackendError if Lava chose CPU models for what is to run on the chip, which it does without a word."""
        neurocore = _lava("magma.core.model.nc.model").AbstractNcProcessModel
        for process in (self.synapses, self.neurons):
            if not issubclass(process.model_class, neurocore):
                raise BackendError(
                    f"the extension has no neurocore model of {type(process).__name__}: Lava would run "
                    f"{process.model_class.__name__} on the CPU; nothing was run."
                )

    def _feed(self, data: Any, port: Any, bits: int) -> None:
        source = self._source.RingBuffer(data=np.ascontiguousarray(data, np.int32))
        self._adapted("PyToNxAdapter", len(data), source.s_out, port, bits)

    def _adapted(self, adapter: str, size: int, source: Any, port: Any, bits: int) -> None:
        """Connect two ports, on a board by an adapter; ``bits`` of a message, 0 for spikes without a payload."""
        if self._on_board:
            between = getattr(_lava("proc.embedded_io.spike"), adapter)(shape=(size,), num_message_bits=bits)
            source.connect(between.inp)
            source = between.out
        source.connect(port)


def _lava(module: str) -> Any:
    return import_module(f"lava.{module}")


def _first(spikes: Any) -> float:
    """The step of the first spike; NaN, which JSON of Python's takes, if there is none."""
    where = np.flatnonzero(spikes)
    return float(where[0]) if where.size else math.nan


def _outcome(shown: Mapping[str, Any]) -> Outcome:
    """An outcome from the child's plain values; what is not a number was not seen."""
    values: dict[str, Any] = dict(shown)
    for name in ("weights", "tag_2", "first_output"):
        if name in values:
            array = np.asarray(values[name], np.float64)
            values[name] = np.rint(array).astype(np.int64) if np.isfinite(array).all() else None
    return Outcome(**values)
