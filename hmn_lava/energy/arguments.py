"""The arguments of ``hl.profile``, looked at before anything is counted."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from os import PathLike
from typing import Any

from hmn_lava.bundle import Bundle
from hmn_lava.errors import InputError
from hmn_lava.hardware_profiles import Profile, load_profile

MOST = 1 << 53
"""Steps of which a float still tells one from the next."""


def check_arguments(bundle: Any, inputs: Any, worst: Any, rates: Any, **texts: Any) -> None:
    """Raise InputError for an argument of another type, and for two origins of the counts at once."""
    _check(isinstance(bundle, Bundle), "bundle", bundle, "a bundle", "compile a spec, or load one with hl.load")
    _check(isinstance(worst, bool), "worst", worst, "a switch", "give True or False")
    _check(rates is None or isinstance(rates, Mapping), "rates", rates, "a mapping", "give {population: rate}")
    remedy = "give {input: array of shape (steps, size)}"
    _check(inputs is None or isinstance(inputs, Mapping), "inputs", inputs, "a mapping", remedy)
    for name, value in texts.items():
        _check(value is None or isinstance(value, str), name, value, "text", "give a name")
    if worst and rates is not None:
        raise InputError("both a worst case and rates", field="rates", remedy="give one of them")
    if (worst or rates is not None) and inputs:
        remedy = "leave the inputs out, or the rates and the worst case"
        raise InputError("counts without a run have no inputs", field="inputs", remedy=remedy)


def whole(name: str, value: Any, remedy: str) -> int:
    """``value`` as a number from 1 to :data:`MOST`. Raises InputError if it is none."""
    _check(isinstance(value, Integral) and not isinstance(value, bool), name, value, "a whole number", remedy)
    if not 1 <= value <= MOST:
        raise InputError(f"must be 1 or more, and at most {MOST}", field=name, value=value, remedy=remedy)
    return int(value)


def chosen_profile(given: Any, bundle: Bundle) -> Profile:
    """The profile that is meant: the bundle's own, or another by name, path or itself."""
    if given is None:
        return bundle.profile
    if isinstance(given, Profile):
        return given
    _check(isinstance(given, (str, PathLike)), "profile", given, "a profile", "give a name, a file, or a Profile")
    return load_profile(given)


def _check(holds: bool, name: str, value: Any, wanted: str, remedy: str) -> None:
    if not holds:
        raise InputError(f"is not {wanted}, but {type(value).__name__}", field=name, value=value, remedy=remedy)
