"""Texts that are read live, one behind the other: perplexity with adapters beside the frozen model's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hmn_lava.errors import InputError
from hmn_lava.language.encoder import Ints
from hmn_lava.language.reader import Reader, Token
from hmn_lava.language.texts import read_text
from hmn_lava.language.tokens import Tokenizer

EVERY = 250
"""Tokens of a point."""
MEANS = ("frozen", "loss", "host", "adapters")
"""What a point averages of its tokens."""


@dataclass(frozen=True)
class Point:
    """``tokens`` of a text have been read, the last ``count`` since the point before.

    Of these: perplexities of the frozen model and with the adapters, and seconds a token of host and adapters.
    """

    text: str
    tokens: int
    count: int
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
        some: list[Token] = []
        for number, read in enumerate(reader.live(part, learn=learn), 1):
            some.append(read)
            if len(some) == EVERY or number == len(part) - 1:
                means = [float(np.mean([getattr(each, of) for each in some])) for of in MEANS]
                perplexities = [float(np.exp(mean)) for mean in means[:2]]
                found.append(Point(name, number, len(some), *perplexities, *means[2:]))
                tell(found[-1])
                some = []
    return found


def seconds(points: Sequence[Point]) -> tuple[float, float]:
    """Of host and adapters, a token."""
    weights = [point.count for point in points]
    host, adapters = (float(np.average([getattr(p, of) for p in points], weights=weights)) for of in MEANS[2:])
    return host, adapters


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
