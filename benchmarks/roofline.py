"""How near to the machine's limits the microcoded synapses run: traffic and arithmetic of an update, and what is there.

Bytes: every state of a synapse is read once and written once, in the smallest of 8, 16 and 32 bits that holds it.
Operations: each instruction of the synapses' program counts as one, also a multiplication of 24-bit words, which takes
several. Both limits are measured by C loops here (c/limits.c): traffic on arrays as large as the states,
multiplications and simple operations in registers.
"""

from __future__ import annotations

import ctypes
import time
from functools import lru_cache
from typing import Any

import numpy as np

from benchmarks.peers.compiled import library
from benchmarks.work.hmn import CONNECTION, HmnWork

LANES = 128
SIMPLE = 4
"""Operations of a turn of the loop ``simple`` in c/limits.c."""
FREE = ("mov", "index", "time")
"""Instructions that only name something."""
SHORT = 0.2
"""Seconds of a measurement."""


def row(work: HmnWork, title: str, threads: int, rate: float) -> dict[str, Any]:
    """Of the reached ``rate`` (updates a second): the limits and the share of the lower one."""
    group = next(g for name, g in work.network().groups.items() if name == f"{CONNECTION}.synapse")
    size = sum(_bytes(state.format.bits) for state in group.program.states)
    ops = [i.op for i in group.program.instructions if i.op not in FREE]
    products = ops.count("mul")
    traffic = bandwidth(work.synapses * size, threads)
    multiply, simple = arithmetic(threads)
    by_memory = traffic / (2 * size)
    by_arithmetic = 1 / (products / multiply + (len(ops) - products) / simple)
    return {
        "work": title,
        "threads": threads,
        "bytes/update": 2 * size,
        "operations/update": f"{len(ops)}, {products} of them products",
        "GB/s": traffic / 1e9,
        "G products/s": multiply / 1e9,
        "G simple/s": simple / 1e9,
        "memory allows M/s": by_memory / 1e6,
        "arithmetic allows M/s": by_arithmetic / 1e6,
        "reached M/s": rate / 1e6,
        "share": rate / min(by_memory, by_arithmetic),
    }


def _bytes(bits: int) -> int:
    return 1 if bits <= 8 else 2 if bits <= 16 else 4


@lru_cache(maxsize=64)
def bandwidth(size: int, threads: int) -> float:
    """Bytes a second, read and written, of a triad on arrays of ``size`` bytes together."""
    n = max(1024, size // 12)
    a, b, c = (np.ones(n, np.int32) for _ in range(3))
    triad = library("limits").triad

    def run(times: int) -> None:
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in (a, b, c)]
        triad(*pointers, ctypes.c_int64(n), ctypes.c_int64(times), ctypes.c_int32(threads))

    return 12 * n * _per_second(run)


@lru_cache(maxsize=16)
def arithmetic(threads: int) -> tuple[float, float]:
    """Multiplications (each with an addition) and simple operations a second, of 32 bits."""
    limits = library("limits")

    def of(function: Any) -> float:
        def run(times: int) -> None:
            function(ctypes.c_int64(times), ctypes.c_int32(12345), ctypes.c_int32(99), ctypes.c_int32(threads))

        return threads * LANES * _per_second(run)

    return of(limits.multiply_add), SIMPLE * of(limits.simple)


def _per_second(run: Any) -> float:
    """The most turns a second of three tries."""
    times, taken = 1, 0.0
    while taken < SHORT / 4:
        times *= 4
        taken = _seconds(run, times)
    times = max(1, round(times * SHORT / taken))
    return times / min(_seconds(run, times) for _ in range(3))


def _seconds(run: Any, times: int) -> float:
    started = time.perf_counter()
    run(times)
    return time.perf_counter() - started
