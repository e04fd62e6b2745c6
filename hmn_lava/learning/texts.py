"""Numbers from the text of options and files, with errors that say what was expected."""

from __future__ import annotations

from collections.abc import Sequence

from hmn_lava.errors import InputError

_LONGEST = 40


def read_number(name: str, text: str) -> float | int:
    """A number, whole where it is written so; raises InputError."""
    stripped = text.strip()
    try:
        if len(stripped) > _LONGEST or not stripped.isascii() or "_" in stripped:
            raise ValueError
        return int(stripped) if stripped.lstrip("+-").isdecimal() else float(stripped)
    except ValueError:
        raise InputError("a number is expected", field=name, value=text, remedy="write one, like 3 or 0.5") from None


def read_numbers(name: str, text: str) -> tuple[float, float]:
    """Two numbers with a comma between them; raises InputError."""
    parts = text.split(",")
    if len(parts) != 2:
        raise InputError(
            "two numbers with a comma between them are expected", field=name, value=text, remedy=f"like {name} 1.0,20"
        )
    return read_number(name, parts[0]), read_number(name, parts[1])


def read_named_numbers(name: str, texts: Sequence[str]) -> dict[str, float]:
    """Texts like ``t=50``; raises InputError for other shapes, and for a name that comes twice."""
    found: dict[str, float] = {}
    for text in texts:
        key, equals, number = text.partition("=")
        if not equals or key.strip() in found:
            raise InputError("a name and a number are expected, each name once", field=name, value=text,
                             remedy=f"like {name} t=50")  # fmt: skip
        found[key.strip()] = read_number(name, number)
    return found
