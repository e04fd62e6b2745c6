"""Texts that are read live, one behind the other: perplexity with adapters beside the frozen model's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hmn_lava.errors import InputError
from hmn_lava.language.encoder import Ints
from hmn_lava.language.reader import Reader
from hmn_lava.language.texts import read_text
from hmn_lava.language.tokens import Tokenizer

EVERY = 250
"""Tokens of a point."""


@dataclass(frozen=True)
class Point:
    """The last ``tokens`` tokens of a text: perplexities, and seconds a token of host and adapters."""

    text: str
    tokens: int
    frozen: float
    adapted: float
    host: float
    adapters: float

    @property
    def ratio(self) -> float:
        return self.adapted / self.frozen

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio}


def read_live(
    reader: Reader, texts: Sequence[str], tokens: int, *, learn: bool = True, tell: Callable[[Point], None]
) -> list[Point]:
    """Read ``tokens`` tokens of each text, token by token; a text that comes again goes on where it was left.

    Raises InputError for a text that cannot be read, before anything runs, or that ends too soon.
    """
    tokenizer = Tokenizer(reader.frozen.encoder.folder)
    parts = list(_parts(tokenizer, texts, tokens))
    found = []
    for name, part in parts:
        losses, host, adapters = [], [], []
        frozen = reader.frozen.losses(reader.frozen.states(part), part)
        for read in reader.live(part, learn=learn):
            losses.append(read.loss)
            host.append(read.host)
            adapters.append(read.adapters)
            if len(losses) % EVERY == 0 or len(losses) == len(part) - 1:
                begin = (len(losses) - 1) // EVERY * EVERY
                some = slice(begin, len(losses))
                means = [float(np.mean(values[some])) for values in (frozen, losses, host, adapters)]
                found.append(Point(name, len(losses), float(np.exp(means[0])), float(np.exp(means[1])), *means[2:]))
                tell(found[-1])
    return found


def _parts(tokenizer: Tokenizer, texts: Sequence[str], tokens: int) -> Iterator[tuple[str, Ints]]:
    known: dict[str, Ints] = {}
    place: dict[str, int] = {}
    for name in texts:
        if name not in known:
            known[name] = tokenizer.encode(read_text(name))
        part = known[name][place.get(name, 0) : place.get(name, 0) + tokens]
        place[name] = place.get(name, 0) + tokens
        if len(part) < 2:
            remedy = "give a longer text, or fewer tokens of it"
            raise InputError(
                "ends too soon", where=name, field="text", value=f"{len(known[name])} tokens", remedy=remedy
            )
        yield name, part
