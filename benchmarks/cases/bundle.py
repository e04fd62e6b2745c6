"""The HMN rule compiled for the learning engine: a step of the model is a frame of steps of the chip."""

from __future__ import annotations

from benchmarks.cases.common import contest, interpreter
from benchmarks.options import Options
from benchmarks.peers import available
from benchmarks.results import CaseResult
from benchmarks.work.hmn import HmnWork

NAME = "bundle"
ABOUT = "the HMN rule compiled for the learning engine; updates in steps of the model, and of the chip"

SIZES, RATES = (64, 256, 1024), (0.02,)
ATTENTION_UP_TO = 128
"""Neurons; above, the engine lowering has no word for the sum of their contexts."""


def run(options: Options) -> CaseResult:
    result = CaseResult(NAME)
    for size in options.sizes or SIZES:
        for rate in options.rates or RATES:
            work = engine_work(size, rate, options)
            without = "" if work.attention else ", no attention"
            title = f"HMN rule in the engine{without}, {size} x {size}, {rate:.2%} active"
            contestants = available.ours(options) if options.wants("fast") else []
            if options.wants("interpreter"):
                contestants.append(interpreter(options))
            contest(work, title, contestants, options, result)
            frame = work.network().frame
            result.facts += [
                {"work": title, "contestant": e.contestant, "frame": frame, "M updates/s, steps of the model": e.rate / 1e6,
                 "M updates/s, steps of the chip": e.rate * frame / 1e6}
                for e in result.entries if e.work == title and e.rate is not None
            ]  # fmt: skip
    return result


def engine_work(size: int, rate: float, options: Options, rewarded: bool = True, gate: bool = True) -> HmnWork:
    """The work of ``size`` neurons on each side, with as much of the rule as the engine lowering holds."""
    attention = size <= ATTENTION_UP_TO
    return HmnWork(
        size, size, rate, options.input_steps, "engine", rewarded=rewarded, gate=gate, attention=attention,
        seed=options.seed,
    )  # fmt: skip
