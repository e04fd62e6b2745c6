"""Many samples at once: a batch beside its runs one by one, on the same network and input."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.options import Options
from benchmarks.results import CaseResult, Check
from benchmarks.work.hmn import HmnWork

NAME = "batch"
ABOUT = "many samples in one pass, beside one run after the other"

SIZES, SAMPLES, STEPS, RATE = (10, 64), 100, 100, 0.1


def run(options: Options) -> CaseResult:
    result = CaseResult(NAME)
    steps = min(STEPS, options.input_steps)
    for size in options.sizes or SIZES:
        for plasticity in ("neurocore", "engine"):
            work = HmnWork(size, size, RATE, steps, plasticity, seed=options.seed)
            options.say(f"{NAME}: {size} x {size}, {plasticity}")
            _contest(f"{size} x {size}, {plasticity}, {SAMPLES} samples of {steps} steps", work, options, result)
    return result


def _contest(title: str, work: HmnWork, options: Options, result: CaseResult) -> None:
    """One by one, then as a batch on each number of threads, in turn; and whether they agree."""
    bundle, rng = work.bundle(), np.random.default_rng(options.seed)
    inputs = {
        name: (rng.random((SAMPLES, work.steps, values.shape[1])) < RATE).astype(np.float64)
        for name, values in work.inputs.items()
    }
    probes = [f"{name}.w" for name in bundle.network.weight_lag]

    def alone() -> list[Any]:
        return [bundle.run({k: v[n] for k, v in inputs.items()}, probes=probes) for n in range(SAMPLES)]

    ways: dict[str, Callable[[], list[Any]]] = {"one by one": alone}
    for threads in options.threads:
        ways[f"batch, {threads} threads"] = partial(bundle.run_batch, inputs, probes=probes, threads=threads)
    found = {name: way() for name, way in ways.items()}
    for name, results in found.items():
        pairs = zip(results, found["one by one"], strict=True)
        equal = all(np.array_equal(a.raw[k], b.raw[k]) for a, b in pairs for k in b.raw)
        result.checks.append(Check(title, f"{name} = one by one", equal))
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(options.rounds):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - began)
    base = statistics.median(seconds["one by one"])
    for name, taken in seconds.items():
        median = statistics.median(taken)
        row = {"work": title, "way": name, "ms a sample": 1e3 * median / SAMPLES, "times one by one": base / median}
        result.facts.append(row)
