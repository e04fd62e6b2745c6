"""NIR files: HDF5 that is read with care, see ``hdf5.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hmn_lava.interchange.hdf5 import read_group
from hmn_lava.interchange.nir_graph import DEEPEST, tree_of

LIMITS = {"depth": 3 * DEEPEST + 4, "objects": 100_000, "text": 1 << 24, "texts": 1 << 17}
"""Of a file: graphs within graphs, and their edges and metadata, which are text."""


def read_nir(file: Path) -> dict[str, Any]:
    """The nested mapping of a file that ``nir.write`` wrote. Raises InputError for any other."""
    return tree_of(read_group(file, "node", LIMITS))
