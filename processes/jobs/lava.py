"""What the child of the backend ``lava`` does: Processes, wires, Monitors, Lava's runtime.

Lava is imported before anything else, as it sets how multiprocessing starts its children.
"""

from __future__ import annotations

from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.source import RingBuffer
from lava.proc.monitor.process import Monitor

# isort: split
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hmn_lava.backends.job import Arrays, Job, finish, recorded
from hmn_lava.partition import Partition, partition
from hmn_lava.processes.base.process import HMNProcess
from hmn_lava.processes.base.variables import NAMES, observable, pack_messages, parameters, unpack_messages
from hmn_lava.processes.compartments.process import Compartments
from hmn_lava.processes.competition.process import Competition
from hmn_lava.processes.connection.process import HMNConnection
from hmn_lava.processes.learning_connection.process import HMNLearningConnection
from hmn_lava.processes.modulation.process import Neuromodulator
from hmn_lava.processes.neuron.process import HMNNeuron
from hmn_lava.processes.oscillator.process import Oscillator
from hmn_lava.processes.recorder.models import FileMonitorModel, Recording
from hmn_lava.processes.static.process import StaticConnection

PROCESSES: Mapping[str, type[HMNProcess]] = {
    "neuron": HMNNeuron,
    "competition": Competition,
    "synapse": HMNConnection,
    "learning": HMNLearningConnection,
    "static": StaticConnection,
    "oscillator": Oscillator,
    "modulation": Neuromodulator,
}
"""The Process of each component; the others are Compartments."""

PACE = 0.5
"""Seconds of a piece of the run, after each of which the child gives a sign of life."""

Report = Callable[[str, int], None]


@dataclass
class LavaNetwork:
    """The Processes of a job by name: parts and host inputs; and the Monitors."""

    cut: Partition
    processes: dict[str, Any] = field(default_factory=dict)
    monitors: list[Any] = field(default_factory=list)

    def islands(self) -> list[list[Any]]:
        """The Processes in groups that are wired together: Lava runs one such group at a time."""
        rest, found = dict(self.processes), []
        while rest:
            island = {next(iter(rest))}
            grown = True
            while grown:
                ends = {(wire.source[0], wire.target[0]) for wire in self.cut.wires}
                more = {name for pair in ends if island & set(pair) for name in pair}
                grown = not more <= island
                island |= more
            found.append([rest.pop(name) for name in sorted(island)])
        return found


def run(folder: Path, report: Report) -> None:
    """Run the job in ``folder``."""
    report("reading", 0)
    job = Job.read(folder)
    report("building", 0)
    made = build(job, folder)
    chip_steps = job.steps * job.bundle.network.frame
    config = Loihi2SimCfg(select_tag="fixed_pt", exception_proc_model_map={Monitor: FileMonitorModel})
    for island in made.islands():
        island[0].create_runtime(run_cfg=config)
        for _ in run_in_pieces(island[0], chip_steps, report):
            pass
    finish(folder, gather(made, job, folder))


def build(job: Job, folder: Path) -> LavaNetwork:
    """All Processes of the job, wired and probed."""
    network = job.bundle.network
    made = LavaNetwork(partition(network))
    last = job.steps * network.frame
    messages = {n: a for n, a in job.snapshot.items() if n.startswith("message/")}
    buffers = {(n.split("/")[1], n.split("/")[2]): a for n, a in messages.items()}
    for number, (name, part) in enumerate(made.cut.parts.items()):
        states = {n.split("/")[2]: a for n, a in job.snapshot.items() if n.startswith(f"state/{name}/")}
        made.processes[name] = PROCESSES.get(part.component, Compartments)(
            part=part,
            observe=job.observe.get(name, ()),
            start=job.start,
            messages=pack_messages(part, buffers),
            states=states,
            checkpoint=(str(_checkpoint(folder, number)), last),
        )
    for name, source in network.inputs.items():
        data = np.zeros((source.size, last), np.int32)
        data[:, :: network.frame] = job.driven[name].T
        made.processes[name] = RingBuffer(data=data)
    for wire in made.cut.wires:
        _end(made, wire.source).connect(_end(made, wire.target))
    for number, probe in enumerate(job.probes):
        signal = network.signals[probe.signal]
        monitor = Monitor()
        monitor.probe(_target(made, signal.owner, signal.variable, signal.kind), 1)
        phase = signal.offset % network.frame
        monitor.proc_params["recording"] = Recording(str(recorded(folder, number)), probe, network.frame, phase)
        made.monitors.append(monitor)
    return made


def run_in_pieces(
    process: Any, steps: int, report: Report, stops: Iterable[int] = (), whole: bool = False
) -> Iterator[int]:
    """Run the network of ``process``, whose runtime has been made, and yield the number of steps after each piece.

    A piece takes about half a second (``whole``: as long as it takes), gives a sign of life, and ends at each of the
    ``stops``.
    """
    done, piece = 0, steps if whole else 1
    for stop in sorted({*stops, steps}):
        while done < stop:
            piece = min(piece, stop - done)
            begin = time.perf_counter()
            process.run(condition=RunSteps(num_steps=piece))
            spent = time.perf_counter() - begin
            done += piece
            report("step", done)
            piece = steps if whole else max(1, min(4 * piece, int(piece * PACE / max(spent, 1e-6))))
            yield done
    process.stop()  # not after an exception: Lava may wait for ever then, and the child is ended anyway


def gather(made: LavaNetwork, job: Job, folder: Path) -> Arrays:
    """The snapshot after the run, but for the host's messages."""
    network = job.bundle.network
    found: Arrays = {"time": np.array([job.start + job.steps * network.frame], np.int64)}
    for number, (name, part) in enumerate(made.cut.parts.items()):
        with np.load(_checkpoint(folder, number)) as file:
            variables = {variable: file[variable] for variable in file.files}
        known = [n.split("/")[2] for n in job.snapshot if n.startswith(f"state/{name}/")]
        found |= {f"state/{name}/{state}": variables[NAMES.get(state, state)].reshape(-1) for state in known}
        if part.component != "static":
            rings = unpack_messages(part, variables["messages"])
            found |= {f"message/{owner}/{variable}": ring for (owner, variable), ring in rings.items()}
    return found


def _checkpoint(folder: Path, number: int) -> Path:
    return folder / f"part-{number}.npz"


def _end(made: LavaNetwork, end: tuple[str, str]) -> Any:
    return getattr(made.processes[end[0]], end[1])


def _target(made: LavaNetwork, owner: str, variable: str, kind: str) -> Any:
    """The Var or OutPort that shows a signal."""
    process = made.processes[owner]
    if kind == "input":
        return process.s_out
    part = made.cut.parts[owner]
    if kind == "output":
        return getattr(process, next(out.name for out in part.outputs if out.source == (owner, variable)))
    if kind == "observable":
        taken: Iterable[str] = [NAMES.get(v.name, v.name) for v in part.group.program.states] if part.group else []
        return getattr(process, observable(variable, [*taken, *parameters(part)]))
    return getattr(process, NAMES.get(variable, variable))
