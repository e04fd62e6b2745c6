"""Large connections: what an update costs against 1024 x 1024, and how much memory a process takes at most.

Each runs alone, in a process of its own, and is compared with nothing: it is what the others are, larger.
"""

from __future__ import annotations

from dataclasses import replace

from benchmarks.cases.common import contest
from benchmarks.options import Options
from benchmarks.peers import available
from benchmarks.results import CaseResult
from benchmarks.work import Work
from benchmarks.work.engine import EngineWork
from benchmarks.work.hmn import HmnWork
from benchmarks.work.rules import RULES

NAME = "scale"
ABOUT = "large connections, dense and sparse: cost of an update and peak memory"

SIZES, RATES = (1024, 4096, 8192), (0.02,)
SPARSE = ((16384, 0.01),)
"""Neurons on each side and density, where no sizes are asked for."""
RULE = "three-factor"
MOST_INPUT = 2_000_000
"""Numbers of input, so that they are no part of the memory that is measured."""


def run(options: Options) -> CaseResult:
    result = CaseResult(NAME)
    rate = (options.rates or RATES)[0]
    for size in options.sizes or SIZES:
        steps = _steps(size, options)
        _measure(EngineWork(RULE, RULES[RULE], size, size, rate, steps), f"{RULE}, {size} x {size}", options, result)
        _measure(HmnWork(size, size, rate, steps), f"neurocore, {size} x {size}", options, result)
    for size, density in SPARSE if not options.sizes else ():
        of = f"{size} x {size}, {density:.0%} of the synapses"
        work = HmnWork(size, size, rate, _steps(size, options), density=density)
        _measure(work, f"neurocore, {of}", options, result)
    for size, density in ((SIZES[0], 1.0), *SPARSE) if not options.sizes else ():
        of = f"{size} x {size}" + (f", {density:.0%} of the synapses" if density < 1 else "")
        steps = _steps(size, options)
        work = HmnWork(size, size, rate, steps, plasticity="engine", attention=False, density=density)
        _measure(work, f"bundle for the engine, {of}", options, result)
    return result


def _steps(size: int, options: Options) -> int:
    return max(2, min(options.input_steps, MOST_INPUT // size))


def _measure(work: Work, title: str, options: Options, result: CaseResult) -> None:
    threads = max(options.threads)
    chosen = replace(options, threads=(threads,), check_steps=2)
    contest(work, title, available.ours(chosen), chosen, result)
    entry = result.entries[-1]
    if entry.rate is None or entry.memory is None:
        return
    kind = title.split(",")[0]
    first = next(e for e in result.entries if e.work.startswith(kind) and e.rate is not None)
    result.facts.append(
        {
            "work": title,
            "synapses": work.synapses,
            "threads": threads,
            "ns/update": 1e9 / entry.rate,
            "against the first of its kind": f"{(first.rate or 0.0) / entry.rate:.2f} x",
            "ready s": entry.ready,
            "peak memory GB": entry.memory / 1e9,
            "bytes/synapse": entry.memory / work.synapses,
        }
    )
