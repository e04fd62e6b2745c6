"""The phases' figures as plain values: every section's, and means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import hmn_lava as hl
from hmn_lava.language.cost import token_cost
from hmn_lava.language.evaluation import Bench
from hmn_lava.language.model import host_of

PRICED = 300
"""Tokens that energy is counted on."""


def run_phases(
    bench: Bench, phases: Sequence[str], seeds: int, styles: Sequence[str], ablate: bool = True
) -> dict[str, Any]:
    """Run phases on seeds 0 .. ``seeds`` - 1; P1 in each style."""
    bench.check(phases, styles)
    found: dict[str, Any] = {"prose": bench.prose, "styles": list(styles), "encoder": host_of(bench.spec).encoder}
    if "P0" in phases:
        found["P0"] = [bench.harm(seed) for seed in _told(bench, "P0", seeds)]
    if "P1" in phases:
        found["P1"] = [bench.style(seed, text) for text in styles for seed in _told(bench, f"P1, {text}", seeds)]
    if "P2" in phases:
        rows = [bench.forgetting(seed, ablate) for seed in _told(bench, "P2", seeds)]
        found["P2"] = {"per_seed": rows, "mean": [_mean(column) for column in zip(*rows, strict=True)]}
    if "P3" in phases:
        bench.tell("P3")
        bundle = hl.compile(bench.spec, plasticity=bench.plasticity)
        cost, _ = token_cost(bundle, bench.frozen, bench.section(bench.code, 0, PRICED).tokens, bench.backend)
        found["P3"] = cost.as_dict()
    return found


def _told(bench: Bench, phase: str, seeds: int) -> range:
    bench.tell(f"{phase}: {seeds} sections")
    return range(seeds)


def _mean(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    names = ("adaptation", "forgetting", "left_after_prose", "prose")
    rates = [row["rate"] for row in rows if "rate" in row]
    return {
        "learner": rows[0]["learner"],
        "rate": float(np.mean(rates)) if rates else None,
        **{name: float(np.mean([row[name] for row in rows])) for name in names},
    }
