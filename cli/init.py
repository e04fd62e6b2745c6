"""``hmn-lava init``: a starter spec, with comments, that compiles and runs."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from hmn_lava.cli.output import JsonOption, note, print_json


class Template(str, Enum):
    """What a starter spec is of."""

    minimal = "minimal"
    bandit = "bandit"
    digits = "digits"


_HOMES = {
    Template.minimal: ("hmn_lava.cli", "templates"),
    Template.bandit: ("hmn_lava.tasks", ""),
    Template.digits: ("hmn_lava.tasks", ""),
}


def init(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")] = Path("network.yaml"),
    template: Annotated[Template, typer.Option("--template", help="What to start from.")] = Template.minimal,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Only print the JSON Schema of a spec, for editors.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a starter spec: it has comments, compiles and runs."""
    if schema:
        _print_schema(as_json)
        return
    from hmn_lava.errors import InputError
    from hmn_lava.files import write_output

    text = _text(template)
    if (file.exists() or file.is_symlink()) and not (force and file.is_file()):
        remedy = "choose another name" + ("" if force else ", or pass --force to replace it")
        raise InputError("exists already" if not force else "is not a plain file", where=str(file), remedy=remedy)
    write_output(file, lambda stream: stream.write(text.encode()))
    if as_json:
        print_json("init", {"file": str(file), "template": template.value, "backend": None})
    else:
        note(f"wrote {file}; next: hmn-lava compile {file} -o {file.stem}.bundle, then hmn-lava run {file.stem}.bundle")


def _text(template: Template) -> str:
    from importlib.resources import files

    package, folder = _HOMES[template]
    return (files(package) / folder / f"{template.value}.yaml").read_text(encoding="utf-8")


def _print_schema(as_json: bool) -> None:
    import json

    from hmn_lava.spec import json_schema

    if as_json:
        print_json("init", {"schema": json_schema(), "backend": None})
    else:
        print(json.dumps(json_schema(), indent=2))
