"""Read a spec from YAML: an untrusted file that must be small, plain, and right."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hmn_lava.errors import InputError
from hmn_lava.spec.check import check
from hmn_lava.spec.extend import extended
from hmn_lava.spec.npz import NpzError, path_inside
from hmn_lava.spec.problems import error_of, problems_of
from hmn_lava.spec.records import VERSION, Spec
from hmn_lava.yaml_text import parse_yaml

SPEC_FILE = "spec.yaml"  # name of a spec in a folder of its own
MAX_BYTES = 16 * 2**20
MAX_EXTENDS = 8  # specs that extend each other in a row
_START = f"start with hmn_lava: {VERSION}, name and populations"


def load_spec(path: str | os.PathLike[str]) -> Spec:
    """Read and check the spec ``path``, a YAML file or a folder that holds ``spec.yaml``.

    What it ``extends`` is read with it. Raises InputError that names the file and all wrong fields. Arrays in npz files
    are read by :func:`resolve`.
    """
    return _load(Path(path), ())


def _load(path: Path, extending: tuple[str, ...]) -> Spec:
    """The spec of a file that the specs ``extending`` lead to."""
    file = path / SPEC_FILE if path.is_dir() else path
    data = parse_yaml(_text(file), str(file), _START)
    return read_record(data, folder=file.parent, file=str(file), extending=(*extending, str(file)))


def spec_from_dict(data: dict[str, Any], folder: str | os.PathLike[str] | None = None) -> Spec:
    """Check a spec that was read from JSON; ``folder`` is where its npz files are. Raises InputError."""
    return read_record(data, folder=None if folder is None else Path(folder))


def read_record(data: Any, *, folder: Path | None = None, file: str = "", extending: tuple[str, ...] = ()) -> Spec:
    """Check ``data`` and make it a Spec that knows where it came from; what it extends becomes part of it."""
    if not isinstance(data, dict):
        raise InputError(
            "a spec is a mapping", where=file, value=None if data is None else type(data).__name__, remedy=_START
        )
    if data.get("extends") is not None:
        data = _with_base(data, folder, file, extending)
    try:
        spec = Spec.model_validate(data)
    except ValidationError as error:
        raise error_of(problems_of(error, Spec), file) from None
    spec._folder, spec._file = folder, file
    if problems := check(spec):
        raise error_of(problems, file)
    return spec


def _with_base(data: dict[str, Any], folder: Path | None, file: str, extending: tuple[str, ...]) -> dict[str, Any]:
    """The data together with the spec that it extends."""
    name = data["extends"]
    if not isinstance(name, str):
        remedy = "write the name of a spec's file or folder beside this one"
        raise InputError("must be text", where=file, field="extends", value=type(name).__name__, remedy=remedy)
    if len(extending) >= MAX_EXTENDS:
        remedy = "let no spec extend itself"
        raise InputError(f"leads through more than {MAX_EXTENDS} specs", where=file, field="extends", remedy=remedy)
    try:
        inside = folder is not None and (folder / name).is_dir() and ".." not in name
        base = path_inside(folder, f"{name}/{SPEC_FILE}" if inside else name)
    except (NpzError, ValueError) as error:
        problem, remedy = getattr(error, "problem", "is not a path"), getattr(error, "remedy", "name a file")
        raise InputError(problem, where=file, field="extends", value=name, remedy=remedy) from None
    try:
        return extended({**data, "extends": None}, _load(base, extending), folder)
    except InputError as error:
        where = error.where or file
        raise InputError(
            error.problem, where=where, field=error.field, value=error.value, remedy=error.remedy
        ) from None


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
