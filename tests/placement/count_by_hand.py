"""A count of what each core of a placement takes, synapse by synapse, for small networks."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from hmn_lava.hardware_profiles import Profile
from hmn_lava.network import IntegerNetwork, Link
from hmn_lava.placement import Placement


def messages(network: IntegerNetwork, link: Link) -> list[tuple[int, int, int]]:
    """(compartment that sends, list of synapses that its messages go through, compartment that hears).

    Senders that do the same to the same compartment share a list.
    """
    source, target = network.groups.get(link.source[0]), network.groups.get(link.target[0])
    learning = network.learning.get(link.target[0])
    topology = link.topology if learning is None else learning.topology
    size = network.inputs[link.source[0]].size if source is None else source.size
    if link.kind == "matrix" or learning is not None:
        return [(c, c, r) for r, c in zip(topology.row.tolist(), topology.col.tolist(), strict=True)]
    if link.kind == "pre":
        return [(c, c, e) for e, c in enumerate(target.topology.col.tolist())]
    if link.kind == "post":
        return [(r, r, e) for e, r in enumerate(target.topology.row.tolist())]
    if link.kind == "all":
        return [(0, 0, e) for e in range(target.size)]
    if link.kind == "total":
        return [(s, 0, 0) for s in range(size)]
    if link.kind == "rows":
        return [(e, r, r) for e, r in enumerate(source.topology.row.tolist())]
    return [(e, e, e) for e in range(size)]


def entry_bits(network: IntegerNetwork, link: Link, profile: Profile) -> tuple[int, int]:
    """(bits of an entry, axon slots)."""

    def smallest(choices: Any, needed: int) -> int:
        return min(bits for bits in choices if bits >= needed)

    learning = network.learning.get(link.target[0])
    group = network.groups[link.target[0] if learning is None else learning.neuron]
    topology = link.topology if learning is None else learning.topology
    delay = len(f"{max(link.delay.tolist()):b}") if max(link.delay.tolist()) else 0
    indexed = link.kind == "pre" or (topology is not None and topology.columns is not None)
    names = min(group.size, profile.core.compartments.value)
    index = smallest(profile.synapses.index_bits.value, len(f"{names - 1:b}") if names > 1 else 0) if indexed else 0
    if learning is not None:
        moved = {"dt": 9, "dd": 8}
        tags = sum(moved.get(rule.target, 0) for rule in learning.rule.rules)
        return profile.lif.weight_bits.value + tags + index + delay, profile.synapses.learning_axon_slots.value
    weights = [1] if link.weights is None else link.weights.tolist()
    needed = max(len(f"{abs(w):b}") for w in weights) + (min(weights) < 0)
    return smallest(profile.synapses.weight_bits.value, needed) + index + delay, 1


def count(network: IntegerNetwork, placement: Placement, profile: Profile) -> dict[str, dict[int, int]]:
    """Resource, core, used."""
    home = {}
    for part in placement.slices:
        for n in range(part.first, part.last):
            home[part.group, n] = part.core
    found: dict[str, Counter[int]] = defaultdict(Counter)
    programs: dict[int, dict[Any, int]] = defaultdict(dict)
    for (name, _), core in home.items():
        group = network.groups[name]
        found["compartments"][core] += 1
        found["state_memory"][core] += 24 * len(group.program.states)
        code = tuple(map(str, (group.program.states, group.program.inputs, group.program.instructions)))
        programs[core][code] = len(group.program.instructions)
    shared = set()
    for link in network.links:
        if link.kind == "plastic":
            continue
        learning = network.learning.get(link.target[0])
        target = link.target[0] if learning is None else learning.neuron
        bits, slots = entry_bits(network, link, profile)
        heard = set()
        runs: dict[tuple[int, int], set[int]] = defaultdict(set)
        for sender, synapses, hears in messages(network, link):
            core = home[target, hears]
            runs[core, synapses].add(hears)
            heard.add((sender, core))
        charged = link.target[0] not in shared
        if learning is not None:
            shared.add(link.target[0])
        for (core, _), entries in runs.items():
            if charged:
                found["input_axons"][core] += slots
                header, word = profile.synapses.header_bits.value, profile.synapses.word_bits.value
                found["synaptic_memory"][core] += -(-(header + len(entries) * bits) // word) * word
        if link.source[0] in network.groups:
            for sender, _ in heard:
                found["output_axons"][home[link.source[0], sender]] += 1
    found["program_memory"] = Counter({core: sum(codes.values()) for core, codes in programs.items()})
    found["compartment_configurations"] = Counter({core: len(codes) for core, codes in programs.items()})
    return {name: dict(used) for name, used in found.items()}


def hops(network: IntegerNetwork, placement: Placement, profile: Profile) -> int:
    """Hops of all kinds if every compartment sends one message through each of its outputs, walked tile by tile."""
    chip, system = profile.chip, profile.system
    home = {(p.group, n): p.core for p in placement.slices for n in range(p.first, p.last)}

    def tile(core: int) -> tuple[int, int]:
        number, on_chip = divmod(core, chip.cores_per_chip.value)
        seat = on_chip // chip.cores_per_tile.value
        return (
            number % system.chip_columns.value * chip.tile_columns.value + seat % chip.tile_columns.value,
            number // system.chip_columns.value * chip.tile_rows.value + seat // chip.tile_columns.value,
        )

    total = 0
    for link in network.links:
        if link.kind == "plastic" or link.source[0] not in network.groups:
            continue
        learning = network.learning.get(link.target[0])
        target = link.target[0] if learning is None else learning.neuron
        for sender, core in {(s, home[target, hears]) for s, _, hears in messages(network, link)}:
            (x, y), goal = tile(home[link.source[0], sender]), tile(core)
            while (x, y) != goal:
                step = (goal[0] > x) - (goal[0] < x)
                x, y = (x + step, y) if step else (x, y + (goal[1] > y) - (goal[1] < y))
                total += 1
    return total
