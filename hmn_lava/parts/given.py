"""What a user gave: checked here, and told in the user's own words when the spec of a part refuses it.

A check raises InputError with the argument as ``field``, what was given as ``value`` and a remedy;
:func:`of_component` adds which component it is.
"""

from __future__ import annotations

import functools
import inspect
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, ParamSpec, TypeVar

import numpy as np

from hmn_lava.errors import FitError, InputError
from hmn_lava.fixed import Fixed
from hmn_lava.partition import Part
from hmn_lava.reference.equations import Floats

LONGEST = 1 << 12
"""Steps; longest delay of a message inside a part."""
LARGEST_SIZE = 1 << 24
"""Most neurons, as in a spec."""

P = ParamSpec("P")
R = TypeVar("R")


def size_of(shape: Any) -> int:
    """The number of neurons: of a shape (n,), or n itself."""
    size = shape[0] if isinstance(shape, (tuple, list)) and len(shape) == 1 else shape
    if not _is_whole(size) or not 1 <= size <= LARGEST_SIZE:
        remedy = f"use (n,), n from 1 to {LARGEST_SIZE}; reshape a port in Lava where it has more dimensions"
        raise InputError("is no shape of one dimension", field="shape", value=shape, remedy=remedy)
    return int(size)


def whole(field: str, value: Any, least: int = 0, most: int | None = None) -> int:
    """A whole number from ``least``."""
    if not _is_whole(value) or value < least or (most is not None and value > most):
        remedy = f"use a whole number from {least}" + ("" if most is None else f" to {most}")
        raise InputError("is no whole number in its range", field=field, value=value, remedy=remedy)
    return int(value)


def steps(field: str, value: Any, least: int = 0) -> int:
    """A whole number of steps."""
    return whole(field, value, least, LONGEST)


def number(field: str, value: Any, low: float = -math.inf, high: float = math.inf) -> float:
    """A finite number in [low, high]."""
    try:
        real = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    except OverflowError:
        real = math.nan
    if not (math.isfinite(real) and low <= real <= high):
        shown = f" from {low:g}" if math.isfinite(low) else ""
        shown += f" to {high:g}" if math.isfinite(high) else ""
        remedy = f"give a number{shown}" if shown else "give a finite number"
        raise InputError("is no number in its range" if shown else "is no finite number", field=field, value=value,
                         remedy=remedy)  # fmt: skip
    return real


def numbers(field: str, values: Any, shape: tuple[int, ...] | None = None) -> Floats:
    """Finite numbers; in ``shape``, or what broadcasts to it, if one is given."""
    try:
        found = np.asarray(values)
    except (TypeError, ValueError):
        found = np.asarray(None)
    if found.dtype.kind not in "biuf" and found.size:
        remedy = "give numbers: one, or an array with rows of the same length"
        raise InputError("holds what is no number", field=field, value=values, remedy=remedy)
    reals = found.astype(np.float64)
    if not np.all(np.isfinite(reals)):
        raise InputError("holds NaN or infinity", field=field, value=values, remedy="replace every such value")
    if shape is None:
        return reals
    try:
        return np.array(np.broadcast_to(reals, shape))
    except ValueError:
        problem = f"has shape {reals.shape}, needs {shape}"
        remedy = f"give numbers in the shape {shape}, or one for all"
        raise InputError(problem, field=field, value=values, remedy=remedy) from None


def above_zero(field: str, values: Any, shape: tuple[int, ...]) -> Floats:
    """Numbers above 0."""
    found = numbers(field, values, shape)
    if not np.all(found > 0):
        raise InputError("is not above 0", field=field, value=values, remedy="give numbers above 0")
    return found


def matrix(weights: Any, field: str = "weights") -> tuple[Floats, Any]:
    """Weights (n_post, n_pre), and which synapses there are: the stored ones of a scipy.sparse matrix, else None."""
    topology = None
    if hasattr(weights, "tocoo"):
        entries = weights.tocoo()
        topology = np.zeros(entries.shape)
        topology[entries.row, entries.col] = 1.0
        weights = weights.toarray()
    found = numbers(field, weights)
    if found.ndim != 2 or not found.size:
        problem = f"has shape {found.shape}, and is no matrix of weights"
        raise InputError(problem, field=field, value=weights, remedy="give a matrix (n_post, n_pre)")
    return found, topology


def topology_of(given: Any) -> Any:
    """None, or a mask or list of synapses, whose shape the spec checks."""
    if given is None:
        return None
    try:
        return numbers("topology", given)
    except InputError as error:
        remedy = "give a 0/1 mask (n_post, n_pre), or a list (2, n_syn) of post and pre"
        raise InputError(error.problem, field="topology", value=given, remedy=remedy) from None


def pair(field: str, given: Any) -> tuple[float, float]:
    """(low, high), finite, low < high."""
    found = numbers(field, given)
    if found.shape != (2,) or not found[0] < found[1]:
        raise InputError("is no pair of bounds", field=field, value=given, remedy="use (low, high), low < high")
    return float(found[0]), float(found[1])


def choice(field: str, value: Any, allowed: Collection[str]) -> str:
    """One of the words ``allowed``."""
    if not isinstance(value, str) or value not in allowed:
        raise InputError("is not known", field=field, value=value, remedy=f"one of: {', '.join(allowed)}")
    return value


def flag(field: str, value: Any) -> bool:
    """True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise InputError("is neither true nor false", field=field, value=value, remedy="use True or False")
    return bool(value)


def format_of(field: str, value: Any) -> Fixed | None:
    """A format, or None."""
    if value is not None and not isinstance(value, Fixed):
        remedy = "give a hmn_lava.fixed.Fixed, such as Fixed(24, True, 12), or Fixed.parse of its text"
        raise InputError("is no format", field=field, value=value, remedy=remedy)
    return value


def keys(field: str, given: Any, allowed: Collection[str] | None = None, *, empty: bool = False) -> Mapping[str, Any]:
    """A mapping whose keys are text, and among those ``allowed``."""
    known = f"one of: {', '.join(allowed)}" if allowed is not None else "names"
    if not isinstance(given, Mapping):
        raise InputError("is no mapping", field=field, value=given, remedy=f"give a dict; keys are {known}")
    if not given and not empty:
        raise InputError("is empty", field=field, value=given, remedy=f"give some of it ({known}), or None for none")
    for key in given:
        if not isinstance(key, str):
            raise InputError("has a key that is no text", field=field, value=key, remedy=f"use {known}")
        if allowed is not None and key not in allowed:
            raise InputError("unknown key", field=f"{field}.{key}", value=given[key], remedy=known)
    return given


def given_part(part: Any, where: str) -> Part:
    """A part that was given in place of all arguments."""
    if not isinstance(part, Part):
        remedy = "give a part of hmn_lava.partition, or leave it out and give the other arguments"
        raise InputError("is no part of a network", where=where, field="part", value=part, remedy=remedy)
    return part


def of_component(**paths: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorates what makes a part of arguments, one of them ``name``: its errors tell the component and the argument.

    ``paths`` as in :func:`fields_of`.
    """

    def decorate(make: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(make)

        @functools.wraps(make)
        def made(*args: P.args, **kwargs: P.kwargs) -> R:
            given = signature.bind(*args, **kwargs)
            given.apply_defaults()
            with fields_of(str(given.arguments["name"]), paths, given.arguments):
                return make(*args, **kwargs)

        return made

    return decorate


@contextmanager
def fields_of(where: str, names: Mapping[str, str], given: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Tell errors in the arguments of a component: ``names`` maps a spec's path, with dots as ``__``, to an argument.

    The longest path that a field begins with is replaced; in texts, paths of several words alone. A value that an error
    lacks is that of ``given``.
    """
    paths = sorted(((path.replace("__", "."), name) for path, name in names.items()), key=lambda p: -len(p[0]))

    def named(text: str) -> str:
        for path, name in paths:
            text = text.replace(path, name) if "." in path else text
        return text

    def argument(field: str) -> str:
        first, dot, rest = field.partition(".")
        return named(field) if first not in names else names[first] + dot + rest

    try:
        yield
    except InputError as error:
        inner = "" if error.where == where else error.where
        field = argument(".".join(part for part in (inner, error.field) if part))
        problem, value = named(error.problem), error.value
        found, known = _value(field, given or {})
        if known and value is None:
            value = found
            problem += " (got None)" if found is None and "got None" not in problem else ""
        remedy = named(error.remedy).replace("null", "None") or "change it"
        raise InputError(problem, where=where, field=field, value=value, remedy=remedy) from None
    except FitError as error:
        findings = [replace(f, object=named(f.object), remedy=_without_flag(named(f.remedy))) for f in error.findings]
        summary = str(error).partition("\n")[0]
        raise FitError(summary if summary.startswith(where) else f"{where}: {summary}", findings) from None


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _value(field: str, given: Mapping[str, Any]) -> tuple[Any, bool]:
    """What was given for ``field``, or for the beginning of its dotted path; and whether anything is known of it."""
    found: Any = given
    known = False
    for key in field.split("."):
        if not isinstance(found, Mapping) or key not in found:
            break
        found, known = found[key], True
    return (found, True) if known else (None, False)


def _without_flag(remedy: str) -> str:
    """A remedy without the option of the command line that a component does not have."""
    return re.sub(r",? or pass --allow-lossy", "", remedy)
