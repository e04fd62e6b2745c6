"""Meta-parameters of a compiled bundle, set in place: which integers they are, and what a step really was.

In ``plasticity: neurocore`` a parameter is a constant of a group. In ``plasticity: engine`` the rates are constants of
the third factor, of its scale, and the mantissas and exponents of the weight's products; time constants are the
coefficients of the tags' products. Impulses stay: the compiler writes coincidences into tags by products, whose
coefficients follow from ranges alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from hmn_lava.bundle import Bundle
from hmn_lava.compiler.bounds import bounds
from hmn_lava.compiler.lowering import Lowering, Row
from hmn_lava.compiler.pipeline import lower
from hmn_lava.compiler.retune import Retuned, retune
from hmn_lava.compiler.tuning import bounds_of, model_with, rules_of, spec_with, value_of
from hmn_lava.errors import InputError
from hmn_lava.network import IntegerNetwork
from hmn_lava.spec import resolve
from hmn_lava.spec.model import Model, Rule

EXACT = 1e-9
"""Relative distance of two values that are one."""


@dataclass(frozen=True)
class Step:
    """What became of one meta-parameter of one connection.

    ``before`` and ``after`` are the integers that stand for it, by ``GROUP/CONSTANT``, or a rule's text by ``SYNAPSES/
    target``; ``moved`` whether any of them differs. ``representable`` is the value that ``after`` stands for; None
    where nothing of the network depends on it, as on beta_gate where the engine's rounding is the gate.
    """

    connection: str
    parameter: str
    requested: float
    representable: float | None
    before: Mapping[str, int | str]
    after: Mapping[str, int | str]

    @property
    def moved(self) -> bool:
        return self.before != self.after

    def __str__(self) -> str:
        name = f"{self.connection}.{self.parameter} = {self.requested:.6g}"
        if self.representable is None:
            return f"{name}: nothing of this network depends on it"
        return f"{name}: {self.representable:.6g} in integers{'' if self.moved else ', the step rounds to nothing'}"


@dataclass(frozen=True, eq=False)
class Realised:
    """A bundle with other meta-parameters, and each step. Its spec holds what was asked for."""

    bundle: Bundle
    steps: tuple[Step, ...]

    @property
    def lost(self) -> tuple[Step, ...]:
        """Requests that changed no integer."""
        return tuple(step for step in self.steps if not step.moved)


def realise(bundle: Bundle, parameters: Mapping[str, float]) -> Realised:
    """Set meta-parameters in a bundle without compiling it: see :meth:`Realiser.realise`."""
    return Realiser(bundle).realise(parameters)


class Realiser:
    """Sets meta-parameters of one bundle, many times."""

    def __init__(self, bundle: Bundle) -> None:
        """Raises InputError for a bundle that is not what its spec compiles to."""
        self.bundle = bundle
        self.model = resolve(bundle.spec, bundle.seed)
        made = lower(self.model, bundle.profile, bundle.plasticity)
        if made.network is None or made.network.groups.keys() != bundle.network.groups.keys():
            raise InputError("is not what its spec compiles to", field="bundle", remedy="compile the spec again")
        self.thirds, self._formats = made.thirds, made.formats
        self.bounds = bounds_of(self.model)

    @property
    def values(self) -> dict[str, float]:
        """The spec's own values of the parameters that have bounds; of several connections, the first one's."""
        rules = rules_of(self.model).values()
        return {name: next(v for r in rules if (v := value_of(r, name)) is not None) for name in self.bounds}

    def realise(self, parameters: Mapping[str, float]) -> Realised:
        """The bundle with these values in every connection that has them, and what each step was.

        Constants are quantised by the compiler's own code, into the formats that the bundle has: with the spec's
        ``meta_learning`` bounds the result equals compiling the spec with these values. Raises InputError for a
        parameter that no rule has, a value that is impossible, outside the bounds, or does not fit its format.
        """
        for name, value in parameters.items():
            low, high = self.bounds.get(name, (-math.inf, math.inf))
            if not low * (1 - EXACT) <= value <= high * (1 + EXACT):
                remedy = f"stay within {low:g} to {high:g}, or compile with wider bounds"
                raise InputError("outside its bounds", field=f"parameters.{name}", value=value, remedy=remedy)
        model = model_with(self.model, parameters)
        made = retune(self.bundle.network, model, self.thirds)
        _refuse_clipped(made.record)
        bound = bounds(model, self._formats, made.network)
        signals = {name: replace(s, bound=bound[name]) for name, s in made.network.signals.items()}
        record = Lowering([Row(**row) for row in self.bundle.lowering]).updated(made.record)
        bundle = replace(
            self.bundle,
            network=replace(made.network, signals=signals),
            spec=spec_with(self.bundle.spec, parameters, self.bounds),
            lowering=record.as_list(),
        )
        return Realised(bundle, tuple(self._steps(model, made, parameters)))

    def _steps(self, model: Model, made: Retuned, parameters: Mapping[str, float]) -> Iterator[Step]:
        rows = {row.target: row for row in made.record.rows}
        for name, rule in rules_of(model).items():
            for parameter in parameters:
                requested = value_of(rule, parameter)
                if requested is not None:
                    places = _places(name, parameter, rows)
                    before, after = (
                        {**_constants(n, places), **_products(n, name, parameter)}
                        for n in (self.bundle.network, made.network)
                    )
                    stands = _representable(name, parameter, rule, rows, made)
                    yield Step(name, parameter, requested, stands if before else None, before, after)


FIELDS = {
    "eta_local": ("rates.local", "rates"),
    "eta_global": ("rates.global", "rates"),
    "tau_fast": ("traces.tau_fast",),
    "tau_slow": ("traces.tau_slow",),
    "beta_attention": ("attention.beta",),
    "beta_gate": ("probabilistic_gate.beta",),
}
"""Fields of a connection whose constants follow from a parameter."""

TARGETS = {"eta_local": ("dw",), "eta_global": ("dw",), "tau_fast": ("dt",), "tau_slow": ("dd",)}
"""Variables of the learning engine whose products do."""


def _places(connection: str, parameter: str, rows: Mapping[str, Row]) -> list[tuple[str, str]]:
    """(group, constant) of what stands for a parameter."""
    fields = {f"connections.{connection}.{part}" for part in FIELDS[parameter]}
    targets = [t.rpartition(".") for t, row in rows.items() if row.parameter in fields]
    return [(group, constant) for group, _, constant in targets if constant != "rule"]


def _constants(network: IntegerNetwork, places: list[tuple[str, str]]) -> dict[str, int | str]:
    return {f"{group}/{name}": int(network.groups[group].constants[name].values[0]) for group, name in places}


def _products(network: IntegerNetwork, connection: str, parameter: str) -> dict[str, int | str]:
    synapses = network.learning.get(f"{connection}.synapse")
    targets = TARGETS.get(parameter, ())
    rules = () if synapses is None else synapses.rule.rules
    return {f"{connection}.synapse/{rule.target}": str(rule) for rule in rules if rule.target in targets}


def _representable(connection: str, parameter: str, rule: Rule, rows: Mapping[str, Row], made: Retuned) -> float | None:
    """The value that the integers stand for."""
    fields = {f"connections.{connection}.{part}" for part in FIELDS[parameter]}
    found = {t.rpartition(".")[2]: row.representable for t, row in rows.items() if row.parameter in fields}
    if parameter.startswith("eta"):
        value = found.get(parameter)
        engine = made.rules.get(connection)
        scale = next((v for n, v in found.items() if n.startswith("scale_")), None)
        return value if value is None or engine is None or scale is None else value * scale * engine.supplied.unit
    if parameter.startswith("tau"):
        decay = next(iter(found.values()), None)
        return None if decay is None or not 0 < decay < 1 else -1.0 / math.log(decay)
    if parameter == "beta_attention" and "score_neutral" in found:
        return -math.log(found["score_neutral"]) if found["score_neutral"] > 0 else math.inf
    return next(iter(found.values()), None)


def _refuse_clipped(record: Lowering) -> None:
    for row in record.rows:
        if row.clipped:
            raise InputError(
                "does not fit the format that the bundle has for it",
                field=row.parameter,
                value=row.requested,
                remedy="give the spec meta_learning.bounds that hold it, and compile it once",
            )
