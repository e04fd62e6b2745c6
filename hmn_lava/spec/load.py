"""Read a spec from YAML: an untrusted file that must be small, plain, and right."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hmn_lava.errors import InputError
from hmn_lava.spec.check import check
from hmn_lava.spec.problems import error_of, problems_of
from hmn_lava.spec.records import VERSION, Spec
from hmn_lava.yaml_text import parse_yaml

SPEC_FILE = "spec.yaml"  # name of a spec in a folder of its own
MAX_BYTES = 16 * 2**20
_START = f"start with hmn_lava: {VERSION}, name and populations"


def load_spec(path: str | os.PathLike[str]) -> Spec:
    """Read and check the spec ``path``, a YAML file or a folder that holds ``spec.yaml``.

    Raises InputError that names the file and all wrong fields. Arrays in npz files are read by :func:`resolve`.
    """
    file = Path(path)
    file = file / SPEC_FILE if file.is_dir() else file
    return read_record(parse_yaml(_text(file), str(file), _START), folder=file.parent, file=str(file))


def spec_from_dict(data: dict[str, Any], folder: str | os.PathLike[str] | None = None) -> Spec:
    """Check a spec that was read from JSON; ``folder`` is where its npz files are. Raises InputError."""
    return read_record(data, folder=None if folder is None else Path(folder))


def read_record(data: Any, *, folder: Path | None = None, file: str = "") -> Spec:
    """Check ``data`` and make it a Spec that knows where it came from."""
    if not isinstance(data, dict):
        raise InputError(
            "a spec is a mapping", where=file, value=None if data is None else type(data).__name__, remedy=_START
        )
    try:
        spec = Spec.model_validate(data)
    except ValidationError as error:
        raise error_of(problems_of(error, Spec), file) from None
    spec._folder, spec._file = folder, file
    if problems := check(spec):
        raise error_of(problems, file)
    return spec


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
