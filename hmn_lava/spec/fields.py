"""Field types that the records share: numbers, names, intervals, and how a wrong value is reported.

Every number of a spec is finite and at most ``LARGEST`` in magnitude, and 0 or at least ``SMALLEST``, so that products
and quotients of a few of them stay finite in float64; a bool is no number, and a number in quotes is text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field
from pydantic_core import PydanticCustomError

LARGEST = 1e9  # largest magnitude of any number in a spec
SMALLEST = 1e-30  # smallest magnitude of any number that is not 0: reciprocals and formats stay finite
MAX_SIZE = 2**24  # neurons of one population
MAX_SYNAPSES = 2**31  # synapses of one connection, elements of one array
MAX_DELAY = 63  # steps: 62 of a synapse, and the step of a message where a network counts it; a profile may allow less
MAX_REFRACTORY = 4095  # steps
MAX_PERIOD = 2**22  # steps between restarts
MAX_KERNEL = 4096  # of a kernel's side, a stride, a padding, a dilation
MAX_DIMENSIONS = 1024  # of an attention space

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


class Record(BaseModel):
    """Base of all records: immutable, and a key that is not a field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def fault(problem: str, remedy: str, field: str = "") -> PydanticCustomError:
    """Make a validation error with its own remedy; ``field`` names the field inside the record that is validated."""
    return PydanticCustomError("hmn", "{problem}", {"problem": problem, "remedy": remedy, "field": field})


class _Choice(Discriminator):
    """A discriminator that can be hashed although its message has a context: unions of annotated types need that."""

    __hash__ = object.__hash__


def chosen_by(key: str, choices: Sequence[str]) -> Discriminator:
    """Choose a union member by the value of ``key``. Tags start with ``~``: a field's path leaves them out."""

    def tag(value: Any) -> str | None:
        found = value.get(key) if isinstance(value, Mapping) else getattr(value, key, None)
        return f"~{found}" if isinstance(found, str) and found in choices else None

    context: dict[str, Any] = {
        "field": key,
        "choices": ", ".join(choices),
        "remedy": f"use one of: {', '.join(choices)}",
    }
    problem = f"needs '{key}', one of {', '.join(choices)}"
    return _Choice(
        tag, custom_error_type="hmn", custom_error_message=problem, custom_error_context={"problem": problem, **context}
    )


def _plain(value: Any) -> Any:
    """Turn a numpy scalar into Python's number."""
    is_scalar = isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0)
    return value.item() if is_scalar else value


def _number(value: Any) -> float:
    value = _plain(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        remedy = "remove the quotes" if isinstance(value, str) and _is_numeric(value) else "write a number, such as 0.1"
        raise fault("must be a number", remedy)
    if isinstance(value, float) and not math.isfinite(value):
        raise fault("must be finite", "write a finite number")
    if abs(value) > LARGEST:
        raise fault(f"is larger than {LARGEST:g}", f"write a number between -{LARGEST:g} and {LARGEST:g}")
    if 0 < abs(value) < SMALLEST:
        raise fault(f"is not 0, but smaller than {SMALLEST:g}", "write 0, or a larger number")
    return float(value)


def whole(value: Any) -> int:
    value = _plain(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise fault("must be a whole number", "write a whole number without a decimal point or quotes")
    return value


def _is_numeric(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _name(value: Any) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise fault("is not a name", "use a letter, then letters, digits or _, 64 characters at most")
    return value


def _increasing(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[0] >= pair[1]:
        raise fault("lower bound is not below the upper bound", "write [low, high] with low < high")
    return pair


Number = Annotated[float, BeforeValidator(_number)]
Positive = Annotated[float, Field(gt=0), BeforeValidator(_number)]
NonNegative = Annotated[float, Field(ge=0), BeforeValidator(_number)]
Fraction = Annotated[float, Field(ge=0, le=1), BeforeValidator(_number)]
PositiveFraction = Annotated[float, Field(gt=0, le=1), BeforeValidator(_number)]
PositiveInteger = Annotated[int, Field(ge=1), BeforeValidator(whole)]
Size = Annotated[int, Field(ge=1, le=MAX_SIZE), BeforeValidator(whole)]
Dimensions = Annotated[int, Field(ge=1, le=MAX_DIMENSIONS), BeforeValidator(whole)]
Steps = Annotated[int, Field(ge=0, le=MAX_REFRACTORY), BeforeValidator(whole)]
Period = Annotated[int, Field(ge=1, le=MAX_PERIOD), BeforeValidator(whole)]
Side = Annotated[int, Field(ge=1, le=MAX_KERNEL), BeforeValidator(whole)]
Padding = Annotated[int, Field(ge=0, le=MAX_KERNEL), BeforeValidator(whole)]
Component = Literal["real", "imaginary"]
WeightScale = Annotated[
    Literal["tensor", "channel"] | None,
    Field(description="what shares the scale of the stored weights: all, or each post neuron's or output channel's"),
]
Bits = Annotated[int, Field(ge=2, le=24), BeforeValidator(whole)]
Seed = Annotated[int, Field(ge=0, le=2**63 - 1), BeforeValidator(whole)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64), BeforeValidator(_name)]
Interval = Annotated[tuple[Number, Number], AfterValidator(_increasing)]
