"""What quantisation lost: a parameter whose meaning did not survive, or a rule that can never move a weight."""

from __future__ import annotations

import math

from hmn_lava.compiler.lowering import Lowering
from hmn_lava.errors import Finding
from hmn_lava.microcode.ranges import analyse
from hmn_lava.network import IntegerNetwork
from hmn_lava.spec.model import Connection, Model, Modulator, Rule

COARSE = 0.1
"""A signal whose bound is above this share of the largest value it can have says little."""

FEW_UNITS = 16
"""Below this many units, the largest possible step of a weight is a coarse one."""


def lost(model: Model, network: IntegerNetwork, lowering: Lowering) -> list[Finding]:
    """Findings of severity error for what is lost, and warnings for what is coarse."""
    findings = lowering.lost()
    for connection in model.connections.values():
        rule = connection.rule
        if rule is None or not rule.learning or not (rule.eta_local or rule.eta_global):
            continue
        wanted = largest_step(model, connection, rule)
        if wanted == 0:
            continue  # it does not learn in float either
        if f"{connection.name}.synapse" in network.learning:
            continue  # all is rounded stochastically: small steps are lost one by one, not in the mean
        group = network.groups[f"{connection.name}.synapse"]
        dw = next(o for o in group.program.observables if o.name == "dw")
        low, high = analyse(group.program).bounds(dw.register)
        largest = min(max(-low, high), wanted / dw.format.unit)
        place = f"connections.{connection.name}.rates"
        unit = f"one unit of w is {dw.format.unit:.3g}"
        if largest < 0.5:
            findings.append(
                Finding(
                    "lost-update",
                    place,
                    f"the largest step is below half a unit; {unit}",
                    "1 unit",
                    "error",
                    "Raise the learning rate, widen formats, or narrow the weight's bounds; or pass --allow-lossy.",
                )
            )
        elif largest < FEW_UNITS:
            findings.append(
                Finding(
                    "coarse-update",
                    place,
                    f"the largest step is {largest:.3g} units; {unit}",
                    f"{FEW_UNITS} units",
                    "warning",
                    "Small steps round to nothing: raise the learning rate, or narrow the weight's bounds.",
                )
            )
    return findings


def largest_step(model: Model, connection: Connection, rule: Rule) -> float:
    """A bound of |Δw*| = |η_l + η_g G'| e: gates and attention only make it smaller.

    G' = Σ_k |w_k| max |E_k|, e = ψ_fast + ψ_slow.
    """
    third = rule.eta_local + rule.eta_global * third_factor(model, rule)
    coincidence = math.prod(
        max(abs(p.low), abs(p.high)) for p in (model.populations[connection.pre], model.populations[connection.post])
    )
    traces = [tau for tau in (rule.tau_fast, rule.tau_slow) if tau is not None]
    if rule.mode == "accumulating":
        return third * coincidence * sum(1.0 / -math.expm1(-1.0 / tau) for tau in traces)
    return third * coincidence * len(traces)


def coarse(model: Model, network: IntegerNetwork) -> list[Finding]:
    """Warnings where the bound of α, E or G' exceeds a tenth of the signal's reach, with its bounds in ``network``."""
    reach = {f"{m.name}.E": _reach(model, m) for m in model.modulators.values()}
    for c in model.connections.values():
        if c.rule is not None:
            reach |= {f"{c.name}.alpha": 1.0, f"{c.name}.G": third_factor(model, c.rule)}
    remedy = "Rounding may decide this signal; the tables of docs/numerics.md say which parameter makes it finer."
    findings = []
    for name, largest in reach.items():
        bound = network.signals[name].bound if name in network.signals else None
        if bound is not None and bound > COARSE * largest > 0:
            used, limit = f"wrong by up to {bound:.3g}", f"{COARSE * largest:.3g}, a tenth of its reach"
            findings.append(Finding("coarse-signal", name, used, limit, "warning", remedy))
    return findings


def third_factor(model: Model, rule: Rule) -> float:
    """max |G'| = Σ_k |w_k| max |E_k|."""
    modulators = [model.modulators[name] for name in rule.modulators]
    return sum(abs(m.weight) * _reach(model, m) for m in modulators)


def _reach(model: Model, modulator: Modulator) -> float:
    """max |E_k|: a value.

    A value less its mean, the entropy of n neurons, the distance of two points of a box.
    """
    source = model.populations[modulator.source]
    span = source.high - source.low
    return {
        "input": max(abs(source.low), abs(source.high)),
        "reward": max(abs(source.low), abs(source.high), span),
        "uncertainty": math.log(source.size),
        "novelty": math.sqrt(source.size) * max(abs(source.low), abs(source.high), span),
    }[modulator.type]
