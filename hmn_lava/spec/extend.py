"""Specs that extend another one: its records stay as they are, and new ones stand beside them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from hmn_lava.errors import InputError
from hmn_lava.spec.arrays import NpzArray
from hmn_lava.spec.problems import Problem

if TYPE_CHECKING:
    from hmn_lava.spec.records import Spec

SECTIONS = ("populations", "connections", "modulators", "oscillators", "formats", "stimulus")
"""What both may have, each object in one of them alone."""
SINGLE = ("global_attention", "meta_learning", "restart")
"""What there is once: the base's, where the new spec has none of its own."""


def extended(data: Mapping[str, Any], base: Spec, folder: Path | None) -> dict[str, Any]:
    """The records of ``data`` and those of ``base``, whose files are named relative to ``folder``.

    Raises InputError for an object that is in both, and for a file of the base that is not inside ``folder``.
    """
    prefix = _prefix(base, folder)
    merged = dict(data)
    for section in SECTIONS:
        old, new = getattr(base, section), data.get(section)
        if new is not None and not isinstance(new, Mapping):
            continue  # the record says what is wrong with it
        if both := [name for name in (new or {}) if name in old]:
            remedy = "give the new object another name: what is extended stays as it is"
            raise Problem(f"{section}.{both[0]}", "is there already, in the spec that is extended", remedy).error()
        merged[section] = {name: _moved(record, prefix) for name, record in old.items()} | dict(new or {})
    for name in SINGLE:
        if merged.get(name) is None and getattr(base, name) is not None:
            merged[name] = _moved(getattr(base, name), prefix)
    return merged


def _prefix(base: Spec, folder: Path | None) -> str:
    """The way from ``folder`` to the files of the base; empty where it has none, or they are in the same folder."""
    if base.folder is None or not _has_files(base):
        return ""
    if folder is not None:
        way = os.path.relpath(base.folder.resolve(), folder.resolve()).replace(os.sep, "/")
        if way == ".":
            return ""
        if not way.startswith(".."):
            return f"{way}/"
    remedy = "put the spec that is extended into a folder inside the new one's"
    raise InputError("has arrays that are outside of the spec's folder", where=str(base.folder), remedy=remedy)


def _has_files(value: Any) -> bool:
    if isinstance(value, NpzArray):
        return True
    if isinstance(value, BaseModel):
        named = getattr(value, "type", None) == "npz"
        return named or any(_has_files(getattr(value, name)) for name in type(value).model_fields)
    return isinstance(value, Mapping) and any(_has_files(item) for item in value.values())


def _moved(record: Any, prefix: str) -> Any:
    """A record whose files are named from the new folder."""
    if not prefix or not isinstance(record, BaseModel):
        return record
    if isinstance(record, NpzArray):
        return record.model_copy(update={"npz": prefix + record.npz})
    changed = {name: _moved(getattr(record, name), prefix) for name in type(record).model_fields}
    if getattr(record, "type", None) == "npz":
        changed["file"] = prefix + changed["file"]
    return record.model_copy(update=changed)
