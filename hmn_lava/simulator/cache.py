"""Where compiled code is kept between processes, and how to do without where nothing can be kept."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])


def cache_folder() -> Path | None:
    """The folder: $HMN_LAVA_CACHE, or hmn-lava under $XDG_CACHE_HOME or ~/.cache; None where there is no home."""
    base = os.environ.get("HMN_LAVA_CACHE")
    if base:
        return Path(base)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hmn-lava"
    except RuntimeError:  # HOME is not set, and the user is in no list of users
        return None


def machine_code_folder() -> Path | None:
    """Where numba keeps machine code: the user's own $NUMBA_CACHE_DIR goes before :func:`cache_folder`."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    return Path(chosen) if chosen else cache_folder()


def compiled(function: F) -> F:
    """Compile with numba, and keep the machine code where there is a folder for it."""
    import numba

    config: Any = numba.config  # its attributes are made at run time

    def compile_it(cache: bool) -> F:
        compiler = numba.njit(nogil=True, cache=cache, boundscheck=False, error_model="numpy")
        return cast(F, compiler(function))

    folder = machine_code_folder()
    if folder is None or not _usable(folder):
        return compile_it(cache=False)
    before = config.CACHE_DIR
    config.CACHE_DIR = str(folder)  # numba reads it here, not at the first call: functions of others keep their place
    try:
        return compile_it(cache=True)
    except RuntimeError:  # numba found no place after all
        return compile_it(cache=False)
    finally:
        config.CACHE_DIR = before


@lru_cache(maxsize=16)
def _usable(folder: Path) -> bool:
    """Make the folder, for this user alone: what lies there is executed. False if it cannot be made or written."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True
