"""A sweep before it runs: every row checked, and named by a hash of all that its outcome depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from hmn_lava.drive import STEPS
from hmn_lava.errors import InputError
from hmn_lava.hardware_profiles import Profile
from hmn_lava.spec import Spec
from hmn_lava.spec.records import InputPopulation
from hmn_lava.sweeps.axes import Grid, Random, Setting, expand
from hmn_lava.sweeps.job import Job, spec_content, versions
from hmn_lava.sweeps.override import with_values
from hmn_lava.tasks.subsystems import read_cut, without

WITHOUT = "without"
"""The field whose values are subsystems to switch off."""


@dataclass(frozen=True)
class Row:
    """One row of the table to be: ``number`` is its place; one that is wrong has an ``error`` and no hashes.

    ``spec_sha256`` is of the spec with its values and arrays; ``key`` of that, the seed, the lowering, the profile's
    content, the backend, what is run, and the version of hmn-lava.
    """

    number: int
    setting: Setting
    spec_sha256: str = ""
    key: str = ""
    error: str | None = None


@dataclass(frozen=True, eq=False)
class Plan:
    """All rows of a sweep of ``spec``, and how each is run; ``task``, ``steps`` and ``data`` as in :class:`Job`.

    ``start``: the constants that a task's outer loop began with, for rows without meta-learning.
    """

    spec: Spec
    grid: tuple[Grid, ...]
    random: tuple[Random, ...]
    samples: int | None
    seeds: int
    plasticity: str
    backend: str
    profile: Profile
    task: str | None
    steps: int | None
    data: str | None = None
    start: Mapping[str, float] = field(default_factory=dict)

    @property
    def fields(self) -> list[str]:
        """The swept fields, those of the grid first."""
        return [*(axis.field for axis in self.grid), *(axis.field for axis in self.random)]

    @cached_property
    def rows(self) -> list[Row]:
        """Check every row.

        A value that is wrong in all of its rows, and a range with an end that is, raise InputError, which names the
        field; a combination that is wrong becomes a row with an error.
        """
        settings = expand(self.grid, self.random, self.samples, self.seeds)
        found: list[Row] = []
        spec: str | InputError = ""
        for number, setting in enumerate(settings):
            if setting.seed == 0:  # seeds vary fastest, and change nothing in the spec
                spec = self._examined(setting.values)
            if isinstance(spec, InputError):
                found.append(Row(number, setting, error=str(spec)))
            else:
                found.append(Row(number, setting, spec, self._key(spec, setting.seed)))
        self._refuse_wrong_values(found)
        return found

    def job(self, row: Row) -> Job:
        """Make what a worker is sent for a row."""
        spec, arrays = spec_content(self.spec_of(row.setting.values))
        return Job(
            spec,
            arrays,
            row.setting.seed,
            self.plasticity,
            self.backend,
            self.profile.model_dump(mode="json"),
            self.task,
            self.job_steps,
            versions()["hmn_lava"],
            self.data,
        )

    def spec_of(self, values: Mapping[str, Any]) -> Spec:
        """The spec with the values of a row. Raises InputError."""
        spec = with_values(self.spec, {name: value for name, value in values.items() if name != WITHOUT})
        return without(spec, read_cut(values.get(WITHOUT)), self.start)

    @cached_property
    def data_sha256(self) -> str | None:
        """Of the user's data: names and contents of all files."""
        if self.data is None:
            return None
        place, digest = Path(self.data), hashlib.sha256()
        for file in sorted(each for each in place.rglob("*") if each.is_file()) if place.is_dir() else [place]:
            digest.update(f"{file.relative_to(place)}\n".encode())
            with file.open("rb") as stream:
                while chunk := stream.read(1 << 20):
                    digest.update(chunk)
        return digest.hexdigest()

    @property
    def job_steps(self) -> int | None:
        """Steps of each row's run; None for a task, which knows its own."""
        return None if self.task is not None else STEPS if self.steps is None else self.steps

    def _examined(self, values: dict[str, Any]) -> str | InputError:
        try:
            return self._spec_hash(values)
        except InputError as error:
            return error

    def _spec_hash(self, values: dict[str, Any]) -> str:
        spec = self.spec_of(values)
        inputs = any(isinstance(population, InputPopulation) for population in spec.populations.values())
        if self.task is None and inputs and not spec.stimulus:
            remedy = "add a stimulus to the spec: each row is a run on it"
            raise InputError("there is nothing to run on", where=spec.file, field="stimulus", remedy=remedy)
        content, arrays = spec_content(spec)
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
        for name in sorted(arrays):
            array = np.ascontiguousarray(arrays[name])
            digest.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
            digest.update(array.tobytes())
        return digest.hexdigest()

    def _key(self, spec_sha256: str, seed: int) -> str:
        content = {
            "spec": spec_sha256,
            "seed": seed,
            "plasticity": self.plasticity,
            "backend": self.backend,
            "profile": self.profile.sha256,
            "task": self.task,
            "steps": self.job_steps,
            "hmn_lava": versions()["hmn_lava"],
            **({} if self.data is None else {"data": self.data_sha256}),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def _refuse_wrong_values(self, rows: Sequence[Row]) -> None:
        for axis in self.grid:
            for value in axis.values:
                concerned = [row for row in rows if _same(row.setting.values[axis.field], value)]
                if all(row.error for row in concerned):
                    self._spec_hash(concerned[0].setting.values)  # raises
        for drawn in self.random:
            for end in drawn.ends:
                settings = [{**row.setting.values, drawn.field: end} for row in rows if row.setting.seed == 0]
                if not any(isinstance(self._examined(values), str) for values in settings):
                    self._spec_hash(settings[0])  # raises


def _same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and bool(a == b)


def waiting(rows: Sequence[Row], done: Iterable[str]) -> list[Row]:
    """The rows that are right and not done yet, once for each key."""
    seen = set(done)
    found = []
    for row in rows:
        if row.key and row.key not in seen:
            seen.add(row.key)
            found.append(row)
    return found
