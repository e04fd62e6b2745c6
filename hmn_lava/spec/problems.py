"""What is wrong with a spec, collected and told in one error: field, value, problem and remedy of each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError

from hmn_lava.errors import InputError

MAX_LINES = 18  # of problems in one message


@dataclass(frozen=True)
class Problem:
    """One wrong field: its dotted path, the violated limit, what to do, and the value (None: nothing to show)."""

    field: str
    problem: str
    remedy: str
    value: Any = None

    def error(self, where: str = "") -> InputError:
        return InputError(self.problem, where=where, field=self.field, value=_brief(self.value), remedy=self.remedy)


def error_of(problems: Sequence[Problem], where: str = "") -> InputError:
    """One error for all problems, on one screen."""
    if len(problems) == 1:
        return problems[0].error(where)
    lines = []
    for item in problems[:MAX_LINES]:
        value = _brief(item.value)
        got = "" if value is None else f" (got {value!r:.60})"
        lines.append(f"\n  {item.field}: {item.problem}{got}; {item.remedy}")
    if len(problems) > MAX_LINES:
        lines.append(f"\n  ... and {len(problems) - MAX_LINES} more")
    first = problems[0]
    error = InputError(f"{len(problems)} problems{''.join(lines)}", where=where)
    error.field, error.value, error.remedy = first.field, first.value, first.remedy
    return error


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """'did you mean X?' where a known word is close, otherwise the list of known words."""
    words = sorted(known)
    close = get_close_matches(word, words, n=1)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"use one of: {', '.join(words[:12])}{', ...' if len(words) > 12 else ''}" if words else "remove it"


def clean(key: str) -> str:
    """Make an unknown key fit to print: no control characters, not long."""
    return key if key.isprintable() and len(key) <= 64 else ascii(key[:60])


def _brief(value: Any) -> Any:
    """Long containers are told by their kind and length: a repr of them could fill the screen or the memory."""
    if isinstance(value, str) and len(value) > 200:
        return value[:200]
    if isinstance(value, (list, tuple)) and (len(value) > 16 or any(isinstance(item, (list, tuple)) for item in value)):
        return f"{type(value).__name__} of {len(value)} items"
    return None if isinstance(value, (Mapping, BaseModel)) else value


# ---- pydantic's errors, translated


def problems_of(error: ValidationError, root: Any, prefix: str = "") -> list[Problem]:
    """Translate pydantic's errors of validating ``root`` (a record class or a union of them)."""
    return [_problem(details, root, prefix) for details in error.errors(include_url=False)]


def _problem(details: Any, root: Any, prefix: str) -> Problem:
    kind, context, value = details["type"], details.get("ctx", {}), details["input"]
    location = details["loc"]
    path = [prefix] if prefix else []
    path += [clean(str(part)) for part in location if not str(part).startswith("~") and part != "[key]"]
    if kind == "hmn":
        if context.get("field"):
            path += context["field"].split(".")
            for part in context["field"].split("."):
                value = value.get(part) if isinstance(value, Mapping) else getattr(value, part, None)
        remedy = context["remedy"]
        choices = str(context.get("choices", "")).split(", ")
        if isinstance(value, str) and (close := get_close_matches(value, choices, n=1)):
            remedy = f"did you mean '{close[0]}'?"
        return Problem(".".join(path), context["problem"], remedy, value)
    field = ".".join(path)
    if kind == "extra_forbidden":
        return Problem(field, "unknown key", did_you_mean(str(location[-1]), _fields_at(root, location[:-1])))
    if kind == "missing":
        return Problem(field, "is missing", "add it")
    if kind == "literal_error":
        known = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        return Problem(
            field,
            f"must be {context.get('expected')}",
            did_you_mean(value if isinstance(value, str) else "", known),
            value,
        )
    if kind in _LIMITS:
        sign, name = _LIMITS[kind]
        limit = context[name] if isinstance(context[name], int) else f"{context[name]:g}"
        return Problem(field, f"must be {sign} {limit}", f"use a number {sign} {limit}", value)
    problem, remedy = _PLAIN.get(kind, (str(details["msg"]), "correct it"))
    return Problem(field, problem, remedy, value)


_LIMITS = {
    "greater_than": (">", "gt"),
    "greater_than_equal": (">=", "ge"),
    "less_than": ("<", "lt"),
    "less_than_equal": ("<=", "le"),
}
_PLAIN = {
    "invalid_key": ("a key must be text", "put it in quotes, or rename it"),
    "string_type": ("must be text", "put it in quotes"),
    "string_too_short": ("is empty", "write a text"),
    "string_too_long": ("is too long", "shorten it"),
    "bool_type": ("must be true or false", "write true or false"),
    "dict_type": ("must be a mapping", "write `key: value` lines or {key: value}"),
    "model_type": ("must be a mapping", "write `key: value` lines or {key: value}"),
    "model_attributes_type": ("must be a mapping", "write `key: value` lines or {key: value}"),
    "tuple_type": ("must be a list", "write [a, b]"),
    "too_short": ("has too few items", "add what is missing"),
    "too_long": ("has too many items", "remove what is too much"),
}


def _fields_at(root: Any, location: Sequence[Any]) -> list[str]:
    """Keys that are allowed at a place of the spec, for 'did you mean'."""
    kind = root
    for part in location:
        kind = _enter(kind, part)
    kind = _bare(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [field.alias or name for name, field in kind.model_fields.items()]
    return []


def _bare(kind: Any) -> Any:
    """Take the record out of ``Annotated[...]`` and ``... | None``."""
    while True:
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        elif type(None) in get_args(kind):
            kind = next(part for part in get_args(kind) if part is not type(None))
        else:
            return kind


def _enter(kind: Any, part: Any) -> Any:
    kind = _bare(kind)
    if isinstance(part, str) and part.startswith("~"):
        tagged = (member for member in get_args(kind) if get_origin(member) is Annotated)
        return next((member for member in tagged if Tag(part) in get_args(member)), None)
    if get_origin(kind) is dict:
        return get_args(kind)[1]
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            if part in (name, field.alias):
                return field.annotation
    return None
