"""What may stand where a spec wants an array: a number, nested lists, an array of an npz file, an initialiser."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    Tag,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticSerializationUnexpectedValue, core_schema

from hmn_lava.spec.fields import LARGEST, SMALLEST, NonNegative, Number, Positive, Record, Seed, chosen_by, fault
from hmn_lava.topology import largest


def _printable(text: str) -> str:
    if not text.isprintable():
        raise fault("has characters that cannot be printed", "use letters, digits and signs")
    return text


Text = Annotated[str, StringConstraints(min_length=1, max_length=256), AfterValidator(_printable)]


class Values:
    """A literal array of a spec: float64, finite, read-only, compared by value; nested lists in YAML and JSON."""

    __slots__ = ("array",)

    def __init__(self, array: NDArray[np.float64]) -> None:
        self.array = array
        self.array.setflags(write=False)

    @classmethod
    def of(cls, value: Any) -> Values:
        """Read nested lists or a numpy array. A ragged list, text, a bool inside a list, NaN or infinity is refused."""
        if isinstance(value, Values):
            return value
        if not isinstance(value, np.ndarray) and not _only_numbers(value):
            raise fault("must hold numbers only", "write nested lists of numbers of equal length")
        try:
            array = np.asarray(value)
        except (ValueError, OverflowError):
            raise fault("rows differ in length", "write nested lists of numbers of equal length") from None
        return cls(finite(array))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Values) and np.array_equal(self.array, other.array)

    def __hash__(self) -> int:
        return hash((self.array.shape, self.array.tobytes()))

    def __repr__(self) -> str:
        return f"array{self.array.shape}"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        to_list = core_schema.plain_serializer_function_ser_schema(_nested, when_used="json")
        return core_schema.no_info_plain_validator_function(cls.of, serialization=to_list)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "array", "description": "nested lists of numbers", "items": {"type": ["number", "array"]}}


def _nested(values: Values) -> Any:
    if not isinstance(values, Values):  # pydantic tries the members of a union in turn
        raise PydanticSerializationUnexpectedValue(f"{type(values).__name__} is not Values")
    return values.array.tolist()


def _only_numbers(value: Any, levels: int = 8) -> bool:
    if isinstance(value, (list, tuple)):
        return levels > 0 and all(_only_numbers(item, levels - 1) for item in value)
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def finite(array: NDArray[Any]) -> NDArray[np.float64]:
    """Copy to float64; refuse what is not a finite number."""
    if array.dtype.kind not in "biuf":
        raise fault(f"holds {array.dtype}, not numbers", "use numbers, each at most 1e9 in magnitude")
    with np.errstate(over="ignore"):
        copy = np.array(array, dtype=np.float64, order="C")
    most = largest(copy)
    if not math.isfinite(most):
        raise fault("holds NaN or infinity", "replace every value that is not finite")
    if most > LARGEST:
        raise fault(f"holds numbers beyond {LARGEST:g}", f"scale the array to magnitudes up to {LARGEST:g}")
    if 0 < most < SMALLEST:
        raise fault(f"holds nothing but 0 and numbers below {SMALLEST:g}", "write 0, or larger numbers")
    return copy


class NpzArray(Record):
    """An array of an npz file beside the spec: no pickle, and the path may not leave the spec's folder."""

    npz: Text = Field(description="npz file, relative to the spec's folder")
    key: Text = Field(description="name of the array in the file")


class ConstantInit(Record):
    """Every value is ``value``."""

    init: Literal["constant"]
    value: Number = 0.0
    seed: Seed | None = Field(None, description="has no effect: nothing is drawn")


class UniformInit(Record):
    """Uniform in [low, high); for whole numbers (delays), uniform over low, low + 1, ..., high."""

    init: Literal["uniform"]
    low: Number
    high: Number
    seed: Seed | None = Field(None, description="a seed of its own, instead of the network's")

    @model_validator(mode="after")
    def _ordered(self) -> UniformInit:
        if self.low > self.high:
            raise fault("is above high", "use low <= high", "low")
        return self


class NormalInit(Record):
    """Normal with the given mean and standard deviation."""

    init: Literal["normal"]
    mean: Number = 0.0
    std: NonNegative = 1.0
    seed: Seed | None = Field(None, description="a seed of its own, instead of the network's")


class OrthogonalInit(Record):
    """A matrix with orthonormal rows or columns, times ``gain`` (Saxe et al. 2014)."""

    init: Literal["orthogonal"]
    gain: Positive = 1.0
    seed: Seed | None = Field(None, description="a seed of its own, instead of the network's")


class IdentityInit(Record):
    """``gain`` where row = column, 0 elsewhere."""

    init: Literal["identity"]
    gain: Number = 1.0
    seed: Seed | None = Field(None, description="has no effect: nothing is drawn")


class KaimingInit(Record):
    """Normal with standard deviation gain / sqrt(fan_in) (He et al. 2015)."""

    init: Literal["kaiming"]
    gain: Positive = math.sqrt(2.0)
    seed: Seed | None = Field(None, description="a seed of its own, instead of the network's")


INITIALISERS = ("constant", "uniform", "normal", "orthogonal", "identity", "kaiming")

Init = Annotated[
    Annotated[ConstantInit, Tag("~constant")]
    | Annotated[UniformInit, Tag("~uniform")]
    | Annotated[NormalInit, Tag("~normal")]
    | Annotated[OrthogonalInit, Tag("~orthogonal")]
    | Annotated[IdentityInit, Tag("~identity")]
    | Annotated[KaimingInit, Tag("~kaiming")],
    chosen_by("init", INITIALISERS),
]


def _kind(value: Any) -> str:
    """Tag of the form in which an array is given. A mapping is a file if it says ``npz``, otherwise an initialiser."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return "~number"
    if isinstance(value, (list, tuple, np.ndarray, Values)):
        return "~list"
    if isinstance(value, NpzArray) or (isinstance(value, Mapping) and ("npz" in value or "key" in value)):
        return "~npz"
    return "~init" if isinstance(value, (Mapping, Record)) else "~number"


Array = Annotated[
    Annotated[Number, Tag("~number")]
    | Annotated[Values, Tag("~list")]
    | Annotated[NpzArray, Tag("~npz")]
    | Annotated[Init, Tag("~init")],
    Discriminator(_kind),
]
