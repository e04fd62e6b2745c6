"""Read a network of another tool, by the ending of its file."""

from __future__ import annotations

import os
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

from hmn_lava.errors import InputError
from hmn_lava.interchange.imported import Imported

READERS = {".net": "lava-dl", ".nir": "NIR: snnTorch, Norse, Sinabs, SpikingJelly and others"}


def import_network(file: str | os.PathLike[str], **options: Any) -> Imported:
    """Read a network: lava-dl's ``.net``, or a ``.nir`` graph.

    Options: see :func:`hmn_lava.interchange.netx.import_netx`, :func:`hmn_lava.interchange.nir_import.import_nir`.

    Raises InputError for a file that cannot be read, is of no known kind, or holds what a spec cannot, and for an
    option of another kind of file.
    """
    path = Path(file)
    if path.suffix not in READERS:
        known = ", ".join(f"{ending} ({tool})" for ending, tool in READERS.items())
        raise InputError("is of no kind that can be imported", where=str(path), remedy=f"give one of: {known}")
    reader = _reader(path.suffix)
    known_options = [name for name in signature(reader).parameters if name not in ("file", "source")]
    for name in options:
        if name not in known_options:
            problem = f"is no option for a {path.suffix} file"
            raise InputError(problem, field=name, remedy=f"use {', '.join(known_options)}")
    return reader(path, **options)


def _reader(ending: str) -> Callable[..., Imported]:
    if ending == ".nir":
        from hmn_lava.interchange.nir_import import import_nir

        return import_nir
    from hmn_lava.interchange.netx import import_netx

    return import_netx
