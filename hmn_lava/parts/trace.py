"""Eligibility traces alone, one compartment for each pair of activities (HMN paper, eq. (2))."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hmn_lava.components.trace import eligibility_trace
from hmn_lava.network import Link
from hmn_lava.partition import InPort, OutPort, Part
from hmn_lava.parts.connection import connection_part
from hmn_lava.parts.constants import real_constants
from hmn_lava.parts.given import of_component, size_of, steps
from hmn_lava.parts.making import group, part_of
from hmn_lava.parts.ranges import Range, port_of
from hmn_lava.reference import equations as eq
from hmn_lava.reference.equations import Floats
from hmn_lava.reference.parts import FloatPart

PORTS = {"x": "s_in", "z": "z_in"}


@of_component()
def trace_part(
    shape: Any,
    tau_fast: float = 5.0,
    tau_slow: float | None = None,
    mode: str = "replacing",
    *,
    x_range: Range = "spike",
    z_range: Range = "spike",
    learn_delay: int = 0,
    name: str = "trace",
) -> tuple[Part, FloatPart]:
    """Traces of ``shape`` pairs of x and z; see ``EligibilityTrace`` for the arguments."""
    size, late = size_of(shape), steps("learn_delay", learn_delay)
    ranges: dict[str, Range] = {"x_range": x_range, "z_range": z_range}
    # One synapse, lowered: it has the formats of the traces, and their constants.
    synapse, _ = connection_part([[0.0]], tau_fast=tau_fast, tau_slow=tau_slow, mode=mode, name=name, **ranges)  # type: ignore[arg-type]
    one = synapse.group
    if one is None:
        raise ValueError("a synapse is a compartment")
    formats = {state.name: state.format for state in one.program.states}
    ports = port_of(x_range, "x_range"), port_of(z_range, "z_range")
    program = eligibility_trace(name, *ports, mode, formats["psi_fast"], formats.get("psi_slow"))
    delays = {"x": np.full(1, late, np.int64), "z": np.zeros(1, np.int64)}
    part = part_of(
        name,
        "trace",
        (group(program, size, {c.name: one.constants[c.name] for c in program.constants}),),
        tuple(Link((port, "x"), (name, v), "same", delays[v]) for v, port in PORTS.items()),
        tuple(InPort(port, size) for port in PORTS.values()),
        (OutPort("e_out", size, (name, "e")),),
    )
    return part, FloatPart(part, TraceEquations(part, tau_fast, tau_slow, mode))


class TraceEquations:
    """ψ_fast and ψ_slow of each pair, and their sum e."""

    def __init__(self, part: Part, tau_fast: float, tau_slow: float | None, mode: str) -> None:
        group = part.group
        if group is None:
            raise ValueError("traces have compartments")
        exact = {"psi_fast_decay": eq.trace_decay(tau_fast)}
        if tau_slow is not None:
            exact["psi_slow_decay"] = eq.trace_decay(tau_slow)
        states = {state.name: np.zeros(group.size) for state in group.program.states}
        self.states: dict[str, Floats] = {**states, **real_constants(part, exact)}
        self._trace = eq.eligibility_replacing if mode == "replacing" else eq.eligibility_accumulating

    def step(self, ports: Mapping[str, Floats], t: int) -> Mapping[str, Floats]:
        """Move the traces by one step."""
        states = self.states
        for trace in ("psi_fast", "psi_slow"):
            if trace in states:
                decay = float(states[f"{trace}_decay"][0])
                states[trace][...] = self._trace(states[trace], ports["x"], ports["z"], decay)
        return {"e": eq.eligibility(states["psi_fast"], states.get("psi_slow"))}
