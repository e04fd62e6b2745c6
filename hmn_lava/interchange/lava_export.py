"""A compiled network as a Lava script: Lava's own Processes where they compute its integers, hmn-lava's elsewhere."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hmn_lava.bundle import Bundle
from hmn_lava.drive import drive
from hmn_lava.errors import Finding, FitError, InputError
from hmn_lava.interchange.imported import Imported
from hmn_lava.interchange.lava_parts import STOCK, stock
from hmn_lava.interchange.lava_script import ARRAYS, BUNDLE, SCRIPT, Script
from hmn_lava.partition import Partition, partition
from hmn_lava.simulator.interface import check_inputs, quantise_inputs
from hmn_lava.spec import Spec


@dataclass(frozen=True, eq=False)
class LavaExport:
    """``folder`` with the script; ``processes``: the class of each part; ``findings``: parts that need hmn-lava."""

    folder: Path
    processes: Mapping[str, str]
    findings: tuple[Finding, ...]


def export_lava(
    what: Bundle | Spec | Imported,
    folder: str | os.PathLike[str],
    inputs: Mapping[str, ArrayLike] | None = None,
    steps: int | None = None,
    *,
    only_stock: bool = False,
) -> LavaExport:
    """Write ``folder`` with ``network.py``, which builds and runs the network in Lava, and ``network.npz``.

    A spec is compiled first, with seed 0. ``inputs`` and ``steps`` as for :meth:`Bundle.run`; the script plays them.
    It gives the spikes (and voltages) of every step as the integers of the bundle. A part that none of Lava's
    Processes computes bit for bit is a Process of ``hmn_lava.processes``, made from a copy of the bundle in the folder,
    and a finding says why. A folder that an export wrote is replaced, any other that is not empty is refused.

    Raises InputError for what cannot be exported or written, FitError for such a part where ``only_stock`` is True, and
    what compiling raises. Lava is not needed here, only to run the script.
    """
    bundle = _bundle(what)
    cut = partition(bundle.network)
    _one_piece(bundle, cut)
    made = {name: stock(part, bundle.network) for name, part in cut.parts.items()}
    findings = tuple(
        Finding("not-stock", name, reason, STOCK, "info", "The script imports hmn_lava.processes for it.")
        for name, reason in made.items()
        if isinstance(reason, str)
    )
    if only_stock and findings:
        remedy = "Change this part, or export without --only-stock."
        errors = [replace(finding, severity="error", remedy=remedy) for finding in findings]
        raise FitError("not all parts are Processes of Lava's own:", errors)
    if inputs is None:
        inputs, steps = drive(bundle, None, steps)
    given, count = check_inputs(bundle.network, inputs, steps)
    if count < 1:
        raise InputError("must be 1 or more", field="steps", value=count, remedy="give the steps that the script runs")
    driven = quantise_inputs(bundle.network, given, count)
    script = Script(bundle.network, cut, made, count)
    arrays = script.arrays
    for name, source in bundle.network.inputs.items():
        played = np.zeros((source.size, count * bundle.network.frame), np.int32)
        played[:, :: bundle.network.frame] = driven[name].T
        arrays[name] = played
    _write(Path(folder), script.text(), arrays, bundle if findings else None)
    return LavaExport(Path(folder), script.classes, findings)


def _bundle(what: Any) -> Bundle:
    if isinstance(what, Bundle):
        return what
    if isinstance(what, (Spec, Imported)):
        import hmn_lava as hl

        return hl.compile(what if isinstance(what, Spec) else what.spec)
    problem = f"is no network, but {type(what).__name__}"
    raise InputError(problem, field="what", remedy="give a spec, a bundle or an import")


def _one_piece(bundle: Bundle, cut: Partition) -> None:
    """Lava runs what hangs together."""
    rest = {*cut.parts, *bundle.network.inputs}
    reached = {next(iter(cut.parts), "")}
    grown = True
    while grown:
        ends = [{wire.source[0], wire.target[0]} for wire in cut.wires]
        more = set().union(*(pair for pair in ends if pair & reached))
        grown = not more <= reached
        reached |= more
    if left := sorted(rest - reached):
        remedy = "connect it, remove it, or export it as a network of its own"
        raise InputError("is not connected with the rest", where=bundle.network.name, field=left[0], remedy=remedy)


def _write(folder: Path, text: str, arrays: Mapping[str, NDArray[Any]], bundle: Bundle | None) -> None:
    """The whole folder at once."""
    place = Path(os.path.realpath(folder))
    if place.exists() and not (place.is_dir() and ((place / SCRIPT).exists() or not any(place.iterdir()))):
        remedy = "choose another folder, or empty this one"
        raise InputError("exists and is no exported network", where=str(folder), remedy=remedy)
    known = {SCRIPT, ARRAYS, BUNDLE}
    if place.exists() and (foreign := sorted({p.name for p in place.iterdir()} - known)):
        remedy = "move that file, or choose another folder"
        raise InputError("holds what no export wrote", where=str(folder), value=foreign[0], remedy=remedy)
    new, old = (place.parent / f".{place.name}-{uuid.uuid4().hex}" for _ in range(2))
    try:
        new.mkdir(parents=True)
        (new / SCRIPT).write_text(text, encoding="utf-8")
        with open(new / ARRAYS, "wb") as stream:
            np.savez_compressed(stream, **arrays)
        if bundle is not None:
            bundle.save(new / BUNDLE)
        if place.exists():
            os.replace(place, old)
        try:
            os.replace(new, place)
        except OSError:
            if old.exists():
                os.replace(old, place)
            raise
    except OSError as error:
        problem = f"cannot be written: {error.strerror or error}"
        raise InputError(problem, where=str(folder), remedy="choose a folder that you may write to") from None
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
