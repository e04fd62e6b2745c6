"""How late the messages of a network arrive. A compiled network states it; the float reference can run with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hmn_lava.spec.model import Model


@dataclass(frozen=True, eq=False)
class Latency:
    """Latencies of a network in model time, all in steps; what is left out of a mapping is as in the model.

    With weight lag L, the activation at step t uses the weights after the updates of the steps up to ``t - 1 - L``.
    Nothing else changes: the eligibility, the context and the update itself are those of step t.
    """

    weight_lag: Mapping[str, int]  # connection -> L
    delay: Mapping[str, NDArray[np.int64]]  # connection -> delay of each synapse as it is in effect, (n_syn,)
    offset: Mapping[str, int]  # signal -> steps by which the executor shows it later than model time

    @classmethod
    def ideal(cls, model: Model) -> Latency:
        """No lag and no offset, and the delays that the model asks for."""
        return cls(
            weight_lag=dict.fromkeys(model.connections, 0),
            delay={name: connection.delay for name, connection in model.connections.items()},
            offset={},
        )
