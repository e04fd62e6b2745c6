"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from hmn_lava.errors import InputError


def write_whole(path: Path, fill: Callable[[BinaryIO], Any]) -> None:
    """Write ``path`` by ``fill(stream)``, beside it first: whatever fails, the old file stays and nothing else is left.

    Raises OSError.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            fill(stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_output(path: Path, fill: Callable[[BinaryIO], Any]) -> None:
    """:func:`write_whole` of a file that the user named. Raises InputError, with that name, if it cannot be written."""
    try:
        write_whole(path, fill)
    except OSError as error:
        remedy = "choose a file that you may write, on a disk with room"
        raise InputError(f"cannot be written: {error.strerror or error}", where=str(path), remedy=remedy) from None


def writable(folder: Path) -> bool:
    """Whether files can be written in a folder, or in the nearest one above it that is there."""
    try:
        existing = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
        with tempfile.TemporaryFile(dir=existing):
            return True
    except OSError:
        return False
