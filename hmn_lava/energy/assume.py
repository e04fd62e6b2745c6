"""What a network would do without a run: everything at once (the worst case), or at rates that a user gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.energy.activity import Activity, Likely, both, either
from hmn_lava.energy.learning import period
from hmn_lava.energy.observe import plastic
from hmn_lava.energy.path import alive, clock, regions, skips
from hmn_lava.errors import InputError
from hmn_lava.network import Group, IntegerNetwork

Rates = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Assumed:
    """``before``: the way into a regular state; ``activity``: steps of the model that then repeat themselves."""

    before: Activity
    activity: Activity
    steps: int


def worst(network: IntegerNetwork) -> Assumed:
    """Every message that a program can send in a step is sent and not zero, every weight changes in every step."""
    return _assumed(network, {}, all_at_once=True)


def expected(network: IntegerNetwork, rates: Rates) -> Assumed:
    """Messages of populations at ``rates``: the probability that a neuron's is not zero in a step of the model.

    One number for a population, or one for each of its neurons; events are independent. Synapses in microcode send
    where their presynaptic neuron does; all other messages (third factors, contexts, scores) are sent in every step.
    Raises InputError for a population without a rate, an unknown name, and a rate that is no probability.
    """
    return _assumed(network, _checked(network, rates), all_at_once=False)


def populations(network: IntegerNetwork) -> dict[str, int]:
    """Sizes of the host inputs and of the groups that have an output z: the populations."""
    sizes = {source.name: source.size for source in network.inputs.values()}
    return sizes | {g.name: g.size for g in network.groups.values() if _is_neuron(g)}


def _is_neuron(group: Group) -> bool:
    return "." not in group.name and any(output.name == "z" for output in group.program.outputs)


def _checked(network: IntegerNetwork, rates: Rates) -> dict[str, NDArray[np.float64]]:
    sizes = populations(network)
    for name in sizes.keys() ^ rates.keys():
        problem = "needs a rate" if name in sizes else "no such population"
        raise InputError(problem, field="rates", value=name, remedy=f"give one for each of: {', '.join(sizes)}")
    found = {}
    for name, size in sizes.items():
        given = _numbers(rates[name])
        if given.shape not in ((1,), (size,)) or not bool(((given >= 0) & (given <= 1)).all()):
            remedy = f"one probability from 0 to 1, or {size} of them"
            raise InputError("not a rate", field=f"rates.{name}", value=rates[name], remedy=remedy)
        found[name] = np.broadcast_to(given, (size,))
    return found


def _numbers(value: Any) -> NDArray[np.float64]:
    """``value`` as numbers; none where it is text, a switch or anything else, for which numpy would find a number."""
    try:
        given = np.atleast_1d(np.asarray(value))
    except ValueError:  # rows of different lengths
        return np.zeros(0)
    return given.astype(np.float64) if given.dtype.kind in "iuf" else np.zeros(0)


def _assumed(network: IntegerNetwork, rates: dict[str, NDArray[np.float64]], all_at_once: bool) -> Assumed:
    steps = period(network)
    # Messages of longest delay, and an epoch that began before, must have come to an end.
    lead = steps * (1 + network.depth // (steps * network.frame))
    made = [_activity(network, rates, all_at_once, *part) for part in ((0, lead), (lead, steps))]
    return Assumed(made[0], made[1], steps)


def _activity(
    network: IntegerNetwork, rates: dict[str, NDArray[np.float64]], all_at_once: bool, first: int, count: int
) -> Activity:
    """``count`` steps of the model from ``first`` on."""
    frame, start, steps = network.frame, first * network.frame, count * network.frame

    def rate(name: str, size: int) -> Likely:
        return np.broadcast_to(rates.get(name, np.ones(size, bool)), (size,))

    messages: dict[tuple[str, str], Likely] = {}
    for source in network.inputs.values():
        driven = (np.arange(start, start + steps) % frame == 0)[:, None]
        able = rate(source.name, source.size) * np.asarray(source.low != 0 or source.high != 0)
        messages[source.name, "x"] = both(driven, able)
    skipped: dict[tuple[str, int], Likely] = {}
    emitted: dict[tuple[str, str], Likely] = {}
    known = Activity(start, steps, messages, skipped)
    for group in network.groups.values():
        clocked = clock(group.program, start, steps)
        for n in skips(group.program):  # of what depends on data, the longer path
            skipped[group.name, n] = clocked.get(n, np.zeros((1, 1), bool))
        own = _rate_of(network, group, rates)
        for output in group.program.outputs:
            able, always = _able(group, output.name, known), np.ones(group.size, bool)
            if group.topology is None:
                sends = both(able, always if output.name == "key" else rate(own, group.size))
                messages[group.name, output.name] = np.broadcast_to(sends, (steps, group.size))
                continue
            sends = both(able, rates[own][group.topology.col] if own and output.name == "a" else always)
            emitted[group.name, output.name] = np.broadcast_to(sends, (steps, group.size))
            messages[group.name, output.name] = np.broadcast_to(able, (steps, group.width))
    changed: dict[str, NDArray[Any]] = {}
    if all_at_once:
        for name in plastic(network):
            size = network.learning[name].size if name in network.learning else network.groups[name].size
            changed[name] = np.full(count, size, np.int64)
    return Activity(start, steps, messages, skipped, emitted, changed)


def _able(group: Group, output: str, known: Activity) -> Likely:
    """Where a program can reach an emission, (steps, 1)."""
    found: Likely = np.zeros((known.steps, 1), bool)
    around = regions(group.program)
    for n, i in enumerate(group.program.instructions):
        if i.op == "emit" and i.operands[0] == output:
            found = either(found, alive(group, around[n], known))
    return found


def _rate_of(network: IntegerNetwork, group: Group, rates: Mapping[str, Any]) -> str:
    """The population by whose rate a group sends: its own, or the presynaptic one of synapses; "" for none."""
    if group.name in rates:
        return group.name
    if group.topology is None:
        return ""
    sources = (link.source[0] for link in network.links_to(group.name) if link.target[1] == "x")
    return next((name for name in sources if name in rates), "")
