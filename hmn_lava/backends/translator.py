"""The plug-in that turns our microcode into what a board's assembler takes.

Intel publishes neither the syntax nor the encoding of Loihi 2's neuron microcode, so this project ships no translator,
and no part of one. Whoever has the documentation writes one, in a package of their own, and names it in its
``pyproject.toml``::

    [project.entry-points."hmn_lava.microcode_translators"]
    inrc = "my_package.translator:Translator"

    class Translator:
        name = "inrc"

        def translate(self, program, folder):
            path = folder / f"{program.name}.asm"
            path.write_text(...)  # from program.states, .inputs, .constants, .outputs, .instructions
            return path

The entry point has the translator's name, and leads to a class that is called without arguments, or to an object.
A program is a :class:`hmn_lava.microcode.ir.Program`, whose semantics that module states; its text is
:func:`hmn_lava.microcode.text.to_text`. The file that ``translate`` returns is what a neurocore model hands to
``net.neurons_cfg.allocate_ucode(shape=..., ucode=<path>, **constants)`` (a public call pattern; the allocation itself
is the extension's).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from hmn_lava.errors import BackendError, InputError

if TYPE_CHECKING:
    from hmn_lava.microcode.ir import Program

GROUP = "hmn_lava.microcode_translators"


@runtime_checkable
class Translator(Protocol):
    """What a plug-in provides.

    It may also have ``constants(program, values) -> dict``: the constants' values under the names by which its file
    knows them. Without it they keep the names that the program declares.
    """

    name: str

    def translate(self, program: Program, folder: Path) -> Path:
        """Write the program for the board's assembler into ``folder`` and return the file."""


def translator_names() -> list[str]:
    """The names of the translators that are installed, sorted; none of them is loaded."""
    return sorted({point.name for point in _points()})


def find_translator(name: str | None = None) -> Translator:
    """The translator of that name, or the only one.

    Raises BackendError where none is installed or the one that is does not work, and InputError where the name is
    unknown or several are installed and none is named.
    """
    points = sorted(_points(), key=lambda point: (point.name, point.value))
    names = ", ".join(sorted({point.name for point in points}))
    if not points:
        raise BackendError(
            f"no microcode translator is installed: a package of yours provides one as an entry point of the group "
            f"{GROUP}, as hmn_lava.backends.translator documents; nothing was run."
        )
    chosen = [point for point in points if name is None or point.name == name]
    if not chosen:
        raise InputError("no such translator", field="--translator", value=name, remedy=f"one of: {names}")
    if len(chosen) > 1 and name is not None:
        packages = ", ".join(point.value for point in chosen)
        raise InputError(
            "several packages provide it", field="--translator", value=name, remedy=f"remove one of them: {packages}"
        )
    if len(chosen) > 1:
        raise InputError(
            "several translators are installed", field="--translator", remedy=f"choose one with --translator: {names}"
        )
    return _loaded(chosen[0])


def translate(translator: Translator, program: Program, folder: Path) -> Path:
    """Run a translator and check what it returns. Raises BackendError where it fails or writes no file."""
    try:
        path = translator.translate(program, folder)
    except Exception as error:
        raise _broken(
            translator.name, f"failed on the program {program.name} ({type(error).__name__}: {error})"
        ) from error
    if not isinstance(path, Path) or not path.is_file():
        raise _broken(translator.name, f"returned {path!r} for the program {program.name}, which is no file")
    return path


def constants(translator: Translator, program: Program, values: Mapping[str, int]) -> dict[str, int]:
    """The constants for ``allocate_ucode``, under the names by which the translated file knows them."""
    rename = getattr(translator, "constants", None)
    if rename is None:
        return dict(values)
    try:
        renamed = dict(rename(program, dict(values)))
    except Exception as error:
        raise _broken(
            translator.name, f"failed on the constants of {program.name} ({type(error).__name__}: {error})"
        ) from error
    if not all(isinstance(key, str) and isinstance(value, int) for key, value in renamed.items()):
        raise _broken(translator.name, f"returned constants of {program.name} that are no whole numbers by name")
    return renamed


def _points() -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=GROUP))


def _loaded(point: EntryPoint) -> Translator:
    try:
        found = point.load()
        made = found() if isinstance(found, type) else found
    except Exception as error:
        raise _broken(point.name, f"cannot be loaded from {point.value} ({type(error).__name__}: {error})") from error
    if not isinstance(made, Translator) or not isinstance(made.name, str) or not callable(made.translate):
        raise _broken(
            point.name, f"at {point.value} has no name and method translate(program, folder), which a translator has"
        )
    if made.name != point.name:  # the child of a run finds it again by its name
        raise _broken(point.name, f"at {point.value} calls itself '{made.name}'; its entry point has the same name")
    return made


def _broken(name: str, what: str) -> BackendError:
    return BackendError(f"the microcode translator '{name}' {what}; see hmn_lava.backends.translator.")
