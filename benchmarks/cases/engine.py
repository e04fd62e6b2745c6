"""One rule of the learning engine on a dense connection: hmn-lava, C by hand, Lava, Brian2."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.cases.common import contest, equal, interpreter
from benchmarks.contest import Arrays, Contestant
from benchmarks.options import Options
from benchmarks.peers import available, c_kernel
from benchmarks.results import CaseResult
from benchmarks.work.engine import NAME as SYNAPSES
from benchmarks.work.engine import EngineWork
from benchmarks.work.rules import RULES
from hmn_lava.learning import simulate

NAME = "engine"
ABOUT = "a learning rule of the engine, dense N x N"

SIZES, RATES = (64, 256, 1024), (0.02, 0.1)
BRIAN2_FORMS = ("clock", "clock-single", "clock-shared", "event")
COMPARED = ("weights", "tag_1", "tag_2", "x1", "x2")


def run(options: Options) -> CaseResult:
    """Every rule, size and rate in turn."""
    result = CaseResult(NAME)
    for rule in options.rules or tuple(RULES):
        for size in options.sizes or SIZES:
            for rate in options.rates or RATES:
                work = EngineWork(rule, RULES[rule], size, size, rate, options.input_steps, seed=options.seed)
                _measure(work, f"{rule}, {size} x {size}, {rate:.2%} spikes", options, result)
    return result


def _measure(work: EngineWork, title: str, options: Options, result: CaseResult) -> None:
    contestants = _contestants(work, options)
    needed = any(c.module in ("lava_engine", "brian2_standalone") and c.absent is None for c in contestants)
    arrays = input_arrays(work) if needed else {}
    steps = contest(work, title, contestants, options, result, arrays, {"rule": work.keywords})
    for one in contestants:
        if one.module == "lava_engine" and one.checked:
            expected = lava_by_simulate(work, arrays, steps)
            what = f"{one.name} = hmn_lava.learning.simulate(rounding='lava'), {steps} steps"
            result.checks.append(equal(title, what, one.checked, expected, expected))
    result.facts += [_activity(title, c) for c in contestants if c.module == "ours" and c.checked][:1]


def _contestants(work: EngineWork, options: Options) -> list[Contestant]:
    found = available.ours(options) if options.wants("fast") else []
    if options.wants("c") and work.rule == c_kernel.RULE:
        found += available.by_hand(options)
    if options.wants("lava"):
        found.append(available.contestant("lava", "Lava", "lava_engine", options))
    if options.wants("brian2"):
        for form in BRIAN2_FORMS:
            for threads in options.threads:
                name = f"Brian2 C++ {form}, {threads} thread{'s' * (threads > 1)}"
                own = {"form": form, "device": "standalone", "name": work.rule}
                found.append(available.contestant("brian2", name, "brian2_standalone", options, own, threads))
    if options.wants("interpreter"):
        found.append(interpreter(options))
    return found


def input_arrays(work: EngineWork) -> Arrays:
    """What peers need that do not make the work themselves. What the host sends the neurons is one step late."""
    return {
        "weights": work.initial["weights"].reshape(work.post, work.pre),
        "pre": work.inputs["pre"].astype(np.int32),
        "reward": np.roll(work.inputs["reward"].ravel(), 1),
        **{name: np.asarray(values, np.int32) for name, values in work.supplied().items()},
    }


def lava_by_simulate(work: EngineWork, arrays: Arrays, steps: int) -> Arrays:
    supplied = {name: arrays[name][:steps] for name in ("y1", "y2", "y3")} if work.learning_rule.supplied else None
    history = simulate(
        work.keywords, arrays["pre"][:steps], arrays["y0"][:steps], arrays["weights"],
        y_traces=supplied, rounding="lava", seed=0, record="final",
    )  # fmt: skip
    return {name: getattr(history, name) for name in COMPARED}


def _activity(title: str, contestant: Contestant) -> dict[str, Any]:
    """Whether weights and tags move: mean and spread after the check, and how many stand at an end."""
    row: dict[str, Any] = {"work": title}
    for name in ("weights", "tag_1", "tag_2"):
        values = contestant.checked[f"state/{SYNAPSES}/{name}"]
        row[name] = f"{values.mean():.1f} ± {values.std():.1f}"
    weights = contestant.checked[f"state/{SYNAPSES}/weights"]
    row["weights at an end"] = f"{((weights <= -256) | (weights >= 254)).mean():.1%}"
    return row
