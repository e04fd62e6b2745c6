"""NIR's neurons as populations of a spec: what a time step makes of their equations.

A population's voltage is the node's divided by ``gain``, what an input of 1 adds to it in a step; then the weights onto
it are the graph's own numbers. Where the voltage itself is sent (LI, CubaLI, I), the weights are multiplied instead.
Source: ``nir.ir.neuron`` for the equations, :class:`NirConvention` for their discretisation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hmn_lava.interchange.nir_graph import Floats, Graph, Node
from hmn_lava.interchange.nir_signal import Shape, parameter, uniform
from hmn_lava.spec.nir import NirConvention

NEURONS = ("Threshold", "I", "IF", "LI", "LIF", "CubaLI", "CubaLIF")
VOLTAGES = ("I", "LI", "CubaLI")
REACHED = 1.0 - 2.0**-16
"""A threshold that is reached, not exceeded, is lowered to this part of itself: by a unit or more of a 24-bit voltage
where it is 2**16 units high, so that a voltage equal to it is above."""


@dataclass(frozen=True)
class Neurons:
    """A population's fields; ``scale`` of the weights onto it; ``offset`` added in each step whatever the gain.

    ``bias_gain``: what a bias of 1 adds to ``bias``; None: it has to arrive through the current. ``late``: what is
    taken off the voltage a step after a spike. ``unit``: the node's voltage where the population's is 1.
    """

    fields: dict[str, Any]
    scale: Floats
    offset: Floats
    bias_gain: Floats | None
    late: Floats | None = None
    unit: Floats = field(default_factory=lambda: np.ones(1))


def neurons_of(graph: Graph, node: Node, shape: Shape, dt: float | None, how: NirConvention) -> Neurons:
    """The population of a node at neurons of ``shape``; ``dt`` in the unit of its time constants.

    LIF: ``v <- v + alpha (v_leak - v + r x)``, IF: ``v <- v + dt r x``, CubaLIF: ``I <- I + alpha_syn (w_in x - I)``
    and then LIF of I; LI, I and CubaLI likewise, without a spike. Threshold: a spike where x > threshold. Raises
    InputError where ``dt`` is missing or longer than a time constant allows, or a threshold is not above its reset.
    """
    read = _Reader(graph, node, shape, dt, how)
    if node.type == "Threshold":
        return read.threshold()
    du, current = read.synapse()
    dv, voltage = read.membrane()
    gain = current * voltage
    size, sign = np.abs(gain), np.sign(gain)
    unit = np.where(size > 0.0, size, 1.0)
    leak = dv * read("v_leak") if "v_leak" in node.fields else np.zeros(1)
    fields: dict[str, Any] = {"type": "lif", "du": du, "dv": dv}
    direct = bool((du == 1.0).all())
    if node.type in VOLTAGES:
        return Neurons(fields | {"output": "voltage"}, uniform(gain), leak, uniform(gain) if direct else None)
    vth, v_reset = read.height() / unit, read("v_reset") / unit
    start = read("v_leak") if how.start == "leak" and node.type != "IF" else np.zeros(1)
    if start.any() and (vth - start / unit).min() <= 0.0:
        remedy = "A voltage that starts above its threshold: all of this node start at zero."
        graph.tell("start", node.name, f"v_leak up to {float(start.max()):g}", "v_threshold", remedy)
        start = np.zeros(1)
    if start.any():  # voltages count from v_leak
        vth, v_reset, leak = vth - start / unit, v_reset - start / unit, np.zeros(1)
    if vth.min() <= 0.0:
        remedy = "use a threshold above 0; a network that fires without input has a bias"
        raise graph.wrong(f"{node.name}.v_threshold", "is not above 0", float(read("v_threshold").min()), remedy)
    fields |= {"vth": vth}
    late = None
    if how.reset.startswith("value"):
        fields |= {"v_reset": v_reset} | ({"refractory": 1} if how.reset == "value_held" else {})
    else:
        fields |= {"reset": "subtract"}
        if read("v_reset").any():
            worst = float(np.abs(read("v_reset")).max())
            graph.tell("reset-value", node.name, f"v_reset up to {worst:g}", how.reset, "It has no effect so.")
        # The population subtracts its own vth at once; what that lacks, decayed, follows in the next step.
        late = (1.0 - dv) * start / unit
        if how.reset == "subtract_late":
            late = late + dv * read("v_threshold") / unit
    taken = late if late is not None and late.any() else None
    return Neurons(fields, uniform(sign), leak / unit, uniform(sign) if direct else None, taken, unit)


@dataclass(frozen=True)
class _Reader:
    graph: Graph
    node: Node
    shape: Shape
    dt: float | None
    how: NirConvention

    def __call__(self, key: str, default: float = 0.0) -> Floats:
        return parameter(self.graph, self.node, key, self.shape, default)

    def step(self) -> float:
        if self.dt is None:
            problem = "has a time constant, and the graph says no time step"
            remedy = "give dt, in the unit of the graph's time constants (snnTorch and SpikingJelly: 1e-4; Sinabs: 1)"
            raise self.graph.wrong(self.node.name, problem, None, remedy)
        return self.dt

    def alpha(self, key: str) -> Floats:
        """The decay of a state in a step, 0..1."""
        tau, dt = self(key), self.step()
        if tau.min() <= 0.0:
            raise self.graph.wrong(f"{self.node.name}.{key}", "must be above 0", float(tau.min()), "use tau > 0")
        alpha = self.how.alpha(dt, tau)
        over = float(alpha.max())
        if over > 1.0 + 1e-6:
            problem = f"is shorter than the time step {dt:g}: Euler's decay would be {over:.6g}"
            remedy = f"use dt <= {float(tau.min()):g}, or discretisation exponential"
            raise self.graph.wrong(f"{self.node.name}.{key}", problem, float(tau.min()), remedy)
        return np.minimum(alpha, 1.0)

    def membrane(self) -> tuple[Floats, Floats]:
        """The voltage's decay, and what a current of 1 adds to it."""
        if self.node.type in ("I", "IF"):
            return np.zeros(1), self("r") * (self.step() if self.how.integrator == "time" else 1.0)
        dv = self.alpha("tau_mem" if self.node.type.startswith("Cuba") else "tau")
        return dv, dv * self("r")

    def synapse(self) -> tuple[Floats, Floats]:
        """The current's decay, and what an input of 1 adds to it."""
        if not self.node.type.startswith("Cuba"):
            return np.ones(1), np.ones(1)
        du, w_in = self.alpha("tau_syn"), self("w_in", 1.0)
        return du, w_in if self.how.synapse == "jump" else du * w_in

    def height(self) -> Floats:
        """The threshold, lowered where it counts as reached."""
        vth = self("v_threshold")
        if self.how.threshold == "above":
            return vth
        remedy = "Spikes where v >= threshold: the threshold is lowered by 2**-16 of itself."
        self.graph.tell("threshold-reached", self.node.name, f"{REACHED:.6f}", 1.0, remedy, "info")
        return vth * REACHED

    def threshold(self) -> Neurons:
        """Stateless: du = dv = 1. A threshold that is not above 0 is raised, and the bias with it."""
        vth = self("threshold")
        if self.how.threshold == "reached":
            vth = np.where(vth > 0.0, vth * REACHED, vth)
        lift = np.where(vth > 0.0, 0.0, 1.0 - vth)
        fields: dict[str, Any] = {"type": "lif", "du": 1.0, "dv": 1.0, "vth": vth + lift}
        return Neurons(fields, np.ones(1), lift, np.ones(1))
