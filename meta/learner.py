"""The outer loop: two-point SPSA or REINFORCE on the meta-parameters of a bundle, resumable after every meta-step.

Both estimators are those of :mod:`hmn_lava.reference.meta`. With ``scale: linear`` they move the constants η, as the
paper does; with ``log`` they move θ = ln η, so that widths and steps are shares of the constant wherever it stands.

Meta-step t runs M episodes with each point, on seeds that both points of a pair share (common random numbers): what
differs between the two losses is the constants, not the luck. The paper's rate is constant while the widths shrink, so
that what is left of the luck moves the constants for ever; ``rate_decay`` lets a long loop settle (Spall 1998).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from hmn_lava.errors import InputError
from hmn_lava.files import write_whole
from hmn_lava.meta.episodes import Evaluator
from hmn_lava.reference.equations import Floats
from hmn_lava.reference.meta import (
    MetaState,
    reinforce_propose,
    reinforce_update,
    spsa_propose,
    spsa_update,
    start,
)
from hmn_lava.spec.records import MetaLearningSpec

VERSION = 1
"""Of a checkpoint."""

FIRST_SEED = 1_000_000
"""Seeds of the outer loop's episodes begin here: those that results are reported for are small."""

Row = dict[str, float]


@dataclass
class MetaLearner:
    """Where an outer loop stands.

    ``names`` of the meta-parameters; ``state`` holds η, or ln η with ``scale: log``. ``history`` has a row for each
    meta-step: the parameters before it (``NAME``), what the points tried, the mean losses, and how many of the
    requested changes moved no integer (``lost``).
    """

    names: tuple[str, ...]
    meta: MetaLearningSpec
    state: MetaState
    rng: np.random.Generator
    history: list[Row] = field(default_factory=list)

    @classmethod
    def begin(
        cls,
        values: Mapping[str, float],
        bounds: Mapping[str, tuple[float, float]],
        meta: MetaLearningSpec,
        seed: int = 0,
    ) -> MetaLearner:
        """Begin at ``values``, inside ``bounds``.

        Raises InputError for a value of 0, which a relative width cannot leave, and one that is outside.
        """
        names = tuple(values)
        eta = np.array(list(values.values()), np.float64)
        low, high = (np.array([bounds[name][end] for name in names], np.float64) for end in (0, 1))
        if meta.scale == "log":
            if np.any(eta <= 0.0):
                remedy = "begin above 0, or leave the parameter out"
                raise InputError("0 has no logarithm", field="meta_learning", value=dict(values), remedy=remedy)
            with np.errstate(divide="ignore"):
                low, high = np.log(low), np.log(high)
            state = start(np.log(eta), low, high, epsilon0=np.full(len(names), meta.epsilon))
        else:
            state = start(eta, low, high, relative_epsilon=meta.epsilon)
        return cls(names, meta, state, np.random.default_rng(seed))

    @property
    def values(self) -> dict[str, float]:
        """The meta-parameters now."""
        return self._point(self.state.eta)

    def step(self, evaluate: Callable[[Sequence[Mapping[str, float]], Sequence[int]], Floats]) -> Row:
        """One meta-step; ``evaluate(points, seeds)`` gives the losses (points, seeds). Returns its row."""
        state, t, meta = self.state, self.state.t, self.meta
        seeds = range(FIRST_SEED + (t - 1) * meta.every, FIRST_SEED + t * meta.every)
        rate = meta.rate / t**meta.rate_decay
        row: Row = {"step": t, **self.values}
        if meta.method == "spsa":
            above, below = spsa_propose(state, self.rng)
            plus, minus = (float(v) for v in np.mean(evaluate([self._point(above), self._point(below)], seeds), 1))
            self.state = spsa_update(state, above, below, plus, minus, rate)
            row |= {"loss": (plus + minus) / 2, "loss_plus": plus, "loss_minus": minus}
            tried = {"plus": above, "minus": below}
        else:
            # The baseline is the policy's mean on the same seeds: a running mean would leave the luck of the episodes
            # in (L - b), which the division by a small width makes larger than any slope.
            point = reinforce_propose(state, self.rng)
            loss, mean = (float(v) for v in np.mean(evaluate([self._point(point), self.values], seeds), 1))
            self.state = reinforce_update(replace(state, baseline=mean), point, loss, rate)
            row |= {"loss": mean, "loss_tried": loss}
            tried = {"tried": point}
        for which, eta in tried.items():
            row |= {f"{name}_{which}": value for name, value in self._point(eta).items()}
        self.history.append(row)
        return row

    def run(
        self,
        evaluator: Evaluator,
        steps: int,
        checkpoint: str | os.PathLike[str] | None = None,
        tell: Callable[[Row], None] = lambda row: None,
    ) -> None:
        """Go on up to meta-step ``steps``, and write ``checkpoint`` after each.

        A loop that was killed and begins again from its checkpoint comes to the same integers.
        """
        while self.state.t <= steps:
            row = self.step(evaluator.losses)
            row["lost"] = float(len(evaluator.realise(self.values).lost))
            if checkpoint is not None:
                self.save(checkpoint)
            tell(row)

    def save(self, file: str | os.PathLike[str]) -> None:
        """Write everything that the next meta-step depends on, whole or not at all."""
        content = {
            "hmn_lava_meta": VERSION,
            "names": self.names,
            "meta_learning": self.meta.model_dump(mode="json"),
            "t": self.state.t,
            "baseline": self.state.baseline,
            **{name: getattr(self.state, name).tolist() for name in _ARRAYS},
            "rng": self.rng.bit_generator.state,
            "history": self.history,
        }
        text = json.dumps(content, indent=1)  # infinite bounds as Infinity, which json reads back
        write_whole(Path(file), lambda stream: stream.write(text.encode()))

    @classmethod
    def resume(cls, file: str | os.PathLike[str]) -> MetaLearner:
        """Read a checkpoint. Raises InputError for a file that is none."""
        try:
            content: dict[str, Any] = json.loads(Path(file).read_text())
            if content["hmn_lava_meta"] != VERSION:
                raise ValueError("another version")
            eta, epsilon0, low, high = (np.array(content[name], np.float64) for name in _ARRAYS)
            state = MetaState(eta, epsilon0, low, high, int(content["t"]), content["baseline"])
            rng = np.random.default_rng()
            rng.bit_generator.state = content["rng"]
            meta = MetaLearningSpec.model_validate(content["meta_learning"])
            return cls(tuple(content["names"]), meta, state, rng, list(content["history"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            remedy = "give the file that the outer loop wrote, or begin anew"
            raise InputError(f"is no checkpoint: {error}", where=str(file), remedy=remedy) from None

    def _point(self, eta: Floats) -> dict[str, float]:
        real = np.exp(eta) if self.meta.scale == "log" else eta
        return {name: float(value) for name, value in zip(self.names, real, strict=True)}


_ARRAYS = ("eta", "epsilon0", "low", "high")
