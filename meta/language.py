"""SPSA on the rule's η_l, η_g, β_a and β_p, by reading texts (HMN eq. (7); the Trans-HMN paper, section 3).

L_meta of an episode: the loss of ``TOKENS`` tokens of code that are read with learning on, over the frozen model's. The
sections of the outer loop are others than those of the phases.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hmn_lava as hl
from hmn_lava.language.evaluation import Bench
from hmn_lava.language.model import host_of
from hmn_lava.language.reader import Adapters, Reader
from hmn_lava.meta import Evaluator, MetaLearner
from hmn_lava.session import Session
from hmn_lava.spec import Spec
from hmn_lava.spec.parameters import with_parameters
from hmn_lava.spec.records import HmnConnection, MetaLearningSpec

TOKENS = 500
BEHIND = 200_000
"""Tokens of the code that the phases do not come to."""
SECTIONS = 300
START = 1e-5
"""eta_local where the spec has none: the outer loop moves logarithms."""
REACH = {"eta_local": 16.0, "eta_global": 8.0, "beta_attention": 8.0, "beta_gate": 2.0}
"""How far a constant may go, as a factor; one program holds a gate's temperatures up to four times the least."""
CHECKED = range(3)
"""Seeds on which the start and the end are compared."""


@dataclass(frozen=True)
class Tuned:
    """A spec with learned constants, and the losses ``before`` and ``after`` on the same sections."""

    spec: Spec
    start: dict[str, float]
    learned: dict[str, float]
    before: float
    after: float
    history: list[dict[str, float]]


def tune_language(
    spec: Spec,
    steps: int,
    *,
    encoder: Path | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> Tuned:
    """Run an outer loop of ``steps`` steps on the spec of a language model."""
    bench = Bench(spec, encoder=encoder, tell=tell)
    rule = next(each for each in spec.connections.values() if isinstance(each, HmnConnection))
    start = {"eta_local": rule.rates.local or START, "eta_global": rule.rates.global_}
    if rule.attention is not None:
        start["beta_attention"] = rule.attention.beta
    if rule.probabilistic_gate is not None:
        start["beta_gate"] = rule.probabilistic_gate.beta
    meta = MetaLearningSpec(
        parameters=tuple(start),  # type: ignore[arg-type]
        every=1,
        rate=4.0,
        rate_decay=0.6,
        epsilon=0.2,
        scale="log",
        bounds={name: (v / REACH[name], v * REACH[name]) for name, v in start.items()},  # type: ignore[misc]
    )
    begun = with_parameters(spec, start).model_copy(update={"meta_learning": meta})
    bundle = hl.compile(begun, plasticity=bench.plasticity)
    episode = _Episode(bench)
    with Evaluator(bundle, episode) as evaluator:
        learner = MetaLearner.begin(start, evaluator.realiser.bounds, meta)
        learner.run(evaluator, steps, tell=lambda row: tell(_line(row)))
        losses = evaluator.losses([start, learner.values], CHECKED).mean(axis=1)
    found = with_parameters(spec, learner.values)
    return Tuned(found, start, learner.values, float(losses[0]), float(losses[1]), learner.history)


@dataclass(frozen=True, eq=False)
class _Episode:
    bench: Bench

    def __call__(self, session: Session, seed: int) -> float:
        section = self.bench.section(self.bench.code, BEHIND + seed % SECTIONS * TOKENS, TOKENS)
        frozen = self.bench.frozen
        reader = Reader(frozen, Adapters(session, host_of(self.bench.spec)))
        read = reader.read(section.tokens, encoded=section.encoded)
        return float(read.mean() / frozen.losses(frozen.states(section.tokens, section.encoded), section.tokens).mean())


def _line(row: dict[str, Any]) -> str:
    return f"step {row['step']}: loss {row['loss']:.4f}"
