"""What the builders of parts have in common: checked parameters, formats, groups, random streams."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hmn_lava import streams
from hmn_lava.errors import InputError
from hmn_lava.fixed import Fixed, Integers
from hmn_lava.microcode.ir import WORD, Program
from hmn_lava.network import Along, Constant, Group, Input, IntegerNetwork, Link, Topology
from hmn_lava.partition import Component, InPort, OutPort, Part
from hmn_lava.reference.equations import Floats

PARAMETER_BITS = 18
"""Significant bits of a parameter, as in a compiled network."""


def parameter_format(values: ArrayLike) -> Fixed:
    """The format of a parameter, at the scale of its largest value."""
    array = np.asarray(values, np.float64)
    low, reach = float(array.min(initial=0.0)), float(np.abs(array).max(initial=0.0))
    return Fixed.fitting(low, max(reach, 2.0**-20), PARAMETER_BITS)


def constant(program: Program, name: str, values: ArrayLike, along: Along = "all") -> Constant:
    """A constant in the format that its program declares, held within its bounds."""
    variable = next(v for v in program.constants if v.name == name)
    return Constant(np.clip(variable.format.quantise(np.atleast_1d(values)), variable.low, variable.high), along)


def constants(program: Program, values: Mapping[str, tuple[ArrayLike, Along]]) -> dict[str, Constant]:
    """Those of ``values`` that the program declares."""
    declared = {v.name for v in program.constants}
    return {name: constant(program, name, *given) for name, given in values.items() if name in declared}


def stream(draw: str, seed: int, name: str) -> dict[str, Constant]:
    """The key words of the random stream ``name``, as the constants of a program's draw."""
    return {f"{draw}_k{n}": Constant(np.array([key], np.int64)) for n, key in enumerate(streams.keys(seed, name))}


def group(
    program: Program,
    size: int,
    given: Mapping[str, Constant],
    initial: Mapping[str, Integers] | None = None,
    topology: Topology | None = None,
) -> Group:
    """Compartments that run ``program``; states that ``initial`` leaves out begin at 0."""
    states = {v.name: np.zeros(1, np.int64) for v in program.states} | dict(initial or {})
    return Group(program.name, program, size, dict(given), states, topology)


def part_of(
    name: str,
    component: Component,
    groups: tuple[Group, ...],
    links: tuple[Link, ...],
    inputs: tuple[InPort, ...],
    outputs: tuple[OutPort, ...],
    least: int = 0,
) -> Part:
    """A part of groups alone. Its ring buffers are as deep as its own delays ask for, and at least ``least``."""
    word = Fixed(WORD)
    ports = {p.name: Input(p.name, p.size, word, word.min, word.max) for p in inputs}
    network = IntegerNetwork(name, ports, {g.name: g for g in groups}, links, {}, (), {}, {})
    return Part(name, component, network, inputs, outputs, {}, max(least, network.depth + 1))


def count(field: str, value: Any, least: int = 1) -> int:
    """A whole number of at least ``least``, or InputError."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise InputError(
            f"this is a whole number of at least {least}", field=field, value=value, remedy=f"e.g. {least}"
        )
    return int(value)


def number(field: str, value: Any, low: float = -math.inf, high: float = math.inf) -> float:
    """A finite number in [low, high], or InputError."""
    try:
        real = float(value)
    except (TypeError, ValueError):
        real = math.nan
    if not (math.isfinite(real) and low <= real <= high):
        shown = f"from {low:g}" + (f" to {high:g}" if math.isfinite(high) else "") if math.isfinite(low) else "finite"
        raise InputError(
            f"this is a number, {shown}", field=field, value=value, remedy="give one that is in this range"
        )
    return real


def vector(field: str, values: Any, size: int) -> Floats:
    """``size`` finite numbers, or one for all; or InputError."""
    return matrix(field, values, (size,))


def matrix(field: str, values: Any, shape: tuple[int, ...]) -> Floats:
    """Finite numbers in ``shape``, or what broadcasts to it; or InputError."""
    try:
        found = np.array(np.broadcast_to(np.asarray(values, np.float64), shape))
    except (TypeError, ValueError):
        raise InputError(
            f"these are numbers in the shape {shape}, or one for all", field=field, remedy="reshape them"
        ) from None
    if not np.all(np.isfinite(found)):
        raise InputError("these are finite numbers", field=field, remedy="leave out inf and nan")
    return found
