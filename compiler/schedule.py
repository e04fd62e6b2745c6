"""When each message of the model arrives: the delays that align what belongs to one step of the model.

A message takes one step. Where several meet that belong to the same model step, the early ones are delayed, as
registers balance a pipeline, so that everything a synapse multiplies is of the same step, as in the equations. What
cannot be aligned is feedback: a weight changes some steps after the activity that changed it (the weight lag), and a
loop of connections takes at least the time of its messages.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

import numpy as np

from hmn_lava.components.attention import ATTENTION_STEPS
from hmn_lava.components.neuron import COMPETITION_STEPS
from hmn_lava.errors import Finding
from hmn_lava.fixed import Integers
from hmn_lava.spec.model import Connection, Model, Modulator, Rule
from hmn_lava.topology import compact

HOP = {True: 2, False: 1}
"""Steps from a neuron's message to the next neuron's accumulator.

Through a plastic synapse's own compartment, or a static one.
"""


@dataclass(frozen=True, eq=False)
class Schedule:
    """Offsets: a group at offset o handles model step t at step t + o. In steps."""

    arrive: Mapping[str, int]  # population -> when its accumulator is complete
    emit: Mapping[str, int]  # population -> when its z leaves; 0 for inputs
    delay: Mapping[str, Integers]  # connection -> delay in model time, as it will be: one, or that of each synapse
    message_delay: Mapping[str, Integers]  # connection -> delay of the link that carries x to the message, likewise
    modulate: Mapping[str, int]  # plastic connection -> when its third factor is computed
    update: Mapping[str, int]  # plastic connection -> when its weights change
    weight_lag: Mapping[str, int]
    frame: int = 1
    """Steps of the chip in a step of the model; offsets and delays of links are in steps of the chip."""


def schedule(model: Model, max_delay: int) -> tuple[Schedule, list[Finding]]:
    """Offsets and delays of all messages; a finding for each delay that the profile's ``max_delay`` does not hold."""
    arrive, emit = longest_paths(model, {name: HOP[c.rule is not None] for name, c in model.connections.items()})
    delay: dict[str, Integers] = {}
    message_delay: dict[str, Integers] = {}
    modulate: dict[str, int] = {}
    update: dict[str, int] = {}
    lag: dict[str, int] = {}
    findings: list[Finding] = []
    for name, connection in model.connections.items():
        plastic = connection.rule is not None
        slack = arrive[connection.post] - emit[connection.pre] - HOP[plastic]
        asked = compact(connection.delay)
        message_delay[name] = np.maximum(asked + slack, 0)
        delay[name] = message_delay[name] - slack
        longer = int((delay[name] - asked).max(initial=0))
        if longer > 0:
            findings.append(
                Finding(
                    "loop-latency",
                    f"connections.{name}.delay",
                    f"{longer} steps longer than asked for",
                    0,
                    "warning",
                    "A loop takes the time of its messages; ask for a longer delay, or run the reference as compiled.",
                )
            )
        longest = int(message_delay[name].max(initial=0))
        if connection.rule is not None and connection.rule.learning:
            modulate[name], update[name] = _update_offsets(model, connection, connection.rule, emit)
            lag[name] = update[name] - (arrive[connection.post] - 1)
            longest = max(longest, int((delay[name] + update[name] - emit[connection.pre] - 1).max(initial=0)))
        if longest > max_delay:
            findings.append(
                Finding(
                    "max-delay",
                    f"connections.{name}.delay",
                    longest,
                    max_delay,
                    "error",
                    "Lower the delay: the messages that wait for slower ones add to it.",
                )
            )
    return Schedule(arrive, emit, delay, message_delay, modulate, update, lag), findings


def modulator_ready(model: Model, modulator: Modulator, emit: Mapping[str, int]) -> int:
    """When the value of a modulator leaves its last compartment.

    0 for host inputs, two steps behind its source for computed ones.
    """
    return 0 if modulator.type in ("input", "reward") else emit[modulator.source] + 2


def context_ready(model: Model, emit: Mapping[str, int]) -> int:
    """When the terms of the global context leave.

    The host's input itself, or one step behind the population they are of.
    """
    attention = model.global_attention
    if attention is None:
        return 0
    return 0 if attention.from_input else emit[attention.context] + 1


def modulation_offset(model: Model, rule: Rule, emit: Mapping[str, int]) -> int:
    """When the third factor of a rule is computed: as soon as all that it is made of has arrived."""
    ready = [modulator_ready(model, model.modulators[name], emit) for name in rule.modulators]
    if ready and model.global_attention is not None:
        ready.append(context_ready(model, emit))
    return max(ready, default=0) + 1


def _update_offsets(model: Model, connection: Connection, rule: Rule, emit: Mapping[str, int]) -> tuple[int, int]:
    """When the third factor is computed and when the weights change."""
    modulate, z = modulation_offset(model, rule, emit), emit[connection.post]
    attended = z + 1 + ATTENTION_STEPS if rule.attention is not None else z + 1
    # The score's delay line is as long as the way to the normaliser and back, so attention sets the earliest step.
    return modulate, max(attended, modulate + 1, z + 1)


def longest_paths(
    model: Model, hops: Mapping[str, int], frame: int = 1, aligned: Set[str] = frozenset(), first: int = 1
) -> tuple[dict[str, int], dict[str, int]]:
    """When each population's input arrives and its z leaves: longest paths through the connections.

    ``hops``: steps of a connection from one neuron's message to the next neuron's accumulator. The input of ``aligned``
    populations arrives in the second step of a ``frame``, which is a step of the model, and not before ``first``. If
    some loop is shorter than its messages, connections that go back in order push nothing.

    A message of the host takes a step, so that most populations begin in step 1. Where delays allow it, one whose
    synapses are all static begins in step 0, as Lava's do.
    """
    connections = list(model.connections.values())
    position = {name: place for place, name in enumerate(model.order)}
    found = _settled(model, connections, hops, frame, aligned, first)
    if found is None:
        forward = [c for c in connections if position[c.pre] < position[c.post]]
        found = _settled(model, forward, hops, frame, aligned, first)
    if found is None:
        raise ValueError("connections that go forward in order have no loop")
    return found


def _settled(
    model: Model, connections: list[Connection], hops: Mapping[str, int], frame: int, aligned: Set[str], first: int
) -> tuple[dict[str, int], dict[str, int]] | None:
    """Arrival and emission offsets with arrive[post] >= emit[pre] + hop - shortest delay.

    None if a loop admits none.
    """
    wait = {name: COMPETITION_STEPS if p.competition != "none" else 0 for name, p in model.populations.items()}
    inputs = {name for name, p in model.populations.items() if p.type == "input"}
    plastic = {c.post for c in model.connections.values() if c.rule is not None}
    early = inputs if frame > 1 else set(model.populations) - plastic
    arrive = {name: first if name in aligned else 0 if name in early else 1 for name in model.populations}
    for _ in range(len(arrive) + 1):
        settled = True
        for c in connections:
            shortest = int(compact(c.delay).min()) if c.n_syn else 0
            earliest = arrive[c.pre] + wait[c.pre] + hops[c.name] - frame * shortest
            if earliest > arrive[c.post]:
                grid = frame if c.post in aligned else 1
                arrive[c.post], settled = 1 - (1 - earliest) // grid * grid, False
        if settled:
            return arrive, {name: arrive[name] + wait[name] for name in arrive}
    return None
