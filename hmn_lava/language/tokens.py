"""Words of a text as tokens of the encoder, and where its sentences end."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from hmn_lava.errors import BackendError, InputError
from hmn_lava.language.encoder import EXTRA, Ints

_END = re.compile(r"(?<=[.!?])\s+|\n+")


class Tokenizer:
    """The tokenizer of an encoder's folder (``tokenizer.json``).

    Raises InputError where it cannot be read, BackendError where the package tokenizers is missing.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from tokenizers import Tokenizer as Rust
        except ImportError:
            raise BackendError(f"a language model needs tokenizers: {EXTRA}") from None
        file = folder / "tokenizer.json"
        try:
            self._rust = Rust.from_file(str(file))
        except Exception as error:  # the library raises nothing narrower
            remedy = "give the folder of an encoder from Hugging Face"
            raise InputError(f"cannot be read: {error}", where=str(file), remedy=remedy) from None
        self._rust.no_truncation()
        self._rust.no_padding()

    def encode(self, text: str) -> Ints:
        """The tokens of a text, (n,)."""
        return np.array(self._rust.encode(text, add_special_tokens=False).ids, np.int64)

    def decode(self, token: int) -> str:
        """A token as text; ``##`` in front of what continues a word."""
        return self._rust.id_to_token(int(token)) or "?"

    def sentences(self, text: str) -> list[Ints]:
        """The tokens of each sentence; in code, of each line."""
        parts = [part for part in _END.split(text) if part.strip()]
        found = self._rust.encode_batch(parts, add_special_tokens=False)
        return [np.array(each.ids, np.int64) for each in found if each.ids]
