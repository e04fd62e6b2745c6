"""The subsystems of the HMN, switched off in a spec one by one: the paper's road map, phase P3.

What is switched off gives way to the constant that it would be if it did not choose, so that the mean step of a weight
stays and a comparison tells of the choosing and not of the rate:

========================  ================================================================================
``attention``             alpha_ij = 1/n of the n synapses of a neuron: no attention, rates / n
``global_attention``      gamma_k = 1/K of the K modulators: no attention, their weights / K
``phase_gate``            the gate is open
``probabilistic_gate``    every update is applied
``slow_trace``            e = 2 psi_fast: no slow trace, rates * 2
``meta_learning``         the constants are those that the outer loop began with (of a task that has them)
``traces``                e = 2 x z in the step of the coincidence, and nothing later: no slow trace, tau_fast near 0
``secondary_modulators``  the first modulator alone, and no global attention
``modulation``            dw = eta_g e: no third factor, the global rate is local
========================  ================================================================================

The first six are the paper's; the others are wider cuts. Source: the HMN paper, 7.2 and eqs. (2) to (11).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from hmn_lava.errors import InputError
from hmn_lava.spec import Spec
from hmn_lava.spec.arrays import Values
from hmn_lava.spec.parameters import with_parameters
from hmn_lava.spec.records import HebbianConnection, HmnConnection, RandomTopology, TracesSpec

INSTANT = 1 / 5
"""tau_fast of a trace that hardly outlasts its step, 0.0067 of it; a trace without any decay constant is none."""

NOTHING = "none"
"""The cut of no subsystem."""

Change = dict[str, Any]


def without(spec: Spec, names: Sequence[str], start: Mapping[str, float] | None = None) -> Spec:
    """Return the spec with these subsystems switched off.

    ``start``: the constants that the outer loop began with, for ``meta_learning``. Raises InputError for a name that is
    none and for a subsystem that the spec does not have.
    """
    for name in names:
        if name not in SUBSYSTEMS:
            raise InputError(
                "no such subsystem", field="without", value=name, remedy=f"one of: {', '.join(SUBSYSTEMS)}"
            )
        if name not in present(spec, start):
            remedy = f"the spec has: {', '.join(present(spec, start)) or 'none'}"
            raise InputError("is not part of the spec", where=spec.file, field="without", value=name, remedy=remedy)
    for name in sorted(names, key=list(SUBSYSTEMS).index):
        spec = with_parameters(spec, start or {}) if name == "meta_learning" else SUBSYSTEMS[name](spec)
    return spec


def without_learning(spec: Spec) -> Spec:
    """Return the spec with ``learning: false`` on every connection that learns."""
    still = {
        name: c.model_copy(update={"learning": False})
        for name, c in spec.connections.items()
        if isinstance(c, (HmnConnection, HebbianConnection))
    }
    return spec.model_copy(update={"connections": {**spec.connections, **still}})


def present(spec: Spec, start: Mapping[str, float] | None = None) -> list[str]:
    """The subsystems that a spec has, in the order of :data:`SUBSYSTEMS`."""
    rules = list(_rules(spec).values())
    has = {
        "meta_learning": bool(start),
        "attention": any(rule.attention for rule in rules),
        "global_attention": spec.global_attention is not None,
        "phase_gate": any(rule.phase_gate for rule in rules),
        "probabilistic_gate": any(rule.probabilistic_gate for rule in rules),
        "slow_trace": any(rule.traces.tau_slow is not None for rule in rules),
        "traces": bool(rules),
        "secondary_modulators": len(spec.modulators) > 1,
        "modulation": bool(spec.modulators),
    }
    return [name for name in SUBSYSTEMS if has[name]]


def read_cut(value: Any) -> tuple[str, ...]:
    """Subsystems as a sweep writes them: ``attention+slow_trace``, ``[attention, slow_trace]``, ``none`` or null."""
    if value is None or value == NOTHING:
        return ()
    names = value.split("+") if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        remedy = f"write subsystems joined by +, or {NOTHING}"
        raise InputError("is not a cut", field="without", value=value, remedy=remedy)
    return tuple(names)


def name_cut(names: Sequence[str]) -> str:
    """What :func:`read_cut` reads."""
    return "+".join(names) or NOTHING


def cuts(names: Sequence[str], pairs: bool) -> list[tuple[str, ...]]:
    """Nothing, each of the subsystems alone and, with ``pairs``, each two of the paper's six."""
    both = list(combinations([name for name in names if name in PAPER], 2)) if pairs else []
    return [(), *((name,) for name in names), *both]


def _rules(spec: Spec) -> dict[str, HmnConnection]:
    return {name: c for name, c in spec.connections.items() if isinstance(c, HmnConnection)}


def _changed(spec: Spec, change: Callable[[HmnConnection], Change]) -> Spec:
    rules = {name: rule.model_copy(update=change(rule)) for name, rule in _rules(spec).items()}
    return spec.model_copy(update={"connections": {**spec.connections, **rules}})


def _times(rule: HmnConnection, factor: float) -> Change:
    rates = {"local": rule.rates.local * factor, "global_": rule.rates.global_ * factor}
    return {"rates": rule.rates.model_copy(update=rates)}


def _no_attention(spec: Spec) -> Spec:
    def change(rule: HmnConnection) -> Change:
        return {} if rule.attention is None else {"attention": None, **_times(rule, 1.0 / _fan_in(spec, rule))}

    return _changed(spec, change)


def _fan_in(spec: Spec, rule: HmnConnection) -> float:
    """Synapses of a neuron, on the mean."""
    pre, post = spec.populations[rule.source].size, spec.populations[rule.target].size
    if isinstance(rule.topology, RandomTopology):
        return max(1.0, pre * rule.topology.density)
    if isinstance(rule.topology, Values):
        given = np.asarray(rule.topology.array)
        return float(given.sum() if given.shape == (post, pre) else given.shape[-1]) / post
    if rule.topology != "dense":
        remedy = "give the topology as a list, a density or dense"
        raise InputError("cannot be cut from a topology in a file", field="without", value="attention", remedy=remedy)
    return float(pre)


def _no_global_attention(spec: Spec) -> Spec:
    shared = {
        name: modulator.model_copy(update={"weight": modulator.weight / len(spec.modulators)})
        for name, modulator in spec.modulators.items()
    }
    return _own_shares(spec.model_copy(update={"global_attention": None, "modulators": shared}))


def _own_shares(spec: Spec) -> Spec:
    """The weights of all K modulators are divided by K: a rule that listens to k of them has shares of 1/k."""

    def change(rule: HmnConnection) -> Change:
        if not rule.modulators:
            return {}
        rate = rule.rates.global_ * len(spec.modulators) / len(rule.modulators)
        return {"rates": rule.rates.model_copy(update={"global_": rate})}

    return _changed(spec, change)


def _no_phase_gate(spec: Spec) -> Spec:
    return _changed(spec, lambda rule: {"phase_gate": None})


def _no_probabilistic_gate(spec: Spec) -> Spec:
    return _changed(spec, lambda rule: {"probabilistic_gate": None})


def _no_slow_trace(spec: Spec) -> Spec:
    def change(rule: HmnConnection) -> Change:
        if rule.traces.tau_slow is None:
            return {}
        return {"traces": rule.traces.model_copy(update={"tau_slow": None}), **_times(rule, 2.0)}

    return _changed(spec, change)


def _no_traces(spec: Spec) -> Spec:
    def change(rule: HmnConnection) -> Change:
        shares = 1.0 if rule.traces.tau_slow is None else 2.0
        traces = TracesSpec.model_validate({"tau_fast": INSTANT, "tau_slow": None, "mode": rule.traces.mode})
        return {"traces": traces, **_times(rule, shares)}

    return _changed(spec, change)


def _no_secondary_modulators(spec: Spec) -> Spec:
    first = next(iter(spec.modulators))
    kept = spec.modulators[first]
    share = 1.0 if spec.global_attention is None else 1.0 / len(spec.modulators)
    changed = spec if spec.global_attention is None else _own_shares(spec)
    changed = changed.model_copy(
        update={
            "modulators": {first: kept.model_copy(update={"weight": kept.weight * share})},
            "global_attention": None,
        }
    )
    return _changed(changed, lambda rule: {} if rule.modulators is None else {"modulators": (first,)})


def _no_modulation(spec: Spec) -> Spec:
    def change(rule: HmnConnection) -> Change:
        rates = {"local": rule.rates.local + rule.rates.global_, "global_": 0.0}
        return {"rates": rule.rates.model_copy(update=rates), "modulators": ()}

    return _changed(spec, change)


SUBSYSTEMS: Mapping[str, Callable[[Spec], Spec]] = {
    "meta_learning": lambda spec: spec,  # needs the task's start: see `without`
    "attention": _no_attention,
    "global_attention": _no_global_attention,
    "phase_gate": _no_phase_gate,
    "probabilistic_gate": _no_probabilistic_gate,
    "slow_trace": _no_slow_trace,
    "traces": _no_traces,
    "secondary_modulators": _no_secondary_modulators,
    "modulation": _no_modulation,
}
"""Each subsystem, in the order in which they are cut: the constants that the loop began with come first."""

PAPER = ("attention", "global_attention", "phase_gate", "probabilistic_gate", "slow_trace", "meta_learning")
"""The subsystems that the paper lists."""
