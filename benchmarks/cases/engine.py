"""One rule of the learning engine on a dense connection: hmn-lava, C by hand, Lava, Brian2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.child import Job
from benchmarks.contest import Arrays, Contestant, compete
from benchmarks.options import Options
from benchmarks.peers import available, c_kernel
from benchmarks.results import CaseResult, Check
from benchmarks.work.engine import NAME as SYNAPSES
from benchmarks.work.engine import EngineWork
from benchmarks.work.rules import RULES
from hmn_lava.learning import simulate

NAME = "engine"
ABOUT = "a learning rule of the engine, dense N x N"

SIZES, RATES = (64, 256, 1024), (0.02, 0.1)
BRIAN2_FORMS = ("clock", "clock-single", "event")
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
    steps = min(options.checked(work.synapses), work.steps)
    contestants = _contestants(work, options)
    needs_arrays = any(c.module in ("lava_engine", "brian2_standalone") and c.absent is None for c in contestants)
    arrays = _arrays(work) if needs_arrays else {}

    def job(folder: Path) -> Job:
        return Job({**work.settings(), "rule": work.keywords, "seconds": options.seconds}, arrays, folder)

    result.entries += compete(
        title, contestants, job, amount=work.synapses, rounds=options.rounds, seconds=options.seconds,
        check_steps=steps, say=options.say,
    )  # fmt: skip
    result.checks += _checks(work, title, contestants, arrays, steps)
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
        name = "hmn-lava interpreter"
        found.append(available.contestant("interpreter", name, "ours", options, {"backend": "interpreter"}))
    return found


def _arrays(work: EngineWork) -> Arrays:
    """What peers need that do not make the work themselves. What the host sends the neurons is one step late."""
    return {
        "weights": work.initial["weights"].reshape(work.post, work.pre),
        "pre": work.inputs["pre"].astype(np.int32),
        "reward": np.roll(work.inputs["reward"].ravel(), 1),
        **{name: np.asarray(values, np.int32) for name, values in work.supplied().items()},
    }


def _checks(work: EngineWork, title: str, contestants: list[Contestant], arrays: Arrays, steps: int) -> list[Check]:
    """Ours against the interpreter, state by state; C against it; Lava against ``simulate`` with Lava's draws."""
    checks: list[Check] = []
    done = {c.name: c for c in contestants if c.checked}
    golden = next((c.checked for c in done.values() if c.settings.get("backend") == "interpreter"), None)
    for name, contestant in done.items():
        if contestant.module in ("ours", "c_kernel") and golden is not None and contestant.checked is not golden:
            shared = golden if contestant.module == "ours" else contestant.checked
            checks.append(_equal(title, f"{name} = interpreter, {steps} steps", contestant.checked, golden, shared))
        if contestant.module == "lava_engine":
            expected = _lava_by_simulate(work, arrays, steps)
            what = f"{name} = hmn_lava.learning.simulate(rounding='lava'), {steps} steps"
            checks.append(_equal(title, what, contestant.checked, expected, expected))
    return checks


def _lava_by_simulate(work: EngineWork, arrays: Arrays, steps: int) -> Arrays:
    supplied = {name: arrays[name][:steps] for name in ("y1", "y2", "y3")} if work.learning_rule.supplied else None
    history = simulate(
        work.keywords, arrays["pre"][:steps], arrays["y0"][:steps], arrays["weights"],
        y_traces=supplied, rounding="lava", seed=0, record="final",
    )  # fmt: skip
    return {name: getattr(history, name) for name in COMPARED}


def _equal(title: str, what: str, found: Arrays, expected: Arrays, names: Any) -> Check:
    different = [
        name
        for name in names
        if name not in found or not np.array_equal(found[name].ravel(), np.asarray(expected[name]).ravel())
    ]
    return Check(title, what, not different, f"different: {', '.join(different)}" if different else "")


def _activity(title: str, contestant: Contestant) -> dict[str, Any]:
    """Whether weights and tags move: mean and spread after the check, and how many stand at an end."""
    row: dict[str, Any] = {"work": title, "contestant": contestant.name}
    for name in ("weights", "tag_1", "tag_2"):
        values = contestant.checked[f"state/{SYNAPSES}/{name}"]
        row |= {f"{name} mean": float(values.mean()), f"{name} spread": float(values.std())}
    weights = contestant.checked[f"state/{SYNAPSES}/weights"]
    row["weights at an end"] = float(((weights <= -256) | (weights >= 254)).mean())
    return row
