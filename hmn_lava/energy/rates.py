"""Rates of populations, as a user writes them: ``NAME=RATE``, or a YAML or JSON file of names and rates."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hmn_lava.errors import InputError
from hmn_lava.yaml_text import parse_yaml

LARGEST = 64 << 20
"""Bytes of the largest file that is read."""


def read_rates(texts: Iterable[str]) -> dict[str, Any]:
    """The rates of all texts together, by population; a later one replaces an earlier.

    Raises InputError for what is neither ``NAME=NUMBER`` nor such a file, with unique names.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, mark, rate = text.partition("=")
        found |= _file(Path(text)) if not mark else {name.strip(): _number(text, rate)}
    return found


def _number(text: str, rate: str) -> float:
    try:
        return float(rate)
    except ValueError:
        remedy = "write NAME=RATE with a probability from 0 to 1, as in hidden=0.05"
        raise InputError("not a rate", field="--rates", value=text, remedy=remedy) from None


def _file(path: Path) -> dict[str, Any]:
    remedy = "write NAME=RATE, or name a file that maps each population to a number, or to one for each neuron"
    try:
        if path.stat().st_size > LARGEST:
            raise InputError("too large", where=str(path), field="--rates", remedy=f"at most {LARGEST} bytes")
        content = parse_yaml(path.read_text(encoding="utf-8-sig"), str(path), remedy)
    except (OSError, UnicodeDecodeError):
        raise InputError("cannot be read as rates", where=str(path), field="--rates", remedy=remedy) from None
    if not isinstance(content, dict):
        raise InputError("does not map names to rates", where=str(path), field="--rates", remedy=remedy)
    return content
