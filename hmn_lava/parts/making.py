"""What the builders of parts have in common: formats, groups, random streams."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from hmn_lava import streams
from hmn_lava.fixed import Fixed, Integers
from hmn_lava.microcode.ir import WORD, Program
from hmn_lava.network import Along, Constant, Group, Input, IntegerNetwork, Link, Topology
from hmn_lava.partition import Component, InPort, OutPort, Part

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
