"""Settings as the command line gives them: the data's usual ones, and what the user says otherwise."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from hmn_lava.errors import InputError
from hmn_lava.training.perturbations import PERTURBATIONS
from hmn_lava.training.settings import Settings, settings_of
from hmn_lava.training.variants import FIXED

USUAL: Mapping[str, Mapping[str, Any]] = {
    "digits": {"layers": "16c3,32c3s2,64", "shift": 1, "epochs": 20},
}
"""What the data at hand need other than :class:`Settings` has it, which is chosen for MNIST."""
EVENTS: Mapping[str, Any] = {"steps": 16}
"""The same for recordings."""


def chosen_settings(data: str, others: Sequence[str] = (), **options: Any) -> Settings:
    """Settings for a data set: an option that is None is left at the data's usual, ``others`` are FIELD=VALUE.

    ``mechanisms`` is text with commas, ``fusion`` learned, equal or three numbers. Raises InputError.
    """
    content: dict[str, Any] = dict(_usual(data))
    content |= {name: value for name, value in options.items() if value is not None}
    for text in others:
        name, found, value = text.partition("=")
        if not found or name not in Settings.model_fields:
            remedy = f"write FIELD=VALUE, with one of: {', '.join(Settings.model_fields)}"
            raise InputError("is no field of the settings", field="--set", value=text, remedy=remedy)
        content[name] = value if Settings.model_fields[name].annotation is str else _value(value)
    if isinstance(content.get("mechanisms"), str):
        content["mechanisms"] = [name.strip() for name in content["mechanisms"].split(",")]
    fusion = content.get("fusion")
    if fusion == "equal":
        content["fusion"] = (1.0, 1.0, 1.0)
    elif isinstance(fusion, str) and fusion != "learned":
        content["fusion"] = three_numbers(fusion, "--fusion")
    return settings_of(content)


def check_experiment(experiment: str, others: Sequence[str], by_hand: str | None, levels: Sequence[str] | None) -> None:
    """Raise InputError for what an experiment sets itself, and for options of another experiment."""
    for text in others:
        if text.partition("=")[0] in FIXED:
            remedy = "leave it out, or use hmn-lava mpsl train"
            raise InputError("is set by the experiment itself", field="--set", value=text, remedy=remedy)
    for option, value, of in (("--by-hand", by_hand, "fusion"), ("--level", levels, "robustness")):
        if value and experiment != of:
            problem = f"has no meaning in the experiment {experiment}"
            raise InputError(problem, field=option, value=str(value), remedy=f"leave it out, or run {of}")


def three_numbers(text: str, option: str) -> tuple[float, float, float]:
    """λ_1 to λ_3, written A,B,C. Raises InputError."""
    try:
        first, second, third = (float(part) for part in text.split(","))
    except ValueError:
        remedy = "write lambda_1 to lambda_3 with commas, such as 1,0.5,0.25"
        raise InputError("is not three numbers", field=option, value=text, remedy=remedy) from None
    numbers = (first, second, third)
    if not all(math.isfinite(number) for number in numbers):
        raise InputError("must be finite", field=option, value=text, remedy="write three finite numbers")
    return numbers


def chosen_levels(texts: Sequence[str] | None) -> dict[str, list[float]] | None:
    """Levels of perturbations, each written NAME=X,Y,...; None where nothing is said. Raises InputError."""
    if not texts:
        return None
    found: dict[str, list[float]] = {}
    for text in texts:
        name, _, values = text.partition("=")
        try:
            levels = [float(value) for value in values.split(",")]
        except ValueError:
            levels = []
        if name not in PERTURBATIONS or not levels or not all(0.0 <= level <= 1.0 for level in levels):
            remedy = f"write one of {', '.join(PERTURBATIONS)} with levels from 0 to 1, such as crop=0.1,0.2"
            raise InputError("is no perturbation with its levels", field="--level", value=text, remedy=remedy)
        found[name] = list(dict.fromkeys([*found.get(name, ()), *levels]))
    return found


def _usual(data: str) -> Mapping[str, Any]:
    from hmn_lava.training.data import holds_events

    return EVENTS if holds_events(data) else USUAL.get(data, {})


def _value(text: str) -> Any:
    """A value of the command line: a number, true, false, null, a list, or else the text itself."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
