"""The rule ``three-factor`` by hand in C (c/three_factor.c)."""

from __future__ import annotations

import ctypes
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.compiled import library
from hmn_lava.streams import keys

RULE = "three-factor"
STREAMS = ("x1.decay", "x2.decay", "weights", "tag_1", "tag_2")

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
        sizes = dict.fromkeys(("weights", "tag_1", "tag_2"), n_post * n_pre) | dict.fromkeys(("x1", "x2"), n_pre)
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
