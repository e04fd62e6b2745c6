"""Which part of the model, and of the HMN rule, a group or an instruction serves.

A component is an object of the spec. A term is one of :data:`TERMS`. The compiler names groups ``<component>.<part>``;
the instructions of a program are parted by the notes that its author left in the listing.
"""

from __future__ import annotations

import re
from collections import defaultdict

from hmn_lava.bundle import Bundle
from hmn_lava.microcode.ir import Program
from hmn_lava.network import Link

TERMS = (
    "trace", "tag", "weight", "gate", "modulator", "attention", "neuron", "transport", "embedded", "static",
)  # fmt: skip
"""``trace``: eligibility traces in microcode, pre- and postsynaptic traces of the learning engine. ``tag``: products
and writes of the engine's tags. ``weight``: what changes weights. ``gate``: phase and probabilistic gates.
``modulator``: third factors. ``attention``: local and global. ``neuron``: compartments of neurons. ``transport``:
messages, and the synapses that they pass. ``embedded``: embedded processors. ``static``: what flows anyway."""

LEARNING = ("trace", "tag", "weight", "gate", "modulator", "attention")
"""The terms of the learning rule."""

_PARTS = {
    "synapse": "weight", "competition": "neuron", "oscillator": "gate", "modulation": "modulator",
    "modulator": "modulator", "context": "attention", "attention": "attention", "payload": "attention",
}  # fmt: skip

_NOTES: tuple[tuple[str, str], ...] = (
    (r"coincidence x z", "trace"),
    (r"\w+: (replacing|accumulating) trace", "trace"),
    (r"message", "transport"),
    (r"dw\* = third factor times eligibility", "weight"),
    (r"w = clip\(w \+ dw\)", "weight"),
    (r"attention score.*", "attention"),
    (r"scale the vector up.*", "attention"),
    (r"global context", "attention"),
    (r"agreement of .*", "attention"),
    (r"softmax.*", "attention"),
    (r"phase gate.*", "gate"),
    (r"probabilistic gate.*", "gate"),
    (r"random draw gate.*", "gate"),
    (r"random draw level_y\d", "weight"),
    (r"random draw level_.*", "modulator"),
    (r"random draw (noise_draw|sample_draw)", "neuron"),
    (r"third factor( of .*)?", "modulator"),
    (r".*: reward minus its running mean", "modulator"),
    (r"y0: the back-propagated spike", "tag"),
    (r"y1: the activity", "tag"),
    (r"y\d: U of a hebbian connection", "weight"),
    (r"step \d+ of \d+", ""),
    (r"wait until the first input can arrive", "neuron"),
    (r"the key goes to the competition.*", "neuron"),
    (r"sigmoid|current|voltage", "neuron"),
)
"""A note, and the term of the instructions from it to the next; "" is the term of the group."""


class Terms:
    """Components and terms of one bundle's network."""

    def __init__(self, bundle: Bundle) -> None:
        network, model = bundle.network, bundle.model
        self.populations = set(model.populations)
        self.modulators = set(model.modulators)
        self.network = network
        self._links: dict[int, str] = {}
        waiting: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
        for c in model.connections.values():
            if f"{c.name}.synapse" not in network.groups and f"{c.name}.synapse" not in network.learning:
                waiting[c.pre, c.post].append((c.name, c.n_syn))
        for number, link in enumerate(network.links):
            ends = (link.source[0], link.target[0])
            static = link.kind == "matrix" and waiting.get(ends)
            if not static or link.topology is None:
                self._links[number] = self._between(link)
                continue
            # A connection whose weights have several scales has a link for each.
            name, left = waiting[ends].pop(0)
            self._links[number] = name
            if left > link.topology.size:
                waiting[ends].insert(0, (name, left - link.topology.size))

    def component(self, name: str) -> str:
        """The object of the spec that a group, learning synapses or a host input belongs to."""
        return name if name in self.populations or "." not in name else name.rpartition(".")[0]

    def part(self, name: str) -> str:
        """The term of a group as a whole."""
        if name in self.populations or "." not in name:
            return "neuron"
        owner, _, part = name.rpartition(".")
        if part == "terms":  # of a modulator that is computed, or of a context
            return "modulator" if owner in self.modulators else "attention"
        return _PARTS.get(part, "neuron")

    def instructions(self, name: str, program: Program) -> list[str]:
        """The term of each instruction of a group's program."""
        of_group = term = self.part(name)
        found = []
        for instruction in program.instructions:
            if instruction.comment:
                term = next((t for pattern, t in _NOTES if re.fullmatch(pattern, instruction.comment)), "") or of_group
            found.append(term)
        return found

    def link(self, number: int) -> str:
        """The component that a link's synapses belong to: a connection, or whose messages they are."""
        return self._links[number]

    def purpose(self, term: str) -> str:
        """``learning`` for the terms of the learning rule, else ``inference``."""
        return "learning" if term in LEARNING else "inference"

    def spikes(self, link: Link) -> str:
        """``inference`` for a link that moves activity from population to population, else ``learning``."""
        target, port = link.target
        part = target.rpartition(".")[2]
        activity = port in ("a", "beaten") if target in self.populations else port == "x" and part == "synapse"
        scores = link.source[0].endswith(".payload")
        return "inference" if (activity and not scores) or part == "competition" else "learning"

    def sends(self, output: tuple[str, str]) -> str:
        """``inference`` for an output that any link of that purpose begins at, else ``learning``."""
        found = {self.spikes(link) for link in self.network.links if link.source == output}
        return "inference" if "inference" in found else "learning"

    def _between(self, link: Link) -> str:
        ends = [name for name in (link.target[0], link.source[0]) if name not in self.populations]
        return self.component(ends[0]) if ends else link.source[0]
