"""The HMN rule compiled for the learning engine: a step of the model is a frame of steps of the chip."""

from __future__ import annotations

from typing import Any

from benchmarks.cases.common import contest, interpreter
from benchmarks.options import Options
from benchmarks.peers import available
from benchmarks.results import CaseResult, Entry
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
            result.facts += [_fact(e, frame) for e in result.entries if e.work == title and e.rate is not None]
    return result


def _fact(entry: Entry, frame: int) -> dict[str, Any]:
    rate = (entry.rate or 0.0) / 1e6
    return {
        "work": entry.work,
        "contestant": entry.contestant,
        "frame": frame,
        "M updates/s, steps of the model": rate,
        "M updates/s, steps of the chip": rate * frame,
    }


def engine_work(size: int, rate: float, options: Options, rewarded: bool = True, gate: bool = True) -> HmnWork:
    """The work of ``size`` neurons on each side, with as much of the rule as the engine lowering holds."""
    attention = size <= ATTENTION_UP_TO
    return HmnWork(
        size, size, rate, options.input_steps, "engine", rewarded=rewarded, gate=gate, attention=attention,
        seed=options.seed,
    )  # fmt: skip
