"""YAML of an untrusted file: a tree that must be small, shallow and without tricks.

Scalars follow YAML 1.2 (the core schema): ``on`` is text, ``1e-3`` is a number, ``010`` is ten.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from hmn_lava.errors import InputError

MAX_DEPTH = 32
MAX_NODES = 2_000_000  # values of a file, aliases counted as what they stand for

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    """safe_load with the scalars of YAML 1.2."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML's own name and form)


_FLOAT = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
_NOTHING = re.compile(r"(?!)")
_TEXT = "tag:yaml.org,2002:str"
YAML_SCALARS = {  # tag -> what the text must match, and its first characters
    f"tag:yaml.org,2002:{name}": (re.compile(rf"(?:{pattern})$"), [*first, ""] if name == "null" else [*first])
    for name, pattern, first in (
        ("null", "~|null|Null|NULL|", "~nN"),
        ("bool", "true|True|TRUE|false|False|FALSE", "tTfF"),
        ("int", "[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
        ("float", _FLOAT, "-+.0123456789"),
    )
}
for _tag, (_pattern, _first) in YAML_SCALARS.items():
    _Loader.add_implicit_resolver(_tag, _pattern, _first)


def _construct_int(loader: Any, node: yaml.ScalarNode) -> int:
    text = loader.construct_scalar(node)
    return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10)) if len(text) < 1000 else 10**1000


_Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)


def parse_yaml(text: str, where: str, start: str = "write something into it") -> Any:
    """Parse one YAML document; ``start`` is what to do if it is empty.

    Raises InputError for all that is not a plain, small tree with unique keys.
    """
    try:
        _limit_depth(text, where)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                raise InputError("the file is empty", where=where, remedy=start)
            _check_nodes(node, where)
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        place = f"{where}:{mark.line + 1}" if mark is not None else where
        problem = getattr(error, "problem", None) or "has characters that YAML does not allow"
        raise InputError(f"not valid YAML: {problem}", where=place, remedy="correct the syntax at this line") from None
    except ValueError as error:
        raise InputError(f"not valid YAML: {error}", where=where, remedy="correct the value") from None


def _line(part: Any) -> int:
    return int(part.start_mark.line) + 1


def _limit_depth(text: str, where: str) -> None:
    """Walk the events, which takes no recursion, before anything recursive sees the text."""
    depth = nodes = 0
    for event in yaml.parse(text, Loader=_Base):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if isinstance(event, yaml.NodeEvent):
            nodes += 1
        if depth > MAX_DEPTH:
            place = f"{where}:{_line(event)}"
            raise InputError(f"is nested deeper than {MAX_DEPTH} levels", where=place, remedy="flatten the structure")
        if nodes > MAX_NODES:
            raise InputError(
                f"has more than {MAX_NODES} values", where=where, remedy="move its arrays into an npz file beside it"
            )


def _check_nodes(root: yaml.Node, where: str) -> None:
    """Keys are text and unique; no alias contains itself; the expanded tree stays small."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size(node: yaml.Node) -> int:
        if isinstance(node, yaml.ScalarNode):
            _check_tag(node, where)
            return 1
        if id(node) in sizes:
            return sizes[id(node)]
        place = f"{where}:{_line(node)}"
        if id(node) in open_nodes:
            raise InputError("an alias contains itself", where=place, remedy="write the value out")
        open_nodes.add(id(node))
        if isinstance(node, yaml.MappingNode):
            _check_keys(node, where)
            children = [value for _, value in node.value]
        else:
            children = node.value
        total = 1 + sum(map(size, children))
        if total > MAX_NODES:
            raise InputError(
                f"aliases expand to more than {MAX_NODES} values", where=place, remedy="write the values out"
            )
        open_nodes.discard(id(node))
        sizes[id(node)] = total
        return total

    size(root)


def _check_tag(node: yaml.ScalarNode, where: str) -> None:
    """Refuse tags beyond the core schema, and text that is not what its tag says, such as ``!!bool maybe``."""
    pattern = None if node.tag == _TEXT else YAML_SCALARS.get(node.tag, (_NOTHING, []))[0]
    if pattern is not None and not pattern.match(node.value):
        problem = f"not valid YAML: tag {node.tag.removeprefix('tag:yaml.org,2002:')!r:.40} does not fit"
        raise InputError(problem, where=f"{where}:{_line(node)}", value=node.value, remedy="remove the tag")


def _check_keys(node: yaml.MappingNode, where: str) -> None:
    lines: dict[str, int] = {}
    for key, _ in node.value:
        line = _line(key)
        if not isinstance(key, yaml.ScalarNode) or key.tag != _TEXT:
            shown = key.value if isinstance(key, yaml.ScalarNode) else "a list or mapping"
            raise InputError(
                "a key must be text", where=f"{where}:{line}", value=shown, remedy="put it in quotes, or rename it"
            )
        if key.value in lines:
            problem = f"key '{key.value}' is given twice, first in line {lines[key.value]}"
            raise InputError(problem, where=f"{where}:{line}", field=key.value, remedy="remove or rename one of them")
        lines[key.value] = line
