"""A hardware profile: frozen records in which every number states unit, source and basis.

A profile is data. No other file of the project holds a number that describes a chip.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from datetime import date
from typing import Any, Literal

from pydantic import model_validator

from hmn_lava.errors import InputError
from hmn_lava.hardware_profiles.costs import EnergyTable, TimeTable
from hmn_lava.hardware_profiles.entries import Entry, Name, Record, Text
from hmn_lava.hardware_profiles.sections import MOST_CORES, Chip, Core, Learning, Lif, Microcode, Synapses, System

VERSION = 2
"""Of the form of a profile's file."""


class Reference(Record):
    """Where facts come from; ``note`` says what to keep in mind when reading it."""

    citation: Text
    note: Text | None = None


class Profile(Record):
    """A system of chips as this project plans for it.

    ``microcode`` is None where neurons cannot be programmed; ``energy`` and ``time`` are None where nothing is known.
    """

    hardware_profile: Literal[2]
    name: Name
    title: Text
    retrieved: date
    references: dict[str, Reference]
    system: System
    chip: Chip
    core: Core
    synapses: Synapses
    lif: Lif
    microcode: Microcode | None
    learning: Learning
    energy: EnergyTable | None
    time: TimeTable | None

    @model_validator(mode="after")
    def _sources(self) -> Profile:
        cited = set()
        for path, entry in self.entries():
            if entry.basis == "assumed":
                continue
            key = entry.source.split(",")[0].strip()
            if key not in self.references:
                raise ValueError(f"{path}: a {entry.basis} source must begin with a key of references, not {key!r}")
            cited.add(key)
        if unused := sorted(set(self.references) - cited):
            raise ValueError(f"references that no entry cites: {', '.join(unused)}")
        return self

    @model_validator(mode="after")
    def _cores(self) -> Profile:
        chips, each = self.system.chips.value, self.chip.cores_per_chip.value
        if chips * each > MOST_CORES:
            raise ValueError(f"{chips} chips of {each} cores are more than the {MOST_CORES} that can be planned")
        return self

    @model_validator(mode="after")
    def _same_delay(self) -> Profile:
        if self.microcode is not None and self.microcode.max_delay.value != self.lif.max_delay.value:
            raise ValueError("lif.max_delay and microcode.max_delay describe the same synapses and must be equal")
        return self

    @model_validator(mode="after")
    def _programs(self) -> Profile:
        """What belongs to programs is there exactly if neurons can be programmed."""
        costs = {"energy": self.energy, "time": self.time}
        of_programs = {
            "core.state_memory": self.core.state_memory,
            "core.program_memory": self.core.program_memory,
            **{f"{name}.microcode_instruction": t.microcode_instruction for name, t in costs.items() if t is not None},
        }
        for path, entry in of_programs.items():
            if (entry is None) != (self.microcode is None):
                has = "null, so nothing can use it" if self.microcode is None else "given, and its programs need it"
                raise ValueError(
                    f"{path} must be {'left out' if self.microcode is None else 'given'}: microcode is {has}"
                )
        return self

    def entries(self) -> Iterator[tuple[str, Entry[Any]]]:
        """All facts with their dotted paths, e.g. ``core.compartments``, in the file's order."""
        for section in type(self).model_fields:
            record = getattr(self, section)
            if isinstance(record, Record):
                for name in type(record).model_fields:
                    if (entry := getattr(record, name)) is not None:
                        yield f"{section}.{name}", entry

    def with_chips(self, chips: int) -> Profile:
        """The same chip so many times, in the mesh that is nearest to a square.

        Raises InputError for less than one, and for more cores than a system may have.
        """
        if chips < 1:
            raise InputError("a system has at least one chip", field="chips", value=chips, remedy="Give 1 or more.")
        most = MOST_CORES // self.chip.cores_per_chip.value
        if chips > most:
            raise InputError(
                f"a system has at most {MOST_CORES} cores", field="chips", value=chips, remedy=f"Give {most} or less."
            )
        columns = math.isqrt(chips - 1) + 1
        sizes = {"chips": chips, "chip_columns": columns, "chip_rows": -(-chips // columns)}
        source = "Given to with_chips, which takes the mesh that is nearest to a square."
        entries = {
            name: {"value": v, "unit": "chip", "source": source, "basis": "assumed"} for name, v in sizes.items()
        }
        return Profile.model_validate({**self.model_dump(), "system": entries})

    @property
    def sha256(self) -> str:
        """Hash of the content: the same for files that differ only in layout, comments or the order of keys."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).hexdigest()
