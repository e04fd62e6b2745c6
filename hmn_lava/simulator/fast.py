"""The fast executor: all of a network as machine code, made from the programs and rules that the interpreter reads."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hmn_lava.network import Group, IntegerNetwork, LearningSynapses
from hmn_lava.simulator.compiled import jit, steps
from hmn_lava.simulator.compiled.plan import Call, Plan
from hmn_lava.simulator.compiled.storage import empty, fill
from hmn_lava.simulator.executor import Drive, IntegerSession
from hmn_lava.simulator.probes import Probe, Recorder
from hmn_lava.threads import thread_number

THREADED_FROM = 1 << 16
"""Synapses or neurons of a group from which its rows are shared among threads.

Below, waiting for each other costs more than sharing saves.
"""

_PATIENCE = 0.1
"""Seconds after which machine code comes back, so that an interrupt from the keyboard is heard."""

_DRIVEN = 1 << 17
"""Values of the host's input that are quantised at a time, a mebibyte: they stay in a cache until they are fed."""

_FIRST = 1 << 22
"""Synapses and neurons that are computed before the time is first looked at: milliseconds, so far below _PATIENCE."""


class Fast(IntegerSession):
    """Runs machine code.

    Rows of large groups are shared among ``threads`` threads (None: every processor); rows do not touch, so that no bit
    depends on it. ``threaded_from`` moves the size at which they are.
    """

    backend = "fast"

    def __init__(self, network: IntegerNetwork, threads: int | None = None, threaded_from: int = THREADED_FROM) -> None:
        chosen = thread_number(threads)
        super().__init__(network)
        self.plan = Plan(network, self.depth, self.buffers, self.states, threaded_from)
        self.threads = chosen if self.plan.parallel else 1

    def allocate(self) -> None:
        self.buffers, self.states = empty(self.network, self.depth)

    def restart(self, parameters: Mapping[str, NDArray[np.int64]] | None = None) -> None:
        """Go back to the initial state, with these constants and initial states instead of the network's own.

        ``parameters`` as :func:`hmn_lava.simulator.batch.run_batch` has checked them.
        """
        given = parameters or {}
        self.time = 0
        for ring in self.buffers.values():
            ring[...] = 0
        owners: dict[str, Group | LearningSynapses] = {**self.network.groups, **self.network.learning}
        for name, states in self.states.items():
            for state, values in states.items():
                fill(values, given.get(f"{name}/{state}", owners[name].initial.get(state, 0)))
        for group in self.network.groups.values():
            for name, constant in group.constants.items():
                self.plan.constant(group, name)[...] = given.get(f"{group.name}/{name}", constant.values)

    def execute(self, drive: Drive, steps: int, recorder: Recorder, observe: Mapping[str, set[str]]) -> None:
        plan, frame = self.plan, self.network.frame
        plan.refresh()
        watches = [self._watch(probe, recorder, steps) for probe in recorder.probes]
        most = max(1, _DRIVEN // max(1, sum(source.size for source in self.network.inputs.values())))
        done, chunk = 0, max(1, _FIRST // max(1, plan.size * frame))
        while done < steps:
            began, count = time.perf_counter(), min(chunk, most, steps - done)
            driven = drive(done, done + count)
            feeds = [plan.feed(name, values, done) for name, values in driven.items()]
            table = np.array([call.row for call in plan.calls(observe, feeds, watches)], np.int64)
            self._run(table, count, done)
            done += count
            taken = time.perf_counter() - began
            if taken < _PATIENCE / 2:
                chunk *= 2
            elif taken > _PATIENCE:
                chunk = max(1, chunk // 2)

    def _watch(self, probe: Probe, recorder: Recorder, steps: int) -> Call:
        """Record a probe's signal."""
        signal = self.network.signals[probe.signal]
        key, ring = (signal.owner, signal.variable), signal.kind in ("input", "output")
        source = (
            self.buffers[key]
            if ring
            else self.states[signal.owner][signal.variable]
            if signal.kind == "state"
            else self.plan.observable(*key)
        )
        stop = steps if probe.stop is None else min(probe.stop, steps)
        window = (probe.start, stop, probe.stride)
        return self.plan.watch(source, ring, recorder.data[probe.signal], window, signal.offset % self.network.frame)

    def _run(self, table: NDArray[np.int64], count: int, earlier: int) -> None:
        """``count`` frames, on all threads, of which ``earlier`` of this run came before."""
        function, pause = _driver()
        frame, start, meeting = self.network.frame, self.time, np.zeros(steps.MEETING, np.int64)
        begin = threading.Barrier(self.threads)  # they wait for each other in machine code: none may be missing

        def part(thread: int) -> None:
            with suppress(threading.BrokenBarrierError):
                begin.wait()
                function(
                    table.ctypes.data,
                    len(table),
                    count,
                    frame,
                    earlier,
                    start,
                    thread,
                    self.threads,
                    meeting.ctypes.data,
                    pause,
                )

        others = [threading.Thread(target=part, args=(n,), daemon=True) for n in range(1, self.threads)]
        try:
            for other in others:
                other.start()
        except BaseException:
            begin.abort()
            raise
        try:
            part(0)
        finally:  # an interrupt from the keyboard is heard when the machine code has come back
            self.time = start + count * frame
            for other in others:
                other.join()

    def __reduce__(self) -> str:
        raise TypeError("a session cannot be copied or pickled: take its snapshot, and restore it in another")


@lru_cache(maxsize=1)
def _driver() -> tuple[Callable[..., None], int]:
    """The loop over the steps, and what its threads call while they wait for others."""
    address = jit.address(steps.RUN, "run")
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * steps.RUN_ARGUMENTS)(address)
    return function, ctypes.cast(ctypes.CDLL(None).sched_yield, ctypes.c_void_p).value or 0
