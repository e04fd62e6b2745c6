"""The tables of the page of results, from what is kept; the text between them is by hand.

A table stands between ``<!-- table: NAME NAME ... -->`` and ``<!-- end -->``: one table of runs of the same kind.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.environment import ROOT
from benchmarks.roadmap.runs import Run
from hmn_lava.estimate import Estimate

PAGE = ROOT / "docs" / "results.md"
PLACE = re.compile(r"(<!-- table: ([^>]+?) -->\n).*?(<!-- end -->)", re.DOTALL)
VERDICT = {1: "helps", -1: "hurts", 0: "not shown"}

Result = Mapping[str, Any]


def fill(text: str, runs: Mapping[str, Run]) -> str:
    """The page with its tables made anew. Raises KeyError for a run that is none."""

    def table(found: re.Match[str]) -> str:
        chosen = [runs[name] for name in found[2].split()]
        (kind,) = {run.kind for run in chosen}
        return f"{found[1]}\n{TABLES[kind](chosen)}\n{found[3]}"

    return PLACE.sub(table, text)


def _task_runs(runs: Sequence[Run]) -> str:
    """A row for each run and metric."""
    others = list(dict.fromkeys(name for run in runs for name in run.kept["baselines"]))
    rows = []
    for run in runs:
        kept = run.kept
        for number, (metric, value) in enumerate(kept["metrics"].items()):
            exact = (kept["reference"] or {}).get(metric)
            baselines = [kept["baselines"].get(name, {}).get(metric) for name in others]
            rows.append(
                [kept["task"], kept["plasticity"], metric, _spread(value), _spread(exact)]
                + [_spread(kept["chance"][metric]), _number(kept["chance"][metric]["expected"])]
                + [_spread(each) for each in baselines]
                + ["" if number else _energy(kept["energy_per_update"])]
            )
    head = ["task", "plasticity", "metric", "integers", "float", "learning off", "by chance", *others]
    head.append("energy per update")
    return _table(head, rows) + _commands(runs)


def _studies(runs: Sequence[Run]) -> str:
    """A row for each study of fixed and learned constants."""
    rows = []
    for run in runs:
        kept = run.kept
        fixed = [(value, score["mean"]) for value, score in kept["fixed"]]
        best, worst = max(fixed, key=lambda pair: pair[1]), min(fixed, key=lambda pair: pair[1])
        name = kept["parameter"]
        moved = f"{name} {kept['start'][name]:.3g} → {kept['learned'][name]:.3g}"
        share = f"{kept['score']['mean'] / best[1]:.1%}"
        ends = [f"{score:.4f} ({value:.3g})" for value, score in (best, worst)]
        others = ", ".join(f"{other} {_number(score['mean'])}" for other, score in kept["baselines"].items())
        scores = [_spread(kept["score"]), _spread(kept["reference"])]
        rows.append([kept["task"], kept["plasticity"], moved, *scores, ends[0], share, ends[1], others])
    head = ["task", "plasticity", "learned", "score", "in float", "best fixed", "of the best", "worst fixed", "others"]
    return _table(head, rows) + _commands(runs)


def _ablations(runs: Sequence[Run]) -> str:
    """A row for each subsystem, a column for each run: the effect on the score, and its interval."""
    kept = [run.kept for run in runs]
    cuts = [{tuple(cut["without"]): cut for cut in each["cuts"]} for each in kept]
    scores = [next(iter(each["metrics"])) for each in kept]
    singles = list(dict.fromkeys(names[0] for each in cuts for names in each if len(names) == 1))
    head = ["without"] + [f"{each['task']}, {each['plasticity']}: {s}" for each, s in zip(kept, scores, strict=True)]
    whole = [_number(each[()]["metrics"][score]["mean"]) for each, score in zip(cuts, scores, strict=True)]
    costs = [_energy(each[()]["energy_per_update"]) for each in cuts]
    rows = [["nothing", *(f"{score}; {cost}" for score, cost in zip(whole, costs, strict=True))]]
    for name in singles:
        effects = [
            each.get((name,), {}).get("effects", {}).get(score) for each, score in zip(cuts, scores, strict=True)
        ]
        spent = [each.get((name,), {}).get("energy_per_update") for each in cuts]
        cells = [f"{_effect(e)}; {_energy(c)}" if c else _effect(e) for e, c in zip(effects, spent, strict=True)]
        rows.append([name, *cells])
    for number, (each, score) in enumerate(zip(cuts, scores, strict=True)):
        strongest = sorted(
            (cut for cut in each.values() if cut["synergies"] and Estimate(**cut["synergies"][score]).sign),
            key=lambda cut: -abs(cut["synergies"][score]["mean"]),
        )[:3]
        for cut in strongest:
            cells = [""] * len(kept)
            cells[number] = f"synergy {_effect(cut['synergies'][score], verdict=False)}"
            rows.append([" + ".join(cut["without"]), *cells])
    return _table(head, rows) + _commands(runs)


TABLES = {"task run": _task_runs, "meta": _studies, "task ablate": _ablations}


def _commands(runs: Sequence[Run]) -> str:
    lines = []
    for run in runs:
        output = " -o rows.parquet" if run.kind == "task ablate" else ""
        lines.append(f"* `hmn-lava {run.command}{output}` (about {run.minutes:g} min, tolerance {run.tolerance:g})")
    return "\n" + "\n".join(lines) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _spread(metric: Result | None) -> str:
    return "" if metric is None else f"{_number(metric['mean'])} ± {_number(metric['std'])}"


def _energy(energy: Result) -> str:
    """Of everything, and of learning alone: typical values in nJ."""
    return f"{energy['typical'] / 1000:.3g} nJ, learning {energy['learning_only']['typical'] / 1000:.3g} nJ"


def _number(value: float) -> str:
    return f"{value:.4f}" if abs(value) < 10 else f"{value:.1f}"


def _effect(estimate: Result | None, verdict: bool = True) -> str:
    if estimate is None:
        return "–"
    interval = "" if estimate["low"] is None else f" [{estimate['low']:+.4f}, {estimate['high']:+.4f}]"
    word = f" {VERDICT[Estimate(**estimate).sign]}" if verdict else ""
    return f"{estimate['mean']:+.4f}{interval}{word}"
