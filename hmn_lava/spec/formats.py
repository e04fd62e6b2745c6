"""What a spec may ask of a signal's format: a number of bits, or the whole format."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError, WithJsonSchema

from hmn_lava.fixed import Fixed
from hmn_lava.spec.fields import Bits, fault

LIMITS = (("ge", ">="), ("le", "<="))
_BITS: TypeAdapter[int] = TypeAdapter(Bits)


def _format(value: Any) -> int | str:
    """Bits as they are; a whole format in its text form, such as s24.6: sign, bits, bits behind the binary point."""
    if not isinstance(value, str):
        try:
            return _BITS.validate_python(value)
        except ValidationError as error:
            context = error.errors()[0].get("ctx", {})
            limit = next((f"must be {sign} {context[name]}" for name, sign in LIMITS if name in context), "")
            remedy = "write 2 to 24 bits, or a format such as s24.6"
            raise fault(limit or context.get("problem", "must be 2 to 24 bits"), remedy) from None
    try:
        found = Fixed.parse(value)
    except ValueError:
        raise fault("is no format", "write 2 to 24 bits, or a format such as s24.6") from None
    if found.bits > 24 or not -48 <= found.frac <= 48:
        raise fault("does not fit a word", "write at most 24 bits, and -48 to 48 bits behind the binary point")
    return str(found)


FormatSpec = Annotated[
    int | str,
    Field(union_mode="left_to_right"),
    BeforeValidator(_format),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 2, "maximum": 24},
                {"type": "string", "pattern": "^[su][0-9]{1,2}\\.-?[0-9]{1,3}$"},
            ]
        }
    ),
]


def bits_of(asked: int | str | None, default: int) -> int:
    """The bits that a spec asks for, else ``default``."""
    if asked is None:
        return default
    return asked if isinstance(asked, int) else Fixed.parse(asked).bits


def whole_format(asked: int | str | None) -> Fixed | None:
    """The format that a spec gives in full; None where it leaves the binary point to the quantiser."""
    return Fixed.parse(asked) if isinstance(asked, str) else None
