"""Other meta-parameters in a lowered network: constants of its groups and coefficients of its rules, nothing else.

The compiler lowers the widest rule and then comes through here for the spec's own values; an outer loop comes through
here alone. So a value that is set in place is what compiling the spec with it gives, to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from hmn_lava.compiler.engine.rules import EngineRule
from hmn_lava.compiler.engine.synapses import record_decays
from hmn_lava.compiler.engine.thirds import Third, third_values
from hmn_lava.compiler.lowering import Lowering
from hmn_lava.compiler.neurocore.assembly import quantised, synapse_group
from hmn_lava.compiler.neurocore.connections import rule_values
from hmn_lava.network import Constant, Group, IntegerNetwork, LearningSynapses
from hmn_lava.spec.model import Model

Thirds = Mapping[str, Third]
"""The third factors of the learning engine, by connection; empty in ``plasticity: neurocore``."""


@dataclass(frozen=True, eq=False)
class Retuned:
    """A network with other meta-parameters, the record of what they became, and the engine's rules by connection."""

    network: IntegerNetwork
    record: Lowering
    rules: Mapping[str, EngineRule]


def retune(network: IntegerNetwork, model: Model, thirds: Thirds) -> Retuned:
    """``network`` with the meta-parameters of ``model``.

    ``thirds``: those of the lowering that ``network`` came from. A value beyond its format is clipped, and the record
    says so.
    """
    record = Lowering()
    groups, learning = dict(network.groups), dict(network.learning)
    made = {name: _engine_rule(model, third) for name, third in thirds.items()}
    for group, field, values in _values(model, thirds, made):
        groups[group] = _with_constants(groups[group], field, values, record)
    for name, rule in made.items():
        c = model.connections[name]
        record_decays(record, c, rule)
        synapses: LearningSynapses = learning[synapse_group(c)]
        learning[synapses.name] = replace(synapses, rule=rule.rule)
    return Retuned(replace(network, groups=groups, learning=learning), record, made)


def _engine_rule(model: Model, third: Third) -> EngineRule:
    rule = model.connections[third.coded.connection.name].rule
    if rule is None:
        raise ValueError("a third factor belongs to a connection that learns")
    made, _ = third.frame.rule(replace(third.coded, rule=rule))
    return made


def _values(
    model: Model, thirds: Thirds, made: Mapping[str, EngineRule]
) -> Iterator[tuple[str, str, Mapping[str, float]]]:
    """Group, field of the spec, and values by constant."""
    for c in model.connections.values():
        if c.rule is None or not c.rule.learning:
            continue
        found = third_values(thirds[c.name], made[c.name]) if c.name in thirds else rule_values(c, c.rule)
        for group, part, values in found:
            yield group, f"connections.{c.name}.{part}", values


def _with_constants(group: Group, field: str, values: Mapping[str, float], record: Lowering) -> Group:
    """A group with other scalar constants; those that its program does not have are left out."""
    constants = dict(group.constants)
    for variable in group.program.constants:
        if variable.name in values:
            requested = values[variable.name]
            integers = quantised(group, variable, requested)
            constants[variable.name] = Constant(integers, constants[variable.name].along)
            record.add(field, requested, integers, variable.format, f"{group.name}.{variable.name}")
    return replace(group, constants=constants)
