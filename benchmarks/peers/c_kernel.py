"""The rule ``three-factor`` by hand in C (c/three_factor.c)."""

from __future__ import annotations

import ctypes
import math
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.child import Job, serve
from benchmarks.peers.compiled import library, version
from benchmarks.work.engine import NAME, EngineWork
from hmn_lava.streams import keys

RULE = "three-factor"
STREAMS = ("x1.decay", "x2.decay", "synapses")
VARIABLES = ("weights", "tag_1", "tag_2")

_STATES = {
    "weights": np.int16,
    "tag_1": np.int16,
    "tag_2": np.int16,
    "x1": np.int32,
    "x2": np.int32,
    "y1": np.int32,
    "y2": np.int32,
    "y3": np.int32,
    "a_buff": np.int64,
    "spikes_before": np.uint8,
    "reward_before": np.int32,
    "time": np.int64,
}


class _Work(ctypes.Structure):
    _fields_ = (
        ("n_pre", ctypes.c_int32),
        ("n_post", ctypes.c_int32),
        *((name, ctypes.c_void_p) for name in _STATES),
        ("factor_1", ctypes.c_int32),
        ("factor_2", ctypes.c_int32),
        ("keys", ctypes.c_void_p),
        ("threads", ctypes.c_int32),
    )


class Kernel:
    """The connection's state and the compiled loop over it."""

    def __init__(
        self, initial: dict[str, NDArray[Any]], shape: tuple[int, int], taus: tuple[float, float], seed: int, name: str,
        threads: int = 1,
    ) -> None:  # fmt: skip
        n_post, n_pre = shape
        sizes = dict.fromkeys(VARIABLES, n_post * n_pre) | dict.fromkeys(("x1", "x2"), n_pre)
        sizes |= dict.fromkeys(("y1", "y2", "y3", "a_buff", "spikes_before"), n_post)
        self.states = {name: np.zeros(sizes.get(name, 1), kind) for name, kind in _STATES.items()}
        for variable, values in initial.items():
            self.states[variable][:] = values
        self._keys = np.array([keys(seed, f"{name}.{stream}") for stream in STREAMS], np.int32)
        factors = [round(math.exp(-1 / tau) * (1 << 16)) for tau in taus]
        pointers = [array.ctypes.data for array in self.states.values()]
        self._work = _Work(n_pre, n_post, *pointers, *factors, self._keys.ctypes.data, threads)
        self._run = library("three_factor").run

    def run(self, pre: NDArray[np.uint8], spikes: NDArray[np.uint8], reward: NDArray[np.int32]) -> None:
        """One step for each row of the arrays."""
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in (pre, spikes, reward)]
        if self._run(ctypes.byref(self._work), *pointers, ctypes.c_int64(len(pre))):
            raise MemoryError


class CKernel:
    """The kernel, driven again and again with the work's input."""

    def __init__(self, job: Job) -> None:
        work = EngineWork(**job.settings["work"])
        rule = work.learning_rule
        shape, taus = (work.post, work.pre), (rule.x1_tau, rule.x2_tau)
        self._kernel = Kernel(work.initial, shape, taus, work.seed, NAME, job.settings["threads"])
        given = work.inputs
        self._input = given["pre"].astype(np.uint8), given["spikes"].astype(np.uint8)
        self._reward = given["reward"].astype(np.int32).ravel()
        self.about = {"gcc": version()}

    def run(self, steps: int) -> float:
        started = time.perf_counter()
        while steps > 0:
            now = min(steps, len(self._reward))
            pre, spikes = (array[:now] for array in self._input)
            self._kernel.run(pre, spikes, self._reward[:now])
            steps -= now
        return time.perf_counter() - started

    def state(self) -> dict[str, NDArray[Any]]:
        """The variables under the names of an executor's snapshot."""
        states = self._kernel.states
        named = {f"state/{NAME}/{name}": states[name] for name in (*VARIABLES, "x1", "x2", "a_buff")}
        return named | {f"state/neuron/{name}": states[name] for name in ("y1", "y2", "y3")}

    def close(self) -> None:
        pass


if __name__ == "__main__":
    serve(CKernel)
