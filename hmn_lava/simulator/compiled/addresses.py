"""Addresses of arrays, for the tables of machine code; an array lives as long as the one who hands out its address."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.simulator.compiled import columns
from hmn_lava.topology import Topology


class Addresses:
    """Keeps arrays, and what is derived from fixed ones."""

    def __init__(self) -> None:
        self._kept: list[NDArray[Any]] = []
        self._copies: dict[tuple[int, str], NDArray[Any]] = {}
        self._by_column: dict[int, dict[str, NDArray[Any]]] = {}

    def of(self, array: NDArray[Any]) -> int:
        """The address of an array, which is kept."""
        self._kept.append(array)
        return address(array)

    def as_type(self, array: NDArray[Any], dtype: str) -> int:
        """The address of a fixed array as another type; a copy serves all who ask for it."""
        key = (id(array), dtype)
        if key not in self._copies:
            self._copies[key] = np.ascontiguousarray(array, dtype)
            self._kept.append(array)  # so that no other array gets its id
        return address(self._copies[key])

    def zeros(self, size: int, dtype: type = np.int32) -> int:
        """The address of a new array."""
        return self.of(np.zeros(size, dtype))

    def topology(self, topology: Topology, vector: int) -> dict[str, int]:
        """The entries of a table that say which synapses there are, by role; ``vector``: how many are in a block."""
        entries = {
            "n_pre": topology.n_pre,
            "n_post": topology.n_post,
            "starts": self.as_type(topology.starts, "int64"),
        }
        if topology.columns is not None:
            entries["col"] = self.as_type(topology.columns, f"uint{columns.bits(topology.n_pre)}")
            entries["first blocks"] = self.of(columns.first_blocks(topology, vector))
            if id(topology.columns) not in self._by_column:
                self._by_column[id(topology.columns)] = columns.sorted_by_column(topology)
            entries |= {role: address(array) for role, array in self._by_column[id(topology.columns)].items()}
        return entries


def address(array: NDArray[Any]) -> int:
    """The address of an array that the caller keeps."""
    if not array.flags.c_contiguous:
        raise ValueError("arrays of machine code are contiguous")
    found: int = array.ctypes.data
    return found
