"""The third factor alone: modulators and global attention (HMN paper, eqs. (6), (10) and (11))."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import hmn_lava as hl
from hmn_lava.components.port import Port
from hmn_lava.errors import InputError
from hmn_lava.partition import Part, partition
from hmn_lava.parts.constants import real_constants
from hmn_lava.parts.given import choice, fields_of, keys, number, numbers, of_component, whole
from hmn_lava.parts.ranges import Range, port_of, real_bounds
from hmn_lava.reference import equations as eq
from hmn_lava.reference.equations import Floats
from hmn_lava.reference.parts import FloatPart

TYPES = ("input", "reward")
FIELDS = ("type", "weight", "key", "range", "mean_rate", "on")
ATTENTION = ("beta", "context_range", "dimensions", "rate")
MOST_DIMENSIONS = 64
_PORT = re.compile(r"(^|_)(in|out)(_|$)")


@dataclass(frozen=True, eq=False)
class ModulatorSettings:
    """One modulator as a user gives it."""

    name: str
    type: str
    weight: float
    key: Sequence[float] | float
    port: Port
    mean_rate: float
    on: str


@of_component()
def modulation_part(
    modulators: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    eta_local: float = 0.0,
    eta_global: float = 1.0,
    attention: Mapping[str, Any] | None = None,
    name: str = "neuromodulator",
) -> tuple[Part, FloatPart]:
    """The third factor η_l + η_g G' of ``modulators``; see ``Neuromodulator`` for the arguments.

    Raises InputError for an argument that is wrong or does not fit a word, FitError for one that is lost in integers.
    """
    modulators = {} if modulators is None else keys("modulators", modulators, empty=True)
    settings = [_settings(m, fields) for m, fields in modulators.items()]
    context = _context(attention, settings)
    paths = {
        "connections__connection__rates__local": "eta_local",
        "connections__connection__rates__global": "eta_global",
    }
    paths |= {"global_attention__": "attention.", "populations__part_context___range": "attention.context_range"}
    paths |= {f"populations__part_{m.name}__range": f"modulators.{m.name}.range" for m in settings}
    with fields_of(name, paths):
        network = hl.lower_part(
            _spec(settings, eta_local, eta_global, attention, context), activity=_activity(settings, context)
        )
    part = _aligned(partition(network).parts["connection.modulation"])
    equations = ModulationEquations(part, settings, eta_local, eta_global, attention)
    return part, FloatPart(part, equations)


def _settings(name: str, fields: Mapping[str, Any]) -> ModulatorSettings:
    field = f"modulators.{name}"
    if _PORT.search(name):
        remedy = "use another name: in and out are what ports are known by"
        raise InputError("is a port's name", field="modulators", value=name, remedy=remedy)
    keys(field, fields, FIELDS, empty=True)
    type = choice(f"{field}.type", fields.get("type", "input"), TYPES)
    for key in ("mean_rate", "on"):
        if key in fields and type != "reward":
            remedy = "remove it, or use type: reward"
            raise InputError(f"has no meaning with type {type}", field=f"{field}.{key}", remedy=remedy)
    return ModulatorSettings(
        name,
        type,
        number(f"{field}.weight", fields.get("weight", 1.0)),
        _key(f"{field}.key", fields.get("key", 1.0)),
        port_of(fields.get("range", (-1.0, 1.0)), f"{field}.range"),
        fields.get("mean_rate", 0.01),
        fields.get("on", "every_step"),
    )


def _key(field: str, given: Any) -> Sequence[float] | float:
    key: Any = numbers(field, given).tolist()
    return key  # type: ignore[no-any-return]


def _context(attention: Mapping[str, Any] | None, settings: Sequence[ModulatorSettings]) -> Port | None:
    """What a component of the context may be."""
    if attention is None:
        return None
    keys("attention", attention, ATTENTION)
    whole("attention.dimensions", attention.get("dimensions", 1), 1, MOST_DIMENSIONS)
    if not settings:
        remedy = "give modulators to attend to, or no attention"
        raise InputError("has no modulators", field="attention", value=attention, remedy=remedy)
    context_range: Range = attention.get("context_range", (-1.0, 1.0))
    return port_of(context_range, "attention.context_range")


def _spec(
    settings: Sequence[ModulatorSettings],
    eta_local: float,
    eta_global: float,
    attention: Mapping[str, Any] | None,
    context: Port | None,
) -> Any:
    """A network of a synapse, and the modulators as inputs, each named as its modulator is."""
    net = hl.Network("part")
    source, target = net.input("part_x", 1), net.hmn("part_neuron", 1, activation="sigmoid")
    for m in settings:
        value = net.input(f"part_{m.name}", 1, range=real_bounds(m.port))
        fields = {"mean_rate": m.mean_rate, "on": m.on} if m.type == "reward" else {}
        net.modulator(m.name, type=m.type, source=value, weight=m.weight, key=m.key, **fields)
    if attention is not None and context is not None:
        given = {key: attention[key] for key in ("beta", "dimensions", "rate") if key in attention}
        vector = net.input("part_context_", int(given.get("dimensions", 1)), range=real_bounds(context))
        net.global_attention(context=vector, **given)
    net.connect(source, target, weights=0.0, rates={"local": eta_local, "global": eta_global}, name="connection")
    return net.spec()


def _activity(settings: Sequence[ModulatorSettings], context: Port | None) -> dict[str, Port]:
    """The formats of what arrives."""
    found = {f"part_{m.name}": m.port for m in settings}
    return found if context is None else {**found, "part_context_": context}


def _aligned(part: Part) -> Part:
    """The part with all messages read a step after they were sent, those of the context as well."""
    ports = tuple(replace(port, early=False) for port in part.inputs)
    sources = {port.name: part.sources.get(port.name, (port.name, "x")) for port in ports}
    return replace(part, inputs=ports, sources=sources)


class ModulationEquations:
    """E_k, the global context C, and the third factor η_l + η_g G'."""

    def __init__(
        self,
        part: Part,
        settings: Sequence[ModulatorSettings],
        eta_local: float,
        eta_global: float,
        attention: Mapping[str, Any] | None,
    ) -> None:
        group = part.group
        if group is None:
            raise ValueError("a third factor is computed in a compartment")
        self.settings = settings
        self.dimensions = 0 if attention is None else int(attention.get("dimensions", 1))
        exact: dict[str, Any] = {"eta_local": eta_local, "eta_global": eta_global}
        for m in settings:
            exact |= {f"weight_{m.name}": m.weight, f"mean_rate_{m.name}": m.mean_rate}
            if self.dimensions:
                key = eq.unit(np.broadcast_to(np.asarray(m.key, np.float64), (self.dimensions,)))
                exact |= {f"key_{m.name}_{d}": key[d] for d in range(self.dimensions)}
        if attention is not None:
            exact |= {"context_rate": attention.get("rate", 0.1), "beta_g": attention.get("beta", 1.0)}
            exact["context_gain"] = 1.0
        states = {state.name: np.zeros(1) for state in group.program.states}
        self.states: dict[str, Floats] = {**states, **real_constants(part, exact)}

    def step(self, ports: Mapping[str, Floats], t: int) -> Mapping[str, Floats]:
        """The third factor of this step."""
        factor = self._of("eta_local")
        if self.settings:
            value = np.array([self._value(m, float(ports[f"e_{m.name}"][0])) for m in self.settings])
            weight = np.array([self._of(f"weight_{m.name}") for m in self.settings])
            factor += self._of("eta_global") * eq.third_factor(weight, value, self._gamma(ports, value))
        return {"third": np.array([factor])}

    def _of(self, name: str) -> float:
        return float(self.states[name][0])

    def _value(self, modulator: ModulatorSettings, message: float) -> float:
        if modulator.type != "reward":
            return message
        mean, rate = self.states[f"mean_{modulator.name}"], self._of(f"mean_rate_{modulator.name}")
        value, after = eq.reward(message, float(mean[0]), rate, modulator.on == "delivery")
        mean[0] = after
        return value

    def _gamma(self, ports: Mapping[str, Floats], value: Floats) -> Floats | None:
        """The attention on each modulator; None without attention."""
        if not self.dimensions:
            return None
        rate, gain = self._of("context_rate"), self._of("context_gain")
        context = np.zeros(self.dimensions)
        for d in range(self.dimensions):
            state = self.states[f"C_{d}"]
            state[...] = eq.running_average(state, gain * ports[f"context_{d}"], rate)
            context[d] = state[0]
        names = [m.name for m in self.settings]
        key = np.array([[self._of(f"key_{name}_{d}") for d in range(self.dimensions)] for name in names])
        return eq.global_attention(self._of("beta_g"), value, key, context)
