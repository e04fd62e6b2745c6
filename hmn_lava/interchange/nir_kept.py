"""What of a spec is still as the NIR graph says that it was imported from.

The graph is imported again, and populations and connections are compared number by number. Where they are equal, the
graph's own nodes stand for them, also those that the import folds together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from hmn_lava.errors import InputError
from hmn_lava.interchange.nir_graph import Floats, Graph, Node
from hmn_lava.interchange.nir_import import Import
from hmn_lava.interchange.nir_record import graph_of
from hmn_lava.interchange.nir_signal import Shape, parameter, window_of
from hmn_lava.spec import Model, Spec, resolve
from hmn_lava.spec.materialise import Source
from hmn_lava.spec.model import Connection, Population
from hmn_lava.spec.nir import NirConvention


@dataclass
class Kept:
    """A spec's graph: ``nodes`` by population, ``links`` by connection, ``outputs``: what each Output shows.

    ``fronts``: populations whose bias, and all that leads to them from the neurons before, is as it was; ``same``:
    those that are so themselves, too; ``whole``: nothing has changed, and the graph stands for all of the spec.
    """

    graph: Graph = field(default_factory=lambda: Graph(""))
    nodes: dict[str, Node] = field(default_factory=dict)
    links: dict[str, Node] = field(default_factory=dict)
    resets: set[str] = field(default_factory=set)
    shapes: dict[str, Shape] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    heads: dict[str, list[str]] = field(default_factory=dict)  # the nodes that each reads
    given: dict[str, Shape] = field(default_factory=dict)  # the shape that each node gives
    fronts: set[str] = field(default_factory=set)
    same: set[str] = field(default_factory=set)
    whole: bool = False

    def fields(self, population: str) -> dict[str, Floats]:
        """The numbers of a neurons' node, one value or one for each neuron."""
        node = self.nodes[population]
        return {key: parameter(self.graph, node, key, self.shapes[population]) for key in node.fields}

    def filled(self, name: str) -> dict[str, Any]:
        """Type and fields of any node, and the shape that it reads, which objects may leave out and files may not."""
        node = self.graph.nodes[name]
        fields = {"type": node.type, **node.fields}
        shape = self.given[self.heads[name][0]] if self.heads[name] else ()
        if node.type.startswith("Conv") and "input_shape" not in fields:
            fields["input_shape"] = np.array(window_of(self.graph, node, shape)[0]["input_shape"][1:], np.float64)
        elif node.type == "Flatten" and "input_type" not in fields:
            fields["input_type"] = np.array(shape, np.float64)
        return fields

    def before(self, node: str) -> tuple[set[str], list[tuple[str, str]]]:
        """The nodes without neurons that lead to a node, and all edges between them and it."""
        found: set[str] = set()
        edges: list[tuple[str, str]] = []
        ends = {neurons.name for neurons in self.nodes.values()}
        waiting = [node]
        while waiting:
            here = waiting.pop()
            for head in self.heads[here]:
                edges.append((head, here))
                if head not in ends and head not in found:
                    found.add(head)
                    waiting.append(head)
        return found, edges


def kept_of(spec: Spec, model: Model, dt: float, how: NirConvention) -> Kept:
    """The graph of a spec's record, read with a time step of ``dt``; empty where the spec has none.

    Raises InputError for a record that cannot be imported.
    """
    graph = graph_of(spec, Source(spec.folder, model.seed))
    if graph is None or spec.nir is None:
        return Kept()
    try:
        read, old = _read(graph, dt, how)
    except InputError as error:
        if dt == spec.nir.dt:
            field = f"nir.nodes.{error.field}"
            raise InputError(
                error.problem, where=spec.file, field=field, value=error.value, remedy=error.remedy
            ) from None
        read, old = _read(graph, spec.nir.dt, how)[0], None  # no graph of this time step
    build = read.build
    kept = Kept(
        graph,
        {name: graph.nodes[node] for name, node in build.nodes.items()},
        {name: graph.nodes[node] for name, node in build.links.items()},
        build.resets,
        build.shapes,
        dict(read.outputs),
        read.before,
        read.shapes,
    )
    if old is not None:
        changed = _changed(old, model)
        kept.fronts = old.populations.keys() & model.populations.keys() - changed
        kept.same = {n for n in kept.fronts if _same_neurons(old.populations[n], model.populations[n])}
        kept.whole = kept.same == old.populations.keys() == model.populations.keys()
    return kept


def is_relay(population: Population) -> bool:
    """Whether it sends what it gets, in the same step."""
    form = population.sigma_delta
    return form is not None and not (form.sum or form.difference) and form.activation == "unit"


def _read(graph: Graph, dt: float | None, how: NirConvention) -> tuple[Import, Model]:
    read = Import(graph, dt, how, {"range": [0.0, 1.0]})
    return read, resolve(read.run("network", None).spec)


def _changed(old: Model, new: Model) -> set[str]:
    """Populations whose bias, or something before them back to the next neurons, differs."""
    before, after = _onto(old.connections.values()), _onto(new.connections.values())
    changed = set()
    for name, population in new.populations.items():
        here, there = before.get(name, {}), after.get(name, {})
        known = old.populations.get(name)
        same = known is not None and np.array_equal(known.bias, population.bias) and here.keys() == there.keys()
        if not (same and all(_same_link(here[link], there[link]) for link in here)) or (
            known is not None and is_relay(population) and not _same_neurons(known, population)
        ):
            changed.add(name)
    waiting = [
        *(n for n in changed if is_relay(new.populations[n])),
        *(
            n
            for n, p in old.populations.items()
            if n in new.populations and is_relay(p) != is_relay(new.populations[n])
        ),
    ]
    while waiting:  # on through relays
        relay = waiting.pop()
        for link in new.connections.values():
            if link.pre == relay and link.post not in changed:
                changed.add(link.post)
                if is_relay(new.populations[link.post]):
                    waiting.append(link.post)
    return changed


def _onto(links: Iterable[Connection]) -> dict[str, dict[str, Connection]]:
    """Connections by target and name."""
    found: dict[str, dict[str, Connection]] = {}
    for link in links:
        found.setdefault(link.post, {})[link.name] = link
    return found


def _same_link(old: Connection, new: Connection) -> bool:
    ends = (old.pre, old.n_pre, old.n_post, old.n_syn) == (new.pre, new.n_pre, new.n_post, new.n_syn)
    cells = ends and ((old.dense and new.dense) or (_equal(old.row, new.row) and _equal(old.col, new.col)))
    return cells and _equal(old.weights, new.weights) and _equal(old.delay, new.delay)


def _same_neurons(old: Population, new: Population) -> bool:
    """Whether two populations are equal in all that a graph says of them."""
    if (old.type, old.size) != (new.type, new.size):
        return False
    parts = [(getattr(old, kind), getattr(new, kind)) for kind in ("lif", "sigma_delta") if getattr(old, kind)]
    keys = [(a, b, key.name) for a, b in parts for key in fields(a) if key.name != "z_max"]
    return all(_equal(getattr(a, key), getattr(b, key)) for a, b, key in keys)


def _equal(first: Any, second: Any) -> bool:
    """Of arrays, one value counting for all, or of words."""
    first, second = np.asarray(first), np.asarray(second)
    return 1 in (first.size, second.size, first.size == second.size) and bool((first == second).all())
