"""Reading a profile, by name or from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from hmn_lava.errors import InputError
from hmn_lava.hardware_profiles.schema import Profile

_FOLDER = Path(__file__).parent
_LARGEST = 1_000_000  # bytes; a profile has some ten thousand


def profile_names() -> tuple[str, ...]:
    """Names of the profiles that come with hmn-lava."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


def load_profile(name_or_path: str | Path) -> Profile:
    """The profile of that name, or the one in that ``.yaml`` file.

    Raises :class:`~hmn_lava.errors.InputError` for an unknown name, an unreadable file and an invalid profile.
    """
    names = profile_names()
    if str(name_or_path) in names:
        return _validated(_read(_FOLDER / f"{name_or_path}.yaml"), f"{name_or_path}.yaml")
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        raise InputError(
            "unknown hardware profile",
            where="profile",
            value=str(name_or_path),
            remedy=f"Use one of {', '.join(names)}, or the path of a .yaml file.",
        )
    return _validated(_read(path), str(path))


def _read(path: Path) -> Any:
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"the file is larger than {_LARGEST} bytes", where=str(path), remedy="Give a profile.")
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"the profile cannot be read: {error.strerror}",
            where=str(path),
            remedy=f"Use one of {', '.join(profile_names())}, or the path of a readable .yaml file.",
        ) from error
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        # PyYAML constructs dates and numbers as it reads, and lets their ValueError through.
        raise InputError(f"not a YAML text file: {error}", where=str(path), remedy="Correct the file.") from error
    except yaml.YAMLError as error:
        told = " ".join(str(error).split())
        raise InputError(f"not valid YAML: {told}", where=str(path), remedy="Correct the file.") from error


def _validated(content: Any, where: str) -> Profile:
    try:
        return Profile.model_validate(content)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        first = problems[0]
        more = f" There are {len(problems) - 1} further problems." if len(problems) > 1 else ""
        missing = first["type"] == "missing"
        raise InputError(
            "missing field" if missing else first["msg"].removeprefix("Value error, "),
            where=where,
            field=".".join(str(part) for part in first["loc"]),
            value=None if missing or isinstance(first["input"], (dict, Profile)) else first["input"],
            remedy=f"Correct the profile; docs/hardware_profiles.md describes each field.{more}",
        ) from error
