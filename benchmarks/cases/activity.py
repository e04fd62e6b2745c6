"""What an update costs with little and much to do: input activity, a silent modulator, a closed phase gate."""

from __future__ import annotations

from benchmarks.cases.bundle import engine_work
from benchmarks.cases.common import contest
from benchmarks.options import Options
from benchmarks.peers import available
from benchmarks.results import CaseResult
from benchmarks.work.engine import EngineWork
from benchmarks.work.hmn import HmnWork
from benchmarks.work.rules import RULES

NAME = "activity"
ABOUT = "cost against input activity, with no reward, with the phase gate closed; both lowerings and the bare rule"

SIZES, RATES = (512,), (0.001, 0.01, 0.02, 0.1, 0.5)
USUAL = 0.02
"""Activity that the others are compared with, and that of the works without reward or with the gate closed."""
RULE = "three-factor"


def run(options: Options) -> CaseResult:
    result = CaseResult(NAME)
    for size in options.sizes or SIZES:
        for kind in ("neurocore", "engine", RULE):
            names = []
            for rate in options.rates or RATES:
                names.append(_measure(kind, size, rate, options, result))
            names.append(_measure(kind, size, USUAL, options, result, rewarded=False))
            if kind != RULE:
                names.append(_measure(kind, size, USUAL, options, result, gate=False))
            _compare(names, f"{USUAL:.1%} active", result)
    return result


def _measure(
    kind: str, size: int, rate: float, options: Options, result: CaseResult, rewarded: bool = True, gate: bool = True
) -> str:
    closed = ("" if rewarded else ", no reward") + ("" if gate else ", gate closed")
    title = f"{kind}, {size} x {size}, {rate:.1%} active{closed}"
    steps, seed = options.input_steps, options.seed
    if kind == RULE:
        reward_rate = 0.1 if rewarded else 0.0
        bare = EngineWork(RULE, RULES[RULE], size, size, rate, steps, reward_rate, seed)
        contest(bare, title, available.ours(options), options, result)
    elif kind == "engine":
        contest(engine_work(size, rate, options, rewarded, gate), title, available.ours(options), options, result)
    else:
        work = HmnWork(size, size, rate, steps, rewarded=rewarded, gate=gate, seed=seed)
        contest(work, title, available.ours(options), options, result)
    return title


def _compare(names: list[str], usual: str, result: CaseResult) -> None:
    """Facts: nanoseconds per update, and in relation to the usual activity."""
    costs = {name: 1e9 / best.rate for name in names if (best := result.best(name, ours=True)) and best.rate}
    base = next((cost for name, cost in costs.items() if name.endswith(usual)), None)
    for name, cost in costs.items():
        result.facts.append(
            {"work": name, "ns/update": cost, f"against {usual}": None if base is None else f"{cost / base:.2f} x"}
        )
