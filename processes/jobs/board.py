"""What the child of the backends ``board`` and ``rehearsal`` does.

::

    RingBuffer -> [PyToNxAdapter] -> Dense -> LIF -> ... -> [NxToPyAdapter] -> Monitor

Parts that are Lava's own Processes integer by integer (:mod:`hmn_lava.native`) are those; synapses of the learning
engine are LearningDense; compartments with a program are HMN Processes. The adapters are there on a board only.
"""

from __future__ import annotations

from lava.magma.core.learning.constants import GradedSpikeCfg
from lava.magma.core.learning.learning_rule import Loihi2FLearningRule, Loihi3FLearningRule
from lava.magma.core.run_configs import Loihi2HwCfg, Loihi2SimCfg
from lava.proc.dense.process import DelayDense, Dense, LearningDense
from lava.proc.io.source import PySendModelFixed, RingBuffer
from lava.proc.lif.process import LIF
from lava.proc.monitor.process import Monitor
from lava.utils.weightutils import SignMode

# isort: split
import json
from collections.abc import Callable
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from hmn_lava.backends.board import MEASURED
from hmn_lava.backends.hosts import parse_host, select
from hmn_lava.backends.job import Arrays, Job, finish, recorded
from hmn_lava.backends.profiler import BoardMeasurement, attach
from hmn_lava.errors import BackendError
from hmn_lava.learning import lava_keywords
from hmn_lava.microcode.ir import WORD
from hmn_lava.native import SPIKE, NativeLif, NativeSynapses, as_synapses, native_lif, native_synapses
from hmn_lava.network import LearningSynapses, Signal
from hmn_lava.partition import Part, partition
from hmn_lava.processes.base.variables import NAMES
from hmn_lava.processes.compartments.process import Compartments
from hmn_lava.processes.jobs.chip import adapted, board_configuration, refuse_cpu_models
from hmn_lava.processes.jobs.lava import PROCESSES, LavaNetwork, run_in_pieces
from hmn_lava.processes.recorder.models import FileMonitorModel, Recording

Report = Callable[[str, int], None]

NOT_MEASURED = (
    "not measured: for states that are probed the run stops, and the profiler measures one run without a stop"
)


def run(folder: Path, report: Report) -> None:
    """Run the job in ``folder``."""
    report("reading", 0)
    job = Job.read(folder)
    host = None if job.settings["host"] is None else parse_host(str(job.settings["host"]))
    if host is not None:
        select(host)
    report("building", 0)
    made = build(job, folder, on_board=host is not None)
    states: Arrays = {}
    measured = []
    for island in made.islands():
        if host is None:
            config = Loihi2SimCfg(select_tag="fixed_pt", exception_proc_model_map={Monitor: FileMonitorModel})
        else:
            config = board_configuration(host, {Monitor: FileMonitorModel, RingBuffer: PySendModelFixed})
        found = _run_island(island, made, job, folder, config, report, states)
        if isinstance(config, Loihi2HwCfg):
            measured.append(asdict(found) if found is not None else {"notes": [NOT_MEASURED]})
    if measured:
        (folder / MEASURED).write_text(json.dumps({"islands": measured}, default=_plain))
    finish(folder, states)


def build(job: Job, folder: Path, on_board: bool) -> LavaNetwork:
    """All Processes of the job, wired and probed."""
    network = as_synapses(job.bundle.network)
    made = LavaNetwork(partition(network))
    steps = job.steps * network.frame
    for name, part in made.cut.parts.items():
        made.processes[name] = _process(part, job, folder)
    for name, source in network.inputs.items():
        data = np.zeros((source.size, steps), np.int32)
        data[:, :: network.frame] = job.driven[name].T
        made.processes[name] = RingBuffer(data=data)
    for wire in made.cut.wires:
        sender = getattr(made.processes[wire.source[0]], wire.source[1])
        if on_board and wire.source[0] in network.inputs:
            source = network.inputs[wire.source[0]]
            sender = adapted("PyToNxAdapter", sender, source.size, 0 if source.format == SPIKE else WORD)
        port = wire.target[1]
        if made.cut.parts[wire.target[0]].learning is not None and port.startswith("s_in_") and port[5:].isdecimal():
            port = "s_in"  # LearningDense adds up what comes
        sender.connect(getattr(made.processes[wire.target[0]], port))
    for number, probe in enumerate(job.probes):
        signal = network.signals[probe.signal]
        if signal.kind == "state":
            continue  # read between pieces of the run
        port = _port(made, signal)
        if on_board and signal.kind == "output":
            bits = 0 if signal.format == SPIKE else WORD
            port = adapted("NxToPyAdapter", port, port.shape[0], bits)
        monitor = Monitor()
        monitor.probe(port, 1)
        phase = signal.offset % network.frame
        monitor.proc_params["recording"] = Recording(str(recorded(folder, number)), probe, network.frame, phase)
        made.monitors.append(monitor)
    return made


def _process(part: Part, job: Job, folder: Path) -> Any:
    """The Process of a part; ``folder`` takes what a translator writes."""
    lif = native_lif(part)
    if isinstance(lif, NativeLif):
        return _lif(lif, part.name)
    if part.component == "static":
        synapses = native_synapses(part, as_synapses(job.bundle.network))
        if isinstance(synapses, str):
            raise BackendError(f"{part.name} cannot be put on a board: {synapses}; nothing was run.")
        return _dense(synapses, part.name)
    if part.learning is not None:
        return _learning(part.learning, part)
    kind = PROCESSES.get(part.component, Compartments)
    return kind(part=part, translator=job.settings["translator"], folder=str(folder))


def _lif(lif: NativeLif, name: str) -> Any:
    return LIF(
        shape=(lif.size,),
        du=lif.du,
        dv=lif.dv,
        vth=lif.vth,
        bias_mant=lif.bias_mant,
        bias_exp=lif.bias_exp,
        name=name,
    )


def _dense(synapses: NativeSynapses, name: str) -> Any:
    common = {
        "weights": synapses.weights,
        "weight_exp": synapses.weight_exp,
        "num_message_bits": synapses.message_bits,
        "name": name,
    }
    if synapses.delays is None:
        return Dense(**common)
    return DelayDense(**common, delays=synapses.delays, max_delay=int(synapses.delays.max()))


def _learning(synapses: LearningSynapses, part: Part) -> Any:
    """Lava's synapses that learn; on a board as on the CPU their rounding is Lava's or the chip's own."""
    topology = synapses.topology
    shape = (topology.n_post, topology.n_pre)
    matrices = {name: np.zeros(shape, np.int64) for name in synapses.initial}
    for name, values in synapses.initial.items():
        matrices[name][topology.row, topology.col] = values
    make = Loihi3FLearningRule if synapses.rule.supplied else Loihi2FLearningRule
    current = next(link for link in part.network.links if link.kind == "plastic")
    return LearningDense(
        **matrices,
        learning_rule=make(**lava_keywords(synapses.rule)),
        sign_mode=SignMode[synapses.sign_mode.upper()],
        weight_exp=current.shift,
        num_message_bits=WORD,
        graded_spike_cfg=GradedSpikeCfg(synapses.graded),
        name=part.name,
    )


def _run_island(
    island: list[Any], made: LavaNetwork, job: Job, folder: Path, config: Any, report: Report, states: Arrays
) -> BoardMeasurement | None:
    """Run Processes that are wired together, and read Vars in the steps in which they are asked for.

    Returns what the board measured, None where it was not asked.
    """
    first = island[0]
    names = {id(process): name for name, process in made.processes.items()}
    here = {names[id(process)] for process in island}
    frame = job.bundle.network.frame
    signals = job.bundle.network.signals
    asked = [(n, p, signals[p.signal]) for n, p in enumerate(job.probes) if signals[p.signal].kind == "state"]
    asked = [(n, p, s) for n, p, s in asked if s.owner in here]
    rows = {n: np.load(recorded(folder, n), mmap_mode="r+") for n, _, _ in asked}
    readings: dict[int, list[tuple[int, int, Signal]]] = {}
    for number, probe, signal in asked:
        for row, step in enumerate(probe.samples(job.steps)):
            readings.setdefault(step * frame + signal.offset % frame + 1, []).append((number, row, signal))
    steps = job.steps * frame
    on_board = not isinstance(config, Loihi2SimCfg)
    measurement = attach(config, steps) if isinstance(config, Loihi2HwCfg) and not readings else None
    executable = first.compile(config)
    if on_board:
        adapters = import_module("lava.proc.embedded_io.spike")
        on_host = (RingBuffer, Monitor, adapters.PyToNxAdapter, adapters.NxToPyAdapter)
        refuse_cpu_models(process for process in island if not isinstance(process, on_host))
    first.create_runtime(executable=executable)
    for done in run_in_pieces(first, steps, report, readings, whole=on_board):
        for number, row, signal in readings.get(done, ()):
            rows[number][row] = _read(made, signal.owner, signal.variable).reshape(rows[number].shape[1:])
        if done == steps:
            measured = None if measurement is None else measurement.read()
            for signal in signals.values():
                if signal.kind == "state" and signal.owner in here:
                    values = _read(made, signal.owner, signal.variable)
                    states[f"{signal.owner}/{signal.variable}"] = values.reshape(-1)
    return measured


def _port(made: LavaNetwork, signal: Signal) -> Any:
    """The port that sends an input or an output."""
    process = made.processes[signal.owner]
    if signal.kind == "input" or isinstance(process, LIF):
        return process.s_out
    outputs = made.cut.parts[signal.owner].outputs
    return getattr(process, next(out.name for out in outputs if out.source == (signal.owner, signal.variable)))


def _read(made: LavaNetwork, owner: str, variable: str) -> Any:
    """The integers of a Var now; of a synaptic variable, those of the synapses that there are."""
    values = np.rint(np.asarray(getattr(made.processes[owner], NAMES.get(variable, variable)).get())).astype(np.int64)
    learning = made.cut.parts[owner].learning
    if learning is not None and values.ndim == 2:
        values = values[learning.topology.row, learning.topology.col]
    return values


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)
