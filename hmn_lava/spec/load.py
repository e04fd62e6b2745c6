"""Read a spec from YAML: an untrusted file that must be small, shallow, without tricks, and right.

Scalars follow YAML 1.2 (the core schema): ``on`` is text, ``1e-3`` is a number, ``010`` is ten.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from hmn_lava.errors import InputError
from hmn_lava.spec.check import check
from hmn_lava.spec.problems import error_of, problems_of
from hmn_lava.spec.records import VERSION, Spec

SPEC_FILE = "spec.yaml"  # name of a spec in a folder of its own
MAX_BYTES = 16 * 2**20
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


def load_spec(path: str | os.PathLike[str]) -> Spec:
    """Read and check the spec ``path``, a YAML file or a folder that holds ``spec.yaml``.

    Raises InputError that names the file and all wrong fields. Arrays in npz files are read by :func:`resolve`.
    """
    file = Path(path)
    file = file / SPEC_FILE if file.is_dir() else file
    return read_record(parse_yaml(_text(file), str(file)), folder=file.parent, file=str(file))


def spec_from_dict(data: dict[str, Any], folder: str | os.PathLike[str] | None = None) -> Spec:
    """Check a spec that was read from JSON; ``folder`` is where its npz files are. Raises InputError."""
    return read_record(data, folder=None if folder is None else Path(folder))


def read_record(data: Any, *, folder: Path | None = None, file: str = "") -> Spec:
    """Check ``data`` and make it a Spec that knows where it came from."""
    if not isinstance(data, dict):
        remedy = f"start with hmn_lava: {VERSION}, name and populations"
        raise InputError(
            "a spec is a mapping", where=file, value=None if data is None else type(data).__name__, remedy=remedy
        )
    try:
        spec = Spec.model_validate(data)
    except ValidationError as error:
        raise error_of(problems_of(error, Spec), file) from None
    spec._folder, spec._file = folder, file
    if problems := check(spec):
        raise error_of(problems, file)
    return spec


def parse_yaml(text: str, where: str) -> Any:
    """Parse one YAML document; raises InputError for all that is not a plain, small tree with unique keys."""
    try:
        _limit_depth(text, where)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                remedy = f"start with hmn_lava: {VERSION}, name and populations"
                raise InputError("the file is empty", where=where, remedy=remedy)
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


def _text(file: Path) -> str:
    try:
        if not file.is_file():
            problem = "is not a file" if file.exists() else "no such file"
            raise InputError(problem, where=str(file), remedy="give the path of a spec in YAML")
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(file), remedy="check its permissions") from None
    except ValueError:
        raise InputError("is not a path", where=repr(str(file)), remedy="give the path of a spec in YAML") from None
    if len(data) > MAX_BYTES:
        raise InputError(
            f"is larger than {MAX_BYTES} bytes", where=str(file), remedy="move its arrays into an npz file beside it"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"is not UTF-8 (byte {error.start})", where=str(file), remedy="save the file as UTF-8 text"
        ) from None


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
