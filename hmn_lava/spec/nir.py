"""The NIR graph that a network was imported from, and how it was read, so that it comes out as it came in."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from hmn_lava.spec.arrays import Array, Text
from hmn_lava.spec.fields import Positive, Record

Floats = NDArray[np.float64]


class NirConvention(Record):
    """How a graph is to be read.

    ``discretisation``: of ``tau dv/dt = -v + x`` over a step, ``v <- v + alpha (x - v)``: ``euler``, alpha = dt / tau,
    or ``exponential``, alpha = 1 - exp(-dt / tau), exact for an input that is constant in the step.
    ``reset``: after a spike, ``value``: v <- v_reset; ``value_held``: and v stays so through the next step;
    ``subtract``: v <- v - v_threshold, before the next decay; ``subtract_late``: after it, in the next step.
    ``threshold``: a spike where v is ``above`` it, or has ``reached`` it.
    ``synapse`` of CubaLIF and CubaLI: ``integrated``: the current follows tau_syn dI/dt = -I + w_in x as NIR says;
    ``jump``: it decays likewise, and x adds w_in x to it.
    ``start`` of neurons that spike: their voltage is at ``zero``, or at v_leak (``leak``).
    ``integrator`` of IF and I: ``time``: v <- v + dt r x as NIR says; ``step``: v <- v + r x.
    """

    discretisation: Literal["euler", "exponential"] = "euler"
    reset: Literal["value", "value_held", "subtract", "subtract_late"] = "value"
    threshold: Literal["above", "reached"] = "above"
    synapse: Literal["integrated", "jump"] = "integrated"
    integrator: Literal["time", "step"] = "time"
    start: Literal["zero", "leak"] = "zero"

    def alpha(self, dt: float, tau: Floats) -> Floats:
        """The share of its way that a state goes in a step; above 1 where Euler's step is too long."""
        return dt / tau if self.discretisation == "euler" else -np.expm1(-dt / tau)


class NirNode(Record):
    """A node: its type and its own numbers."""

    type: Text
    fields: dict[Text, Array] = Field(default_factory=dict)
    padding: Literal["same", "valid"] | None = Field(None, description="where it is a word")


class NirSpec(Record):
    """The graph, laid flat. Only the export reads it, and trusts it where importing it again gives this very spec."""

    dt: Positive | None = Field(None, description="time step, in the unit of the time constants")
    convention: NirConvention = Field(default_factory=NirConvention)
    nodes: dict[Text, NirNode] = Field(default_factory=dict, description="those of nested graphs as graph.node")
    edges: tuple[tuple[Text, Text], ...] = Field((), description="from node to node")
    graphs: tuple[Text, ...] = Field((), description="names of nested graphs")
