"""Stand-in for the types of neurocore models."""

from dataclasses import dataclass
from typing import Any


@dataclass
class LavaNcType:
    """Type of a port or a variable of a neurocore model."""

    cls: type
    d_type: Any = None
    precision: Any = None
