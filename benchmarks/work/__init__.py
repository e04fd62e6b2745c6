"""What is computed: rules, networks and their input, the same for everyone who runs them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from hmn_lava.network import IntegerNetwork


class Work(Protocol):
    """A network and ``steps`` steps of input for it."""

    @property
    def steps(self) -> int: ...
    @property
    def synapses(self) -> int: ...
    @property
    def inputs(self) -> Mapping[str, NDArray[Any]]: ...

    def network(self) -> IntegerNetwork: ...
    def settings(self) -> dict[str, Any]:
        """Plain values from which :func:`load` makes the same work again, in another process."""


def load(settings: Mapping[str, Any]) -> Work:
    """The work of a job."""
    from benchmarks.work.engine import EngineWork
    from benchmarks.work.hmn import HmnWork

    kinds: dict[str, Any] = {"engine": EngineWork, "hmn": HmnWork}
    made: Work = kinds[settings["kind"]](**settings["work"])
    return made
