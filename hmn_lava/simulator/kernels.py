"""Compiled kernels.

Generated text becomes a module in the user's cache folder, compiled once and kept between processes.

A module is named by the hash of its text, so that a changed program never meets an old kernel; numba keeps its machine
code beside it and checks its own version and the processor. If the folder cannot be written, the kernel is compiled in
memory for this process only.
"""

from __future__ import annotations

import hashlib
import importlib.util
import linecache
import os
import sys
import tempfile
import types
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from hmn_lava.simulator.cache import cache_folder
from hmn_lava.simulator.codegen import Argument, Form, generate


@lru_cache(maxsize=4096)
def kernel(form: Form) -> tuple[Callable[..., None], tuple[Argument, ...]]:
    """The compiled function of a form, and the meaning of its arguments behind (t, lo, hi)."""
    source, arguments = generate(form)
    return _module(source).kernel, tuple(arguments)


@lru_cache(maxsize=4096)
def _module(source: str) -> Any:
    name = f"kernel_{hashlib.sha256(source.encode()).hexdigest()[:32]}"
    try:
        path = _written(source, name)
    except OSError:
        return _in_memory(source, name)
    spec = importlib.util.spec_from_file_location(f"hmn_lava_{name}", path)
    if spec is None or spec.loader is None:
        return _in_memory(source, name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module  # numba loads what it kept by the module's name
    try:
        spec.loader.exec_module(module)
    except (OSError, RuntimeError):  # numba has no place for its machine code
        del sys.modules[module.__name__]
        return _in_memory(source, name)
    return module


def _written(source: str, name: str) -> Path:
    """The file with the source; written anew if what is there differs."""
    base = cache_folder()
    if base is None:
        raise OSError("no folder to keep kernels in")
    folder = base / "kernels"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{name}.py"
    if path.exists() and path.read_text() == source:
        return path
    handle, temporary = tempfile.mkstemp(dir=folder, suffix=".tmp")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(source)
        os.replace(temporary, path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def _in_memory(source: str, name: str) -> Any:
    """Compile without a file. The text is this project's own: see ``codegen``."""
    filename = f"<hmn-lava {name}>"
    text = source.replace("cache=True, ", "")
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    module = types.ModuleType(name)
    exec(compile(text, filename, "exec"), module.__dict__)
    return module
