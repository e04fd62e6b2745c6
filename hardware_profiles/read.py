"""Reading the YAML of a profile: an untrusted file, and the names of those that come with hmn-lava."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hmn_lava.errors import InputError
from hmn_lava.yaml_text import parse_yaml

FOLDER = Path(__file__).parent
LARGEST = 1_000_000  # bytes; a profile has some ten thousand


def profile_names() -> tuple[str, ...]:
    """Names of the profiles that come with hmn-lava."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def read(path: Path) -> Any:
    """What the YAML file holds. Raises InputError for what is no file, too large, not text, not a plain YAML tree."""
    remedy = f"Use one of {', '.join(profile_names())}, or the path of a readable .yaml file."
    try:
        if path.exists() and not path.is_file():  # a folder; or a pipe or device, which may never end
            raise InputError("the profile cannot be read: it is not a file", where=str(path), remedy=remedy)
        with path.open("rb") as stream:
            data = stream.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise InputError(f"the file is larger than {LARGEST} bytes", where=str(path), remedy="Give a profile.")
        return parse_yaml(data.decode("utf-8-sig"), str(path), remedy)
    except OSError as error:
        raise InputError(f"the profile cannot be read: {error.strerror}", where=str(path), remedy=remedy) from error
    except ValueError as error:
        raise InputError(f"not a YAML text file: {error}", where=str(path), remedy="Correct the file.") from error
