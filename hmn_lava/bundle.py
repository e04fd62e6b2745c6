"""The bundle: a compiled network as a folder that a laptop simulates and a board runs.

::

    manifest.json      schema version, what it was compiled from and for, latencies, labels, and every file's sha256
    arrays.npz         all integer arrays, without pickle
    spec.npz           arrays of the spec, if it has large ones
    programs/*.ucode   the program of each group, as text
    rules.json         rules of the on-chip learning engine, and its widths (none in plasticity neurocore)
    lowering.json      one row for each lowered parameter
    placement.json     which core holds what, and how full each is
    profile.json       the hardware profile that it was compiled for, with all sources

It is written whole or not at all. A bundle that is read is untrusted: it is refused whole if a hash is wrong, a version
unknown, an array of another shape than the manifest says, or a program that does not pass the verifier.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel, ValidationError

from hmn_lava.errors import Finding, InputError
from hmn_lava.hardware_profiles import Profile
from hmn_lava.manifest import (
    ARRAYS,
    FILES,
    SCHEMA_VERSION,
    SPEC_ARRAYS,
    LoweringRecord,
    Manifest,
    PlacementRecord,
    ProfileFile,
    RulesRecord,
    decode,
    decode_rules,
    encode,
    encode_rules,
)
from hmn_lava.memory import refuse_above_memory
from hmn_lava.microcode.text import from_text, to_text
from hmn_lava.network import IntegerNetwork
from hmn_lava.placement import Placement
from hmn_lava.placement_record import decode_placement
from hmn_lava.proof import prove
from hmn_lava.session import Session, open_session
from hmn_lava.simulator.probes import Probe
from hmn_lava.simulator.result import Result
from hmn_lava.spec import Spec, resolve, spec_to_dict
from hmn_lava.spec.load import read_record
from hmn_lava.spec.model import Model
from hmn_lava.spec.npz import NpzError, read_npz

if TYPE_CHECKING:
    from hmn_lava.backends.contained import Limits

MANIFEST = "manifest.json"
LARGEST_TEXT = 64 << 20
"""Bytes of the largest text file that is read from a bundle."""
DEEPEST = 32
"""Levels of a bundle's JSON."""

_T = TypeVar("_T", bound=BaseModel)

_REFUSED = "compile the spec again; a bundle that was changed by hand is not run"


@dataclass(frozen=True, eq=False)
class Bundle:
    """A compiled network, where it came from, and what was lost on the way."""

    network: IntegerNetwork
    spec: Spec
    profile: Profile
    plasticity: str
    seed: int
    placement: Placement
    lowering: list[dict[str, Any]] = field(default_factory=list)
    findings: tuple[Finding, ...] = ()

    @cached_property
    def model(self) -> Model:
        """The resolved spec, for the float reference."""
        return resolve(self.spec, self.seed)

    def session(
        self,
        backend: str = "fast",
        *,
        threads: int | None = None,
        latency: str = "as-compiled",
        limits: Limits | None = None,
        host: str | None = None,
        translator: str | None = None,
    ) -> Session:
        """Open a session on a backend: see :func:`hmn_lava.session.open_session`."""
        return open_session(
            self, backend, threads=threads, latency=latency, limits=limits, host=host, translator=translator
        )

    def run(
        self,
        inputs: Mapping[str, ArrayLike] | None = None,
        steps: int | None = None,
        backend: str = "fast",
        probes: Iterable[Probe | str] = (),
        *,
        threads: int | None = None,
        latency: str = "as-compiled",
        limits: Limits | None = None,
        host: str | None = None,
        translator: str | None = None,
    ) -> Result:
        """Run from the initial state; see :func:`open_session` and :meth:`hmn_lava.session.Session.run`."""
        session = self.session(
            backend, threads=threads, latency=latency, limits=limits, host=host, translator=translator
        )
        return session.run(inputs, steps, probes)

    def run_batch(
        self,
        inputs: Mapping[str, ArrayLike] | Sequence[Mapping[str, ArrayLike]] | None = None,
        steps: int | None = None,
        probes: Iterable[Probe | str] = (),
        parameters: Sequence[Mapping[str, ArrayLike]] | None = None,
        *,
        threads: int | None = None,
    ) -> list[Result]:
        """Run once for each sample or parameter set, from the initial state, on the fast executor.

        See :func:`hmn_lava.simulator.batch.run_batch`.
        """
        from hmn_lava.simulator.batch import run_batch

        return run_batch(self.network, inputs, steps, probes, parameters, threads=threads)

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write the bundle to ``folder``, at once.

        A bundle that is there is replaced, anything else that is not empty is refused.
        """
        place = Path(os.path.realpath(folder))  # a link to a folder stays a link
        if place.exists() and not (place.is_dir() and ((place / MANIFEST).exists() or not any(place.iterdir()))):
            raise InputError(
                "exists and is no bundle", where=str(folder), remedy="choose another folder, or empty this one"
            )
        temporary = place.parent / f".{place.name}-{uuid.uuid4().hex}"
        made = [parent for parent in place.parents if not parent.exists()]
        try:
            temporary.mkdir(parents=True)
            self._write(temporary)
            _swap(temporary, place)
        except OSError as error:
            raise InputError(
                f"cannot be written: {error.strerror}",
                where=str(folder),
                remedy="choose a folder that you may write to",
            ) from None
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            for parent in made:  # innermost first; one that holds the bundle is not empty
                with contextlib.suppress(OSError):
                    parent.rmdir()
        return Path(folder)

    def _write(self, folder: Path) -> None:
        network, arrays = encode(self.network)
        spec, spec_arrays = spec_to_dict(self.spec, SPEC_ARRAYS)
        (folder / "programs").mkdir()
        for group in self.network.groups.values():
            (folder / "programs" / f"{group.name}.ucode").write_text(to_text(group.program))
        with open(folder / ARRAYS, "wb") as stream:
            np.savez(stream, **arrays)
        if spec_arrays:
            with open(folder / SPEC_ARRAYS, "wb") as stream:
                np.savez(stream, **spec_arrays)
        _write_json(folder / "rules.json", {"schema_version": SCHEMA_VERSION, "rules": encode_rules(self.network)})
        _write_json(folder / "lowering.json", {"schema_version": SCHEMA_VERSION, "rows": self.lowering})
        _write_json(folder / "placement.json", {"schema_version": SCHEMA_VERSION, **self.placement.as_dict()})
        profile = {"schema_version": SCHEMA_VERSION, "profile": self.profile.model_dump(mode="json")}
        _write_json(folder / "profile.json", profile)
        files = {str(p.relative_to(folder)): _sha256(p) for p in sorted(folder.rglob("*")) if p.is_file()}
        manifest = {
            "schema_version": SCHEMA_VERSION,
            "name": self.network.name,
            "profile": {"name": self.profile.name, "sha256": self.profile.sha256},
            "plasticity": self.plasticity,
            "seed": self.seed,
            "spec": spec,
            "network": network,
            "findings": [finding.as_dict() for finding in self.findings],
            "files": files,
        }
        _write_json(folder / MANIFEST, {**manifest, "sha256": _digest(manifest)})


def load(folder: str | os.PathLike[str]) -> Bundle:
    """Read a bundle. Raises InputError, with the file that is wrong, unless every check passes."""
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(
            "no such bundle folder", where=str(folder), remedy="give the folder that `hmn-lava compile -o` wrote"
        )
    content = _read_json(folder / MANIFEST)
    version = content.get("schema_version")
    if version != SCHEMA_VERSION or isinstance(version, bool):
        raise InputError(
            "unknown version",
            where=str(folder / MANIFEST),
            field="schema_version",
            value=version,
            remedy=f"this program reads version {SCHEMA_VERSION}; compile the spec again",
        )
    if content.pop("sha256", None) != _digest(content):
        raise InputError(
            "the manifest was changed after it was written",
            where=str(folder / MANIFEST),
            field="sha256",
            remedy=_REFUSED,
        )
    manifest = _validated(Manifest, content, folder / MANIFEST)
    _check_files(folder, manifest)
    arrays = {}
    for name, shape in manifest.network.arrays.items():
        try:
            arrays[name] = read_npz(folder, ARRAYS, name)
        except NpzError as error:
            raise InputError(error.problem, where=str(folder / ARRAYS), field=name, remedy=error.remedy) from None
        if arrays[name].shape != tuple(shape) or arrays[name].dtype.kind not in "iu":
            raise InputError(
                "is not of the shape and type that the manifest says",
                where=str(folder / ARRAYS),
                field=name,
                value=f"{arrays[name].dtype}{arrays[name].shape}",
                remedy=_REFUSED,
            )
    programs = {
        name: from_text(_read_text(folder / "programs" / f"{name}.ucode"), str(folder / "programs" / f"{name}.ucode"))
        for name in manifest.network.groups
    }
    records = _validated(RulesRecord, _read_json(folder / "rules.json"), folder / "rules.json")
    rules = decode_rules(records, str(folder / "rules.json"))
    network = decode(manifest.name, manifest.network, arrays, programs, rules, str(folder / MANIFEST))
    findings = prove(network)
    if findings:
        raise InputError(f"the network is not sound: {findings[0]}", where=str(folder), remedy=_REFUSED)
    refuse_above_memory(network.bytes(), where=str(folder), remedy="run it on a larger machine")
    _check_references(manifest, folder / MANIFEST)
    lowering = _validated(LoweringRecord, _read_json(folder / "lowering.json"), folder / "lowering.json")
    profile = _profile(manifest, folder / "profile.json")
    placed = _validated(PlacementRecord, _read_json(folder / "placement.json"), folder / "placement.json")
    return Bundle(
        network=network,
        spec=read_record(manifest.spec, folder=folder, file=str(folder / MANIFEST)),
        profile=profile,
        plasticity=manifest.plasticity,
        seed=manifest.seed,
        lowering=[row.model_dump() for row in lowering.rows],
        placement=decode_placement(placed, network, profile, str(folder / "placement.json")),
        findings=tuple(Finding(**finding.model_dump(exclude={"margin"})) for finding in manifest.findings),
    )


def _check_files(folder: Path, manifest: Manifest) -> None:
    """Every file that the bundle needs is listed, inside the folder, and has the hash that the manifest says."""
    needed = {*FILES, *(f"programs/{name}.ucode" for name in manifest.network.groups)}
    listed = set(manifest.files)
    if missing := sorted(needed - listed):
        raise InputError(
            "not listed in the manifest", where=str(folder / MANIFEST), field="files", value=missing[0], remedy=_REFUSED
        )
    if unknown := sorted(listed - needed - {SPEC_ARRAYS}):
        raise InputError(
            "not a file of a bundle", where=str(folder / MANIFEST), field="files", value=unknown[0], remedy=_REFUSED
        )
    for name, expected in manifest.files.items():
        path = folder / name
        linked = path.is_symlink() or (path.parent != folder and path.parent.is_symlink())
        if linked or not path.is_file():
            raise InputError("missing, or not a plain file", where=str(path), remedy=_REFUSED)
        if _sha256(path) != expected:
            raise InputError("the file was changed: its sha256 is not the manifest's", where=str(path), remedy=_REFUSED)


def _check_references(manifest: Manifest, where: Path) -> None:
    """The spec's arrays are in the one file that the bundle has for them, and that is listed."""
    waiting: list[Any] = [manifest.spec]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            named = [value[key] for key in ("npz", "file") if isinstance(value.get(key), str)]
            if any(file != SPEC_ARRAYS or SPEC_ARRAYS not in manifest.files for file in named):
                raise InputError(
                    "refers to a file that is not part of the bundle",
                    where=str(where),
                    field="spec",
                    value=named[0],
                    remedy=_REFUSED,
                )
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _profile(manifest: Manifest, where: Path) -> Profile:
    """The profile that the manifest names, by its hash."""
    content = _validated(ProfileFile, _read_json(where), where)
    profile = _validated(Profile, content.profile, where)
    if (profile.name, profile.sha256) != (manifest.profile.name, manifest.profile.sha256):
        raise InputError(
            "not the profile that the manifest names",
            where=str(where),
            field="profile",
            value=profile.name,
            remedy=_REFUSED,
        )
    return profile


def _swap(temporary: Path, folder: Path) -> None:
    """Put the finished folder in place; an older bundle is moved aside first and removed last."""
    old: Path | None = None
    if folder.exists():
        old = folder.parent / f".{folder.name}-{uuid.uuid4().hex}"
        os.replace(folder, old)
    try:
        os.replace(temporary, folder)
    except BaseException:
        if old is not None:
            os.replace(old, folder)
        raise
    finally:
        if old is not None:
            shutil.rmtree(old, ignore_errors=True)


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n")


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_TEXT:
            raise InputError(
                "too large", where=str(path), value=path.stat().st_size, remedy=f"at most {LARGEST_TEXT} bytes"
            )
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(
            "missing", where=str(path), remedy="give the folder that `hmn-lava compile -o` wrote"
        ) from None
    except (OSError, UnicodeDecodeError):
        raise InputError("cannot be read as text", where=str(path), remedy=_REFUSED) from None


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(_read_text(path), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise InputError("not JSON", where=str(path), remedy=_REFUSED) from None
    if not isinstance(content, dict):
        raise InputError("not a JSON object", where=str(path), remedy=_REFUSED)
    level: list[Any] = [content]
    for _ in range(DEEPEST):
        level = [
            child
            for value in level
            for child in (value.values() if isinstance(value, dict) else value)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return content
    raise InputError(f"nested deeper than {DEEPEST} levels", where=str(path), remedy=_REFUSED)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _validated(record: type[_T], content: dict[str, Any], where: Path) -> _T:
    try:
        return record.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part)[:80] for part in first["loc"])
        raise InputError(str(first["msg"]), where=str(where), field=field, remedy=_REFUSED) from None
