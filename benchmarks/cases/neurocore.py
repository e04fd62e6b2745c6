"""The whole HMN rule, each synapse a microcoded compartment, beside Lava's R-STDP and the machine's limits."""

from __future__ import annotations

from benchmarks import roofline
from benchmarks.cases.common import contest, interpreter
from benchmarks.cases.engine import input_arrays
from benchmarks.options import Options
from benchmarks.peers import available
from benchmarks.results import CaseResult
from benchmarks.work.engine import EngineWork
from benchmarks.work.hmn import HmnWork
from benchmarks.work.rules import RULES

NAME = "neurocore"
ABOUT = "the whole HMN rule in microcode, dense N x N"

SIZES, RATES = (256, 1024, 2048), (0.02,)
LAVA_RULE = "r-stdp"
"""What Lava computes beside: the nearest rule that its engine has."""


def run(options: Options) -> CaseResult:
    result = CaseResult(NAME)
    for size in options.sizes or SIZES:
        for rate in options.rates or RATES:
            _measure(size, rate, options, result)
    return result


def _measure(size: int, rate: float, options: Options, result: CaseResult) -> None:
    work = HmnWork(size, size, rate, options.input_steps, seed=options.seed)
    title = f"HMN rule, {size} x {size}, {rate:.2%} active"
    contestants = available.ours(options) if options.wants("fast") else []
    if options.wants("interpreter"):
        contestants.append(interpreter(options))
    arrays, more = {}, {}
    if options.wants("lava"):
        lava = available.contestant("lava", f"Lava, {LAVA_RULE}", "lava_engine", options)
        contestants.append(lava)
        if lava.absent is None:
            beside = EngineWork(LAVA_RULE, RULES[LAVA_RULE], size, size, rate, options.input_steps, seed=options.seed)
            arrays, more = input_arrays(beside), {"rule": beside.keywords}
    contest(work, title, contestants, options, result, arrays, more)
    if available.absence("c", "") is None and options.wants("c"):
        best = {e.threads: e.rate for e in result.entries if e.work == title and e.ours and e.rate is not None}
        result.facts += [roofline.row(work, title, threads, rate) for threads, rate in best.items()]
