"""What frameworks did, as ``frameworks/record.py`` recorded it, and how their graphs are read."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).parent / "frameworks" / "recorded"

# Norse 1.1.0 writes tau = dt / tau_inverse, so that dt squared is the step: (1e-3)**2.
OPTIONS: dict[str, dict[str, Any]] = {
    "snntorch_leaky_subtract": {"convention": "snntorch", "dt": 1e-4},
    "snntorch_leaky_zero": {"convention": "snntorch", "dt": 1e-4, "reset": "value"},
    "snntorch_synaptic": {"convention": "snntorch", "dt": 1e-4},
    "snntorch_recurrent": {"convention": "snntorch", "dt": 1e-4},
    "norse_box": {"convention": "norse", "dt": 1e-6},
    "norse_cuba": {"convention": "norse", "dt": 1e-6},
    "norse_conv": {"convention": "norse", "dt": 1e-6},
    "sinabs_cnn": {"convention": "sinabs", "dt": 1.0},
    "sinabs_lif": {"convention": "sinabs", "dt": 1.0},
    "spikingjelly_cnn": {"convention": "spikingjelly", "dt": 1e-4},
    "spikingjelly_lif": {"convention": "spikingjelly", "dt": 1e-4},
}


def graph_file(name: str, folder: Path, recorded: Path = FOLDER) -> Path:
    """The graph, unpacked into a folder."""
    file = folder / f"{name}.nir"
    file.write_bytes(gzip.decompress((recorded / f"{name}.nir.gz").read_bytes()))
    return file


def recording(name: str, recorded: Path = FOLDER) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The input (steps, n) of 0 and 1, and the framework's output (steps, m)."""
    with np.load(recorded / f"{name}.npz") as arrays:
        shape = tuple(arrays["shape"])
        bits = np.unpackbits(arrays["x"])[: np.prod(shape)]
        return bits.reshape(shape[0], -1).astype(np.float64), arrays["z"].astype(np.float64)
