"""The whole network with its plastic connections in the learning engine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from hmn_lava.compiler.engine.formats import Coded, Given, HebbianCoded, Limits
from hmn_lava.compiler.engine.hebbian import HebbianRule, hebbian_rule, lower_hebbian, traces_left, voltage_form
from hmn_lava.compiler.engine.schedule import EngineSchedule
from hmn_lava.compiler.engine.synapses import lower_synapses
from hmn_lava.compiler.engine.thirds import Third, link_thirds, lower_thirds, supply_form, traces_taken
from hmn_lava.compiler.lowering import Lowering
from hmn_lava.compiler.neurocore.assembly import Assembly
from hmn_lava.compiler.neurocore.connections import lower_static
from hmn_lava.compiler.neurocore.populations import lower_input, lower_neurons
from hmn_lava.compiler.quantise import Formats
from hmn_lava.errors import Finding
from hmn_lava.hardware_profiles import Profile
from hmn_lava.learning.checks import check_rule
from hmn_lava.learning.engine import SignMode
from hmn_lava.learning.rule import LearningRule
from hmn_lava.network import IntegerNetwork
from hmn_lava.spec.model import Model
from hmn_lava.topology import compact


@dataclass(frozen=True, eq=False)
class EngineLowering:
    """The network, None where a finding forbids it; the record of its parameters; the rules, and what they cost."""

    network: IntegerNetwork | None
    record: Lowering
    thirds: tuple[Third, ...]
    schedule: EngineSchedule
    findings: tuple[Finding, ...]
    hebbian: tuple[HebbianRule, ...] = ()


def lower(model: Model, formats: Formats, given: Given, schedule: EngineSchedule, profile: Profile) -> EngineLowering:
    """The integer network of a model."""
    limits = Limits.of(profile)
    net = Assembly(model, formats, schedule, profile.lif)
    onto: dict[str, list[Coded]] = defaultdict(list)
    for coded in given.coded.values():
        onto[coded.connection.post].append(coded)
    findings: list[Finding] = []
    thirds: dict[str, list[Third]] = {}
    for post, connections in onto.items():
        thirds[post], found = lower_thirds(net, connections, schedule, limits)
        findings += found
    voltages, found = _hebbian(given.hebbian, thirds, schedule, limits)
    findings += found
    if not all(thirds.values()) or not all(voltages.values()):
        return EngineLowering(None, net.record, every(thirds), schedule, tuple(findings))
    for population in model.populations.values():
        if population.type == "input":
            lower_input(net, population)
        else:
            own = thirds.get(population.name, [])
            forms = tuple(voltage_form(net, made) for made in voltages.get(population.name, ()) if made.rate)
            lower_neurons(net, population, supply_form(own, limits.engine, forms) if own or forms else None)
    for connection in model.connections.values():
        if connection.name not in given.coded and connection.name not in given.hebbian:
            lower_static(net, connection)
    for own in thirds.values():
        for third in own:
            lower_synapses(net, third, schedule, limits.engine)
            link_thirds(net, third, schedule)
    rules = tuple(made for own in voltages.values() for made in own)
    for made in rules:
        lower_hebbian(net, made, schedule, limits)
    return EngineLowering(net.network(), net.record, every(thirds), schedule, tuple(findings), rules)


def _hebbian(
    coded: Mapping[str, HebbianCoded],
    thirds: Mapping[str, Sequence[Third]],
    schedule: EngineSchedule,
    limits: Limits,
) -> tuple[dict[str, list[HebbianRule]], list[Finding]]:
    """The rules of the hebbian connections onto each population, none where its traces are not enough."""
    onto: dict[str, list[HebbianCoded]] = defaultdict(list)
    for each in coded.values():
        onto[each.connection.post].append(each)
    rules: dict[str, list[HebbianRule]] = {}
    findings: list[Finding] = []
    for post, connections in onto.items():
        traces, found = traces_left(traces_taken(thirds.get(post, ())), len(connections), post)
        findings += found
        pairs = zip(connections, traces, strict=False)
        rules[post] = [hebbian_rule(each, trace, schedule.frame, limits) for each, trace in pairs]
        findings += [finding for made in rules[post] for finding in made.findings]
    return rules, findings


def checked(made: EngineLowering, profile: Profile) -> Iterator[Finding]:
    """What the profile's engine cannot do of the rules that were made, and tags in the register of delays."""
    for own in made.hebbian:
        yield from _refused(own.coded.connection.name, own.rule, own.coded.sign_mode, profile)
    for third in made.thirds:
        c, name = third.coded.connection, f"connections.{third.coded.connection.name}"
        yield from _refused(c.name, third.rule.rule, third.coded.sign_mode, profile)
        if third.coded.slow is not None and c.n_syn and compact(c.delay).max() > 0:
            remedy = "Tag 2 is the register of delays: a relay has to delay x, or use no delay, or no slow trace."
            yield Finding("tag-2-delay", f"{name}.delay", int(c.delay.max()), 0, "warning", remedy)


def _refused(connection: str, rule: LearningRule, sign_mode: SignMode, profile: Profile) -> Iterator[Finding]:
    for finding in check_rule(rule, profile, sign_mode=sign_mode):
        if finding.severity == "error":
            yield replace(finding, object=f"connections.{connection}: {finding.object}")


def every(thirds: dict[str, list[Third]]) -> tuple[Third, ...]:
    """The third factors of all populations."""
    return tuple(third for own in thirds.values() for third in own)
