"""Other values for fields of a spec, named by the dotted paths that its errors use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hmn_lava.errors import InputError
from hmn_lava.spec import Spec
from hmn_lava.spec.arrays import Values
from hmn_lava.spec.load import read_record
from hmn_lava.spec.problems import clean, did_you_mean

_NAMED = ("populations", "connections", "modulators", "oscillators")
_TEXTS = ("hmn_lava", "name", "description")


def with_values(spec: Spec, values: Mapping[str, Any]) -> Spec:
    """Return the spec as if its author had written these values: dotted path -> value. All checks are made anew.

    A path goes through records by field and through lists by number, as in ``connections.readout.rates.global`` or
    ``populations.pixels.range.1``. An optional part that the author left out is begun by naming a field of it. Raises
    InputError for a path that leads nowhere and for a spec that is wrong with these values.
    """
    content = _plain(spec.model_dump(by_alias=True, exclude_unset=True))
    for path, value in values.items():
        _set(content, path, value, spec.file)
    return read_record(content, folder=spec.folder, file=spec.file)


def _plain(value: Any) -> Any:
    """Copy containers, so that they may be changed."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _set(content: dict[str, Any], path: str, value: Any, file: str) -> None:
    section, _, rest = path.partition(".")
    # The name of a format, object.symbol, has a dot of its own.
    parts = [section, rest] if section == "formats" and rest else path.split(".")
    if not all(parts):
        remedy = "write its dotted path, such as connections.readout.rates.global"
        raise InputError("is not the path of a field", where=file, field=path, remedy=remedy)
    if section in _TEXTS:
        raise InputError("is no part of the network", where=file, field=path, remedy="sweep a field of the network")
    if parts[-1] == "global_":  # what Python calls it; beside the file's name it would have no effect
        raise InputError("unknown key", where=file, field=path, remedy="did you mean 'global'?")
    if section in _NAMED and len(parts) > 1 and parts[1] not in content.get(section, {}):
        remedy = did_you_mean(parts[1], content.get(section, {}))
        problem = f"no such {section[:-1]}"
        raise InputError(problem, where=file, field=f"{section}.{clean(parts[1])}", remedy=remedy)
    node: Any = content
    for depth, part in enumerate(parts[:-1]):
        key = _key(node, part, path, file)
        child = node.get(key) if isinstance(node, dict) else node[key]
        if child is None:
            child = {}
        elif isinstance(child, Values):
            child = child.array.tolist()
        elif not isinstance(child, (dict, list)):
            remedy = f"give {'.'.join(parts[: depth + 1])} a whole value"
            raise InputError("is a single value, without fields", where=file, field=path, value=child, remedy=remedy)
        node[key] = child
        node = child
    node[_key(node, parts[-1], path, file)] = value


def _key(node: dict[str, Any] | list[Any], part: str, path: str, file: str) -> Any:
    if isinstance(node, dict):
        return part
    if not (part.isdecimal() and int(part) < len(node)):
        remedy = f"use a number from 0 to {len(node) - 1}" if node else "give the list a whole value"
        raise InputError("no such item of the list", where=file, field=path, value=part, remedy=remedy)
    return int(part)
