"""Read a group of an HDF5 file: one clear error for a file that is broken or hostile, whatever it does."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import BackendError, InputError
from hmn_lava.interchange.hdf5_child import LIMITS

COMMAND = (sys.executable, "-m", "hmn_lava.interchange.hdf5_child")
SECONDS = 2 * LIMITS["seconds"]


def read_group(file: Path, group: str, limits: Mapping[str, int] | None = None) -> dict[str, NDArray[Any]]:
    """All arrays below ``group``, by their path in it; texts are arrays of no axes. ``limits`` that are not ``LIMITS``.

    Raises InputError for a file that is not there or not whole, for links, for what is no number or short text, and for
    more than 2**26 numbers; BackendError where h5py is not installed.
    """
    if importlib.util.find_spec("h5py") is None:
        raise BackendError("HDF5 files are read with h5py, which is not here: pip install 'hmn-lava[netx]'")
    if not file.is_file():
        raise InputError("no such file", where=str(file), remedy="give a network that another tool exported")
    with tempfile.TemporaryDirectory(prefix="hmn-lava-") as folder:
        out = Path(folder) / "arrays.npz"
        command = [*COMMAND, str(file.resolve()), group, str(out), json.dumps(limits or {})]
        try:
            child = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise _broken(file, "takes too long to read") from None
        if child.returncode == 3:
            told = json.loads(child.stdout)
            field = ": ".join(part for part in (group, told.get("field", "")) if part)
            raise InputError(
                told["problem"], where=str(file), field=field, value=told.get("value"), remedy=told.get("remedy", "")
            )
        if child.returncode != 0:
            raise _broken(file, "is broken: reading it ended the process that read it")
        with np.load(out, allow_pickle=False) as arrays:
            return dict(arrays)


def _broken(file: Path, problem: str) -> InputError:
    return InputError(problem, where=str(file), remedy="export the network again")
