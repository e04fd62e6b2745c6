"""Loading a profile, by name or from a file."""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hmn_lava.errors import InputError
from hmn_lava.hardware_profiles.inherit import Content, lineage, merge
from hmn_lava.hardware_profiles.read import FOLDER, profile_names
from hmn_lava.hardware_profiles.schema import Profile


def load_profile(name_or_path: str | Path) -> Profile:
    """The profile of that name, or the one in that ``.yaml`` file, with all that it inherits.

    Raises :class:`~hmn_lava.errors.InputError` for an unknown name, an unreadable file and an invalid profile.
    """
    names = profile_names()
    if str(name_or_path) in names:
        return _validated(lineage(FOLDER / f"{name_or_path}.yaml"))
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        raise InputError(
            "unknown hardware profile",
            where="profile",
            value=str(name_or_path),
            remedy=f"Use one of {', '.join(names)}, or the path of a .yaml file.",
        )
    return _validated(lineage(path))


def _validated(chain: list[tuple[Path, Content]]) -> Profile:
    contents = [content for _, content in chain]
    try:
        return Profile.model_validate(reduce(merge, reversed(contents[:-1]), contents[-1]))
    except ValidationError as error:
        problems = error.errors(include_url=False)
        first = problems[0]
        more = f" There are {len(problems) - 1} further problems." if len(problems) > 1 else ""
        missing = first["type"] == "missing"
        raise InputError(
            "missing field" if missing else first["msg"].removeprefix("Value error, "),
            where=str(_origin(chain, first["loc"])),
            field=".".join(str(part) for part in first["loc"]),
            value=None if missing or isinstance(first["input"], (dict, Profile)) else first["input"],
            remedy=f"Correct the profile; docs/hardware_profiles.md describes each field.{more}",
        ) from error


def _origin(chain: list[tuple[Path, Content]], field: tuple[Any, ...]) -> Path:
    """The file that gives the field: the first of the chain that has it, else the file that was asked for."""

    def has(content: Any, keys: tuple[Any, ...]) -> bool:
        return not keys or (isinstance(content, dict) and keys[0] in content and has(content[keys[0]], keys[1:]))

    return next((path for path, content in chain if field and has(content, field[:2])), chain[0][0])
