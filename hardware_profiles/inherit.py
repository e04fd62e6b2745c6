"""Inheritance: a profile that ``extends`` another gives only what differs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hmn_lava.errors import InputError
from hmn_lava.hardware_profiles.read import FOLDER, profile_names, read
from hmn_lava.hardware_profiles.schema import VERSION

Content = dict[str, Any]


def lineage(path: Path) -> list[tuple[Path, Content]]:
    """The file and what it extends, and so on: (path, content), the file first.

    Raises InputError for what cannot be read, and for a profile that extends itself, directly or through others.
    """
    chain: list[tuple[Path, Content]] = []
    seen: list[Path] = []
    while True:
        chain.append((path, _mapping(read(path), path)))
        seen.append(path.resolve())
        if "extends" not in chain[-1][1]:
            return chain
        parent = _parent(chain[-1][1]["extends"], path)
        if parent.resolve() in seen:
            names = [file.name for file, _ in chain[seen.index(parent.resolve()) :]]
            raise InputError(
                f"a profile cannot extend itself: {' extends '.join([*names, names[0]])}",
                where=str(path),
                field="extends",
                remedy="Let the last of them extend nothing, or another profile.",
            )
        path = parent


def merge(parent: Content, child: Content) -> Content:
    """``child`` over ``parent``: sections merge by field, references by key; an entry is replaced whole, as is null.

    References of the parent that only replaced entries cited are left out.
    """
    merged = {**parent, **{key: value for key, value in child.items() if key != "extends"}}
    for section, fields in child.items():
        if isinstance(fields, dict) and isinstance(parent.get(section), dict):
            merged[section] = {**parent[section], **fields}
    return _without_uncited(merged, keep=child.get("references"))


def _without_uncited(content: Content, keep: Any) -> Content:
    references = content.get("references")
    if not isinstance(references, dict):
        return content
    fields = (section.values() for section in content.values() if isinstance(section, dict))
    sources = (str(entry.get("source")) for entries in fields for entry in entries if isinstance(entry, dict))
    cited = {source.split(",")[0].strip() for source in sources}
    own = keep if isinstance(keep, dict) else {}
    return {**content, "references": {k: v for k, v in references.items() if k in cited or k in own}}


def _parent(name: Any, path: Path) -> Path:
    if isinstance(name, str):
        if name in profile_names():
            return FOLDER / f"{name}.yaml"
        parent = path.parent / name
        if parent.suffix in (".yaml", ".yml") and _is_file(parent):
            return parent
    raise InputError(
        "no such profile to extend",
        where=str(path),
        field="extends",
        value=name,
        remedy=f"Use one of {', '.join(profile_names())}, or the path of a .yaml file relative to this file.",
    )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # may not be looked at, or is no path at all
        return False


def _mapping(content: Any, path: Path) -> Content:
    """The file's content, which is of this version of the form: in another, the same words may mean something else."""
    if not isinstance(content, dict):
        raise InputError("a profile is a mapping", where=str(path), value=content, remedy="Give a profile.")
    if "hardware_profile" not in content:
        raise InputError(
            "missing field", where=str(path), field="hardware_profile", remedy=f"Write hardware_profile: {VERSION}."
        )
    if (version := content["hardware_profile"]) != VERSION or isinstance(version, bool):
        raise InputError(
            f"this version of the form cannot be read; it must be {VERSION}",
            where=str(path),
            field="hardware_profile",
            value=version,
            remedy="docs/hardware_profiles.md says what changed from version 1 to 2.",
        )
    if "name" not in content:
        raise InputError(
            "missing field", where=str(path), field="name", remedy="Name the profile; a name is not inherited."
        )
    return content
