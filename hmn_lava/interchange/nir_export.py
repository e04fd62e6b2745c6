"""Specs and bundles as NIR graphs. What NIR cannot say travels in the graph's metadata, and is told."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hmn_lava.bundle import Bundle
from hmn_lava.errors import BackendError, Finding, InputError
from hmn_lava.interchange.imported import Imported
from hmn_lava.interchange.nir_metadata import embed
from hmn_lava.interchange.nir_objects import graph_object
from hmn_lava.interchange.nir_stored import stored
from hmn_lava.interchange.nir_tree import Tree
from hmn_lava.spec import Spec, resolve


@dataclass(frozen=True)
class Exported:
    """A graph, as a ``nir.NIRGraph``, and what it does not say."""

    graph: Any
    findings: tuple[Finding, ...]


def export_nir(
    what: Spec | Bundle | Imported, file: str | os.PathLike[str] | None = None, *, dt: float | None = None
) -> Exported:
    """Make a NIR graph of a network, and write it to ``file`` if that is given; needs the ``nir`` package.

    A bundle's numbers are those that the chip holds: integers times their unit. ``dt``: the time step in seconds, by
    which decays become time constants; else the one that an imported graph had, else 1e-3. Numbers are of single
    precision where that loses nothing, else of double. The whole spec goes along in the metadata, so that
    :func:`hmn_lava.interchange.nir_import.import_nir` gives it back as it was.

    Raises InputError for what cannot be exported or written, BackendError where the nir package is not installed.
    """
    if importlib.util.find_spec("nir") is None:
        raise BackendError("NIR graphs are made by the nir package, which is not here: pip install 'hmn-lava[nir]'")
    if dt is not None and (isinstance(dt, bool) or not isinstance(dt, (int, float)) or not 0.0 < dt < np.inf):
        raise InputError("must be a number above 0", field="dt", value=dt, remedy="give the time step, such as 1e-3")
    if isinstance(what, Bundle):
        spec, seed = stored(what), what.seed
    elif isinstance(what, (Spec, Imported)):
        spec, seed = (what if isinstance(what, Spec) else what.spec), 0
    else:
        problem = f"is no network, but {type(what).__name__}"
        raise InputError(problem, field="what", remedy="give a spec, a bundle or an import")
    tree = Tree(spec, resolve(spec, seed), dt).build()
    graph = graph_object(tree, embed(spec, tree))
    if file is not None:
        _write(Path(file), graph)
    return Exported(graph, tuple(tree.findings))


def _write(file: Path, graph: Any) -> None:
    import nir

    if file.suffix != ".nir":
        raise InputError("does not end in .nir", where=str(file), remedy="name the file FILE.nir")
    part = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        nir.write(part, graph)
        part.replace(file)
    except OSError as error:
        problem = f"cannot be written: {error.strerror or error}"
        raise InputError(problem, where=str(file), remedy="choose a folder you may write to") from None
    finally:
        part.unlink(missing_ok=True)
