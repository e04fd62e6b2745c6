"""What can go wrong, as values and as exceptions.

A check returns :class:`Finding` records, so that all rules run and not only the first that fails. An operation that
cannot go on raises one of the exceptions below; each carries the exit code that the command line returns for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Finding:
    """One result of one rule: what was looked at, what it uses, what is allowed, and what to change."""

    rule: str
    object: str
    used: Any
    limit: Any
    severity: Severity
    remedy: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.rule}: {self.object}: {self.used} (limit {self.limit}). {self.remedy}"

    @property
    def margin(self) -> int | float | None:
        """What is left of the limit, negative where it is exceeded; None where these are no numbers."""
        numbers = [v for v in (self.used, self.limit) if isinstance(v, (int, float)) and not isinstance(v, bool)]
        return numbers[1] - numbers[0] if len(numbers) == 2 else None

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "margin": self.margin}


class HmnError(Exception):
    """Base of all errors that a user may meet; ``exit_code`` is what the command line returns."""

    exit_code = 1


class InputError(HmnError):
    """A user's file, field or argument is wrong (exit code 2).

    ``where`` is the file or object, ``field`` the dotted path inside it, ``value`` what was found, ``problem`` the
    violated limit and ``remedy`` what to do about it.
    """

    exit_code = 2

    def __init__(self, problem: str, *, where: str = "", field: str = "", value: Any = None, remedy: str = "") -> None:
        self.problem, self.where, self.field, self.value, self.remedy = problem, where, field, value, remedy
        place = ": ".join(part for part in (where, field) if part)
        shown = "" if value is None else f" (got {_short(value)})"
        super().__init__(
            f"{place + ': ' if place else ''}{problem}{shown}" + (f"\n  remedy: {remedy}" if remedy else "")
        )


class FitError(HmnError):
    """What was asked for does not fit the hardware profile (exit code 3).

    ``findings`` say which limits, and the remedies.
    """

    exit_code = 3

    def __init__(self, summary: str, findings: Sequence[Finding] = ()) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join([summary, *(f"  {finding}" for finding in self.findings)]))


class BackendError(HmnError):
    """The backend that was asked for is not available here (exit code 4). Nothing else is run in its place."""

    exit_code = 4


class RunError(HmnError):
    """A run was begun and could not be finished (exit code 5).

    ``traceback`` is the text of where it happened, in whichever process that was; empty if there is none.
    """

    exit_code = 5

    def __init__(self, message: str, traceback: str = "") -> None:
        self.traceback = traceback
        super().__init__(message)


def _short(value: Any, limit: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
