"""Static synapses alone: dense or sparse, with or without delays, in Lava's integers or in real numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

import hmn_lava as hl
from hmn_lava.components.port import Port
from hmn_lava.errors import InputError
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.ir import WORD
from hmn_lava.network import Topology
from hmn_lava.partition import Part, partition
from hmn_lava.parts.given import format_of, matrix, numbers, of_component, topology_of, whole
from hmn_lava.parts.ports import with_formats
from hmn_lava.parts.ranges import Range, port_of, real_bounds, word_at
from hmn_lava.reference import equations as eq
from hmn_lava.reference.equations import Floats
from hmn_lava.reference.parts import FloatPart

LAVA_WEIGHTS = (-256, 255)
"""Integers that Lava's Dense can hold: of weights of one sign all up to 255, of both signs the even ones."""
LARGEST_EXPONENT = 16


@of_component(connections__connection__delay="delays", connections__connection__="", populations__x__range="x_range")
def static_part(
    weights: Any,
    *,
    delays: ArrayLike = 0,
    topology: ArrayLike | None = None,
    weight_exp: int = 0,
    x_range: Range | None = None,
    a_format: Fixed | None = None,
    name: str = "static",
) -> tuple[Part, FloatPart]:
    """Static synapses; see ``StaticConnection`` for the arguments.

    Without ``x_range``, weights are Lava's integers; with it, real numbers that are rounded to the chip's weights.
    """
    real, stored = matrix(weights)
    topology, a_format = topology_of(topology), format_of("a_format", a_format)
    late = numbers("delays", delays)
    lava = x_range is None
    if lava:
        _check_lava(real, weight_exp, a_format)
    elif weight_exp != 0:
        remedy = "remove it: the compiler chooses the scale of real weights"
        raise InputError("has no meaning with x_range", field="weight_exp", value=weight_exp, remedy=remedy)
    x = Port(word_at(0), (-(1 << 16), 1 << 16)) if x_range is None else port_of(x_range, "x_range")
    given: dict[str, Any] = {"activity": {"x": x}}
    if a_format is not None:
        given["accumulator"] = {"neuron": Port(word_at(a_format.frac), (a_format.min, a_format.max))}
    net = hl.Network("part")
    source = net.input("x", real.shape[1], range=real_bounds(x))
    target = net.hmn("neuron", real.shape[0], activation="relu")
    fields = {} if topology is None and stored is None else {"topology": stored if topology is None else topology}
    delay = late if late.ndim else late.item()
    net.connect_static(source, target, weights=real, delay=delay, name="connection", **fields)
    network = hl.lower_part(net.spec(), **given)
    part = partition(network).parts["x.to.neuron"]
    link = part.network.links[0]
    if link.topology is None or link.weights is None:
        raise ValueError("static synapses have a topology and weights")
    synapses = link.topology
    exact = real[synapses.row, synapses.col]
    if lava:
        link = replace(link, weights=exact.astype(np.int64), shift=weight_exp)
        part = replace(part, network=replace(part.network, links=(link,)))
        format = Fixed(WORD)
    else:
        accumulator = network.groups["neuron"].program.variable("a").format
        format = Fixed(WORD, True, accumulator.frac)
    part = with_formats(part, x, format)
    return part, FloatPart(part, StaticEquations(synapses, exact, math.ldexp(1.0, weight_exp)))


def _check_lava(weights: Floats, exponent: int, a_format: Fixed | None) -> None:
    """Refuse what Lava's integers do not hold."""
    if a_format is not None:
        remedy = "give x_range as well: Lava's integers have no binary point"
        raise InputError("has no meaning without x_range", field="a_format", value=a_format, remedy=remedy)
    low, high = LAVA_WEIGHTS
    wrong = (weights != np.rint(weights)) | (weights < low) | (weights > high)
    if wrong.any():
        remedy = f"use whole numbers from {low} to {high}, or give x_range for real weights"
        value = float(weights[wrong][0])
        raise InputError("is no weight of Lava's Dense", field="weights", value=value, remedy=remedy)
    whole("weight_exp", exponent, -LARGEST_EXPONENT, LARGEST_EXPONENT)


class StaticEquations:
    """a_j = 2^exponent Σ_i w_ij x_i(t - τ_ij)."""

    def __init__(self, synapses: Topology, weights: Floats, scale: float) -> None:
        self.synapses, self.scale = synapses, scale
        self.states: dict[str, Floats] = {"weights": np.array(weights)}

    def step(self, ports: Mapping[str, Floats], t: int) -> Mapping[str, Floats]:
        """The currents of this step."""
        drive = eq.synaptic_input(self.states["weights"], ports["x"], self.synapses.row, self.synapses.n_post)
        return {"x": self.scale * drive}
