"""The constants of a program in real numbers, as the Vars of a floating-point model have them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from hmn_lava.partition import Part
from hmn_lava.reference.equations import Floats


def real_constants(part: Part, exact: Mapping[str, ArrayLike]) -> dict[str, Floats]:
    """``exact`` values, before they were rounded, of those constants that the part's program has, in their shapes."""
    group = part.group
    if group is None:
        return {}
    found = {}
    for name, constant in group.constants.items():
        if name in exact:
            values = np.broadcast_to(np.asarray(exact[name], np.float64).reshape(-1), constant.values.shape)
            found[name] = np.array(values)
    return found
