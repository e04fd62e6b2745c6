"""What the compartments of each group need of a core."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from hmn_lava.compiler.placement.links import routes
from hmn_lava.compiler.placement.routes import Route
from hmn_lava.fixed import Integers
from hmn_lava.hardware_profiles import Profile
from hmn_lava.learning.rule import LearningRule
from hmn_lava.microcode.text import to_text
from hmn_lava.network import Group, IntegerNetwork
from hmn_lava.placement import RESOURCES

ADDED, SHARED = RESOURCES[:5], RESOURCES[5:]
"""Resources of which slices on one core take the sum, and those of which equal settings take their room once."""

UNLIMITED = 1 << 62

Settings = Mapping[str, Mapping[int, int]]
"""For each resource of ``SHARED``: the settings that a group needs, numbered, and the room that each takes."""


@dataclass(frozen=True, eq=False)
class Demand:
    """What a group needs.

    ``routes`` are those onto it that take anything, ``outputs`` the output axons of a compartment: one number for all,
    or one for each. ``longest`` is the longest slice whose compartments an index can name: ``size`` where none is used.
    """

    group: str
    size: int
    routes: tuple[Route, ...]
    outputs: Integers
    state_bits: int
    longest: int
    settings: Settings

    def growing(self, first: int, last: int) -> Integers:
        """(resources of ``ADDED``, last - first): what the slices [first, first + 1), ..., [first, last) take."""
        length = np.arange(1, last - first + 1)
        axons, bits = np.zeros((2, length.size), np.int64)
        for route in self.routes:
            heard, words = route.onto(first, last)
            axons += route.slots * heard
            bits += route.format.word_bits * words
        alike = self.outputs.size == 1
        outputs = length * self.outputs[0] if alike else np.cumsum(self.outputs[first:last])
        return np.stack([length, bits, axons, outputs, length * self.state_bits])

    def sent(self, first: int, last: int) -> int:
        """The output axons of the slice."""
        alike = self.outputs.size == 1
        return int((last - first) * self.outputs[0]) if alike else int(self.outputs[first:last].sum())

    def of(self, first: int, last: int) -> Integers:
        """(resources of ``ADDED``,): what the slice takes."""
        return self.growing(first, last)[:, -1]

    def alone(self) -> Integers:
        """(resources of ``ADDED``, size or 1): what each compartment takes if it is alone on its core."""
        axons = bits = np.zeros(1, np.int64)
        for route in self.routes:
            runs = route.runs()
            axons = axons + route.slots * runs
            bits = bits + route.format.word_bits * int(route.format.words(1)) * runs
        parts = (np.ones(1, np.int64), bits, axons, self.outputs, np.full(1, self.state_bits))
        return np.stack(np.broadcast_arrays(*parts))

    def reach(self, first: int, end: int, room: Integers, guess: int) -> tuple[int, Integers]:
        """The largest ``last`` up to ``end`` such that the slice [first, last) fits in ``room``, and what it takes.

        ``guess`` is a likely length; the first compartment must fit.
        """
        most = min(end - first, self.longest, int(room[0]))
        length = min(most, max(1, guess))
        while True:
            taken = self.growing(first, first + length)
            fits = (taken <= room[:, None]).all(axis=0)
            if length == most or not fits[-1]:
                count = int(np.count_nonzero(fits))
                return first + count, taken[:, count - 1].copy()  # not the whole table
            length = min(most, 2 * length)


def demands(network: IntegerNetwork, profile: Profile) -> tuple[dict[str, Demand], tuple[Route, ...]]:
    """The demand of each group, with the fewest output axons that it can need, and all routes.

    The fewest: one for each route out of a compartment that anybody hears, as if each target were in one slice.
    """
    every = tuple(routes(network, profile))
    onto: dict[str, list[Route]] = defaultdict(list)
    out: dict[str, Integers] = defaultdict(lambda: np.zeros(1, np.int64))
    for route in every:
        if route.slots:
            onto[route.target].append(route)
        if route.source is not None:
            out[route.source] = out[route.source] + route.heard()
    found = {}
    numbers: dict[Any, int] = {}
    for group in network.groups.values():
        indexed = any(route.indexed for route in onto[group.name])
        longest = min(group.size, 1 << profile.synapses.index_bits.value[-1]) if indexed else group.size
        found[group.name] = Demand(
            group.name,
            group.size,
            tuple(onto[group.name]),
            _alike(out[group.name]),
            _state_bits(group, profile),
            longest,
            {
                name: {numbers.setdefault(key, len(numbers)): room for key, room in settings.items()}
                for name, settings in _settings(network, group, onto[group.name]).items()
            },
        )
    return found, every


def _alike(counts: Integers) -> Integers:
    """(1,) where all are equal."""
    return counts[:1] if (counts == counts[:1]).all() else counts


def room(limit: Mapping[str, int]) -> Integers:
    """(resources of ``ADDED``,): what a core has of each."""
    return np.array([limit.get(name, UNLIMITED) for name in ADDED], np.int64)


def together(settings: Iterable[Settings]) -> dict[str, int]:
    """What several groups take of the resources of ``SHARED`` on one core."""
    several = [*settings]
    return {name: sum({key: n for s in several for key, n in s[name].items()}.values()) for name in SHARED}


def _state_bits(group: Group, profile: Profile) -> int:
    """State words of a compartment: its states, and the constants that are not the same for all compartments."""
    word = profile.lif.u_bits.value if profile.microcode is None else profile.microcode.word_bits.value
    own = sum(constant.along != "all" for constant in group.constants.values())
    return word * (len(group.program.states) + own)


def _settings(network: IntegerNetwork, group: Group, onto: list[Route]) -> dict[str, dict[Any, int]]:
    """What of a group's settings a core has to hold, each by what makes it equal to another."""
    program = to_text(replace(group.program, name="", comment=""))
    common = {n: c.values.tobytes() for n, c in group.constants.items() if c.along == "all"}
    rules = [s.rule for s in network.learning.values() if s.neuron == group.name]
    return {
        "program_memory": {("program", program): len(group.program.instructions)},
        "compartment_configurations": {("configuration", program, *sorted(common.items())): 1},
        "threshold_configurations": {("threshold", common["vth"]): 1} if "vth" in common else {},
        "synapse_configurations": {("synapse", route.format, route.slots): 1 for route in onto},
        "learning_configurations": {_rule(rule): 1 for rule in rules},
    }


def _rule(rule: LearningRule) -> tuple[Any, ...]:
    return tuple(getattr(rule, f.name) for f in fields(rule) if f.init)
