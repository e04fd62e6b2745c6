"""Where the board is: named on the command line or by the environment, and selected in the child that runs on it.

Lava knows two ways to a board (lava-nc 0.10.0, lava/utils/loihi.py): a SLURM queue, ``use_slurm_host(partition, board,
loihi_gen)``, and a host on the network, ``use_ethernet_host(host_address, host_binary_path, loihi_gen)``. Parsing
needs no Lava; :func:`select` imports it and therefore belongs into a child process.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from hmn_lava.errors import BackendError, InputError

GENERATIONS = ("N2A2", "N3B2", "N3B3", "N3C1", "N3D1")
"""Members of ``ChipGeneration`` of lava/utils/loihi.py."""
GENERATION = "N3B3"
"""Lava's default: most Loihi 2 systems of the INRC."""
BINARY = "nxcore/bin/nx_driver_server"
"""Lava's default path of the driver on an ethernet host."""

FORMS = "slurm, slurm:partition=NAME, slurm:board=NAME or ethernet:ADDRESS, then ,generation=N3B3 if it is another"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # a leading dash would be an option of sinfo's or ping's
_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]*")
_PATH = re.compile(r"[A-Za-z0-9./_][A-Za-z0-9./_-]*")


@dataclass(frozen=True)
class Host:
    """A board's host. ``partition`` or ``board`` with slurm, ``address`` and ``binary`` with ethernet."""

    kind: Literal["slurm", "ethernet"]
    partition: str | None = None
    board: str | None = None
    address: str | None = None
    binary: str = BINARY
    generation: str = GENERATION

    def __str__(self) -> str:
        """Write the host as :func:`parse_host` reads it."""
        parts = [self.address] if self.address else []
        parts += [f"partition={self.partition}"] if self.partition else []
        parts += [f"board={self.board}"] if self.board else []
        parts += [f"binary={self.binary}"] if self.kind == "ethernet" and self.binary != BINARY else []
        parts += [f"generation={self.generation}"] if self.generation != GENERATION else []
        return self.kind + (":" + ",".join(parts) if parts else "")


def parse_host(text: str, field: str = "--host") -> Host:
    """Read a host, e.g. ``slurm``, ``slurm:partition=oheogulch``, ``ethernet:10.1.2.3,generation=N3C1``.

    Raises InputError for anything else.
    """
    kind, _, rest = text.strip().partition(":")
    parts = [part.strip() for part in rest.split(",") if part.strip()]
    if kind == "slurm":
        values = _values(parts, ("partition", "board", "generation"), field)
        return _slurm(values, field)
    if kind == "ethernet":
        if not parts or "=" in parts[0]:
            raise InputError("an ethernet host has an address", field=field, value=text, remedy=f"write {FORMS}")
        values = {"address": parts[0], **_values(parts[1:], ("generation", "binary"), field)}
        return _ethernet(values, field)
    raise InputError("a host is behind slurm or ethernet", field=field, value=text, remedy=f"write {FORMS}")


def host_from(environment: Mapping[str, str] | None = None) -> Host | None:
    """The host that the environment names, with the variables that Lava sets itself; None if it names none.

    ``SLURM=1`` with ``PARTITION`` or ``BOARD``, unless ``NOSLURM=1``; else ``NXSDKHOST`` with ``HOST_BINARY``;
    ``LOIHI_GEN`` with both. Raises InputError for values that no host can have.
    """
    given = os.environ if environment is None else environment
    values = {name: given[name].strip() for name in _VARIABLES if given.get(name, "").strip()}
    generation = {"generation": values["LOIHI_GEN"]} if "LOIHI_GEN" in values else {}
    if _is_set(values.get("SLURM")) and not _is_set(values.get("NOSLURM")):
        named = {key: values[key.upper()] for key in ("partition", "board") if key.upper() in values}
        return _slurm(named | generation, "PARTITION, BOARD, LOIHI_GEN")
    if "NXSDKHOST" in values:
        binary = {"binary": values["HOST_BINARY"]} if "HOST_BINARY" in values else {}
        return _ethernet({"address": values["NXSDKHOST"]} | binary | generation, "NXSDKHOST, HOST_BINARY, LOIHI_GEN")
    return None


def resolve_host(text: str | None) -> Host:
    """The host of the option ``--host`` or else of the environment. Raises InputError where neither names one."""
    host = parse_host(text) if text is not None else host_from()
    if host is None:
        raise InputError(
            "no board is named", field="--host", remedy=f"write {FORMS}; or set SLURM=1, or NXSDKHOST to an address"
        )
    return host


def select(host: Host) -> None:
    """Tell Lava which host to use. For the child only: it imports Lava.

    Raises BackendError where the extension is not installed and where the host does not answer.
    """
    loihi: Any = import_module("lava.utils.loihi")
    if not loihi.is_installed():  # before anything else: without it Loihi2HwCfg().select raises a NameError
        raise BackendError("lava-loihi, Intel's extension of Lava, is not installed; nothing was run.")
    generation = loihi.ChipGeneration[host.generation]
    try:
        if host.kind == "slurm":
            _use_slurm(loihi, host, generation)
        else:
            loihi.use_ethernet_host(host_address=host.address, host_binary_path=host.binary, loihi_gen=generation)
    except ImportError as error:
        raise BackendError(f"Lava's extension for Loihi cannot be imported ({error}); nothing was run.") from None
    # Lava runs sinfo and ping, and lets it be seen when there is no such program (FileNotFoundError).
    except (ValueError, OSError) as error:
        raise BackendError(f"the host {host} cannot be used ({_line(error)}); nothing was run.") from None


def _use_slurm(loihi: Any, host: Host, generation: Any) -> None:
    try:
        loihi.use_slurm_host(partition=host.partition, board=host.board, loihi_gen=generation)
    except IndexError:
        # lava-nc 0.10.0 splits sinfo's output at line ends and trips over the empty line after the last one, so that
        # no partition and no board can be named. Without names it works; then it remains to check and set the name.
        loihi.use_slurm_host(loihi_gen=generation)
        _check_listed(host)
        os.environ["BOARD" if host.board else "PARTITION"] = host.board or host.partition or ""


def _check_listed(host: Host) -> None:
    """Raise ValueError unless sinfo lists the host's board or partition, and not as down."""
    listing = ("-N", "-o", "%N %T") if host.board else ("-o", "%P %a")
    lines = import_module("lava.utils.slurm").try_run_command(["sinfo", "-h", *listing])
    states = dict(line.split(maxsplit=1) for line in lines if len(line.split()) > 1)
    known = {name.rstrip("*"): state for name, state in states.items()}  # the default partition has a star
    name = host.board or host.partition or ""
    if name not in known:
        raise ValueError(f"sinfo lists no {name}, but {', '.join(sorted(known)) or 'nothing'}")
    if "down" in known[name]:
        raise ValueError(f"sinfo says that {name} is down")


_VARIABLES = ("SLURM", "NOSLURM", "LOIHI_GEN", "BOARD", "PARTITION", "NXSDKHOST", "HOST_BINARY")


def _values(parts: list[str], known: tuple[str, ...], field: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for part in parts:
        key, equals, value = part.partition("=")
        if key not in known or not equals or not value or key in values:
            remedy = f"each once, as NAME=VALUE: {', '.join(known)}"
            raise InputError("this says nothing about the host", field=field, value=part, remedy=remedy)
        values[key] = value
    return values


def _slurm(values: dict[str, str], field: str) -> Host:
    if "partition" in values and "board" in values:
        raise InputError(
            "a partition and a board are named", field=field, value=values, remedy="name one of them: Lava takes one"
        )
    for key in ("partition", "board"):
        _matches(values, key, _NAME, field, "use the name that sinfo lists")
    _generation(values, field)
    return Host("slurm", **values)


def _ethernet(values: dict[str, str], field: str) -> Host:
    _matches(values, "address", _ADDRESS, field, "give an IP address or a host name, e.g. ethernet:10.1.2.3")
    _matches(values, "binary", _PATH, field, f"give a path on the host, e.g. binary={BINARY}")
    _generation(values, field)
    return Host("ethernet", **values)


def _matches(values: dict[str, str], key: str, pattern: re.Pattern[str], field: str, remedy: str) -> None:
    if key in values and not pattern.fullmatch(values[key]):
        raise InputError(f"this is no {key}", field=field, value=values[key], remedy=remedy)


def _generation(values: dict[str, str], field: str) -> None:
    if "generation" in values:
        values["generation"] = values["generation"].upper()
        if values["generation"] not in GENERATIONS:
            raise InputError(
                "no such chip generation",
                field=field,
                value=values["generation"],
                remedy=f"one of {', '.join(GENERATIONS)}",
            )


def _is_set(value: str | None) -> bool:
    return value is not None and value.lower() not in ("0", "false", "no")


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
