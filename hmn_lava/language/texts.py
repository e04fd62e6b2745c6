"""Texts that are at hand without any download, and texts by path.

``topics``: the reference of the language in English prose (``pydoc_data.topics``), of which the part that no model is
fitted on. ``code``: modules of Python's standard library. ``licences``: the licences of the packages that are
installed. By path: a file or folder of plain text, WikiText-2 (``wiki.*.tokens``, whose titles and signs are as they
are), and Persona-Chat in ParlAI's format, of which the utterances are kept.
"""

from __future__ import annotations

import re
import sysconfig
from importlib import metadata
from pathlib import Path

import numpy as np

from hmn_lava.errors import InputError

CODE = """
argparse ast bdb calendar configparser csv datetime dataclasses difflib doctest enum fractions ftplib functools gettext
heapq inspect locale optparse os pathlib pickle random shutil
"""
"""Modules, in the order in which they are read."""

HELD = 0.2
"""Share of the topics that are held out."""

LARGEST = 64 << 20
"""Bytes of a text."""

_TURN = re.compile(r"^\d+ (.*)$")


def topics() -> list[str]:
    """The topics of the language's reference, in a fixed order that mixes them.

    Many repeat paragraphs of longer ones: each paragraph stays in the longest topic that has it.
    """
    from pydoc_data.topics import topics as found

    seen: set[str] = set()
    texts = []
    for name in sorted(found, key=lambda name: (-len(found[name]), name)):
        paragraphs = [part for part in found[name].split("\n\n") if part.strip() and part.strip() not in seen]
        seen |= {part.strip() for part in paragraphs}
        texts.append("\n\n".join(paragraphs))
    kept = [text for text in texts if text]
    return [kept[n] for n in np.random.default_rng(0).permutation(len(kept))]


def split_topics() -> tuple[str, str]:
    """The topics to fit a model on, and the last of them, of ``HELD`` of all characters, which it does not see."""
    texts = topics()
    ends = np.cumsum([len(text) for text in texts])
    cut = int(np.searchsorted(ends, (1.0 - HELD) * ends[-1])) + 1
    return "\n".join(texts[:cut]), "\n".join(texts[cut:])


def code() -> str:
    """The standard library's modules of :data:`CODE`."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    files = [folder / f"{name}.py" for name in CODE.split()]
    return "\n".join(file.read_text("utf-8") for file in files if file.is_file())


def licences() -> str:
    """The licences of the installed packages, each paragraph once, by their packages' names."""
    found: dict[str, None] = {}
    for package in sorted(metadata.distributions(), key=lambda each: str(each.metadata["Name"]).lower()):
        for file in package.files or ():
            if "licen" in file.name.lower() and file.suffix.lower() in ("", ".txt", ".md", ".rst"):
                try:
                    text = Path(str(file.locate())).read_text("utf-8")
                except (OSError, UnicodeDecodeError):
                    continue
                found |= dict.fromkeys(part.strip() for part in text.split("\n\n"))
    return "\n\n".join(found)


AT_HAND = {
    "topics": "Python's language reference, in prose: the part that no model is fitted on",
    "code": "modules of Python's standard library",
    "licences": "licences of the installed packages, each paragraph once",
}
_READ = {"topics": lambda: split_topics()[1], "code": code, "licences": licences}


def read_text(name: str) -> str:
    """The text of a name of :data:`AT_HAND`, or of a path: a file, or all files of a folder.

    Raises InputError where there is none, for what is no text, and beyond :data:`LARGEST` bytes.
    """
    if name in AT_HAND:
        return _READ[name]()
    path = Path(name)
    files = _files(path) if path.is_dir() else [path]
    file, texts = path, []
    try:
        size = sum(file.stat().st_size for file in files)
        if size > LARGEST:
            raise InputError(f"has more than {LARGEST} bytes", where=name, value=size, remedy="give a part of it")
        for file in files:
            texts.append(_plain(file.read_text("utf-8")))
    except OSError as error:
        remedy = f"give a text file or a folder, or one of: {', '.join(AT_HAND)}"
        raise InputError(f"cannot be read: {error.strerror}", where=str(file), remedy=remedy) from None
    except UnicodeDecodeError as error:
        problem = f"is no text in UTF-8: byte {error.start}"
        raise InputError(problem, where=str(file), remedy="give text files only, in UTF-8") from None
    found = "\n".join(texts)
    if not found.strip():
        raise InputError("is empty", where=name, remedy="give a text file with some words")
    return found


def _files(folder: Path) -> list[Path]:
    """The files of a folder and of its folders, without hidden ones."""
    found = (file.relative_to(folder) for file in folder.rglob("*") if file.is_file())
    return [folder / file for file in sorted(found) if not any(part.startswith(".") for part in file.parts)]


def _plain(text: str) -> str:
    """Of Persona-Chat what is said; any other text as it is."""
    lines = text.splitlines()
    if not any("your persona:" in line for line in lines[:20]):
        return text
    said: list[str] = []
    for line in lines:
        turn = _TURN.match(line)
        if turn is None or "persona:" in turn[1]:
            continue
        said += turn[1].split("\t")[:2]  # candidates of other answers follow
    return "\n".join(said)
