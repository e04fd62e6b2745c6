"""Energy of a token: what the adapters take on the chip, and what the frozen part takes on the host (phase P3).

    E_token = E_adapters + E_host,   E_host = N e,   overhead = E_adapters / E_host

E_adapters: counts times coefficients of a run (:func:`hmn_lava.profile`), of all steps of a token. N: multiplications
of the host for a token; e: energy of one, of the host's profile. Both are ranges, as coefficients are assumed; the
overhead's goes from the least adapters over the dearest host to the opposite.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import hmn_lava as hl
from hmn_lava.energy.lines import Range
from hmn_lava.errors import InputError
from hmn_lava.hardware_profiles.hosts import load_host
from hmn_lava.language.encoder import Ints
from hmn_lava.language.frozen import Frozen
from hmn_lava.language.model import host_of
from hmn_lava.language.reader import Adapters, Reader

if TYPE_CHECKING:
    from hmn_lava.bundle import Bundle
    from hmn_lava.energy import Report

FORMULA = "E_token = E_adapters + N e;  overhead = E_adapters / (N e)"


@dataclass(frozen=True)
class TokenCost:
    """pJ of a token, a mean over ``tokens``.

    ``adapters``: with their lessons; ``idle``: the same states without, from weights of zero; ``host``: N e, N being
    ``multiplications``, and ``source`` where e is from. ``changed``: weights of ``synapses`` that a token changed.
    """

    adapters: Range
    idle: Range
    host: Range
    multiplications: int
    changed: float
    synapses: int
    tokens: int
    source: str

    @property
    def total(self) -> Range:
        return self.adapters + self.host

    @property
    def overhead(self) -> Range:
        """Adapters over host; without unit."""
        a, h = self.adapters, self.host
        return Range(a.low / h.high, a.typical / h.typical, a.high / h.low)

    def as_dict(self) -> dict[str, Any]:
        parts = {
            "adapters": self.adapters,
            "adapters_without_lessons": self.idle,
            "host": self.host,
            "token": self.total,
        }
        return {
            **{name: {**part.as_dict(), "unit": "pJ"} for name, part in parts.items()},
            "overhead": self.overhead.as_dict(),
            "multiplications": self.multiplications,
            "weights_changed_per_token": self.changed,
            "plastic_synapses": self.synapses,
            "tokens": self.tokens,
            "formula": FORMULA,
            "source": self.source,
        }


def multiplications(frozen: Frozen, window: int) -> int:
    """Of the host for a token in the middle of a window: encoder, attention over it, projection, scores and error."""
    sizes = frozen.encoder.sizes
    attention = sizes.layers * 2 * sizes.hidden * (window // 2)
    return sizes.operations + attention + frozen.projection.size + 2 * frozen.readout.size


def token_cost(bundle: Bundle, frozen: Frozen, tokens: Ints, backend: str = "fast") -> tuple[TokenCost, Report]:
    """Price the tokens of a text, with the lessons that they really give. Raises InputError for fewer than two."""
    if len(tokens) < 2:
        raise InputError("has too few tokens", field="text", value=len(tokens), remedy="give a text of two or more")
    host = host_of(bundle.spec)
    taught = _Recorded(Adapters(bundle.session(backend), host))
    Reader(frozen, taught).read(tokens)
    reports = []
    for lessons in (True, False):
        inputs = taught.inputs(lessons)
        reports.append(hl.profile(bundle, inputs, len(taught) * host.period, steps_per_sample=host.period))
    report, idle = reports
    count = multiplications(frozen, host.window)
    price = load_host().multiply_accumulate
    cost = TokenCost(
        adapters=report.per_sample,
        idle=idle.per_sample,
        host=Range.of(price.span).times(count),
        multiplications=count,
        changed=(report.tally.changed or 0) / max(1, len(taught)),
        synapses=report.plastic_synapses,
        tokens=len(taught),
        source=price.source,
    )
    return cost, report


class _Recorded:
    """Adapters whose inputs are kept, to run them again with counting."""

    def __init__(self, adapters: Adapters) -> None:
        self.adapters = adapters
        self.kept: list[dict[str, Any]] = []

    def __len__(self) -> int:
        return len(self.kept)

    def exchange(self, state: Any, lesson: Any) -> Any:
        self.kept.append(self.adapters.inputs(state, lesson))
        return self.adapters.answer(state, self.kept[-1])

    def inputs(self, lessons: bool) -> dict[str, Any]:
        """All inputs behind each other; without lessons, those of the answers alone."""
        found = {name: np.concatenate([each[name] for each in self.kept]) for name in self.kept[0]}
        if not lessons:
            query = self.adapters.host.query
            steps = np.arange(len(found["state"])) % self.adapters.host.period < query
            found = {name: np.where(steps[:, None], 0.0, array) for name, array in found.items()}
        return found
