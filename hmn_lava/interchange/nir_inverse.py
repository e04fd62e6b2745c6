"""From a population of LIF neurons to the NIR node that gives it: :mod:`nir_neurons` the other way round.

Where the spec knows the node that the population came from, and that still gives its numbers, the node is that one.
Else its resistance and input weight stay, and time constants, threshold and reset are those that give the numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hmn_lava.errors import InputError
from hmn_lava.interchange.nir_graph import Floats, Graph, Node
from hmn_lava.interchange.nir_neurons import REACHED, Neurons, neurons_of
from hmn_lava.interchange.nir_signal import Shape
from hmn_lava.spec.model import Lif
from hmn_lava.spec.nir import NirConvention

SLOWEST = 2.0**26
"""Time constant, in steps, of a node that has to have one and does not decay."""
FASTEST = 2.0**-6
"""Time constant, in steps, of a state that keeps nothing: exp(-2**6) is below the precision of 1."""


@dataclass(frozen=True)
class Inverse:
    """A node's type and fields, and how it reads what arrives."""

    type: str
    fields: dict[str, Floats]
    form: Neurons


def node_of(
    lif: Lif, shape: Shape, dt: float, how: NirConvention, known: tuple[str, dict[str, Floats]] | None, size: int
) -> Inverse:
    """The node of a population; ``known``: the type and the fields of the node that it came from."""
    if lif.output == "spike":
        late = how.reset == "subtract_late" and lif.reset == "subtract"
        held = how.reset == "value_held" and lif.reset == "value"
        how = how if late or held else how.model_copy(update={"reset": lif.reset})
    if known is not None:
        form = _forward(known[0], known[1], shape, dt, how)
        if form is not None and _gives(form, lif):
            return Inverse(*known, form)
    kind = _kind(lif, None if known is None else known[0])
    fields = _fields(kind, lif, dt, how, {} if known is None else known[1], size)
    form = _forward(kind, fields, shape, dt, how)
    assert form is not None, "an inverse has time constants of a step or more"
    return Inverse(kind, fields, form)


def _forward(kind: str, fields: dict[str, Floats], shape: Shape, dt: float, how: NirConvention) -> Neurons | None:
    try:
        return neurons_of(Graph(""), Node("", kind, fields), shape, dt, how)
    except InputError:
        return None


def _gives(form: Neurons, lif: Lif) -> bool:
    """Whether a node's numbers are those of a population, but for what belongs to its reset."""
    found = form.fields
    if (found.get("output", "spike"), found.get("reset", "value")) != (lif.output, lif.reset):
        return False
    names = ("du", "dv") if lif.output == "voltage" else ("du", "dv", "vth", "v_reset")
    return all(_equal(found.get(name, 0.0), getattr(lif, name)) for name in names)


def _equal(first: Any, second: Floats) -> bool:
    first = np.asarray(first).reshape(-1)
    return 1 in (first.size, second.size, first.size == second.size) and bool((first == second).all())


def _kind(lif: Lif, known: str | None) -> str:
    """The type of a node: the known one where it has the states, else the simplest."""
    direct, decays = bool((lif.du == 1.0).all()), bool((lif.dv > 0.0).all())
    spikes = lif.output == "spike"
    if known is not None and known.startswith("Cuba") and known.endswith("F") == spikes:
        return known
    if not direct:
        return "CubaLIF" if spikes else "CubaLI"
    if not (lif.dv > 0.0).any():
        return "IF" if spikes else "I"
    return ("LIF" if spikes else "LI") if decays else ("CubaLIF" if spikes else "CubaLI")


def _fields(
    kind: str, lif: Lif, dt: float, how: NirConvention, known: dict[str, Floats], size: int
) -> dict[str, Floats]:
    """Fields that give du, dv, vth and v_reset; what arrives has a gain of 1 where nothing is known."""
    full = {name: np.broadcast_to(getattr(lif, name), (size,)) for name in ("du", "dv", "vth", "v_reset")}
    fields: dict[str, Floats] = {}
    voltage = current = np.ones(size)
    if kind in ("IF", "I"):
        unit = dt if how.integrator == "time" else 1.0
        fields["r"] = np.broadcast_to(known.get("r", np.float64(1.0 / unit)), (size,))
        voltage = fields["r"] * unit
    else:
        tau = _tau(full["dv"], dt, how)
        alpha = how.alpha(dt, tau)
        fields["tau_mem" if kind.startswith("Cuba") else "tau"] = tau
        fields["r"] = np.broadcast_to(known.get("r", 1.0 / alpha), (size,))
        fields["v_leak"] = np.broadcast_to(known.get("v_leak", np.zeros(1)), (size,))
        voltage = alpha * fields["r"]
    if kind.startswith("Cuba"):
        tau = _tau(full["du"], dt, how)
        share = np.ones(size) if how.synapse == "jump" else how.alpha(dt, tau)
        fields["tau_syn"] = tau
        fields["w_in"] = np.broadcast_to(known.get("w_in", 1.0 / share), (size,))
        current = share * fields["w_in"]
    if lif.output == "spike":
        gain = np.abs(voltage * current)
        gain = np.where(gain > 0.0, gain, 1.0)
        rest = fields.get("v_leak", np.zeros(1)) if how.start == "leak" else np.zeros(1)
        height = full["vth"] * gain + rest
        fields["v_threshold"] = height / REACHED if how.threshold == "reached" else height
        fields["v_reset"] = full["v_reset"] * gain + (rest if lif.reset == "value" else 0.0)
    return fields


def _tau(decay: Floats, dt: float, how: NirConvention) -> Floats:
    """The time constant whose state loses ``decay`` of itself in a step."""
    with np.errstate(divide="ignore"):
        steps = 1.0 / decay if how.discretisation == "euler" else -1.0 / np.log1p(-decay)
    low = 1.0 if how.discretisation == "euler" else FASTEST
    tau: Floats = dt * np.clip(np.abs(steps), low, SLOWEST)
    return tau
