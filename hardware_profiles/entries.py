"""One fact of a hardware profile: a value with its unit, source and basis, and the units that a field may have."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

T = TypeVar("T")

Basis = Literal["published", "measured", "assumed"]
"""``published``: a paper, a manual or public source code says so. ``measured``: found by running a chip or Lava; the
source says which. ``assumed``: nobody has published it, and the source says what the assumption rests on."""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class Record(BaseModel):
    """Immutable, and without room for a misspelt key."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Entry(Record, Generic[T]):
    """One fact. ``source`` begins with the key of a reference; where the basis is ``assumed`` it is a sentence."""

    value: T
    unit: Text
    source: Text
    basis: Basis


def unit(name: str) -> AfterValidator:
    """The entry's unit must be ``name``; a value in another unit would be read wrongly without a word."""

    def check(entry: Any) -> Any:
        if entry.unit != name:
            raise ValueError(f"the unit must be {name!r}, not {entry.unit!r}")
        return entry

    return AfterValidator(check)


def ordered(entry: Entry[tuple[int, int]]) -> Entry[tuple[int, int]]:
    low, high = entry.value
    if low > high:
        raise ValueError(f"the range's low end {low} is above its high end {high}")
    return entry


def rising(entry: Entry[tuple[int, ...]]) -> Entry[tuple[int, ...]]:
    if any(a >= b for a, b in zip(entry.value, entry.value[1:], strict=False)):
        raise ValueError(f"the choices {list(entry.value)} must rise")
    return entry


def choices(entry: Entry[tuple[int, ...]]) -> Entry[tuple[int, ...]]:
    if not entry.value or entry.value[-1] == 0:
        raise ValueError(f"the longest of the choices {list(entry.value)} must be at least 1 bit")
    return entry


LARGEST = 2**53
"""The largest number of a profile: sums and products of such numbers stay exact, and JSON keeps them in any reader."""

WIDEST = 64
"""The longest word, in bits: what an integer of numpy has. Also the largest exponent and shift."""

Positive = Annotated[int, Field(strict=True, gt=0, le=LARGEST)]
NonNegative = Annotated[int, Field(strict=True, ge=0, le=LARGEST)]
Whole = Annotated[int, Field(strict=True, ge=-LARGEST, le=LARGEST)]
Exponent = Annotated[int, Field(strict=True, ge=-WIDEST, le=WIDEST)]
Width = Annotated[int, Field(strict=True, gt=0, le=WIDEST)]
ShiftWidth = Annotated[int, Field(strict=True, ge=0, le=WIDEST)]
Real = Annotated[float, Field(strict=True, ge=0)]
Flag = Annotated[bool, Field(strict=True)]

Memory = Annotated[Entry[Positive], unit("bit")]
Bits = Annotated[Entry[Width], unit("bit")]
Shift = Annotated[Entry[ShiftWidth], unit("bit")]
Steps = Annotated[Entry[Positive], unit("step")]
Level = Annotated[Entry[Whole], unit("level")]
Levels = Annotated[Entry[tuple[Whole, Whole]], unit("level"), AfterValidator(ordered)]
"""An inclusive range (low, high) of stored integers."""
Exponents = Annotated[Entry[tuple[Exponent, Exponent]], unit("exponent of 2"), AfterValidator(ordered)]
BitChoices = Annotated[Entry[tuple[ShiftWidth, ...]], unit("bit"), AfterValidator(rising), AfterValidator(choices)]
Switch = Annotated[Entry[Flag], unit("switch")]
