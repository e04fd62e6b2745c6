"""What every part of the lowering builds with: groups, links, signals, constants, and the record of what they lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hmn_lava import streams
from hmn_lava.compiler.lowering import Lowering
from hmn_lava.compiler.quantise import Formats
from hmn_lava.compiler.schedule import Schedule
from hmn_lava.components.clock import clocked
from hmn_lava.components.port import Port
from hmn_lava.fixed import Fixed, Integers
from hmn_lava.hardware_profiles import Lif as LifLimits
from hmn_lava.microcode.ir import WORD, Program, Variable
from hmn_lava.network import (
    Along,
    Constant,
    Group,
    Input,
    IntegerNetwork,
    LearningSynapses,
    Link,
    LinkKind,
    Signal,
    SignalKind,
    Topology,
)
from hmn_lava.reference.equations import Floats
from hmn_lava.spec.model import Connection, Model
from hmn_lava.topology import compact, narrow, stored

PARAMETER_BITS = 18
"""Significant bits of a scalar parameter: a relative error of at most 2**-18."""


class Assembly:
    """An integer network in the making."""

    def __init__(self, model: Model, formats: Formats, schedule: Schedule, chip: LifLimits) -> None:
        self.model, self.formats, self.schedule, self.chip = model, formats, schedule, chip
        self.record = Lowering()
        self.inputs: dict[str, Input] = {}
        self.groups: dict[str, Group] = {}
        self.links: list[Link] = []
        self.signals: dict[str, Signal] = {}
        self.learning: dict[str, LearningSynapses] = {}

    def network(self) -> IntegerNetwork:
        """The network as it is now."""
        outputs = tuple(f"{name}.z" for name, p in self.model.populations.items() if p.type != "input")
        return IntegerNetwork(
            self.model.name,
            self.inputs,
            self.groups,
            tuple(self.links),
            self.signals,
            outputs,
            dict(self.schedule.weight_lag),
            dict(self.schedule.delay),
            self.learning,
            self.schedule.frame,
        )

    def group(
        self,
        program: Program,
        size: int,
        offset: int | None,
        topology: Topology | None = None,
        initial: dict[str, NDArray[Any]] | None = None,
    ) -> dict[str, Constant]:
        """Register a group under its program's name; returns the dictionary to fill with its constants.

        ``offset`` is when it handles model step 0; None for a program that has a clock of its own.
        """
        constants: dict[str, Constant] = {}
        if offset is not None:
            program = clocked(program, self.schedule.frame, offset % self.schedule.frame)
        states: dict[str, NDArray[Any]] = {v.name: np.zeros(1, np.int8) for v in program.states}
        states |= {name: narrow(values) for name, values in (initial or {}).items()}
        self.groups[program.name] = Group(program.name, program, size, constants, states, topology)
        return constants

    def set_constants(self, group: str, constants: dict[str, Constant]) -> None:
        """Replace the constants of a group."""
        self.groups[group] = replace(self.groups[group], constants=constants)

    def link(
        self,
        source: tuple[str, str],
        ready: int,
        target: tuple[str, str],
        at: int,
        kind: LinkKind,
        extra: Integers | None = None,
        topology: Topology | None = None,
    ) -> None:
        """A link that carries what leaves its source at offset ``ready`` so that it arrives at offset ``at``."""
        delay = np.full(1, at - 1 - ready, np.int64) if extra is None else at - 1 - ready + extra
        if delay.size and int(delay.min()) < 0:
            raise ValueError(f"the schedule is wrong: {source} leaves at {ready}, {target} needs it at {at}")
        self.links.append(Link(source, target, kind, compact(delay)))

    def signal(
        self,
        name: str,
        owner: str,
        variable: str,
        kind: SignalKind,
        offset: int,
        shape: tuple[int, ...],
        format: Fixed | None = None,
    ) -> None:
        """Name a quantity; ``format`` is that of its variable, unless it is one of learning synapses."""
        format = format or self._format(owner, variable, kind)
        self.signals[name] = Signal(owner, variable, kind, format, offset, shape)

    def _format(self, owner: str, variable: str, kind: SignalKind) -> Fixed:
        """The declared format of a host input, or of a variable of a group."""
        if kind == "input":
            return self.inputs[owner].format
        program = self.groups[owner].program
        formats = {o.name: o.format for o in program.observables}
        if kind != "observable":
            formats = {v.name: v.format for v in program.states + program.outputs}
        return formats[variable]

    def port(self, group: str, output: str, count: int = 1) -> Port:
        """The port that reads an output, or the sum of ``count`` of them.

        Zero is always possible, before anything arrived.
        """
        variable = next(v for v in self.groups[group].program.outputs if v.name == output)
        return Port(
            Fixed(WORD, True, variable.format.frac), (min(0, variable.low * count), max(0, variable.high * count))
        )

    def source(self, population: str) -> tuple[str, str]:
        return (population, "x" if self.model.populations[population].type == "input" else "z")

    def constants(
        self,
        constants: dict[str, Constant],
        group: str,
        field: str,
        values: Mapping[str, ArrayLike],
        along: Along = "all",
    ) -> None:
        """Quantise the constants ``values`` of a group to their declared formats and record how well they fit."""
        program = self.groups[group].program
        for name, requested in values.items():
            variable = next((v for v in program.constants if v.name == name), None)
            if variable is None:
                continue
            integers = quantised(self.groups[group], variable, requested)
            constants[name] = Constant(integers, along)
            self.record.add(field, requested, integers, variable.format, f"{group}.{name}")

    def stream(self, constants: dict[str, Constant], draw: str, name: str) -> None:
        """The key words of the random stream ``name``, as the constants of a program's draw."""
        for n, key in enumerate(streams.keys(self.model.seed, name)):
            constants[f"{draw}_k{n}"] = Constant(np.array([key], np.int64))


def quantised(group: Group, variable: Variable, requested: ArrayLike) -> NDArray[Any]:
    """The integers of a group's constant: in the format and the range that its program declares."""
    asked = np.atleast_1d(np.asarray(requested, np.float64))
    bounded = partial(_bounded, variable)
    return bounded(asked) if group.topology is None else stored(bounded, asked)


def _bounded(variable: Variable, values: Floats) -> Integers:
    return np.clip(variable.format.quantise(values), variable.low, variable.high)


def parameter_format(value: float, bits: int = PARAMETER_BITS) -> Fixed:
    """The format of a scalar parameter, at its own scale."""
    return Fixed.fitting(min(value, 0.0), max(abs(value), 2.0**-20), bits)


def vector_format(values: ArrayLike) -> Fixed:
    """The format of a vector of parameters, at the scale of its largest."""
    reach = float(np.abs(values).max(initial=0.0))
    return Fixed.fitting(-reach, max(reach, 2.0**-8), PARAMETER_BITS)


def synapse_group(c: Connection) -> str:
    """The group of a plastic connection's synapses."""
    return f"{c.name}.synapse"
