"""What of Lava and of Intel's extension is here, found on the disk: nothing is imported, nothing is contacted.

Importing Lava changes how a process starts its children (it sets the start method ``fork``), so nothing here imports
it: only the top-level name is looked up, and below it files are. The extension is ``lava-loihi``, which Intel does not
publish; lava-nc 0.10.0, lava/utils/loihi.py, ``is_installed``, takes its module ``lava.utils.loihi2_profiler`` for its
presence, and so does this file.
"""

from __future__ import annotations

import shutil
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from hmn_lava.errors import BackendError

LAVA_PYTHON = (3, 10)
"""The Python that lava-nc 0.10.0 works on (its metadata: ``>=3.10, <3.11``)."""
UNKNOWN = "version unknown"


def lava_folders() -> list[Path]:
    """The folders that make up the package ``lava``: several, where extensions add theirs; none without lava-nc."""
    spec = find_spec("lava")  # a top-level name: finding it runs none of its code
    folders = [Path(folder) for folder in (spec.submodule_search_locations or [])] if spec else []
    return folders if any((folder / "magma").is_dir() for folder in folders) else []


def lava_version() -> str | None:
    """The version of lava-nc, ``version unknown`` where it was not installed as a package, None where it is not."""
    return distribution_version("lava-nc") if lava_folders() else None


def has_lava() -> bool:
    """Whether lava-nc is here, on a Python that it works on."""
    return bool(lava_folders()) and _right_python()


def has_extension() -> bool:
    """Whether Intel's extension for Loihi boards is here."""
    return extension_folder() is not None


def extension_folder() -> Path | None:
    """The folder of ``lava`` that the extension lies in."""
    return _folder_with("utils/loihi2_profiler", "utils/loihi2_profiler.*")


def has_lava_dl() -> bool:
    """Whether lava-dl is here."""
    return lava_dl_folder() is not None


def lava_dl_folder() -> Path | None:
    """The folder of ``lava`` that lava-dl lies in."""
    return _folder_with("lib/dl")


def slurm() -> str | None:
    """The path of ``sinfo``, the command by which Lava looks for boards behind a SLURM queue; None without SLURM."""
    return shutil.which("sinfo")


def distribution_version(name: str) -> str:
    """The version of an installed distribution, or ``version unknown``."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return UNKNOWN


def require_lava(backend: str = "lava") -> None:
    """Raise BackendError, with what to install, where the Lava backend cannot run."""
    python = ".".join(map(str, LAVA_PYTHON))
    if not lava_folders():
        raise BackendError(
            f"the backend '{backend}' needs lava-nc, which is not installed: use Python {python} and "
            "`pip install lava-nc==0.10.0`; nothing was run."
        )
    if not _right_python():
        raise BackendError(
            f"the backend '{backend}' needs Python {python}, which is the only one that lava-nc works on, and this is "
            f"{sys.version_info[0]}.{sys.version_info[1]}; nothing was run."
        )


def require_board() -> None:
    """Raise BackendError, with what to install, where no board can be driven from here."""
    require_lava("board")
    if not has_extension():
        raise BackendError(
            "the backend 'board' needs lava-loihi, Intel's extension of Lava (module lava.utils.loihi2_profiler), "
            "which is not installed: members of Intel's Neuromorphic Research Community get it from Intel; "
            "nothing was run."
        )


def _right_python() -> bool:
    return tuple(sys.version_info[:2]) == LAVA_PYTHON


def _folder_with(*patterns: str) -> Path | None:
    return next((folder for folder in lava_folders() if any(any(folder.glob(p)) for p in patterns)), None)
