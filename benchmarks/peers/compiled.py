"""C of benchmarks/c, compiled by gcc when it is first needed; kept by text, compiler and machine."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path

SOURCES = Path(__file__).parents[1] / "c"
FLAGS = ("-O3", "-march=native", "-mprefer-vector-width=512", "-fopenmp", "-std=c11", "-shared", "-fPIC", "-Wall")
COMPILER = "gcc"


def missing() -> str | None:
    """Why nothing can be compiled here, or None."""
    return None if shutil.which(COMPILER) else f"{COMPILER} is not on the PATH"


@lru_cache(maxsize=1)
def version() -> str:
    """The compiler's own name for itself."""
    return subprocess.run([COMPILER, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]


def library(name: str, folder: Path | None = None) -> ctypes.CDLL:
    """The shared library of ``c/<name>.c``."""
    source = SOURCES / f"{name}.c"
    key = hashlib.sha256(b"\0".join([source.read_bytes(), *map(str.encode, (*FLAGS, version(), platform.processor()))]))
    folder = folder or Path(tempfile.gettempdir()) / f"hmn-lava-benchmarks-{os.getuid()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / f"{name}-{key.hexdigest()[:16]}.so"
    if not target.exists():
        made = target.with_suffix(f".{os.getpid()}")
        subprocess.run([COMPILER, *FLAGS, "-o", str(made), str(source), "-lm"], check=True)
        made.replace(target)
    return ctypes.CDLL(str(target))
