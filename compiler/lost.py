"""What quantisation lost: a parameter whose meaning did not survive, or a rule that can never move a weight."""

from __future__ import annotations

from hmn_lava.compiler.lowering import Lowering
from hmn_lava.errors import Finding
from hmn_lava.microcode.ranges import analyse
from hmn_lava.network import IntegerNetwork
from hmn_lava.spec.model import Model

FEW_UNITS = 16
"""Below this many units, the largest possible step of a weight is a coarse one."""


def lost(model: Model, network: IntegerNetwork, lowering: Lowering) -> list[Finding]:
    """Findings of severity error for what is lost, and warnings for what is coarse."""
    findings = lowering.lost()
    for connection in model.connections.values():
        rule = connection.rule
        if rule is None or not rule.learning or not (rule.eta_local or rule.eta_global):
            continue
        group = network.groups[f"{connection.name}.synapse"]
        dw = next(o for o in group.program.observables if o.name == "dw")
        low, high = analyse(group.program).bounds(dw.register)
        place = f"connections.{connection.name}.rates"
        unit = f"one unit of w is {dw.format.unit:.3g}"
        if max(-low, high) < 1:
            findings.append(
                Finding("lost-update", place, f"the largest step is below half a unit; {unit}", "1 unit", "error",
                        "Raise the learning rate, widen formats, or narrow the weight's bounds; or pass --allow-lossy.")
            )  # fmt: skip
        elif max(-low, high) < FEW_UNITS:
            findings.append(
                Finding("coarse-update", place, f"the largest step is {max(-low, high)} units; {unit}", f"{FEW_UNITS} units", "warning",
                        "Small steps round to nothing: raise the learning rate, or narrow the weight's bounds.")
            )  # fmt: skip
    return findings
