"""Networks for placement, made of the records of ``hmn_lava.network`` themselves; and profiles with other limits."""

from __future__ import annotations

from typing import Any

import numpy as np

from hmn_lava.fixed import Fixed
from hmn_lava.hardware_profiles import Profile, load_profile
from hmn_lava.microcode.builder import Builder
from hmn_lava.microcode.ir import Program
from hmn_lava.microcode.ranges import WORD_RANGE
from hmn_lava.network import Constant, Group, Input, IntegerNetwork, LearningSynapses, Link
from hmn_lava.topology import Topology, alike

WORD = Fixed(24)


def program(name: str, states: int = 1, instructions: int = 4) -> Program:
    """Adds what arrives to a state and emits it, in ``instructions`` of which the first two do the work."""
    b = Builder(name)
    value = b.input("a", WORD, WORD_RANGE)
    for number in range(states):
        b.store(b.state(f"v{number}", WORD, WORD_RANGE), value)
    b.emit("z", value)
    while len(b.build().instructions) < instructions:
        value = b.raw("and", value, 255)
    return b.build()


def group(name: str, size: int, topology: Topology | None = None, **options: Any) -> Group:
    code = program(name, **options)
    return Group(name, code, size, {}, {v.name: np.zeros(1, np.int8) for v in code.states}, topology)


def matrix(source: str, target: str, topology: Topology, weight: Any = 100, delay: int = 0, shift: int = 0) -> Link:
    weights = alike(np.int8(weight), topology.size) if np.isscalar(weight) else weight
    output = "x" if source == "in" else "z"
    return Link((source, output), (target, "a"), "matrix", np.full(1, delay), topology, weights, shift)


def network(*parts: Group | Link | LearningSynapses, inputs: int = 0) -> IntegerNetwork:
    """The parts, in order, and a host input ``in`` if it has a size."""
    groups = {part.name: part for part in parts if isinstance(part, Group)}
    links = tuple(part for part in parts if isinstance(part, Link))
    learning = {part.name: part for part in parts if isinstance(part, LearningSynapses)}
    hosts = {"in": Input("in", inputs, Fixed(8), 0, 1)} if inputs else {}
    return IntegerNetwork("n", hosts, groups, links, {}, (), {}, {}, learning)


def sparse(rng: np.random.Generator, n_post: int, n_pre: int, each: int) -> Topology:
    """``each`` random synapses onto every neuron, less those drawn twice."""
    pairs = np.unique(np.repeat(np.arange(n_post), each) * n_pre + rng.integers(0, n_pre, n_post * each))
    row, col = np.divmod(pairs, n_pre)
    return Topology.of(n_post, n_pre, row, col)


def with_limits(profile: Profile | None = None, **limits: Any) -> Profile:
    """The profile with other values, by ``section__field``; ``core`` is the section of a name without one."""
    found = load_profile("loihi2") if profile is None else profile
    for name, value in limits.items():
        section, _, field = name.rpartition("__")
        record = getattr(found, section or "core")
        entry = getattr(record, field).model_copy(update={"value": value})
        found = found.model_copy(update={section or "core": record.model_copy(update={field: entry})})
    return found


__all__ = ["Constant", "Topology", "group", "matrix", "network", "program", "sparse", "with_limits"]
