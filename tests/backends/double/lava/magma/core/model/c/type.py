"""Stand-in for the types of models in C."""

from dataclasses import dataclass
from enum import Enum
from typing import Any


class LavaCDataType(Enum):
    """Number types; INT32 is the one that public code names."""

    INT32 = "int32"


@dataclass
class LavaCType:
    """Type of a port of a model in C."""

    cls: type
    d_type: LavaCDataType
    precision: Any = None
