"""What is kept between processes (machine code, encodings), and how to do without where nothing can be kept.

A file's first bytes are the hash of the rest, so that a damaged one is as good as none. A folder that cannot be made,
read or written is no error: then nothing is kept.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

_DIGEST = hashlib.sha256().digest_size


def cache_folder() -> Path | None:
    """The folder: $HMN_LAVA_CACHE, or hmn-lava under $XDG_CACHE_HOME or ~/.cache; None where there is no home."""
    base = os.environ.get("HMN_LAVA_CACHE")
    if base:
        return Path(base)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hmn-lava"
    except RuntimeError:  # HOME is not set, and the user is in no list of users
        return None


def read(name: str, kind: str = "kernels") -> bytes | None:
    """What of this kind was kept under a name; None if nothing was, or if it was damaged since."""
    folder = _folder(kind)
    if folder is None:
        return None
    try:
        kept = (folder / name).read_bytes()
    except OSError:
        return None
    digest, content = kept[:_DIGEST], kept[_DIGEST:]
    return content if hashlib.sha256(content).digest() == digest else None


def write(name: str, content: bytes, kind: str = "kernels") -> None:
    """Keep ``content`` under a name, if that is possible."""
    folder = _folder(kind)
    if folder is None:
        return
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=folder, suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(content).digest() + content)
        os.replace(temporary, folder / name)
    except OSError:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def _folder(kind: str) -> Path | None:
    """The folder, made for this user alone: kernels are executed, so none that others own or may write to."""
    base = cache_folder()
    if base is None:
        return None
    folder = base / kind
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        status = folder.stat()
    except OSError:
        return None
    others = hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o022)
    return None if others else folder
