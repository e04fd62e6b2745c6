"""Fit a language model: texts to tokens, tokens to encodings, encodings to a frozen part, and its adapters' spec."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hmn_lava.errors import InputError
from hmn_lava.language import frozen
from hmn_lava.language.adapters import language_spec, setting_of
from hmn_lava.language.store import encode, find_encoder
from hmn_lava.language.texts import read_text, split_topics
from hmn_lava.language.tokens import Tokenizer
from hmn_lava.spec import Spec

LARGEST = 500_000
"""Tokens of a fit: 20 kB of memory each."""
HELD = 10
"""One token of so many is kept out of the fit, at the end of each text, to tell how good it is."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A spec, the number of tokens that it was fitted on, and the perplexity of the ``held`` tokens."""

    spec: Spec
    tokens: int
    held: int
    perplexity: float


def fit_language(
    texts: Sequence[str] = (),
    *,
    encoder: Path | None = None,
    plasticity: str = "neurocore",
    known: int = frozen.KNOWN,
    width: int = frozen.WIDTH,
    seed: int = 0,
    tell: Callable[[str], None] = lambda line: None,
) -> Fitted:
    """Fit the frozen part on texts, by name or path; by default on four fifths of the topics of Python's reference.

    ``encoder``: the folder of a BERT encoder from Hugging Face; by default the installed MiniLM. ``known``: tokens that
    get a score of their own, ``width``: size of a state and of each adapter. Raises InputError for texts that cannot be
    read or are too short, BackendError where no encoder is installed.
    """
    setting_of(plasticity)  # refuses another lowering before the work
    found = find_encoder(encoder)
    tokenizer = Tokenizer(found.folder)
    read = [split_topics()[0] if name == "topics" else read_text(name) for name in texts or ["topics"]]
    tokens = [tokenizer.encode(text) for text in read]
    total = sum(map(len, tokens))
    if total > LARGEST:
        remedy = "give a part of it: this is a small head"
        raise InputError(f"have more than {LARGEST} tokens", field="texts", value=total, remedy=remedy)
    tell(f"encoding {total} tokens with {found.name}")
    encoded = [encode(found, each) for each in tokens]
    tell(f"fitting up to {known} scores on states of {width}")
    cuts = [len(each) - len(each) // HELD for each in tokens]
    kept = [each[:n] for each, n in zip(tokens, cuts, strict=True)]
    made = frozen.fit(
        found,
        kept,
        [each[:n] for each, n in zip(encoded, cuts, strict=True)],
        known=known,
        width=width,
        seed=seed,
    )
    losses = [
        made.losses(made.states(each, states), each)[n - 1 :]
        for each, states, n in zip(tokens, encoded, cuts, strict=True)
    ]
    held = np.concatenate(losses)
    spec = language_spec(made, plasticity)
    return Fitted(spec, sum(map(len, kept)), len(held), float(np.exp(held.mean())) if len(held) else float("nan"))
