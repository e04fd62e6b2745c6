"""Profiles of hosts: what a multiplication beside the chip costs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from hmn_lava.hardware_profiles.costs import Energy
from hmn_lava.hardware_profiles.entries import Name, Record, Text
from hmn_lava.hardware_profiles.read import read


class Reference(Record):
    """A source."""

    citation: Text
    note: Text


class Host(Record):
    """A host. ``multiply_accumulate``: one multiplication and the addition of its product."""

    host_profile: Literal[1]
    name: Name
    title: Text
    references: dict[Name, Reference]
    multiply_accumulate: Energy


def load_host(name: str = "cpu") -> Host:
    """The host of that name, which comes with hmn-lava."""
    return Host.model_validate(read(Path(__file__).with_name(f"{name}.yaml")))
