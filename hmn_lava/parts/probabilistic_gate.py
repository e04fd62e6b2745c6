"""The probabilistic gate alone (HMN paper, eq. (5)): an update passes by chance, a large one more likely."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hmn_lava.components.gate import open_gate
from hmn_lava.components.port import Port
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.builder import Builder
from hmn_lava.microcode.ir import WORD, Program
from hmn_lava.network import Link
from hmn_lava.partition import InPort, OutPort, Part
from hmn_lava.parts.given import number, of_component, size_of, whole
from hmn_lava.parts.making import constants, group, parameter_format, part_of, stream
from hmn_lava.parts.ranges import Range, port_of, real_bounds
from hmn_lava.reference import equations as eq
from hmn_lava.reference.draws import LEVELS, Draws
from hmn_lava.reference.equations import Floats
from hmn_lava.reference.parts import FloatPart

DW_BITS = 22
"""Bits of an update over its range, as those of a weight."""

LARGEST = 2.0**20
"""Of beta_p."""


@of_component()
def probabilistic_gate_part(
    shape: Any,
    *,
    beta: float,
    threshold: float,
    dw_range: Range = (-1.0, 1.0),
    seed: int = 0,
    name: str = "gate",
) -> tuple[Part, FloatPart]:
    """The part, and its equations; see ``ProbabilisticGate`` for the arguments. Raises InputError for wrong ones."""
    size = size_of(shape)
    beta, threshold = number("beta", beta, 0.0, LARGEST), number("threshold", threshold, 0.0, LARGEST)
    seed = whole("seed", seed)
    dw = port_of(dw_range, "dw_range", DW_BITS)
    program = _gate(name, dw, parameter_format(beta), parameter_format(threshold))
    values = constants(program, {"beta_p": (beta, "all"), "threshold": (threshold, "all"), "offset": (1.0, "all")})
    part = part_of(
        name,
        "gate",
        (group(program, size, values | stream("gate", seed, name)),),
        (Link(("dw_in", "x"), (name, "dw"), "same"),),
        (InPort("dw_in", size),),
        (OutPort("dw_out", size, (name, "passed")),),
    )
    return part, FloatPart(part, GateEquations(beta, threshold, real_bounds(dw), Draws(seed, name, size)))


class GateEquations:
    """The update where the draw of its step opens the gate, else 0."""

    def __init__(self, beta: float, threshold: float, bounds: tuple[float, float], draws: Draws) -> None:
        self._beta, self._threshold, self._bounds, self._draws = beta, threshold, bounds, draws
        self.states: dict[str, Floats] = {}

    def step(self, ports: Mapping[str, Floats], t: int) -> Mapping[str, Floats]:
        """Draw for the updates that were sent in step t - 1."""
        dw = np.clip(ports["dw"], *self._bounds)
        opened = self._draws.at(max(0, t - 1)) < eq.gate_probability(dw, self._beta, self._threshold) * LEVELS
        return {"passed": np.where(opened, dw, 0.0)}


def _gate(name: str, dw: Port, beta: Fixed, threshold: Fixed) -> Program:
    """dw with probability σ(β_p (|dw| - θ_p)), else 0. Input ``dw``, which saturates, output ``passed``."""
    b = Builder(name, "probabilistic gate")
    update = b.clip(b.input("dw", Fixed(WORD, True, dw.format.frac)), *dw.bounds)
    time = b.raw("sub", b.raw("time"), b.constant("offset", Fixed(8, signed=False)), wraps=True)
    opened = open_gate(b, update, b.constant("beta_p", beta), b.constant("threshold", threshold), time)
    b.emit("passed", b.raw("sel", opened, update, 0, frac=update.frac), dw.format)
    return b.build()
