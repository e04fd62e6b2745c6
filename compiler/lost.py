"""What quantisation lost: a parameter whose meaning did not survive, or a rule that can never move a weight."""

from __future__ import annotations

import math

from hmn_lava.compiler.lowering import Lowering
from hmn_lava.errors import Finding
from hmn_lava.microcode.ranges import analyse
from hmn_lava.network import IntegerNetwork
from hmn_lava.spec.model import Connection, Model, Modulator, Rule

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
    third = rule.eta_local + rule.eta_global * sum(_reach(model, model.modulators[name]) for name in rule.modulators)
    coincidence = math.prod(
        max(abs(p.low), abs(p.high)) for p in (model.populations[connection.pre], model.populations[connection.post])
    )
    traces = [tau for tau in (rule.tau_fast, rule.tau_slow) if tau is not None]
    if rule.mode == "accumulating":
        return third * coincidence * sum(1.0 / -math.expm1(-1.0 / tau) for tau in traces)
    return third * coincidence * len(traces)


def _reach(model: Model, modulator: Modulator) -> float:
    """|w_k| max |E_k|: a value.

    A value less its mean, the entropy of n neurons, the distance of two points of a box.
    """
    source = model.populations[modulator.source]
    span = source.high - source.low
    largest = {
        "input": max(abs(source.low), abs(source.high)),
        "reward": max(abs(source.low), abs(source.high), span),
        "uncertainty": math.log(source.size),
        "novelty": math.sqrt(source.size) * max(abs(source.low), abs(source.high), span),
    }[modulator.type]
    return abs(modulator.weight) * largest
