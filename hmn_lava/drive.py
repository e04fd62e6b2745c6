"""What a run is driven by: input from an npz file, or the spec's own stimulus."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import InputError
from hmn_lava.files import writable, write_output
from hmn_lava.simulator.result import Result
from hmn_lava.spec import stimulus_inputs
from hmn_lava.spec.npz import NpzError, npz_names, read_npz

if TYPE_CHECKING:
    from hmn_lava.bundle import Bundle

LABEL = "label"
"""The array of labels in a file of samples."""

STEPS = 1000
"""Steps of a run on the spec's stimulus, if nobody says how many."""


def read_inputs(file: str | os.PathLike[str], known: Collection[str], batch: bool = False) -> dict[str, NDArray[Any]]:
    """Arrays (steps, size) of an npz file, named by the input populations ``known``; no pickle is read.

    With ``batch``, arrays may also be (batch, steps, size). Raises InputError for a file that cannot be read, a name
    that is none of ``known``, an array of another shape.
    """
    arrays = _arrays(Path(file), known)
    for name, array in arrays.items():
        if array.ndim != 2 and not (batch and array.ndim == 3):
            raise InputError(
                "wrong shape",
                where=str(file),
                field=name,
                value=array.shape,
                remedy=f"save an array of shape (steps, size){' or (batch, steps, size)' if batch else ''}",
            )
    if not arrays:
        raise InputError("holds no array", where=str(file), remedy="save one array of shape (steps, size) per input")
    return arrays


def _arrays(file: Path, known: Collection[str]) -> dict[str, NDArray[Any]]:
    """All arrays of an npz file, whose names are ``known``."""
    if not file.is_file():
        raise InputError(
            "no such file", where=str(file), remedy="give an npz file with one array of shape (steps, size) per input"
        )
    path = file.resolve()
    try:
        names = npz_names(path)
        if unknown := [name for name in names if name not in known]:
            raise InputError(
                "no such input", where=str(file), value=unknown[0], remedy=f"one of: {', '.join(known) or 'none'}"
            )
        return {name: read_npz(path.parent, path.name, name) for name in names}
    except NpzError as error:
        raise InputError(error.problem, where=str(file), value=error.value, remedy=error.remedy) from None


def read_labelled(file: str | os.PathLike[str], known: Collection[str]) -> tuple[dict[str, NDArray[Any]], NDArray[Any]]:
    """Samples and their labels: arrays of an npz file named by the inputs ``known``, and ``label`` (samples,).

    Raises InputError for a file that cannot be read, a name that is none of these, and where there are no labels.
    """
    arrays = _arrays(Path(file), [*known, LABEL])
    if LABEL not in arrays:
        remedy = f"save an array {LABEL} with a class for each sample"
        raise InputError("holds no labels", where=str(file), field=LABEL, remedy=remedy)
    return {name: array for name, array in arrays.items() if name != LABEL}, arrays[LABEL]


def drive(
    bundle: Bundle, file: str | os.PathLike[str] | None, steps: int | None, batch: bool = False
) -> tuple[dict[str, NDArray[Any]], int]:
    """Input and number of steps of a run: of ``file``, or else of the spec's stimulus, drawn from the bundle's seed.

    Without ``steps``, a run is as long as its shortest input, or 1,000 steps on the stimulus. Raises InputError if
    there is neither. ``batch`` as in :func:`read_inputs`.
    """
    names = bundle.network.inputs
    if file is not None:
        inputs = read_inputs(file, names, batch)
        return inputs, min(array.shape[-2] for array in inputs.values()) if steps is None else steps
    steps = STEPS if steps is None else steps
    if not names:
        return {}, steps
    if not bundle.spec.stimulus:
        if bundle.spec.host is not None:
            raise InputError("a language model runs on texts", where=bundle.spec.name, remedy="give --text FILE")
        known = ", ".join(names)
        remedy = f"give --input IN.npz with arrays named {known}, or add a stimulus to the spec and compile it again"
        raise InputError("there is nothing to run on: no input was given, and the spec has no stimulus", remedy=remedy)
    return stimulus_inputs(bundle.spec, steps, bundle.seed), steps


def check_folder(folder: str | os.PathLike[str]) -> None:
    """Before long work goes into a folder that may not be there yet. Raises InputError if it cannot be written."""
    if not writable(Path(folder)):
        raise InputError("cannot be written", where=str(folder), remedy="choose a folder that you may write to")


def check_output(file: str | os.PathLike[str]) -> Path:
    """The path of a file to write, before a long run is spent on it. Raises InputError if it cannot be one."""
    path = Path(file)
    remedy = "name a file in a folder that you may write to"
    try:
        if path.is_dir():
            raise InputError("is a folder", where=str(path), remedy=remedy)
        with tempfile.NamedTemporaryFile(prefix=f".{path.name}.", dir=path.parent):
            pass  # permissions alone do not say: a disk may be full or read-only, a name too long
    except OSError as error:
        problem = f"its folder is not there, or not writable: {error.strerror or error}"
        raise InputError(problem, where=str(path), remedy=remedy) from None
    return path


def save_result(result: Result, file: str | os.PathLike[str]) -> None:
    """Write every recorded signal: real values as NAME, what an integer backend stores as NAME.integers.

    Raises InputError if the file cannot be written; then the old one stays.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for name, raw in result.raw.items():
        arrays[name] = result.real(name)
        if np.issubdtype(raw.dtype, np.integer):
            arrays[f"{name}.integers"] = raw
    write_output(check_output(file), lambda stream: np.savez(stream, **arrays))
