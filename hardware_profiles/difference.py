"""Where two profiles differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hmn_lava.hardware_profiles.entries import Entry
from hmn_lava.hardware_profiles.schema import Profile


@dataclass(frozen=True)
class Difference:
    """An entry of which the profiles say different things; None where one of them has no such entry."""

    path: str
    a: Entry[Any] | None
    b: Entry[Any] | None

    @property
    def same_value(self) -> bool:
        """Whether only basis or source differ, and the number and its range do not."""
        return self.a is not None and self.b is not None and _number(self.a) == _number(self.b)


def differences(a: Profile, b: Profile) -> list[Difference]:
    """All entries in which ``b`` differs from ``a`` in value, range, basis or source, section by section."""
    entries_a, entries_b = dict(a.entries()), dict(b.entries())
    sections = list(Profile.model_fields)
    paths = sorted({**entries_a, **entries_b}, key=lambda path: sections.index(path.split(".")[0]))
    found = [Difference(path, entries_a.get(path), entries_b.get(path)) for path in paths]
    return [difference for difference in found if difference.a != difference.b]


def _number(entry: Entry[Any]) -> tuple[Any, ...]:
    return entry.value, getattr(entry, "low", None), getattr(entry, "high", None)
