"""The backends ``board`` and ``rehearsal``: a bundle as Processes that a board can hold.

On a board, Lava chooses the neurocore models of Intel's extension for these Processes. The rehearsal runs the same
Processes, without the adapters between host and chip, on Lava's CPU models: it shows before a board is booked that what
is Lava's own computes the bundle's integers. It is a backend of its own, and never takes the board's place.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmn_lava.backends.available import require_board, require_lava
from hmn_lava.backends.contained import Limits, run_contained
from hmn_lava.backends.hosts import parse_host, resolve_host
from hmn_lava.backends.job import Job, collect
from hmn_lava.backends.translator import find_translator
from hmn_lava.errors import BackendError, Finding, FitError
from hmn_lava.native import as_synapses, native_lif, native_synapses
from hmn_lava.network import IntegerNetwork, LearningSynapses
from hmn_lava.partition import partition
from hmn_lava.simulator.executor import Drive, IntegerSession
from hmn_lava.simulator.probes import Recorder

if TYPE_CHECKING:
    from hmn_lava.bundle import Bundle

JOB = "hmn_lava.processes.jobs.board:run"
LONGEST_SILENCE = 7 * 86400.0
"""Seconds that a board may be silent where there is no limit of time."""
MEASURED = "measured.json"
"""What the board measured, written by the child into its folder."""


class BoardSession(IntegerSession):
    """A bundle on a board, or its rehearsal on the CPU.

    A run begins from the bundle's initial state, as messages cannot be put on their way on a chip. Shown are the
    neurons' outputs at every step, and states that are Vars; what only a program's registers hold cannot be seen.
    ``measured`` holds what a board measured in the last run (see :mod:`hmn_lava.backends.profiler`), None before.

    Raises BackendError where Lava, or for a board its extension, a host or a translator for microcode is missing;
    FitError where a part is neither one of Lava's own Processes nor microcode.
    """

    def __init__(
        self,
        bundle: Bundle,
        limits: Limits | None = None,
        *,
        rehearsal: bool = False,
        host: str | None = None,
        translator: str | None = None,
    ) -> None:
        self.backend = "rehearsal" if rehearsal else "board"
        network = as_synapses(bundle.network)
        if host is not None:
            parse_host(host)
        if rehearsal:
            require_lava()
        else:
            require_board()
        if findings := unplaceable(network):
            raise FitError("these parts cannot be put on a board:", findings)
        limits = limits or Limits()
        if not rehearsal:  # a queue for boards takes its time, and a run is one piece there
            limits = replace(limits, silence=limits.wall or LONGEST_SILENCE)
        self.bundle, self.limits, self.translator = bundle, limits, translator
        self.host = None if rehearsal else str(resolve_host(host))
        if not rehearsal and microcoded(network):
            self.translator = find_translator(translator).name
        self.measured: dict[str, Any] | None = None
        super().__init__(bundle.network)
        self.signals = {name: s for name, s in bundle.network.signals.items() if s.kind != "observable"}

    def allocate(self) -> None:
        super().allocate()
        self.states |= {s.name: s.states() for s in self.network.learning.values()}

    def execute(self, drive: Drive, steps: int, recorder: Recorder, observe: Mapping[str, set[str]]) -> None:
        if self.time:
            raise BackendError(f"a run on {self.backend} begins from the initial state: open a session for each run.")
        if steps == 0:
            return
        settings = {"host": self.host, "translator": self.translator}
        job = Job(self.bundle, steps, drive(0, steps), self.snapshot(), tuple(recorder.probes), {}, settings)
        with tempfile.TemporaryDirectory(prefix="hmn-lava-") as folder:
            job.write(Path(folder))
            run_contained(JOB, Path(folder), self.limits, own_folder=True)
            found = collect(Path(folder), job, recorder)
            if (Path(folder) / MEASURED).exists():
                self.measured = json.loads((Path(folder) / MEASURED).read_text())
        for name, values in found.items():  # the states that can be read
            owner, variable = name.split("/")
            self.states[owner][variable][...] = values
        self.time += steps * self.network.frame


def microcoded(network: IntegerNetwork) -> list[str]:
    """The parts that need microcode on a board."""
    parts = partition(network).parts.values()
    return [part.name for part in parts if part.group is not None and isinstance(native_lif(part), str)]


def unplaceable(network: IntegerNetwork) -> list[Finding]:
    """A finding for each part of ``network`` (of :func:`as_synapses`) that no Process on a board can be."""
    found = []
    for part in partition(network).parts.values():
        reason = native_synapses(part, network) if part.component == "static" else None
        if isinstance(reason, str):
            remedy = "Lower the weights' range or their bits, so that Lava's Dense holds them."
            found.append(Finding("board-synapses", part.name, reason, "Lava's Dense", "error", remedy))
        if part.learning is not None:
            found += _unlearnable(part.learning, network)
    return found


def _unlearnable(synapses: LearningSynapses, network: IntegerNetwork) -> Iterator[Finding]:
    """What keeps synapses of the learning engine from being Lava's LearningDense."""
    limit = "Lava's LearningDense"
    if not synapses.topology.dense:
        remedy = "Use a dense topology, with weights of 0 that the rule may move; or the lowering neurocore."
        yield Finding("board-topology", synapses.name, "a sparse topology", limit, "error", remedy)
    delay = max((int(link.delay.max()) for link in network.links_to(synapses.name)), default=0)
    if delay:
        remedy = "It takes messages as they come: a relay neuron would have to keep them. Use the lowering neurocore."
        yield Finding("board-delay", synapses.name, f"messages {delay} steps late", limit, "error", remedy)
