"""An integer network cut into parts that exchange messages alone: what becomes a Lava Process, and the wires between.

Each group of compartments is a part, and so are the static synapses of each link of kind ``matrix``, and the synapses
of the learning engine. A part is a small integer network of its own, whose host inputs are its ports.

What a step takes
-----------------
A message that is sent in a step of the chip is read a step later. Connections (static synapses, synapses of the
learning engine) keep that step themselves, as Lava's Dense does: what they send is read in the same step (``early``).
All other ports keep it at the receiver. Synapses of the learning engine keep the current, not the payloads: they send
the current of the last step before they receive anything, and learn from what was sent in this one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from hmn_lava.fixed import Fixed
from hmn_lava.learning.records import Y_TRACES
from hmn_lava.microcode.ir import WORD
from hmn_lava.network import Group, Input, IntegerNetwork, LearningSynapses, Link

Component = Literal[
    "neuron",
    "competition",
    "synapse",
    "oscillator",
    "modulation",
    "modulator",
    "terms",
    "context",
    "attention",
    "gate",
    "spsa",
    "trace",
    "phase_gate",
    "payload",
    "static",
    "learning",
]
"""What a part is: a neuron or a part of its plasticity, named as the compiler's groups are, or synapses."""

SUPPLIED = {"y0": "s_out_bap", **{y: f"s_out_{y}" for y in Y_TRACES}}
"""What a neuron supplies to the learning engine, and the ports that Lava's learning neurons have for it."""

PORTS: Mapping[str, Mapping[str, str]] = {
    "neuron": {"z": "s_out", "y0": "s_out_bap", "third_0": "a_third_factor_in"},
    "synapse": {"x": "s_in", "x_learn": "s_in", "x_attention": "s_in"},
}
"""Ports that are called after Lava's, by component; others after their variable, as ``gate_in`` and ``third_out``."""


@dataclass(frozen=True)
class InPort:
    """A port of ``size`` integers.

    ``early``: what is sent in a step is read in that step, before the part itself sends. The other ports receive after
    the part has sent; what they bring is read in the next step, by learning synapses still in this one. ``binary``:
    whatever is not 0 is read as 1.
    """

    name: str
    size: int
    early: bool = False
    binary: bool = False


@dataclass(frozen=True)
class OutPort:
    """A port that sends what ``source`` (owner, variable) emits: an output, a supplied state, or a synaptic current."""

    name: str
    size: int
    source: tuple[str, str]


@dataclass(frozen=True, eq=False)
class Part:
    """One part. ``network`` holds it alone, with an input for each port that brings messages.

    It may have several groups, with links between them; the one that is called as the part owns the observables.

    ``sources`` tells, for each port that keeps messages, whose they are in the whole network. ``depth`` is the number
    of slots of a ring buffer, that of the whole network. The ports ``supplied`` of learning synapses bring what the
    neuron supplies in the same step.
    """

    name: str
    component: Component
    network: IntegerNetwork
    inputs: tuple[InPort, ...]
    outputs: tuple[OutPort, ...]
    sources: Mapping[str, tuple[str, str]]
    depth: int
    supplied: tuple[InPort, ...] = ()

    @property
    def group(self) -> Group | None:
        """The compartments of the part; None for synapses that are none."""
        return self.network.groups.get(self.name)

    @property
    def learning(self) -> LearningSynapses | None:
        return next(iter(self.network.learning.values()), None)


@dataclass(frozen=True)
class Wire:
    """A connection of an out-port to an in-port, each (part or host input, port)."""

    source: tuple[str, str]
    target: tuple[str, str]


@dataclass(frozen=True, eq=False)
class Partition:
    """All parts of a network by name, and the wires; host inputs send from their port ``s_out``."""

    parts: Mapping[str, Part]
    wires: tuple[Wire, ...]


def partition(network: IntegerNetwork) -> Partition:
    """Cut ``network`` into its parts.

    Run step by step, with messages passed along the wires, they compute what the whole computes, integer by integer
    (:class:`hmn_lava.simulator.part.PartExecutor`).
    """
    cut = _Cut(network)
    for group in network.groups.values():
        cut.compartments(group)
    for synapses in network.learning.values():
        cut.learning(synapses)
    return Partition(cut.parts, tuple(cut.wires))


def component_of(group: Group) -> Component:
    """What a group is: the last part of its name, as the compiler gives it; a population itself is a neuron."""
    name = group.name.rpartition(".")[2] if "." in group.name else "neuron"
    return name  # type: ignore[return-value]


class _Cut:
    def __init__(self, network: IntegerNetwork) -> None:
        self.network = network
        self.parts: dict[str, Part] = {}
        self.wires: list[Wire] = []

    def compartments(self, group: Group) -> None:
        component = component_of(group)
        names = PORTS.get(component, {})
        ports = _Ports(self.network)
        links: list[Link] = []
        for link in self.network.links_to(group.name):
            name = names.get(link.target[1], f"{link.target[1]}_in")
            if link.kind in ("matrix", "plastic"):
                source = self._static(link) if link.kind == "matrix" else (link.source[0], "a_out")
                if any(known.source[0] == name and known.target != link.target for known in links):
                    name = f"{link.target[1]}_in"  # what is early has a port for each variable
                port = ports.early(name, group.size)
                if not any(known.source == (port, "x") for known in links):  # the port adds up what comes
                    links.append(Link((port, "x"), link.target, "same"))
            else:
                source = self._sender(link.source)
                port = ports.keeping(name, link.source)
                kind = "same" if link.kind == "rows" else link.kind  # rows are summed where they are sent
                links.append(replace(link, source=(port, "x"), kind=kind))
            wire = Wire(source, (group.name, port))
            if wire not in self.wires:
                self.wires.append(wire)
        outputs = [
            OutPort(names.get(v.name, f"{v.name}_out"), group.width, (group.name, v.name))
            for v in group.program.outputs
        ]
        if any(synapses.neuron == group.name for synapses in self.network.learning.values()):
            states = {v.name for v in group.program.states}
            outputs += [OutPort(SUPPLIED[y], group.size, (group.name, y)) for y in Y_TRACES if y in states]
        part = self._network(group.name, ports, links, groups={group.name: group})
        self._add(group.name, component, part, ports, outputs)

    def learning(self, synapses: LearningSynapses) -> None:
        ports, topology = _Ports(self.network), synapses.topology
        links = []
        for link in self.network.links_to(synapses.name):
            port = ports.keeping("s_in", link.source)
            links.append(replace(link, source=(port, "x")))
            wire = Wire(self._sender(link.source), (synapses.name, port))
            if wire not in self.wires:
                self.wires.append(wire)
        currents = [link for link in self.network.links if link.source == (synapses.name, "weights")]
        outputs = [OutPort("a_out", topology.n_post, (synapses.name, "weights")) for _ in currents]
        program = self.network.groups[synapses.neuron].program
        senders = {y: (synapses.neuron, SUPPLIED[y]) for y in Y_TRACES if y in {v.name for v in program.states}}
        if "y0" in {v.name for v in program.outputs}:
            senders["y0"] = self._sender((synapses.neuron, "y0"))
        supplied = []
        for variable, sender in SUPPLIED.items():
            if variable in senders:
                port = sender.replace("_out_", "_in_")
                supplied.append(InPort(port, topology.n_post))
                self.wires.append(Wire(senders[variable], (synapses.name, port)))
        part = self._network(synapses.name, ports, [*links, *currents], learning={synapses.name: synapses})
        self._add(synapses.name, "learning", part, ports, outputs, tuple(supplied))

    def _static(self, link: Link) -> tuple[str, str]:
        """The part of a link's static synapses, and its port."""
        if link.topology is None:
            raise ValueError(f"static synapses have a topology: {link.source} to {link.target}")
        stem = f"{link.source[0]}.to.{link.target[0]}"
        name, count = stem, 1
        while name in self.parts:
            name, count = f"{stem}.{count}", count + 1
        ports = _Ports(self.network)
        port = ports.keeping("s_in", link.source)
        self.wires.append(Wire(self._sender(link.source), (name, port)))
        part = self._network(name, ports, [replace(link, source=(port, "x"))])
        self._add(name, "static", part, ports, [OutPort("a_out", link.topology.n_post, link.source)])
        return name, "a_out"

    def _add(
        self,
        name: str,
        component: Component,
        part: IntegerNetwork,
        ports: _Ports,
        outputs: list[OutPort],
        supplied: tuple[InPort, ...] = (),
    ) -> None:
        depth = self.network.depth + 1
        self.parts[name] = Part(name, component, part, tuple(ports), tuple(outputs), ports.sources, depth, supplied)

    def _network(
        self,
        name: str,
        ports: _Ports,
        links: list[Link],
        groups: Mapping[str, Group] | None = None,
        learning: Mapping[str, LearningSynapses] | None = None,
    ) -> IntegerNetwork:
        word = Fixed(WORD)
        inputs = {p.name: Input(p.name, p.size, word, word.min, word.max) for p in ports}
        signals = {n: s for n, s in self.network.signals.items() if s.owner == name}
        frame = self.network.frame
        return IntegerNetwork(name, inputs, groups or {}, tuple(links), signals, (), {}, {}, learning or {}, frame)

    def _sender(self, source: tuple[str, str]) -> tuple[str, str]:
        """The part or host input that sends ``source``, and its port."""
        owner, variable = source
        if owner in self.network.inputs:
            return owner, "s_out"
        names = PORTS.get(component_of(self.network.groups[owner]), {})
        return owner, names.get(variable, f"{variable}_out")


class _Ports:
    """The in-ports of a part in the making: one for all early messages of a name, one for each other source."""

    def __init__(self, network: IntegerNetwork) -> None:
        self.network = network
        self.sources: dict[str, tuple[str, str]] = {}
        self._ports: dict[str, InPort] = {}

    def __iter__(self) -> Iterator[InPort]:
        return iter(self._ports.values())

    def early(self, name: str, size: int) -> str:
        self._ports.setdefault(name, InPort(name, size, early=True))
        if not self._ports[name].early:
            return self.early(f"{name}_early", size)
        return name

    def keeping(self, stem: str, source: tuple[str, str]) -> str:
        name, count = stem, 1
        while name in self._ports and self.sources.get(name) != source:
            name, count = f"{stem}_{count}", count + 1
        self.sources[name] = source
        self._ports.setdefault(name, InPort(name, self.network.width(source[0])))
        return name
