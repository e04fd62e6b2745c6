"""The neuron alone: activation, noise, LIF, and what a competition needs (HMN paper, eq. (1))."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

import hmn_lava as hl
from hmn_lava.components.neuron import COMPETITION_STEPS
from hmn_lava.components.port import Port
from hmn_lava.errors import Finding, FitError, InputError
from hmn_lava.fixed import Fixed
from hmn_lava.network import IntegerNetwork
from hmn_lava.partition import Part, partition
from hmn_lava.parts.constants import real_constants
from hmn_lava.parts.given import choice, fields_of, number, numbers, of_component, size_of
from hmn_lava.parts.ranges import Range, port_of, real_bounds
from hmn_lava.reference import equations as eq
from hmn_lava.reference.draws import Draws, gumbel_of_draw, normal_of_draw
from hmn_lava.reference.equations import Floats
from hmn_lava.reference.parts import FloatPart

NAME = "neuron"
ACTIVATIONS = ("relu", "sigmoid", "lif")
LEAST_BITS = 8
"""Significant bits of a range of sums that must be left beside bias, noise and threshold."""


@of_component()
def neuron_part(
    shape: Any,
    activation: str = "relu",
    *,
    a_range: Range = (-8.0, 8.0),
    bias: ArrayLike = 0.0,
    noise: float = 0.0,
    z_max: float | None = None,
    du: float = 1.0,
    dv: float = 0.1,
    vth: float = 1.0,
    bias_v: ArrayLike | None = None,
    competition: str = "none",
    temperature: float | None = None,
    seed: int = 0,
    name: str = NAME,
) -> tuple[Part, FloatPart]:
    """Neurons that fire in the step in which their input arrives; see ``HMNNeuron`` for the arguments.

    Raises InputError for an argument that is wrong or does not fit a word, FitError for one that is lost in integers.
    """
    arguments = {"bias": bias, "noise": noise, "z_max": z_max, "competition": competition, "temperature": temperature}
    lif = {"du": number("du", du), "dv": number("dv", dv), "vth": number("vth", vth)}
    for field, default in (("du", 1.0), ("dv", 0.1), ("vth", 1.0)):
        if activation != "lif" and lif[field] != default:
            problem, remedy = f"has no meaning with activation {activation}", 'use activation="lif", or remove it'
            raise InputError(problem, field=field, value=lif[field], remedy=remedy)
    numbers("bias", bias)
    if bias_v is not None:
        numbers("bias_v", bias_v)
    added: dict[str, Any] = {"bias": bias, "noise": number("noise", noise), "vth": lif["vth"], "bias_v": bias_v}
    port_of(a_range, "a_range")
    _check_room(None, a_range, added, name)
    network = neuron_network(size_of(shape), activation, a_range, arguments, lif, bias_v, seed)
    _check_room(network, a_range, added, name)
    part = partition(network).parts[NAME]
    return part, FloatPart(part, NeuronEquations(part, activation, arguments, lif, bias_v, seed))


def neuron_network(
    size: int,
    activation: str,
    a_range: Range,
    arguments: Mapping[str, Any],
    lif: Mapping[str, float],
    bias_v: ArrayLike | None,
    seed: int,
) -> IntegerNetwork:
    """Neurons, with their competition, behind one synapse each that passes a on."""
    choice("activation", activation, ACTIVATIONS)
    paths = {
        "populations__neuron__competition__type": "competition",
        "populations__neuron__competition__temperature": "temperature",
        "populations__neuron__lif__": "",
        "populations__neuron__bias": "bias" if bias_v is None else "bias_v",
        "populations__neuron__": "",
        "populations__x__range": "a_range",
    }
    with fields_of("", paths):
        a = _port_of_a(a_range)
        net = hl.Network("part")
        source = net.input("x", size, range=real_bounds(a))
        if bias_v is not None:
            target = _lava_lif(net, size, activation, arguments, lif, bias_v)
        else:
            target = _hmn(net, size, activation, arguments, lif)
        net.connect_static(source, target, weights=1.0, topology=np.tile(np.arange(size), (2, 1)), name="connection")
        accumulator = {NAME: a} if isinstance(a_range, (Fixed, Port)) else {}
        emit = COMPETITION_STEPS if arguments["competition"] != "none" else 0
        network: IntegerNetwork = hl.lower_part(net.spec(), seed=seed, emit=emit, accumulator=accumulator)
    return network


def _check_room(network: IntegerNetwork | None, a_range: Range, given: Mapping[str, Any], name: str) -> None:
    """FitError if an argument is so large that the word which holds it has nearly no bits for ``a_range``."""
    if isinstance(a_range, (str, Fixed, Port)):
        return
    reach = max(abs(float(end)) for end in a_range)
    largest = {n: np.abs(np.asarray(v, np.float64)).max(initial=0.0).item() for n, v in given.items() if v is not None}
    field = max(largest, key=largest.__getitem__)
    left = math.inf
    if network is not None:
        left = reach / network.groups[NAME].program.variable("a").format.unit
    if largest[field] <= reach * 2.0 ** (23 - LEAST_BITS) and (left >= 1 << LEAST_BITS or largest[field] <= reach):
        return
    remedy = f"Use a smaller {field}, or a wider a_range if the input is to be so coarse."
    limit = f"{LEAST_BITS} bits of a_range"
    finding = Finding("lost-range", field, largest[field], limit, "error", remedy)
    raise FitError(f"{name}: a_range is lost in the chip's integers beside {field}:", [finding])


def _port_of_a(a_range: Range) -> Port:
    if a_range == "spike":
        remedy = "give (low, high): the sum of what the synapses bring"
        raise InputError("is no range of a sum", field="a_range", value=a_range, remedy=remedy)
    port = port_of(a_range, "a_range", bits=23)
    return Port(Fixed(24, True, port.format.frac), port.bounds)


def _hmn(net: hl.Network, size: int, activation: str, arguments: Mapping[str, Any], lif: Mapping[str, float]) -> Any:
    """A population of HMN neurons."""
    competition: dict[str, Any] = {"type": arguments["competition"]}
    if arguments["temperature"] is not None:
        competition["temperature"] = arguments["temperature"]
    fields: dict[str, Any] = {"bias": arguments["bias"], "noise": arguments["noise"], "competition": competition}
    if activation == "lif":
        fields["lif"] = dict(lif)
    if arguments["z_max"] is not None:
        fields["z_max"] = arguments["z_max"]
    return net.hmn(NAME, size, activation=activation, **fields)


def _lava_lif(
    net: hl.Network,
    size: int,
    activation: str,
    arguments: Mapping[str, Any],
    lif: Mapping[str, float],
    bias_v: ArrayLike,
) -> Any:
    """A population of Lava's LIF, whose bias is added to the voltage."""
    used = [n for n, off in (("bias", 0.0), ("noise", 0.0), ("competition", "none")) if np.any(arguments[n] != off)]
    if activation != "lif" or used:
        with_what = f"activation {activation}" if activation != "lif" else used[0]
        remedy = "use bias, which is added to the input" if activation != "lif" else f"remove {with_what}"
        raise InputError(f"has no meaning with {with_what}", field="bias_v", value=bias_v, remedy=remedy)
    return net.lif(NAME, size, bias=bias_v, **lif)


class NeuronEquations:
    """a = Σ w x + b + σ ξ and z = f(a), with the draws that the integers make; losers of a competition stay silent."""

    def __init__(
        self,
        part: Part,
        activation: str,
        arguments: Mapping[str, Any],
        lif: Mapping[str, float],
        bias_v: ArrayLike | None,
        seed: int,
    ) -> None:
        group = part.group
        if group is None:
            raise ValueError("a neuron has compartments")
        self.activation, self.in_voltage = activation, bias_v is not None
        self.competition = str(arguments["competition"])
        self.z_max = group.program.variable("z").high * group.program.variable("z").format.unit
        exact = {
            "bias": arguments["bias"] if bias_v is None else bias_v,
            "noise": arguments["noise"],
            "inverse_temperature": 1.0 / (arguments["temperature"] or 1.0),
            "keep_u": 1.0 - lif["du"],
            "keep_v": 1.0 - lif["dv"],
            "vth": lif["vth"],
        }
        states = {s.name: np.zeros(group.size) for s in group.program.states if s.name != "hold"}
        self.states: dict[str, Floats] = {**states, **real_constants(part, exact)}
        self._noise = Draws(seed, f"{NAME}.noise", group.size)
        self._sample = Draws(seed, f"{NAME}.sample", group.size)

    def step(self, ports: Mapping[str, Floats], t: int) -> Mapping[str, Floats]:
        """z of this step; in a competition, that of two steps ago, and the key of this step."""
        states = self.states
        bias = states.get("bias", 0.0)
        noise = states["noise"] * normal_of_draw()[self._noise.at(t)] if "noise" in states else 0.0
        a = eq.activation(ports["a"], 0.0 if self.in_voltage else bias, noise)
        z = self._activate(a, bias)
        if self.competition == "none":
            return {"z": z}
        key = a
        if self.competition == "sample":
            key = a * states["inverse_temperature"] + gumbel_of_draw()[self._sample.at(t)]
        left = np.where(ports["beaten"] != 0.0, 0.0, states["z_2"])
        states["z_2"][...] = states["z_1"]
        states["z_1"][...] = z
        return {"z": left, "key": key}

    def _activate(self, a: Floats, bias: Floats | float) -> Floats:
        if self.activation == "relu":
            return eq.relu(a, self.z_max)
        if self.activation == "sigmoid":
            return eq.sigmoid(a)
        s = self.states
        du, dv = 1.0 - s["keep_u"], 1.0 - s["keep_v"]
        z, u, v = eq.lif_step(s["u"], s["v"], a, du, dv, s["vth"], bias if self.in_voltage else 0.0)  # type: ignore[arg-type]
        s["u"][...], s["v"][...] = u, v
        return z
