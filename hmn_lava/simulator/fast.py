"""The fast executor: everything compiled, from the same programs that the interpreter reads.

Small groups run on the compiled ``machine``, which needs no compiling for a new network; if all groups are small, so
does the loop over the steps. A group of many synapses gets a kernel of its own, generated from its program.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.network import Group, IntegerNetwork
from hmn_lava.simulator import machine
from hmn_lava.simulator.codegen import Argument, Form, storage
from hmn_lava.simulator.executor import Executor
from hmn_lava.simulator.kernels import kernel
from hmn_lava.simulator.learner import EPOCH, arrive, bring, change, finish, follow
from hmn_lava.simulator.learner_tables import learner_tables
from hmn_lava.simulator.probes import Recorder
from hmn_lava.simulator.tables import Memory, Tables, tables

KERNEL_FROM = 1 << 13
"""Synapses of a group from which a kernel of its own pays for being compiled."""

THREADED_FROM = 1 << 16
"""Synapses of a group from which its rows are shared among threads: below, handing over costs more than it saves."""


class Fast(Executor):
    """Runs compiled code.

    Rows of large groups are shared among ``threads`` threads; rows do not touch, so that no bit depends on it.

    ``kernel_from`` and ``threaded_from`` move the sizes at which a group gets a kernel, and threads.
    """

    backend = "fast"

    def __init__(
        self,
        network: IntegerNetwork,
        threads: int | None = None,
        kernel_from: int = KERNEL_FROM,
        threaded_from: int = THREADED_FROM,
    ) -> None:
        self._wide = {s.name for s in network.learning.values() if s.size >= threaded_from}
        self._kernels = {g.name: g for g in network.groups.values() if g.topology is not None and g.size >= kernel_from}
        self._members = [name for name in network.groups if name not in self._kernels]
        super().__init__(network)
        self.threads = threads or _processors()
        self._threaded_from = threaded_from
        large = bool(self._kernels or self._wide)
        self._pool = ThreadPoolExecutor(self.threads) if self.threads > 1 and large else None
        self._tables: dict[frozenset[tuple[str, str]], Tables] = {}
        self._calls: dict[tuple[str, frozenset[str]], _Call] = {}
        self._fixed = {name: _Fixed(group) for name, group in self._kernels.items()}
        self._observed: dict[tuple[str, str], NDArray[Any]] = {}

    def allocate(self) -> None:
        self.memory = Memory(self.network, self.depth, self._members)
        self._learner = learner_tables(self.network.learning.values(), self.memory.learning)
        for output, (place, width) in self.memory.buffers.items():
            self.buffers[output] = self.memory.view(place, self.depth, width)
        for name, group in self.network.groups.items():
            if name in self._kernels:
                self.states[name] = {
                    s.name: np.broadcast_to(group.initial[s.name], (group.size,)).astype(storage(s.format))
                    for s in group.program.states
                }
            else:
                self.states[name] = {
                    s.name: self.memory.view(self.memory.states[name, s.name], group.size) for s in group.program.states
                }
        for name, synapses in self.network.learning.items():
            self.states[name] = {
                state: self.memory.view(self.memory.states[name, state], values.size)
                for state, values in synapses.states().items()
            }

    def execute(
        self, driven: Mapping[str, NDArray[np.int64]], steps: int, recorder: Recorder, observe: Mapping[str, set[str]]
    ) -> None:
        if self._kernels or (self._pool is not None and self._wide):
            super().execute(driven, steps, recorder, observe)
            return
        columns, inputs = self._driven(driven, steps)
        watches, record = self._watches(recorder, steps)
        t = self._table(observe)
        machine.run_steps(
            self.memory.array,
            t.groups,
            t.code,
            t.leaves,
            t.links,
            t.outs,
            t.registers,
            self._learner,
            columns,
            inputs,
            watches,
            record,
            steps,
            self.network.frame,
            self.time,
            self.depth,
        )
        self.time += steps * self.network.frame
        at = 0
        for data in recorder.data.values():
            data.reshape(-1)[:] = record[at : at + data.size]
            at += data.size

    def compute(self, observe: Mapping[str, set[str]]) -> None:
        memory, learner = self.memory.array, self._learner
        t = self._table(observe)
        for row in t.groups:
            machine.step_group(
                self.memory.array, row, t.code, t.leaves, t.links, t.outs, t.registers, self.time, self.depth
            )
        for name in self._kernels:
            watched = frozenset(observe.get(name, ()))
            if (name, watched) not in self._calls:
                self._calls[name, watched] = self._prepare(name, watched)
            self._calls[name, watched].run(self.time, self._pool, self.threads)
        for number, (name, synapses) in enumerate(zip(self.network.learning, learner.synapses, strict=True)):
            arrive(memory, synapses, learner.axons, self.time, self.depth)
            self._by_rows(bring, name, memory, synapses)
            follow(memory, learner, number, self.time, self.depth)
            if (self.time + 1) % synapses[EPOCH] == 0:
                self._by_rows(change, name, memory, learner, number, self.time)
                finish(memory, synapses)

    def _by_rows(self, function: Callable[..., None], name: str, *arguments: Any) -> None:
        """Run a part of the learning engine on all rows of learning synapses."""
        pool = self._pool if name in self._wide else None
        _share(
            lambda lo, hi: function(*arguments, lo, hi), self.network.learning[name].topology.n_post, pool, self.threads
        )

    def observed(self, group: str, name: str) -> NDArray[Any]:
        if group in self._kernels:
            return self._observed[group, name]
        return self.memory.view(self.memory.observed[group, name], self.network.groups[group].size)

    # the machine

    def _table(self, observe: Mapping[str, set[str]]) -> Tables:
        members = {group: frozenset(names) for group, names in observe.items() if group not in self._kernels}
        key = frozenset((group, name) for group, names in members.items() for name in names)
        if key not in self._tables:
            self._tables[key] = tables(self.memory, members)
        return self._tables[key]

    def _driven(
        self, driven: Mapping[str, NDArray[np.int64]], steps: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """All inputs side by side, and which columns go where."""
        rows, column = [], 0
        for name in driven:
            place, width = self.memory.buffers[name, "x"]
            rows.append([column, place, width])
            column += width
        columns = np.concatenate([*driven.values(), np.zeros((steps, 0), np.int64)], axis=1)
        return np.ascontiguousarray(columns), np.array(rows, np.int64).reshape(len(rows), 3)

    def _watches(self, recorder: Recorder, steps: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where what the probes record lies, and room for it."""
        rows, at = [], 0
        for probe in recorder.probes:
            signal = self.network.signals[probe.signal]
            key = (signal.owner, signal.variable)
            ring = signal.kind in ("input", "output")
            if ring:
                place, width = self.memory.buffers[key]
            else:
                width = math.prod(signal.shape)
                place = (self.memory.states if signal.kind == "state" else self.memory.observed)[key]
            stop = steps if probe.stop is None else min(probe.stop, steps)
            phase = signal.offset % self.network.frame
            rows.append([place, int(ring), width, at, probe.start, stop, probe.stride, phase])
            at += len(probe.samples(steps)) * width
        return np.array(rows, np.int64).reshape(len(rows), machine.WATCH_COLUMNS), np.zeros(at, np.int64)

    # kernels

    def _prepare(self, name: str, watched: frozenset[str]) -> _Call:
        """Compile a group's kernel and collect its arguments, once."""
        group = self._kernels[name]
        incoming = {
            v.name: [link for link in self.network.links_to(name) if link.target[1] == v.name]
            for v in group.program.inputs
        }
        form = Form(
            program=group.program,
            dense=group.topology is not None and group.topology.dense,
            ports=tuple(
                (port, tuple((link.kind, link.delay.size > 1) for link in links)) for port, links in incoming.items()
            ),
            constants=tuple((c.name, group.constants[c.name].along) for c in group.program.constants),
            observed=tuple(sorted(watched)),
        )
        function, arguments = kernel(form)
        for observable in watched:
            self._observed.setdefault((name, observable), np.zeros(group.size, np.int32))

        def array(argument: Argument) -> NDArray[Any]:
            role, of = argument.role, argument.name
            if role == "state":
                return self.states[name][of]
            if role == "output":
                return self.buffers[name, of]
            if role == "observed":
                return self._observed[name, of]
            if role == "delay":
                return incoming[of][argument.link].delay
            if role == "message":
                return self.buffers[incoming[of][argument.link].source]
            return self._fixed[name].array(role, of)

        rows = group.topology.n_post if group.topology is not None else 0
        return _Call(function, [array(a) for a in arguments], rows, group.size >= self._threaded_from)


class _Fixed:
    """The arrays of a group with a kernel that do not change."""

    def __init__(self, group: Group) -> None:
        if group.topology is None:
            raise ValueError("kernels are for synapses")
        self._arrays: dict[tuple[str, str], NDArray[Any]] = {
            ("starts", ""): group.topology.starts,
            ("col", ""): group.topology.col.astype(np.int32),
        }
        for name, constant in group.constants.items():
            self._arrays["constant", name] = constant.values.astype(np.int32)

    def array(self, role: str, name: str) -> NDArray[Any]:
        return self._arrays[role, name]


class _Call:
    """A kernel with its arguments."""

    def __init__(self, function: Callable[..., None], arguments: list[NDArray[Any]], rows: int, threaded: bool) -> None:
        self.function, self.arguments, self.rows, self.threaded = function, arguments, rows, threaded

    def run(self, time: int, pool: ThreadPoolExecutor | None, threads: int) -> None:
        shared = pool if self.threaded else None
        _share(lambda lo, hi: self.function(time, lo, hi, *self.arguments), self.rows, shared, threads)


def _share(function: Callable[[int, int], None], rows: int, pool: ThreadPoolExecutor | None, threads: int) -> None:
    """Call ``function(lo, hi)`` on all rows, in parts if there is a pool."""
    if pool is None or rows < threads:
        function(0, rows)
        return
    edges = np.linspace(0, rows, threads + 1).astype(int).tolist()
    for future in [pool.submit(function, lo, hi) for lo, hi in pairwise(edges)]:
        future.result()


def _processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
